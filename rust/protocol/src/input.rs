//! Controller samples, and the batch in which the live lane carries them.
//!
//! A batch stands by itself: it begins with one sample in full and goes on with residuals against a prediction (second order
//! for the position, first order for all else), in Rice codes whose parameters fit the batch. [`wire`](crate::wire#input-batches)
//! has the layout, bit by bit.

use glam::{Quat, Vec3};

use crate::{
    bits::{BitReader, BitWriter, MAX_RICE_PARAMETER, rice_parameter},
    error::DecodeError,
    time::Micros,
};

/// The most samples of one batch.
pub const MAX_BATCH_FRAMES: usize = 64;
/// The oldest that a batch's first sample may be before its datagram is sent.
pub const MAX_FRAME_AGE: Micros = Micros::from_secs(16);

const POSITION_STEP_M: f32 = 1e-4;
const LINEAR_STEP_M_S: f32 = 1e-2;
const ANGULAR_STEP_RAD_S: f32 = 1e-2;
const ORIENTATION_STEPS: f32 = 2047.0 * std::f32::consts::SQRT_2;
const ORIENTATION_BITS: u32 = 12;
const USUAL_INTERVAL_US: i32 = 1000;

/// One controller sample set. Positions in metres, in the space of the tracked node's parent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct InputFrame {
    /// When the runtime measured it, in session time.
    pub sampled_at: Micros,
    /// Metres.
    pub position: Vec3,
    /// A unit quaternion.
    pub orientation: Quat,
    /// Metres a second.
    pub linear_velocity: Vec3,
    /// Radians a second, an axis times a rate.
    pub angular_velocity: Vec3,
    /// Buttons and axes.
    pub controls: Controls,
}

/// Buttons and axes of a controller.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Controls {
    /// One bit a button.
    pub buttons: u16,
    /// 0 to 1.
    pub trigger: f32,
    /// 0 to 1.
    pub grip: f32,
    /// Each -1 to 1.
    pub stick: [f32; 2],
}

/// Appends a batch of samples, the oldest first; at most the last [`MAX_BATCH_FRAMES`] of them. Numbers out of range are
/// held at its ends.
pub fn encode_batch(frames: &[InputFrame], sent_at: Micros, out: &mut Vec<u8>) {
    let frames = &frames[frames.len().saturating_sub(MAX_BATCH_FRAMES)..];
    if frames.is_empty() {
        return;
    }
    let parameters = Parameters::fitting(frames, sent_at);
    let mut writer = BitWriter::new(out);
    writer.put(frames.len() as u32 - 1, 6);
    parameters.0.iter().for_each(|k| writer.put(*k, 5));
    for_each_residual(frames, sent_at, |residual| {
        residual.put(&mut writer, &parameters)
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
    let parameters = Parameters::take(&mut reader)?;
    let mut predictor = Predictor::new();
    for _ in 0..count {
        let residual = Residual::take(&mut reader, &parameters, &predictor)?;
        each(predictor.restore(&residual).dequantised(sent_at)?);
    }
    reader.finish()
}

/// A sample in whole steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Quantised {
    age_us: i32,
    position: [i32; 3],
    largest: u32,
    orientation: [i32; 3],
    linear: [i32; 3],
    angular: [i32; 3],
    controls: [u32; 2],
}

impl Quantised {
    fn new(frame: &InputFrame, sent_at: Micros) -> Self {
        let age = sent_at.since(frame.sampled_at).min(MAX_FRAME_AGE);
        let (largest, orientation) = smallest_three(frame.orientation);
        let axis = |value: f32| u32::from((value.clamp(-1.0, 1.0) * 127.0).round() as i8 as u8);
        let part = |value: f32| u32::from((value.clamp(0.0, 1.0) * 255.0).round() as u8);
        let controls = frame.controls;
        Self {
            age_us: age.0 as i32,
            position: steps(frame.position, POSITION_STEP_M),
            largest,
            orientation,
            linear: steps(frame.linear_velocity, LINEAR_STEP_M_S),
            angular: steps(frame.angular_velocity, ANGULAR_STEP_RAD_S),
            controls: [
                u32::from(controls.buttons)
                    | part(controls.trigger) << 16
                    | part(controls.grip) << 24,
                axis(controls.stick[0]) | axis(controls.stick[1]) << 8,
            ],
        }
    }

    fn dequantised(&self, sent_at: Micros) -> Result<InputFrame, DecodeError> {
        let age = u64::try_from(self.age_us).map_err(|_| DecodeError::OutOfRange {
            what: "sample time",
        })?;
        if age > MAX_FRAME_AGE.0 {
            return Err(DecodeError::OutOfRange {
                what: "sample time",
            });
        }
        let [packed, axes] = self.controls;
        let part = |shift: u32| ((packed >> shift) & 0xff) as f32 / 255.0;
        let axis = |shift: u32| f32::from((axes >> shift) as u8 as i8).max(-127.0) / 127.0;
        Ok(InputFrame {
            sampled_at: sent_at - Micros(age),
            position: metres(self.position, POSITION_STEP_M),
            orientation: from_smallest_three(self.largest, self.orientation),
            linear_velocity: metres(self.linear, LINEAR_STEP_M_S),
            angular_velocity: metres(self.angular, ANGULAR_STEP_RAD_S),
            controls: Controls {
                buttons: packed as u16,
                trigger: part(16),
                grip: part(24),
                stick: [axis(0), axis(8)],
            },
        })
    }
}

fn steps(vector: Vec3, step: f32) -> [i32; 3] {
    (vector / step)
        .to_array()
        .map(|component| component.round() as i32)
}

fn metres(steps: [i32; 3], step: f32) -> Vec3 {
    Vec3::from_array(steps.map(|component| component as f32 * step))
}

/// The place of the largest component, and the other three in steps, the largest made positive.
fn smallest_three(orientation: Quat) -> (u32, [i32; 3]) {
    let unit = if orientation.is_finite() && orientation.length_squared() > 0.0 {
        orientation.normalize()
    } else {
        Quat::IDENTITY
    };
    let components = unit.to_array();
    let largest = (0..4)
        .max_by(|a, b| components[*a].abs().total_cmp(&components[*b].abs()))
        .unwrap_or(3);
    let sign = components[largest].signum();
    let others =
        OTHERS[largest].map(|place| (components[place] * sign * ORIENTATION_STEPS).round() as i32);
    (largest as u32, others)
}

fn from_smallest_three(largest: u32, others: [i32; 3]) -> Quat {
    let largest = largest as usize & 3;
    let mut components = [0.0; 4];
    for (place, steps) in OTHERS[largest].into_iter().zip(others) {
        components[place] = steps as f32 / ORIENTATION_STEPS;
    }
    let squares: f32 = components
        .iter()
        .map(|component| component * component)
        .sum();
    components[largest] = (1.0 - squares).max(0.0).sqrt();
    Quat::from_array(components).normalize()
}

const OTHERS: [[usize; 3]; 4] = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]];

