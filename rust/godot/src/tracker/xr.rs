//! Godot's own XR trackers as a source: fresh once a frame.

use glam::{Quat, Vec3};
use godot::{
    classes::{Node, XrCamera3D, XrNode3D, XrPositionalTracker, XrServer},
    prelude::*,
};
use synced_protocol::{
    input::{Controls, InputFrame, Pose},
    time::Micros,
};

use super::{
    TrackerTarget,
    feed::Shown,
    openxr::{self, HandPose},
};

/// Poses by preference: a hand's, then a head's.
const POSES: [&str; 2] = ["grip", "default"];
/// In the order of their bits.
pub(super) const BUTTONS: [&str; 8] = [
    "trigger_click",
    "grip_click",
    "primary_click",
    "secondary_click",
    "ax_button",
    "by_button",
    "menu_button",
    "select_button",
];

/// How a root stands to a tracker of Godot's.
#[derive(Debug)]
pub(super) struct Follower {
    pub target: TrackerTarget,
    tracker: StringName,
    /// The poses that the root can be at, by preference.
    poses: Vec<StringName>,
    /// The same, as far as they can be sampled at 1 kHz.
    pub hand_poses: Vec<HandPose>,
    /// Whether the root goes to its tracker's pose without being told.
    moves_by_itself: bool,
    /// None for a head: Godot warns when its inputs are asked for.
    inputs: Option<Inputs>,
}

/// The names of what a hand has besides a pose.
#[derive(Debug)]
struct Inputs {
    buttons: [StringName; BUTTONS.len()],
    trigger: StringName,
    grip: StringName,
    stick: StringName,
}

impl Follower {
    /// A root that moves itself has chosen its pose.
    pub(super) fn new(target: TrackerTarget, root: &Gd<Node>) -> Self {
        let moving = root.clone().try_cast::<XrNode3D>().ok();
        let is_camera = root.clone().try_cast::<XrCamera3D>().is_ok();
        let poses = match &moving {
            Some(node) => vec![node.get_pose_name()],
            None => POSES.map(StringName::from).to_vec(),
        };
        let named = poses.iter().map(StringName::to_string);
        Self {
            target,
            tracker: StringName::from(target.xr_name()),
            hand_poses: named.filter_map(|name| HandPose::named(&name)).collect(),
            poses,
            moves_by_itself: moving.is_some() || is_camera,
            inputs: (target != TrackerTarget::Head).then(Inputs::new),
        }
    }

    /// Where the root belongs when Godot's tracker is at a sample, which is predicted for the display.
    pub(super) fn shown(&self, sample: Option<InputFrame>) -> Shown {
        let sample = sample.filter(|_| !self.moves_by_itself);
        sample.map_or(Shown::There, Shown::At)
    }

    /// The controller as the XR runtime last told Godot, in the space of the root's parent, or `None` while it tells nothing.
    pub(super) fn sample(&self, now: Micros) -> Option<InputFrame> {
        if openxr::is_lost() {
            return None;
        }
        let server = XrServer::singleton();
        let tracker = server.get_tracker(&self.tracker)?;
        let tracker = tracker.try_cast::<XrPositionalTracker>().ok()?;
        let mut poses = self.poses.iter().filter_map(|name| tracker.get_pose(name));
        let pose = poses.find(|pose| pose.get_has_tracking_data())?;
        let Pose {
            position,
            orientation,
        } = pose_of(pose.get_adjusted_transform());
        // Only the transform is told adjusted.
        let turn = pose_of(server.get_reference_frame()).orientation;
        let scale = server.get_world_scale() as f32;
        Some(InputFrame {
            sampled_at: now,
            position,
            orientation,
            linear_velocity: turn * vec3(pose.get_linear_velocity()) * scale,
            angular_velocity: turn * vec3(pose.get_angular_velocity()),
            controls: self
                .inputs
                .as_ref()
                .map_or_else(Controls::default, |it| it.read(&tracker)),
            is_jump: false,
        })
    }
}

impl Inputs {
    fn new() -> Self {
        Self {
            buttons: BUTTONS.map(StringName::from),
            trigger: StringName::from("trigger"),
            grip: StringName::from("grip"),
            stick: StringName::from("primary"),
        }
    }

    fn read(&self, tracker: &Gd<XrPositionalTracker>) -> Controls {
        let axis = |name| tracker.get_input(name).try_to::<f32>().unwrap_or(0.0);
        let is_down = |name| tracker.get_input(name).try_to::<bool>().unwrap_or(false);
        let stick = tracker.get_input(&self.stick).try_to::<Vector2>();
        let stick = stick.unwrap_or(Vector2::ZERO);
        let pressed = self.buttons.iter().enumerate();
        let pressed = pressed.filter(|(_, name)| is_down(*name));
        Controls {
            buttons: pressed.fold(0, |buttons, (bit, _)| buttons | 1 << bit),
            trigger: axis(&self.trigger),
            grip: axis(&self.grip),
            stick: [stick.x, stick.y],
        }
    }
}

/// A transform's place and orientation, whatever its scale.
pub(super) fn pose_of(transform: Transform3D) -> Pose {
    let Quaternion { x, y, z, w } = transform.basis.orthonormalized().get_quaternion();
    Pose {
        position: vec3(transform.origin),
        orientation: Quat::from_xyzw(x, y, z, w),
    }
}

const fn vec3(v: Vector3) -> Vec3 {
    Vec3::new(v.x, v.y, v.z)
}
