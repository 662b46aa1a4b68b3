//! What a sample adds to its prediction, and how it is packed.

use super::{
    InputFrame,
    predictor::{Predictor, for_each_residual},
    quantised::Steps,
};
use crate::{
    bits::{BitReader, BitWriter, MAX_RICE_PARAMETER, rice_parameter},
    error::DecodeError,
    time::Micros,
};

/// What a sample adds to its prediction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Residual {
    pub(super) time: i32,
    pub(super) position: [i32; 3],
    pub(super) largest: u32,
    /// Residuals if the largest component is the same as before, else the components themselves.
    pub(super) orientation: [i32; 3],
    pub(super) same_largest: bool,
    pub(super) linear: [i32; 3],
    pub(super) angular: [i32; 3],
    pub(super) controls: Option<[u32; 2]>,
    pub(super) is_jump: bool,
}

impl Residual {
    pub(super) fn put(
        &self,
        writer: &mut BitWriter<'_>,
        Parameters([time, position, orientation, linear, angular]): &Parameters,
        steps: &Steps,
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
                writer.put(component.cast_unsigned(), steps.ratio_bits());
            }
        }
        self.linear
            .iter()
            .for_each(|residual| writer.put_rice(*residual, *linear));
        self.angular
            .iter()
            .for_each(|residual| writer.put_rice(*residual, *angular));
        let is_usual = self.controls.is_none() && !self.is_jump;
        writer.put(u32::from(!is_usual), 1);
        if !is_usual {
            writer.put(u32::from(self.is_jump), 1);
            writer.put(u32::from(self.controls.is_some()), 1);
        }
        if let Some([packed, axes]) = self.controls {
            writer.put(packed, 32);
            writer.put(axes, 16);
        }
    }

    pub(super) fn take(
        reader: &mut BitReader<'_>,
        Parameters([time, position, orientation, linear, angular]): &Parameters,
        predictor: &Predictor,
        steps: &Steps,
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
        let same_largest = predictor.was_largest(largest);
        let orientation = if same_largest {
            three(*orientation, reader)?
        } else {
            three_raw(reader, steps.ratio_bits())?
        };
        let linear = three(*linear, reader)?;
        let angular = three(*angular, reader)?;
        let is_usual = reader.take(1)? == 0;
        let is_jump = !is_usual && reader.take(1)? == 1;
        let controls = if !is_usual && reader.take(1)? == 1 {
            Some([reader.take(32)?, reader.take(16)?])
        } else {
            None
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
            is_jump,
        })
    }
}

fn three_raw(reader: &mut BitReader<'_>, bits: u32) -> Result<[i32; 3], DecodeError> {
    Ok([
        reader.take_signed(bits)?,
        reader.take_signed(bits)?,
        reader.take_signed(bits)?,
    ])
}

/// The Rice parameters of time, position, orientation, linear and angular velocity.
#[derive(Debug)]
pub(super) struct Parameters([u32; 5]);

impl Parameters {
    pub(super) fn fitting(frames: &[InputFrame], sent_at: Micros, steps: &Steps) -> Self {
        let mut sums = [0_u64; 5];
        let magnitude = |three: [i32; 3]| {
            three
                .iter()
                .map(|number| u64::from(number.unsigned_abs()))
                .sum::<u64>()
        };
        let mut first = true;
        for_each_residual(frames, sent_at, steps, |residual| {
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

    pub(super) fn put(&self, writer: &mut BitWriter<'_>) {
        self.0.iter().for_each(|k| writer.put(*k, 5));
    }

    pub(super) fn take(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
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