/// What a sample adds to its prediction.
#[derive(Debug, Clone, Copy)]
struct Residual {
    time: i32,
    position: [i32; 3],
    largest: u32,
    /// Residuals if the largest component is the same as before, else the components themselves.
    orientation: [i32; 3],
    same_largest: bool,
    linear: [i32; 3],
    angular: [i32; 3],
    controls: Option<[u32; 2]>,
}

impl Residual {
    fn put(
        &self,
        writer: &mut BitWriter<'_>,
        Parameters([time, position, orientation, linear, angular]): &Parameters,
    ) {
        writer.put_rice(self.time, *time);
        self.position
            .iter()
            .for_each(|residual| writer.put_rice(*residual, *position));
        writer.put(self.largest, 2);
        for component in self.orientation {
            if self.same_largest {
                writer.put_rice(component, *orientation);
            } else {
                writer.put(component.cast_unsigned(), ORIENTATION_BITS);
            }
        }
        self.linear
            .iter()
            .for_each(|residual| writer.put_rice(*residual, *linear));
        self.angular
            .iter()
            .for_each(|residual| writer.put_rice(*residual, *angular));
        writer.put(u32::from(self.controls.is_some()), 1);
        if let Some([packed, axes]) = self.controls {
            writer.put(packed, 32);
            writer.put(axes, 16);
        }
    }

    fn take(
        reader: &mut BitReader<'_>,
        Parameters([time, position, orientation, linear, angular]): &Parameters,
        predictor: &Predictor,
    ) -> Result<Self, DecodeError> {
        let three = |k: u32, reader: &mut BitReader<'_>| -> Result<[i32; 3], DecodeError> {
            Ok([
                reader.take_rice(k)?,
                reader.take_rice(k)?,
                reader.take_rice(k)?,
            ])
        };
        let time = reader.take_rice(*time)?;
        let position = three(*position, reader)?;
        let largest = reader.take(2)?;
        let same_largest = predictor
            .before
            .is_some_and(|before| before.largest == largest);
        let orientation = if same_largest {
            three(*orientation, reader)?
        } else {
            take_raw_orientation(reader)?
        };
        let linear = three(*linear, reader)?;
        let angular = three(*angular, reader)?;
        let controls = match reader.take(1)? {
            0 => None,
            _ => Some([reader.take(32)?, reader.take(16)?]),
        };
        Ok(Self {
            time,
            position,
            largest,
            orientation,
            same_largest,
            linear,
            angular,
            controls,
        })
    }
}

fn take_raw_orientation(reader: &mut BitReader<'_>) -> Result<[i32; 3], DecodeError> {
    let mut components = [0; 3];
    for component in &mut components {
        let raw = reader.take(ORIENTATION_BITS)?.cast_signed();
        *component = (raw << (32 - ORIENTATION_BITS)) >> (32 - ORIENTATION_BITS);
    }
    Ok(components)
}

/// The Rice parameters of time, position, orientation, linear and angular velocity.
#[derive(Debug)]
struct Parameters([u32; 5]);

