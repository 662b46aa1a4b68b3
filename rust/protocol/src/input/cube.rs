//! Orientations in whole steps.
//!
//! A unit quaternion is a point of a sphere in four dimensions, and its opposite means the same. Seen from the middle, half
//! of the sphere is covered by four faces of a cube: one for each component that may be the largest. On its face the
//! orientation is the three ratios of the other components to the largest. Two orientations are at most twice as far apart,
//! as an angle, as their ratios: so the same grid on every face keeps the same bound everywhere.

use crate::{
    bits::{BitReader, BitWriter},
    error::DecodeError,
};

/// So many steps from 0 to 1 of a ratio keep the error of an orientation below sqrt(3) / steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cube {
    pub(crate) steps: i32,
}

/// The face and the three ratios, in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct OnCube {
    /// The place of the largest component: 0 x, 1 y, 2 z, 3 w.
    face: u32,
    /// From `-steps` to `steps` each.
    ratios: [i32; 3],
}

const OTHERS: [[usize; 3]; 4] = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]];
const FACE_BITS: u32 = 2;

impl Cube {
    /// The nearest point of the grid to what is not zero, and finite.
    pub(crate) fn nearest(self, orientation: [f64; 4]) -> OnCube {
        let face = largest(orientation);
        let divisor = orientation[face];
        let steps = f64::from(self.steps);
        OnCube {
            face: face as u32,
            ratios: OTHERS[face].map(|place| (orientation[place] / divisor * steps).round() as i32),
        }
    }

    /// The unit quaternion there.
    pub(crate) fn orientation(self, point: OnCube) -> [f64; 4] {
        let face = point.face as usize & 3;
        let mut components = [1.0; 4];
        for (place, ratio) in OTHERS[face].into_iter().zip(point.ratios) {
            components[place] = f64::from(ratio) / f64::from(self.steps);
        }
        let squares = components.map(|component| component * component);
        let length = (squares[0] + squares[1] + squares[2] + squares[3]).sqrt();
        components.map(|component| component / length)
    }

    /// Appends the face, then the three ratios as the digits of one number.
    pub(crate) fn put(self, writer: &mut BitWriter<'_>, point: OnCube) {
        let [x, y, z] = point.ratios.map(|ratio| (ratio + self.steps) as u64);
        let number = (z * self.values() + y) * self.values() + x;
        writer.put(point.face, FACE_BITS);
        writer.put_wide(number, self.ratios_bits());
    }

    pub(crate) fn take(self, reader: &mut BitReader<'_>) -> Result<OnCube, DecodeError> {
        let face = reader.take(FACE_BITS)?;
        let number = reader.take_wide(self.ratios_bits())?;
        let values = self.values();
        let (yz, x) = (number / values, number % values);
        Ok(OnCube {
            face,
            ratios: [x, yz % values, yz / values].map(|digit| digit as i32 - self.steps),
        })
    }

    /// How many values a ratio may have.
    const fn values(self) -> u64 {
        2 * self.steps as u64 + 1
    }

    /// How many bits [`Self::put`] appends.
    pub(crate) const fn bits(self) -> u32 {
        FACE_BITS + self.ratios_bits()
    }

    const fn ratios_bits(self) -> u32 {
        let values = self.values();
        (values * values * values).ilog2() + 1
    }
}

fn largest(components: [f64; 4]) -> usize {
    let mut largest = 3;
    for place in 0..3 {
        if components[place].abs() > components[largest].abs() {
            largest = place;
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use glam::{DQuat, Quat};
    use proptest::prelude::*;

    use super::*;

    fn radians_between(a: DQuat, b: DQuat) -> f64 {
        2.0 * (a.inverse() * b).xyz().length().asin()
    }

    /// Also near the edges and corners, where another component becomes the largest.
    fn any_orientation() -> impl Strategy<Value = Quat> {
        let component = prop_oneof![
            -1.0_f32..=1.0,
            0.499_f32..0.501,
            -0.501_f32..-0.499,
            -1e-3_f32..1e-3
        ];
        prop::array::uniform4(component)
            .prop_filter("turned somehow", |raw| raw.iter().any(|c| c.abs() > 1e-3))
            .prop_map(|raw| Quat::from_array(raw).normalize())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_orientation_is_further_off_than_its_steps_allow(
            orientation in any_orientation(),
            steps in prop::sample::select(&[200, 500, 2_500, 10_000][..]),
        ) {
            let cube = Cube { steps };
            let point = cube.nearest(orientation.as_dquat().to_array());
            prop_assert!(point.ratios.iter().all(|ratio| ratio.abs() <= steps));
            let decoded = DQuat::from_array(cube.orientation(point));
            let off = radians_between(decoded, orientation.as_dquat().normalize());
            prop_assert!(off <= 3_f64.sqrt() / f64::from(steps), "{off}");
        }

        #[test]
        fn a_point_reads_back_as_it_was_written(
            orientation in any_orientation(),
            steps in prop::sample::select(&[200, 500, 2_500, 10_000][..]),
        ) {
            let cube = Cube { steps };
            let point = cube.nearest(orientation.as_dquat().to_array());
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            cube.put(&mut writer, point);
            writer.finish();
            prop_assert_eq!(bytes.len(), cube.bits().div_ceil(8) as usize);
            prop_assert_eq!(cube.take(&mut BitReader::new(&bytes)), Ok(point));
        }

        #[test]
        fn any_bits_are_a_unit_quaternion(bits in any::<[u8; 6]>(), steps in prop::sample::select(&[200, 500, 2_500, 10_000][..])) {
            let cube = Cube { steps };
            let point = cube.take(&mut BitReader::new(&bytes_of(bits))).unwrap();
            prop_assert!(DQuat::from_array(cube.orientation(point)).is_normalized());
        }
    }

    fn bytes_of(bits: [u8; 6]) -> Vec<u8> {
        [bits.as_slice(), &[0]].concat()
    }
}
