//! Rotations as vectors: an axis times an angle, in radians.
//!
//! A curve of such vectors turns at the angular velocity that the left Jacobian of SO(3) gives of its derivative, and back
//! by the Jacobian's inverse (Sola, Deray and Atchuthan, "A micro Lie theory for state estimation in robotics", equations
//! 145 and 146).

use glam::{Quat, Vec3};

/// Below this angle, in radians, series take the place of quotients of small numbers.
const SMALL_RAD: f32 = 1e-2;

/// The shortest turn that has the rotation as its end.
pub(super) fn log(rotation: Quat) -> Vec3 {
    let rotation = if rotation.w < 0.0 {
        -rotation
    } else {
        rotation
    };
    let axis = rotation.xyz();
    let sine = axis.length();
    if sine <= f32::EPSILON {
        return 2.0 * axis;
    }
    axis * (2.0 * sine.atan2(rotation.w) / sine)
}

/// The rotation at the end of a turn.
pub(super) fn exp(turn: Vec3) -> Quat {
    // Of a turn whose square is no full number any more, the axis cannot be told.
    if turn.length_squared() < f32::MIN_POSITIVE {
        return Quat::IDENTITY;
    }
    Quat::from_scaled_axis(turn)
}

/// The turn from one orientation to another, the short way.
pub(crate) fn turn_between(from: Quat, to: Quat) -> Vec3 {
    log(to * from.conjugate())
}

/// The angle between two orientations.
pub(crate) fn angle_between(a: Quat, b: Quat) -> f32 {
    turn_between(a, b).length()
}

/// The angular velocity at `turn` of a curve of turns whose derivative there is `rate`.
pub(super) fn angular_velocity(turn: Vec3, rate: Vec3) -> Vec3 {
    let squared = turn.length_squared();
    let angle = squared.sqrt();
    let (first, second) = if angle < SMALL_RAD {
        (0.5 - squared / 24.0, 1.0 / 6.0 - squared / 120.0)
    } else {
        let (sine, cosine) = angle.sin_cos();
        ((1.0 - cosine) / squared, (angle - sine) / (squared * angle))
    };
    let once = turn.cross(rate);
    rate + first * once + second * turn.cross(once)
}

/// What [`angular_velocity`] makes of it at `turn`, for turns shorter than a whole one.
pub(super) fn rate(turn: Vec3, angular_velocity: Vec3) -> Vec3 {
    let squared = turn.length_squared();
    let angle = squared.sqrt();
    let second = if angle < SMALL_RAD {
        1.0 / 12.0 + squared / 720.0
    } else {
        1.0 / squared - 1.0 / (2.0 * angle * (angle / 2.0).tan())
    };
    let once = turn.cross(angular_velocity);
    angular_velocity - 0.5 * once + second * turn.cross(once)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vector(most: f32) -> impl Strategy<Value = Vec3> {
        [-1.0_f32..1.0, -1.0_f32..1.0, -1.0_f32..1.0]
            .prop_map(move |raw| Vec3::from_array(raw) * most / 3.0_f32.sqrt())
    }

    proptest! {
        #[test]
        fn a_turn_of_less_than_half_a_circle_is_its_rotations_logarithm(turn in vector(3.1)) {
            prop_assert!(log(exp(turn)).distance(turn) < 2e-5);
            prop_assert!(log(-exp(turn)).distance(turn) < 2e-5);
        }

        #[test]
        fn rate_and_angular_velocity_undo_each_other(turn in vector(3.1), velocity in vector(50.0)) {
            let back = angular_velocity(turn, rate(turn, velocity));
            prop_assert!(back.distance(velocity) < 1e-3, "{back} for {velocity}");
        }

        #[test]
        fn the_angular_velocity_is_that_of_the_rotations_themselves(turn in vector(3.0), rate in vector(2.0)) {
            let step = 1e-2_f32;
            let ahead = exp(turn + rate * step) * exp(turn - rate * step).conjugate();
            let measured = log(ahead) / (2.0 * step);
            let found = angular_velocity(turn, rate);
            prop_assert!(found.distance(measured) < 2e-3, "{found} for {measured}");
        }
    }

    #[test]
    fn the_smallest_turns_are_not_lost() {
        let turn = Vec3::new(0.0, 3e-8, 0.0);
        assert!(log(exp(turn)).distance(turn) < 1e-10);
        assert_eq!(log(Quat::IDENTITY), Vec3::ZERO);
    }
}
