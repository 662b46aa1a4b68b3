//! A sample by itself, in numbers as wide as the widest of its batch.

use super::{cube::OnCube, predictor::Motion, scale::Scale};
use crate::{
    bits::{BitReader, BitWriter, signed_width},
    error::DecodeError,
};

/// A sample in whole steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::Precision;

    proptest! {
        #[test]
        fn a_sample_reads_back_in_the_widths_that_fit_it(
            position in prop::array::uniform3(-1e9..1e9_f64),
            orientation in prop::array::uniform4(0.1..1.0_f64),
            linear in prop::array::uniform3(-300.0..300.0_f64),
            angular in prop::array::uniform3(-2.0..2.0_f64),
        ) {
            let scale = Scale::of(Precision::Fine);
            let motion = Motion { position, orientation, linear, angular };
            let whole = Whole::nearest(&motion, scale);
            let mut widths = Widths::default();
            widths.fit(&whole);
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            widths.put_self(&mut writer);
            whole.put(widths, scale, &mut writer);
            writer.finish();
            let mut reader = BitReader::new(&bytes);
            let read = Widths::take_self(&mut reader).unwrap();
            prop_assert_eq!(read, widths);
            prop_assert_eq!(Whole::take(read, scale, &mut reader), Ok(whole));
        }
    }

    #[test]
    fn widths_only_grow() {
        let scale = Scale::of(Precision::Fine);
        let far = Motion {
            position: [1000.0, 0.0, 0.0],
            orientation: [0.0, 0.0, 0.0, 1.0],
            linear: [0.0; 3],
            angular: [-1.0, 0.0, 0.0],
        };
        let near = Motion {
            position: [1.0; 3],
            linear: [3.0; 3],
            angular: [0.0; 3],
            ..far
        };
        let mut widths = Widths::default();
        for motion in [far, near] {
            widths.fit(&Whole::nearest(&motion, scale));
        }
        let fitting = Widths {
            position: 11,
            linear: 3,
            angular: 1,
        };
        assert_eq!(widths, fitting);
    }
}
