//! From the capture's own space to the one in which Godot's trackers are told: the tracked node's parent.

use glam::{Quat, Vec3};
use synced_protocol::input::{HandJoints, InputFrame, Pose};

/// Changes up to here are what a runtime's arithmetic does, and change nothing.
const NOISE_M: f32 = 5e-5;
const NOISE_RAD: f32 = 1e-4;
/// Changes from here on are no drift that a runtime corrects, but a jump: recentred, another play space or scale.
const JUMP_M: f32 = 5e-3;
const JUMP_RAD: f32 = 1e-2;

/// A turn, a move and a scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mapping {
    rotation: Quat,
    translation: Vec3,
    scale: f32,
}

/// How a mapping differs from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Drift,
    Jump,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            rotation: Quat::IDENTITY,
            translation: Vec3::ZERO,
            scale: 1.0,
        }
    }
}

impl Mapping {
    /// From where the capture's space is in Godot's play space, what a metre of that is in the world, and Godot's reference
    /// frame. An `XRPose` is adjusted the same way: first scaled, then put into the reference frame.
    pub(crate) fn new(in_play_space: Pose, world_scale: f32, reference_frame: Pose) -> Self {
        let scaled = in_play_space.position * world_scale;
        Self {
            rotation: (reference_frame.orientation * in_play_space.orientation).normalize(),
            translation: reference_frame.orientation * scaled + reference_frame.position,
            scale: world_scale,
        }
    }

    pub(crate) fn change_from(&self, before: &Self) -> Change {
        let moved = self.translation.distance(before.translation);
        let turned = angle_between(self.rotation, before.rotation);
        // Of something three metres away.
        let scaled = 3.0 * (self.scale - before.scale).abs();
        if moved > JUMP_M || turned > JUMP_RAD || scaled > JUMP_M {
            Change::Jump
        } else if moved > NOISE_M || turned > NOISE_RAD || scaled > NOISE_M {
            Change::Drift
        } else {
            Change::None
        }
    }

    pub(crate) fn pose(&self, pose: Pose) -> Pose {
        Pose {
            position: self.rotation * (pose.position * self.scale) + self.translation,
            orientation: (self.rotation * pose.orientation).normalize(),
        }
    }

    /// A sample's place, orientation and velocities.
    pub(crate) fn sample(&self, frame: &InputFrame) -> InputFrame {
        let Pose {
            position,
            orientation,
        } = self.pose(Pose {
            position: frame.position,
            orientation: frame.orientation,
        });
        InputFrame {
            position,
            orientation,
            linear_velocity: self.rotation * (frame.linear_velocity * self.scale),
            angular_velocity: self.rotation * frame.angular_velocity,
            ..*frame
        }
    }

    /// What stands relative to something that is mapped too.
    pub(crate) fn relative(&self, pose: Pose) -> Pose {
        Pose {
            position: pose.position * self.scale,
            ..pose
        }
    }

    pub(crate) fn joints(&self, mut hand: HandJoints) -> HandJoints {
        for joint in &mut hand.joints {
            joint.pose = self.pose(joint.pose);
            joint.radius *= self.scale;
        }
        hand
    }
}

/// Right for small angles too, where the arc cosine is not.
pub(crate) fn angle_between(a: Quat, b: Quat) -> f32 {
    let between = a.inverse() * b;
    2.0 * between.xyz().length().atan2(between.w.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Pose = Pose {
        position: Vec3::new(1.0, 2.0, 3.0),
        orientation: Quat::IDENTITY,
    };

    fn turned(degrees: f32, x: f32, y: f32, z: f32) -> Pose {
        Pose {
            position: Vec3::new(x, y, z),
            orientation: Quat::from_rotation_y(degrees.to_radians()),
        }
    }

    #[test]
    fn a_pose_is_put_into_the_play_space_then_scaled_then_put_into_the_reference_frame() {
        let (play, frame) = (turned(90.0, 0.5, 0.0, 0.0), turned(180.0, 0.0, -1.0, 0.0));
        let found = Mapping::new(play, 2.0, frame).pose(HERE);
        let in_play = play.position + play.orientation * HERE.position;
        let expected = frame.position + frame.orientation * (in_play * 2.0);
        assert!(found.position.distance(expected) < 1e-5, "{found:?}");
        assert!(angle_between(found.orientation, frame.orientation * play.orientation) < 1e-4);
    }

    #[test]
    fn velocities_turn_and_scale_with_the_pose() {
        let mapping = Mapping::new(
            turned(30.0, 1.0, 2.0, 3.0),
            2.0,
            turned(40.0, 0.0, 0.1, 0.0),
        );
        let velocity = Vec3::new(0.3, -0.2, 0.1);
        let at = |seconds: f32| InputFrame {
            position: HERE.position + velocity * seconds,
            linear_velocity: velocity,
            angular_velocity: Vec3::X,
            ..InputFrame::default()
        };
        let (before, after) = (mapping.sample(&at(0.0)), mapping.sample(&at(1.0)));
        let moved = after.position - before.position;
        assert!(moved.distance(after.linear_velocity) < 1e-5);
        let axis = Quat::from_rotation_y(70.0_f32.to_radians()) * Vec3::X;
        assert!(after.angular_velocity.distance(axis) < 1e-5);
    }

    #[test]
    fn a_recentre_is_a_jump_and_rounding_is_nothing() {
        let here = Mapping::new(HERE, 1.0, Pose::default());
        let moved = |metres: f32, radians: f32| {
            let pose = Pose {
                position: HERE.position + Vec3::X * metres,
                orientation: Quat::from_rotation_y(radians),
            };
            Mapping::new(pose, 1.0, Pose::default()).change_from(&here)
        };
        assert_eq!(moved(0.0, 0.0), Change::None);
        assert_eq!(moved(1e-5, 1e-5), Change::None);
        assert_eq!(moved(1e-3, 0.0), Change::Drift);
        assert_eq!(moved(0.0, 1e-3), Change::Drift);
        assert_eq!(moved(0.1, 0.0), Change::Jump);
        assert_eq!(moved(0.0, 0.1), Change::Jump);
        assert_eq!(
            Mapping::new(HERE, 1.5, Pose::default()).change_from(&here),
            Change::Jump
        );
    }

    #[test]
    fn opposite_quaternions_are_no_change() {
        let pose = turned(50.0, 1.0, 0.0, 0.0);
        let opposite = Pose {
            orientation: -pose.orientation,
            ..pose
        };
        let [a, b] = [pose, opposite].map(|pose| Mapping::new(pose, 1.0, Pose::default()));
        assert_eq!(a.change_from(&b), Change::None);
    }
}
