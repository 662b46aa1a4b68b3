//! Controller samples, and the batch in which the live lane carries them.
//!
//! A batch stands by itself: it begins with one sample in full and goes on with how far each of the others is off what was
//! expected of it. What is expected follows from the velocities that the samples tell, or from how they went before,
//! whichever suits the batch; what is off is written in Rice codes that fit the batch. [`wire`](crate::wire#input-batches)
//! has the layout, bit by bit.

mod age;
mod codes;
mod controls;
pub(crate) mod cube;
mod decode;
mod encode;
mod field;
mod frame;
mod interval;
mod joints;
mod marks;
mod model;
mod plan;
mod pose;
mod precision;
mod predictor;
mod sample;
mod scalar;
mod scale;
mod track;
mod trial;
mod turn;
mod whole;

use crate::{bits::BitWriter, error::DecodeError, time::Micros};

pub use frame::{Controls, InputFrame};
pub use joints::{
    HandJoints, JOINT_ORIENTATION_ERROR_RAD_MAX, JOINT_POSITION_ERROR_M_MAX, JOINTS, Joint,
    MAX_JOINTS_BYTES, decode_joints, encode_joints,
};
pub use pose::Pose;
pub use precision::Precision;

/// The most samples of one batch.
pub const MAX_BATCH_FRAMES: usize = 64;
/// The oldest that a batch's first sample may be before its datagram is sent.
pub const MAX_FRAME_AGE: Micros = Micros::from_secs(16);

/// Appends a batch of samples, the oldest first; at most the last [`MAX_BATCH_FRAMES`] of them, nothing of none. Numbers out
/// of range are held at its ends, what is no number is zero, what has no direction is not turned; a time is not before the
/// one before, nor behind `sent_at`.
pub fn encode_batch(
    frames: &[InputFrame],
    precision: Precision,
    sent_at: Micros,
    out: &mut Vec<u8>,
) {
    let newest = &frames[frames.len().saturating_sub(MAX_BATCH_FRAMES)..];
    let mut writer = BitWriter::new(out);
    encode::encode(newest, precision, sent_at, &mut writer);
    writer.finish();
}

/// Reads a batch and hands on its samples, the oldest first.
///
/// # Errors
/// Whatever is wrong with the bytes; samples before the fault have been handed on by then.
pub fn decode_batch(
    bytes: &[u8],
    sent_at: Micros,
    each: impl FnMut(InputFrame),
) -> Result<(), DecodeError> {
    decode::decode(bytes, sent_at, each)
}

#[cfg(test)]
mod tests {
    use glam::{Quat, Vec3};
    use proptest::prelude::*;

    use super::*;

    const SENT_AT: Micros = Micros::from_secs(1_000_000);

    fn any_frame() -> impl Strategy<Value = InputFrame> {
        let numbers = prop::array::uniform16(any::<f32>());
        (numbers, any::<u64>(), any::<bool>()).prop_map(|(n, sampled_at, is_jump)| InputFrame {
            sampled_at: Micros(sampled_at),
            position: Vec3::new(n[0], n[1], n[2]),
            orientation: Quat::from_xyzw(n[3], n[4], n[5], n[6]),
            linear_velocity: Vec3::new(n[7], n[8], n[9]),
            angular_velocity: Vec3::new(n[10], n[11], n[12]),
            controls: Controls {
                buttons: n[13].to_bits() as u16,
                trigger: n[13],
                grip: n[14],
                stick: [n[15], n[0]],
            },
            is_jump,
        })
    }

    fn assert_sound(frame: &InputFrame, sent_at: Micros) {
        assert!(frame.position.is_finite(), "{frame:?}");
        assert!(frame.orientation.is_normalized(), "{frame:?}");
        assert!(frame.linear_velocity.is_finite(), "{frame:?}");
        assert!(frame.angular_velocity.is_finite(), "{frame:?}");
        assert!(frame.sampled_at <= sent_at, "{frame:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn any_bytes_give_samples_or_an_error(head in any::<[u8; 2]>(), sent_at in prop_oneof![Just(SENT_AT), any::<u64>().prop_map(Micros), Just(Micros(u64::MAX))], bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let bytes = [&head, bytes.as_slice()].concat();
            let mut count = 0;
            let _ = decode_batch(&bytes, sent_at, |frame| {
                count += 1;
                assert_sound(&frame, sent_at);
            });
            prop_assert!(count <= MAX_BATCH_FRAMES);
        }

        #[test]
        fn any_floats_encode_to_something_that_decodes(
            frames in prop::collection::vec(any_frame(), 1..9),
            precision in prop::sample::select(&[Precision::Exact, Precision::Fine, Precision::Coarse][..]),
        ) {
            let mut bytes = Vec::new();
            encode_batch(&frames, precision, SENT_AT, &mut bytes);
            let mut count = 0;
            decode_batch(&bytes, SENT_AT, |frame| {
                count += 1;
                assert_sound(&frame, SENT_AT);
            }).unwrap();
            prop_assert_eq!(count, frames.len());
        }
    }

    #[test]
    fn of_no_samples_nothing_is_written() {
        let mut bytes = Vec::new();
        encode_batch(&[], Precision::Fine, SENT_AT, &mut bytes);
        assert!(bytes.is_empty());
    }
}
