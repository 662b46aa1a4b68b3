//! Showing what other players stream, once a frame.

use godot::{classes::Node3D, prelude::*};
use synced_protocol::{input::InputFrame, time::Micros};

use crate::{
    classes::with_core,
    core::Core,
    local::{Local, PropertyState},
    property::Target,
    variant,
};

/// The pass, with its lists.
#[derive(Debug, Default)]
pub(crate) struct Player {
    values: Vec<(Target, Variant)>,
    poses: Vec<(Gd<Node3D>, InputFrame)>,
}

impl Player {
    /// Shows every stream as it was at `shown_at`, in session time.
    pub(crate) fn run(&mut self, shown_at: Micros) {
        with_core(|core| self.sample(core, shown_at));
        for (target, value) in self.values.drain(..) {
            target.set(&value);
        }
        for (mut node, frame) in self.poses.drain(..) {
            if node.is_instance_valid() {
                show(&mut node, &frame);
            }
        }
    }

    fn sample(&mut self, core: &mut Core, shown_at: Micros) {
        let me = core.me;
        let Core {
            locals, directory, ..
        } = core;
        for local in locals.values_mut().filter(|local| !local.is_held_by(me)) {
            self.sample_tracker(local, shown_at);
            let Some(bound) = &mut local.bound else {
                continue;
            };
            for property in &mut bound.properties {
                let PropertyState::Live(live) = &mut property.state else {
                    continue;
                };
                if !live.playing {
                    continue;
                }
                if let Some(value) = live.buffer.sample_at(shown_at) {
                    self.values.push((
                        property.target.clone(),
                        variant::to_variant(&value, directory),
                    ));
                }
                live.playing = live
                    .buffer
                    .newest()
                    .is_some_and(|(newest, _)| newest > shown_at);
            }
        }
    }

    fn sample_tracker(&mut self, local: &mut Local, shown_at: Micros) {
        let Some(tracker) = &mut local.tracker else {
            return;
        };
        let Some(frame) = tracker.remote_at(shown_at) else {
            return;
        };
        if local.root.is_instance_valid()
            && let Ok(node) = local.root.clone().try_cast::<Node3D>()
        {
            self.poses.push((node, frame));
        }
    }
}

/// Puts a node where a sample says that the controller was.
pub(crate) fn show(node: &mut Gd<Node3D>, frame: &InputFrame) {
    let [x, y, z, w] = frame.orientation.to_array();
    let basis = Basis::from_quaternion(Quaternion::new(x, y, z, w));
    let [x, y, z] = frame.position.to_array();
    node.set_transform(Transform3D::new(basis, Vector3::new(x, y, z)));
}
