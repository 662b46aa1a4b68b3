//! Godot's own XR trackers as a source: fresh once a frame.

use glam::{Quat, Vec3};
use godot::{
    classes::{XrPositionalTracker, XrServer},
    prelude::*,
};
use synced_protocol::{
    input::{Controls, InputFrame},
    time::Micros,
};

use super::TrackerTarget;

/// Poses by preference: a hand's, then a head's.
const POSES: [&str; 3] = ["grip", "grip_pose", "default"];
const BUTTONS: [&str; 8] = [
    "trigger_click",
    "grip_click",
    "primary_click",
    "secondary_click",
    "ax_button",
    "by_button",
    "menu_button",
    "select_button",
];

/// The controller as the XR runtime last told Godot, or `None` while it tells nothing.
pub(crate) fn sample(target: TrackerTarget, now: Micros) -> Option<InputFrame> {
    let tracker = XrServer::singleton().get_tracker(target.xr_name())?;
    let tracker = tracker.try_cast::<XrPositionalTracker>().ok()?;
    let pose = POSES
        .iter()
        .filter_map(|name| tracker.get_pose(*name))
        .find(|pose| pose.get_has_tracking_data())?;
    let transform = pose.get_adjusted_transform();
    let Quaternion { x, y, z, w } = transform.basis.orthonormalized().get_quaternion();
    Some(InputFrame {
        sampled_at: now,
        position: vec3(transform.origin),
        orientation: Quat::from_xyzw(x, y, z, w),
        linear_velocity: vec3(pose.get_linear_velocity()),
        angular_velocity: vec3(pose.get_angular_velocity()),
        controls: match target {
            // A head has none, and Godot warns when asked for them.
            TrackerTarget::Head => Controls::default(),
            TrackerTarget::LeftHand | TrackerTarget::RightHand => controls(&tracker),
        },
        is_jump: false,
    })
}

fn controls(tracker: &Gd<XrPositionalTracker>) -> Controls {
    let axis = |name: &str| tracker.get_input(name).try_to::<f32>().unwrap_or(0.0);
    let stick = tracker
        .get_input("primary")
        .try_to::<Vector2>()
        .unwrap_or(Vector2::ZERO);
    let pressed = BUTTONS.iter().enumerate();
    let pressed =
        pressed.filter(|(_, name)| tracker.get_input(**name).try_to::<bool>().unwrap_or(false));
    Controls {
        buttons: pressed.fold(0, |buttons, (bit, _)| buttons | 1 << bit),
        trigger: axis("trigger"),
        grip: axis("grip"),
        stick: [stick.x, stick.y],
    }
}

const fn vec3(v: Vector3) -> Vec3 {
    Vec3::new(v.x, v.y, v.z)
}
