//! Turning an orientation by a little, in the same arithmetic on every machine.
//!
//! A turn is the axis times the tangent of half the angle (Gibbs's vector): it takes no sine to apply one. Where two turns
//! differ by some distance, the orientations differ by at most twice that, as an angle.

use glam::Quat;

/// `orientation`, which need not be of unit length, turned by `turn` in the space that it is in; longer by then.
#[inline]
pub(super) fn turned(orientation: [f64; 4], turn: [f64; 3]) -> [f64; 4] {
    let [x, y, z, w] = orientation;
    let [a, b, c] = turn;
    [
        x + a * w + b * z - c * y,
        y + b * w + c * x - a * z,
        z + c * w + a * y - b * x,
        w - a * x - b * y - c * z,
    ]
}

/// The turn that leads from one orientation to the other; longer than any number when it is a half turn.
#[inline]
pub(super) fn turn_between(from: [f64; 4], to: [f64; 4]) -> [f64; 3] {
    let [a, b, c, d] = from;
    let [x, y, z, w] = to;
    let one_over = 1.0 / (w * d + x * a + y * b + z * c);
    [
        (x * d - w * a - y * c + z * b) * one_over,
        (y * d - w * b - z * a + x * c) * one_over,
        (z * d - w * c - x * b + y * a) * one_over,
    ]
}

/// The turn by this axis times half its angle, to the third order: the tangent of what is below a tenth of a radian to a
/// hundred thousandth of one.
#[inline]
pub(super) fn turn_of(half_angle: [f64; 3]) -> [f64; 3] {
    let [a, b, c] = half_angle;
    let longer = 1.0 + (a * a + b * b + c * c) / 3.0;
    [a * longer, b * longer, c * longer]
}

/// A vector of the space that `orientation`, of unit length, leads from, as it is in the one that it leads to.
pub(super) fn rotated([x, y, z]: [f64; 3], orientation: [f64; 4]) -> [f64; 3] {
    let [a, b, c, w] = orientation;
    let [i, j, k] = [b * z - c * y, c * x - a * z, a * y - b * x];
    [
        x + 2.0 * (w * i + b * k - c * j),
        y + 2.0 * (w * j + c * i - a * k),
        z + 2.0 * (w * k + a * j - b * i),
    ]
}

/// The other way.
pub(super) fn rotated_back(vector: [f64; 3], [x, y, z, w]: [f64; 4]) -> [f64; 3] {
    rotated(vector, [-x, -y, -z, w])
}

/// An orientation from anywhere: what has no direction is not turned.
pub(super) fn direction(orientation: Quat) -> [f64; 4] {
    if orientation.is_finite() && orientation.to_array() != [0.0; 4] {
        orientation.to_array().map(f64::from)
    } else {
        [0.0, 0.0, 0.0, 1.0]
    }
}

#[inline]
pub(super) fn normalised(quaternion: [f64; 4]) -> [f64; 4] {
    let [x, y, z, w] = quaternion;
    let one_over = 1.0 / (x * x + y * y + z * z + w * w).sqrt();
    [x * one_over, y * one_over, z * one_over, w * one_over]
}

#[cfg(test)]
mod tests {
    use glam::{DQuat, DVec3};
    use proptest::prelude::*;

    use super::*;

    fn any_turn() -> impl Strategy<Value = DQuat> {
        prop::array::uniform4(-1.0..1.0_f64)
            .prop_filter("turned somehow", |raw| raw.iter().any(|c| c.abs() > 1e-3))
            .prop_map(|raw| DQuat::from_array(raw).normalize())
    }

    fn radians_between(a: DQuat, b: DQuat) -> f64 {
        2.0 * (a.inverse() * b).xyz().length().asin()
    }

    proptest! {
        #[test]
        fn the_turn_from_one_to_another_leads_there(from in any_turn(), to in any_turn()) {
            prop_assume!(from.dot(to).abs() > 1e-6);
            let turn = turn_between(from.to_array(), to.to_array());
            let there = normalised(turned(from.to_array(), turn));
            prop_assert!(radians_between(DQuat::from_array(there), to) < 1e-9);
        }

        #[test]
        fn a_vector_is_rotated_there_and_back(turn in any_turn(), vector in prop::array::uniform3(-9.0..9.0_f64)) {
            let there = rotated(vector, turn.to_array());
            prop_assert!(DVec3::from_array(there).abs_diff_eq(turn * DVec3::from_array(vector), 1e-9));
            let back = rotated_back(there, turn.to_array());
            prop_assert!(DVec3::from_array(back).abs_diff_eq(DVec3::from_array(vector), 1e-9));
        }

        #[test]
        fn a_turn_of_a_fifth_of_a_radian_is_exact_to_a_hundred_thousandth(
            from in any_turn(), axis in prop::array::uniform3(-1.0..1.0_f64), angle in 0.0..0.2_f64,
        ) {
            let axis = DVec3::from_array(axis);
            prop_assume!(axis.length() > 1e-3);
            let angles = axis.normalize() * angle;
            let there = normalised(turned(from.to_array(), turn_of((angles / 2.0).to_array())));
            let wanted = DQuat::from_scaled_axis(angles) * from;
            prop_assert!(radians_between(DQuat::from_array(there), wanted) < 1e-5);
        }

        #[test]
        fn orientations_are_at_most_twice_as_far_apart_as_turns(
            from in any_turn(), turn in prop::array::uniform3(-2.0..2.0_f64), off in prop::array::uniform3(-0.01..0.01_f64),
        ) {
            let near = std::array::from_fn(|axis| turn[axis] + off[axis]);
            let [a, b] = [turn, near].map(|turn| normalised(turned(from.to_array(), turn)));
            let apart = radians_between(DQuat::from_array(a), DQuat::from_array(b));
            prop_assert!(apart <= 2.0 * DVec3::from_array(off).length() + 1e-9);
        }
    }

    #[test]
    fn what_has_no_direction_is_not_turned() {
        for raw in [[0.0; 4], [f32::NAN; 4], [f32::INFINITY, 0.0, 0.0, 1.0]] {
            assert_eq!(direction(Quat::from_array(raw)), [0.0, 0.0, 0.0, 1.0]);
        }
    }
}
