//! What OpenXR tells, in the project's own terms.

use glam::{Quat, Vec3};
use openxr_sys as xr;
use synced_protocol::input::Pose;

pub(super) const IDENTITY: xr::Posef = xr::Posef {
    orientation: xr::Quaternionf {
        x: 0.0,
        y: 0.0,
        z: 0.0,
        w: 1.0,
    },
    position: xr::Vector3f {
        x: 0.0,
        y: 0.0,
        z: 0.0,
    },
};

/// Where something is, as far as the runtime knows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Located {
    pub pose: Option<Pose>,
    /// Metres a second.
    pub linear_velocity: Option<Vec3>,
    /// Radians a second.
    pub angular_velocity: Option<Vec3>,
}

impl Located {
    /// What is not a number is not known.
    pub(super) fn new(
        place: xr::SpaceLocationFlags,
        pose: xr::Posef,
        motion: xr::SpaceVelocityFlags,
        linear: xr::Vector3f,
        angular: xr::Vector3f,
    ) -> Self {
        let pose = self::pose(pose);
        let is_sound = pose.position.is_finite()
            && (pose.orientation.length_squared() - 1.0).abs() < UNIT_ERROR_MAX;
        let velocity = |flag, vector| {
            let velocity = vec3(vector);
            (motion.contains(flag) && velocity.is_finite()).then_some(velocity)
        };
        Self {
            pose: (is_known(place) && is_sound).then_some(pose),
            linear_velocity: velocity(xr::SpaceVelocityFlags::LINEAR_VALID, linear),
            angular_velocity: velocity(xr::SpaceVelocityFlags::ANGULAR_VALID, angular),
        }
    }
}

/// How far the squared length of an orientation may be off.
const UNIT_ERROR_MAX: f32 = 0.01;

/// Whether a place and an orientation are told. They may be inferred while the device is out of sight, as Godot shows them
/// then too.
pub(super) fn is_known(place: xr::SpaceLocationFlags) -> bool {
    place.contains(
        xr::SpaceLocationFlags::POSITION_VALID | xr::SpaceLocationFlags::ORIENTATION_VALID,
    )
}

pub(super) fn pose(pose: xr::Posef) -> Pose {
    let xr::Quaternionf { x, y, z, w } = pose.orientation;
    Pose {
        position: vec3(pose.position),
        orientation: Quat::from_xyzw(x, y, z, w),
    }
}

const fn vec3(vector: xr::Vector3f) -> Vec3 {
    Vec3::new(vector.x, vector.y, vector.z)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: fn() -> (xr::SpaceLocationFlags, xr::SpaceVelocityFlags) = || {
        (
            xr::SpaceLocationFlags::POSITION_VALID | xr::SpaceLocationFlags::ORIENTATION_VALID,
            xr::SpaceVelocityFlags::LINEAR_VALID | xr::SpaceVelocityFlags::ANGULAR_VALID,
        )
    };

    fn along_x(x: f32) -> xr::Vector3f {
        xr::Vector3f { x, y: 0.0, z: 0.0 }
    }

    #[test]
    fn what_the_runtime_does_not_call_valid_is_not_known() {
        let (place, motion) = ALL();
        let located = |place, motion| {
            let found = Located::new(place, IDENTITY, motion, along_x(1.0), along_x(2.0));
            (
                found.pose.is_some(),
                found.linear_velocity.is_some(),
                found.angular_velocity.is_some(),
            )
        };
        assert_eq!(located(place, motion), (true, true, true));
        let orientation = xr::SpaceLocationFlags::ORIENTATION_VALID;
        let linear = xr::SpaceVelocityFlags::LINEAR_VALID;
        assert_eq!(located(orientation, linear), (false, true, false));
    }

    #[test]
    fn what_is_no_number_or_no_orientation_is_not_known() {
        let (place, motion) = ALL();
        let mut nowhere = IDENTITY;
        nowhere.position = along_x(f32::NAN);
        let mut shapeless = IDENTITY;
        shapeless.orientation.w = 0.0;
        for pose in [nowhere, shapeless] {
            let found = Located::new(place, pose, motion, along_x(f32::INFINITY), along_x(0.0));
            assert_eq!(found.pose, None);
            assert_eq!(found.linear_velocity, None);
            assert_eq!(found.angular_velocity, Some(Vec3::ZERO));
        }
    }
}
