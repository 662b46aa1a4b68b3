//! Orientations in whole steps.
//!
//! A unit quaternion is a point of a sphere in four dimensions, and its opposite means the same. Seen from the middle, half
//! of the sphere is covered by four faces of a cube: one for each component that may be the largest. On its face the
//! orientation is the three ratios of the other components to the largest. Two orientations are at most twice as far apart,
//! as an angle, as their ratios: so the same grid on every face keeps the same bound everywhere.

use glam::Quat;

/// The face and the three ratios, in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct OnCube {
    /// The place of the largest component: 0 x, 1 y, 2 z, 3 w.
    pub(super) face: u32,
    /// From `-steps` to `steps` each; larger ones are read too.
    pub(super) ratios: [i32; 3],
}

const OTHERS: [[usize; 3]; 4] = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]];

/// The steps from 0 to 1 of a ratio that keep the error of an orientation within `error_rad_max`, with a little to spare for
/// rounding.
pub(super) const fn steps_for(error_rad_max: f32) -> i32 {
    const SQRT_3: f32 = 1.732_050_8;
    (1.002 * SQRT_3 / error_rad_max) as i32 + 1
}

impl OnCube {
    /// What has no direction counts as not turned.
    pub(super) fn new(orientation: Quat, steps: i32) -> Self {
        let components = orientation.to_array();
        let face = largest(components);
        let divisor = components[face];
        if !orientation.is_finite() || divisor == 0.0 {
            return Self {
                face: 3,
                ratios: [0; 3],
            };
        }
        Self {
            face: face as u32,
            ratios: OTHERS[face]
                .map(|place| (components[place] / divisor * steps as f32).round() as i32),
        }
    }

    pub(super) fn orientation(self, steps: i32) -> Quat {
        let face = self.face as usize & 3;
        let mut components = [1.0; 4];
        for (place, ratio) in OTHERS[face].into_iter().zip(self.ratios) {
            components[place] = ratio as f32 / steps as f32;
        }
        Quat::from_array(components).normalize()
    }
}

fn largest(components: [f32; 4]) -> usize {
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
    use proptest::prelude::*;

    use super::*;
    use crate::input::Precision;

    fn radians_between(a: Quat, b: Quat) -> f64 {
        let (a, b) = (a.as_dquat().normalize(), b.as_dquat().normalize());
        2.0 * (a.inverse() * b).xyz().length().asin()
    }

    proptest! {
        #[test]
        fn no_orientation_is_further_off_than_the_bound(
            raw in prop::array::uniform4(-1.0_f32..=1.0),
            precision in prop::sample::select(&[Precision::Exact, Precision::Fine, Precision::Coarse][..]),
        ) {
            prop_assume!(raw.iter().any(|component| component.abs() > 1e-3));
            let orientation = Quat::from_array(raw).normalize();
            let bound = precision.orientation_error_rad_max();
            let steps = steps_for(bound);
            let on_cube = OnCube::new(orientation, steps);
            prop_assert!(on_cube.ratios.iter().all(|ratio| ratio.abs() <= steps));
            let off = radians_between(on_cube.orientation(steps), orientation);
            prop_assert!(off <= f64::from(bound), "{off}");
        }

        #[test]
        fn any_numbers_are_a_unit_quaternion(face in 0..4_u32, ratios in any::<[i32; 3]>()) {
            let orientation = OnCube { face, ratios }.orientation(steps_for(1e-3));
            prop_assert!(orientation.is_normalized());
        }
    }

    #[test]
    fn what_has_no_direction_is_not_turned() {
        for raw in [[0.0; 4], [f32::NAN; 4], [f32::INFINITY, 0.0, 0.0, 1.0]] {
            let on_cube = OnCube::new(Quat::from_array(raw), 100);
            assert_eq!(on_cube.orientation(100), Quat::IDENTITY);
        }
    }
}
