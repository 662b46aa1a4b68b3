//! The root's own movement as a source: whatever moves it, mouse and keyboard or an animation.

use glam::{Quat, Vec3};
use godot::{classes::Node3D, prelude::*};
use synced_protocol::{input::InputFrame, time::Micros};

/// Longer pauses between two frames give no velocity.
const MAX_PAUSE: Micros = Micros::from_millis(250);

/// Where the root is now; its velocity by difference to the sample of the frame before.
pub(crate) fn sample(root: &Gd<Node3D>, before: &InputFrame, now: Micros) -> InputFrame {
    let Vector3 { x, y, z } = root.get_position();
    let position = Vec3::new(x, y, z);
    let Quaternion { x, y, z, w } = root.get_quaternion();
    let orientation = Quat::from_xyzw(x, y, z, w);
    let (linear_velocity, angular_velocity) = velocities(before, position, orientation, now);
    InputFrame {
        sampled_at: now,
        position,
        orientation,
        linear_velocity,
        angular_velocity,
        ..InputFrame::default()
    }
}

fn velocities(before: &InputFrame, position: Vec3, orientation: Quat, now: Micros) -> (Vec3, Vec3) {
    let elapsed = now - before.sampled_at;
    if elapsed == Micros::ZERO || elapsed > MAX_PAUSE {
        return (Vec3::ZERO, Vec3::ZERO);
    }
    let seconds = elapsed.as_secs_f64() as f32;
    let turn = (orientation * before.orientation.inverse()).to_scaled_axis();
    ((position - before.position) / seconds, turn / seconds)
}
