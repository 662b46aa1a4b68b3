//! Samples of a controller as GDScript reads them.

use glam::{Quat, Vec3};
use godot::prelude::*;
use synced_protocol::input::InputFrame;

/// A sample with its controls.
pub(crate) fn dictionary(frame: &InputFrame) -> VarDictionary {
    let mut all = controls(frame);
    all.set("time_usec", frame.sampled_at.0.cast_signed());
    all.set("transform", transform(frame.position, frame.orientation));
    all.set("linear_velocity", vector(frame.linear_velocity));
    all.set("angular_velocity", vector(frame.angular_velocity));
    all
}

/// Buttons and axes alone.
pub(crate) fn controls(frame: &InputFrame) -> VarDictionary {
    let controls = &frame.controls;
    let [x, y] = controls.stick;
    vdict! {
        "buttons" => i64::from(controls.buttons),
        "trigger" => controls.trigger,
        "grip" => controls.grip,
        "stick" => Vector2::new(x, y),
    }
}

pub(crate) fn transform(position: Vec3, orientation: Quat) -> Transform3D {
    let [x, y, z, w] = orientation.to_array();
    Transform3D::new(
        Basis::from_quaternion(Quaternion::new(x, y, z, w)),
        vector(position),
    )
}

pub(crate) const fn vector(v: Vec3) -> Vector3 {
    Vector3::new(v.x, v.y, v.z)
}

pub(crate) fn rotation(frame: &InputFrame) -> Vector4 {
    let [x, y, z, w] = frame.orientation.to_array();
    Vector4::new(x, y, z, w)
}
