//! A sample by itself, in numbers as wide as the widest of its batch.

use super::{cube::OnCube, predictor::Motion, scale::Scale};
use crate::{
    bits::{BitReader, BitWriter, signed_width},
    error::DecodeError,
};

/// A sample in whole steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    position: [i32; 3],
    orientation: OnCube,
    linear: [i32; 3],
    angular: [i32; 3],
}

/// The bits that the numbers of a batch's whole samples take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Widths {
    position: u32,
    linear: u32,
    angular: u32,
}

const WIDTH_BITS: u32 = 5;

impl Whole {
    pub(super) fn nearest(motion: &Motion, scale: &Scale) -> Self {
        let nearest = |vector: [f64; 3]| vector.map(|steps| steps.round() as i32);
        Self {
            position: nearest(motion.position),
            orientation: scale.cube.nearest(motion.orientation),
            linear: nearest(motion.linear),
            angular: nearest(motion.angular),
        }
    }

    pub(super) fn motion(&self, scale: &Scale) -> Motion {
        Motion {
            position: self.position.map(f64::from),
            orientation: scale.cube.orientation(self.orientation),
            linear: self.linear.map(f64::from),
            angular: self.angular.map(f64::from),
        }
    }

    pub(super) fn put(&self, widths: Widths, scale: &Scale, writer: &mut BitWriter<'_>) {
        put(self.position, widths.position, writer);
        scale.cube.put(writer, self.orientation);
        put(self.linear, widths.linear, writer);
        put(self.angular, widths.angular, writer);
    }

    pub(super) fn take(
        widths: Widths,
        scale: &Scale,
        reader: &mut BitReader<'_>,
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            position: take(widths.position, reader)?,
            orientation: scale.cube.take(reader)?,
            linear: take(widths.linear, reader)?,
            angular: take(widths.angular, reader)?,
        })
    }
}

impl Widths {
    /// Widens them so that this sample fits.
    pub(super) fn fit(&mut self, whole: &Whole) {
        let widen = |width: u32, vector: [i32; 3]| {
            let widths = vector.map(signed_width);
            widths.into_iter().fold(width, u32::max)
        };
        self.position = widen(self.position, whole.position);
        self.linear = widen(self.linear, whole.linear);
        self.angular = widen(self.angular, whole.angular);
    }

    pub(super) fn put_self(self, writer: &mut BitWriter<'_>) {
        for width in [self.position, self.linear, self.angular] {
            writer.put(width, WIDTH_BITS);
        }
    }

    pub(super) fn take_self(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            position: reader.take(WIDTH_BITS)?,
            linear: reader.take(WIDTH_BITS)?,
            angular: reader.take(WIDTH_BITS)?,
        })
    }
}

fn put(vector: [i32; 3], width: u32, writer: &mut BitWriter<'_>) {
    vector
        .iter()
        .for_each(|steps| writer.put(steps.cast_unsigned(), width));
}

fn take(width: u32, reader: &mut BitReader<'_>) -> Result<[i32; 3], DecodeError> {
    Ok([
        reader.take_signed(width)?,
        reader.take_signed(width)?,
        reader.take_signed(width)?,
    ])
}
