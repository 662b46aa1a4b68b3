//! A hand at one moment, and the arm that it hangs on.

use glam::{DQuat, DVec3};

/// A hand's pose and velocities at one moment, all in the same space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Metres.
    pub position: DVec3,
    /// Of length 1.
    pub orientation: DQuat,
    /// Metres a second.
    pub linear_velocity: DVec3,
    /// Radians a second about each axis of the space.
    pub angular_velocity: DVec3,
}

/// An arm that swings about an elbow, with a hand that turns along.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rig {
    elbow: DVec3,
    /// From the elbow to the hand where the angle is 0.
    arm: DVec3,
    axis: DVec3,
    /// How the hand is turned where the angle is 0.
    grip: DQuat,
    /// How far the elbow goes for each radian, in metres.
    lunge: DVec3,
}

impl Rig {
    /// An arm whose hand is at `home` where the angle is 0.
    pub(super) fn new(home: DVec3, arm: DVec3, axis: DVec3) -> Self {
        Self {
            elbow: home - arm,
            arm,
            axis,
            grip: DQuat::IDENTITY,
            lunge: DVec3::ZERO,
        }
    }

    pub(super) const fn lunging(mut self, lunge: DVec3) -> Self {
        self.lunge = lunge;
        self
    }

    pub(super) const fn gripping(mut self, grip: DQuat) -> Self {
        self.grip = grip;
        self
    }

    /// The hand at an angle in radians that changes by `rate` radians a second.
    pub(super) fn at(&self, angle: f64, rate: f64) -> Moment {
        let turn = DQuat::from_axis_angle(self.axis, angle);
        let arm = turn * self.arm;
        let angular_velocity = self.axis * rate;
        Moment {
            position: self.elbow + self.lunge * angle + arm,
            orientation: turn * self.grip,
            linear_velocity: self.lunge * rate + angular_velocity.cross(arm),
            angular_velocity,
        }
    }
}
