//! A position in whole steps from the origin.

use crate::{
    bits::{BitReader, BitWriter, signed_width},
    error::DecodeError,
    input::Precision,
};

/// A step is a power of two of a metre, so that every whole number of them below this is a coordinate of 32 bits, without a
/// rounding.
const STEPS_MAX: i32 = 1 << 24;
/// What [`STEPS_MAX`] steps take, and their sign.
const WIDTH_MAX: u32 = 25;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place([i32; 3]);

/// How many steps a metre has. A coordinate is off by half a step at most.
pub(super) const fn steps_per_metre(precision: Precision) -> f32 {
    match precision {
        Precision::Exact => (1 << 14) as f32,
        Precision::Fine => (1 << 13) as f32,
        Precision::Coarse => (1 << 9) as f32,
    }
}

impl Place {
    /// `None` when it is no place, or further out on any axis than [`STEPS_MAX`].
    pub(super) fn nearest(position: [f32; 3], precision: Precision) -> Option<Self> {
        let steps = position.map(|metres| (metres * steps_per_metre(precision)).round());
        // Of what is no number no comparison holds.
        let fits = steps.iter().all(|steps| steps.abs() < STEPS_MAX as f32);
        fits.then(|| Self(steps.map(|steps| steps as i32)))
    }

    pub(super) fn position(self, precision: Precision) -> [f32; 3] {
        self.0
            .map(|steps| steps as f32 / steps_per_metre(precision))
    }

    /// How far it is from the origin along the longest axis, in steps.
    pub(super) fn reach(self) -> i32 {
        self.0.map(i32::abs).into_iter().fold(0, i32::max)
    }

    /// The bits that each coordinate takes.
    pub(super) fn width(self) -> u32 {
        self.0.map(signed_width).into_iter().fold(0, u32::max)
    }

    pub(super) fn put(self, writer: &mut BitWriter<'_>) {
        let width = self.width();
        for steps in self.0 {
            writer.put(steps.cast_unsigned(), width);
        }
    }

    pub(super) fn take(width: u32, reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        if width > WIDTH_MAX {
            let what = "width of a position";
            return Err(DecodeError::OutOfRange { what });
        }
        let mut steps = [0; 3];
        for steps in &mut steps {
            *steps = reader.take_signed(width)?;
        }
        Ok(Self(steps))
    }
}
