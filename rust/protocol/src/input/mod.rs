//! Controller samples, and the batch in which the live lane carries them.
//!
//! A batch stands by itself: it begins with one sample in full and goes on with residuals against a prediction (second order
//! for the position, first order for all else), in Rice codes whose parameters fit the batch. [`wire`](crate::wire#input-batches)
//! has the layout, bit by bit.

mod cube;
mod frame;
mod joints;
mod pose;
mod precision;
mod predictor;
mod quantised;
mod residual;

use crate::{
    bits::{BitReader, BitWriter},
    error::DecodeError,
    time::Micros,
};

pub use frame::{Controls, InputFrame};
pub use joints::{
    HandJoints, JOINT_ORIENTATION_ERROR_RAD_MAX, JOINT_POSITION_ERROR_M_MAX, JOINTS, Joint,
    MAX_JOINTS_BYTES, decode_joints, encode_joints,
};
pub use pose::Pose;
pub use precision::Precision;
use predictor::{Predictor, for_each_residual};
use quantised::Steps;
use residual::{Parameters, Residual};

/// The most samples of one batch.
pub const MAX_BATCH_FRAMES: usize = 64;
/// The oldest that a batch's first sample may be before its datagram is sent.
pub const MAX_FRAME_AGE: Micros = Micros::from_secs(16);

/// Appends a batch of samples, the oldest first; at most the last [`MAX_BATCH_FRAMES`] of them. Numbers out of range are
/// held at its ends.
pub fn encode_batch(
    frames: &[InputFrame],
    precision: Precision,
    sent_at: Micros,
    out: &mut Vec<u8>,
) {
    let frames = &frames[frames.len().saturating_sub(MAX_BATCH_FRAMES)..];
    if frames.is_empty() {
        return;
    }
    let steps = Steps::of(precision);
    let parameters = Parameters::fitting(frames, sent_at, &steps);
    let mut writer = BitWriter::new(out);
    writer.put(frames.len() as u32 - 1, 6);
    writer.put(precision.code(), 2);
    parameters.put(&mut writer);
    for_each_residual(frames, sent_at, &steps, |residual| {
        residual.put(&mut writer, &parameters, &steps)
    });
    writer.finish();
}

/// Reads a batch and hands on its samples, the oldest first.
///
/// # Errors
/// Whatever is wrong with the bytes; samples before the fault have been handed on by then.
pub fn decode_batch(
    bytes: &[u8],
    sent_at: Micros,
    mut each: impl FnMut(InputFrame),
) -> Result<(), DecodeError> {
    let mut reader = BitReader::new(bytes);
    let count = reader.take(6)? + 1;
    let steps = Steps::of(Precision::from_code(reader.take(2)?)?);
    let parameters = Parameters::take(&mut reader)?;
    let mut predictor = Predictor::new();
    for _ in 0..count {
        let residual = Residual::take(&mut reader, &parameters, &predictor, &steps)?;
        each(predictor.restore(&residual).dequantised(sent_at, &steps)?);
    }
    reader.finish()
}

#[cfg(test)]
mod tests {
    use glam::{Quat, Vec3};
    use proptest::prelude::*;

    use super::*;

    const SENT_AT: Micros = Micros::from_secs(1_000_000);

    /// A hand that swings at up to 2 m/s and turns at up to 10 rad/s.
    fn swing(count: usize, phase: f32) -> Vec<InputFrame> {
        (0..count)
            .map(|place| {
                let t = phase + place as f32 * 1e-3;
                InputFrame {
                    sampled_at: SENT_AT - Micros((count - place) as u64 * 1000),
                    position: Vec3::new(0.4 * (5.0 * t).sin(), 1.2 + 0.2 * (3.0 * t).cos(), -0.3),
                    orientation: Quat::from_rotation_y(10.0 * t)
                        * Quat::from_rotation_x(0.5 * (4.0 * t).sin()),
                    linear_velocity: Vec3::new(2.0 * (5.0 * t).cos(), -0.6 * (3.0 * t).sin(), 0.0),
                    angular_velocity: Vec3::new(0.0, 10.0, 0.0),
                    controls: Controls {
                        buttons: 3,
                        trigger: 0.5,
                        grip: 1.0,
                        stick: [-1.0, 0.25],
                    },
                    is_jump: false,
                }
            })
            .collect()
    }

    fn round_trip(frames: &[InputFrame]) -> (usize, Vec<InputFrame>) {
        let mut bytes = Vec::new();
        encode_batch(frames, Precision::Fine, SENT_AT, &mut bytes);
        let mut decoded = Vec::new();
        decode_batch(&bytes, SENT_AT, |frame| decoded.push(frame)).unwrap();
        (bytes.len(), decoded)
    }

    /// Through the sine of the half angle: the cosine knows nothing below 0.03 degrees in `f32`.
    fn degrees_between(a: Quat, b: Quat) -> f32 {
        2.0 * (a.inverse() * b).xyz().length().asin().to_degrees()
    }

    proptest! {
        #[test]
        fn a_batch_reads_back_within_its_precision(count in 1..=MAX_BATCH_FRAMES, phase in 0.0_f32..100.0) {
            let frames = swing(count, phase);
            let (_, decoded) = round_trip(&frames);
            prop_assert_eq!(decoded.len(), frames.len());
            for (sent, got) in frames.iter().zip(&decoded) {
                prop_assert_eq!(sent.sampled_at, got.sampled_at);
                prop_assert!(sent.position.distance(got.position) < 1e-4);
                prop_assert!(degrees_between(sent.orientation, got.orientation) < 0.06);
                prop_assert!(sent.linear_velocity.distance(got.linear_velocity) < 1e-2);
                prop_assert!(sent.angular_velocity.distance(got.angular_velocity) < 2e-2);
                prop_assert_eq!(sent.controls.buttons, got.controls.buttons);
                prop_assert!((sent.controls.trigger - got.controls.trigger).abs() < 3e-3);
                prop_assert!((sent.controls.stick[1] - got.controls.stick[1]).abs() < 1e-2);
            }
        }

        #[test]
        fn any_bytes_give_samples_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut count = 0;
            let _ = decode_batch(&bytes, SENT_AT, |frame| {
                count += 1;
                assert!(frame.position.is_finite() && frame.orientation.is_normalized());
            });
            prop_assert!(count <= MAX_BATCH_FRAMES);
        }

        #[test]
        fn any_floats_encode_to_something_that_decodes(raw in prop::array::uniform10(any::<f32>()), age in any::<u64>()) {
            let frame = InputFrame {
                sampled_at: Micros(age),
                position: Vec3::new(raw[0], raw[1], raw[2]),
                orientation: Quat::from_xyzw(raw[3], raw[4], raw[5], raw[6]),
                linear_velocity: Vec3::new(raw[7], raw[8], raw[9]),
                angular_velocity: Vec3::ZERO,
                controls: Controls { trigger: raw[0], stick: [raw[1], raw[2]], ..Controls::default() },
                is_jump: true,
            };
            prop_assert_eq!(round_trip(&[frame]).1.len(), 1);
        }
    }

    #[test]
    fn eleven_samples_of_a_swinging_hand_cost_at_most_80_bits_each() {
        let (bytes, _) = round_trip(&swing(11, 0.3));
        assert!(bytes * 8 <= 11 * 80, "{} bits a sample", bytes * 8 / 11);
    }
}