impl Parameters {
    fn fitting(frames: &[InputFrame], sent_at: Micros) -> Self {
        let mut sums = [0_u64; 5];
        let magnitude = |three: [i32; 3]| {
            three
                .iter()
                .map(|number| u64::from(number.unsigned_abs()))
                .sum::<u64>()
        };
        let mut first = true;
        for_each_residual(frames, sent_at, |residual| {
            // The first sample is whole, not a residual: it would spoil the mean of a longer batch.
            if !std::mem::take(&mut first) || frames.len() == 1 {
                sums[0] += u64::from(residual.time.unsigned_abs()) * 3;
                sums[1] += magnitude(residual.position);
                sums[2] += if residual.same_largest {
                    magnitude(residual.orientation)
                } else {
                    0
                };
                sums[3] += magnitude(residual.linear);
                sums[4] += magnitude(residual.angular);
            }
        });
        let numbers = 3 * (frames.len() as u64 - 1).max(1);
        Self(sums.map(|sum| rice_parameter(sum, numbers)))
    }

    fn take(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        let mut parameters = [0; 5];
        for parameter in &mut parameters {
            *parameter = reader.take(5)?;
            if *parameter > MAX_RICE_PARAMETER {
                return Err(DecodeError::OutOfRange {
                    what: "Rice parameter",
                });
            }
        }
        Ok(Self(parameters))
    }
}

/// What both ends know of the samples before; its arithmetic wraps alike on both.
#[derive(Debug)]
struct Predictor {
    before: Option<Quantised>,
    position: [i32; 3],
    interval_us: i32,
}

impl Predictor {
    const fn new() -> Self {
        Self {
            before: None,
            position: [0; 3],
            interval_us: USUAL_INTERVAL_US,
        }
    }

    fn predicted(&self) -> Quantised {
        let mut predicted = self.before.unwrap_or(Quantised {
            age_us: self.interval_us,
            position: [0; 3],
            largest: 0,
            orientation: [0; 3],
            linear: [0; 3],
            angular: [0; 3],
            controls: [0; 2],
        });
        predicted.age_us = predicted.age_us.wrapping_sub(self.interval_us);
        predicted.position = self.position;
        predicted
    }

    fn residual(&mut self, sample: &Quantised) -> Residual {
        let predicted = self.predicted();
        let same_largest = self
            .before
            .is_some_and(|before| before.largest == sample.largest);
        let residual = Residual {
            time: sample.age_us.wrapping_sub(predicted.age_us),
            position: zip(sample.position, predicted.position, i32::wrapping_sub),
            largest: sample.largest,
            orientation: if same_largest {
                zip(sample.orientation, predicted.orientation, i32::wrapping_sub)
            } else {
                sample.orientation
            },
            same_largest,
            linear: zip(sample.linear, predicted.linear, i32::wrapping_sub),
            angular: zip(sample.angular, predicted.angular, i32::wrapping_sub),
            controls: (sample.controls != predicted.controls).then_some(sample.controls),
        };
        self.learn(sample);
        residual
    }

    fn restore(&mut self, residual: &Residual) -> Quantised {
        let predicted = self.predicted();
        let sample = Quantised {
            age_us: predicted.age_us.wrapping_add(residual.time),
            position: zip(residual.position, predicted.position, i32::wrapping_add),
            largest: residual.largest,
            orientation: if residual.same_largest {
                zip(
                    residual.orientation,
                    predicted.orientation,
                    i32::wrapping_add,
                )
            } else {
                residual.orientation
            },
            linear: zip(residual.linear, predicted.linear, i32::wrapping_add),
            angular: zip(residual.angular, predicted.angular, i32::wrapping_add),
            controls: residual.controls.unwrap_or(predicted.controls),
        };
        self.learn(&sample);
        sample
    }

    fn learn(&mut self, sample: &Quantised) {
        self.position = match self.before {
            None => sample.position,
            Some(before) => {
                self.interval_us = before.age_us.wrapping_sub(sample.age_us);
                let change = zip(sample.position, before.position, i32::wrapping_sub);
                zip(sample.position, change, i32::wrapping_add)
            }
        };
        self.before = Some(*sample);
    }
}

fn zip(a: [i32; 3], b: [i32; 3], combine: fn(i32, i32) -> i32) -> [i32; 3] {
    [
        combine(a[0], b[0]),
        combine(a[1], b[1]),
        combine(a[2], b[2]),
    ]
}

fn for_each_residual(frames: &[InputFrame], sent_at: Micros, mut each: impl FnMut(Residual)) {
    let mut predictor = Predictor::new();
    for frame in frames {
        each(predictor.residual(&Quantised::new(frame, sent_at)));
    }
}

#[cfg(test)]
mod tests {
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
                }
            })
            .collect()
    }

    fn round_trip(frames: &[InputFrame]) -> (usize, Vec<InputFrame>) {
        let mut bytes = Vec::new();
        encode_batch(frames, SENT_AT, &mut bytes);
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
                prop_assert!(sent.angular_velocity.distance(got.angular_velocity) < 1e-2);
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
