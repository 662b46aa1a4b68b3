//! Showing what other players stream, once a frame.

use godot::{classes::Node3D, prelude::*};
use synced_protocol::{input::InputFrame, time::Micros};

use crate::{
    classes::{SyncedNode, with_core},
    core::Core,
    engine::EngineValue,
    local::{Local, PropertyState},
    property::Target,
    samples, variant,
};

/// The pass, with its lists.
#[derive(Debug, Default)]
pub(crate) struct Player {
    values: Vec<(Target, EngineValue)>,
    poses: Vec<(Gd<Node3D>, InputFrame)>,
    jumped: Vec<Gd<SyncedNode>>,
}

impl Player {
    /// Shows every stream as it was at the time that is shown of its owner.
    pub(crate) fn run(&mut self) {
        with_core(|core| self.sample(core));
        for (target, value) in self.values.drain(..) {
            target.set(&value);
        }
        for (mut node, frame) in self.poses.drain(..) {
            if node.is_instance_valid() {
                show(&mut node, &frame);
            }
        }
        for node in self.jumped.drain(..) {
            if node.is_instance_valid() {
                node.signals().tracker_jumped().emit();
            }
        }
    }

    fn sample(&mut self, core: &mut Core) {
        let me = core.me;
        let Core {
            locals,
            directory,
            timelines,
            ..
        } = core;
        for local in locals.values_mut().filter(|local| !local.is_held_by(me)) {
            let owner = local.bound.as_ref().map(|bound| bound.owner);
            let shown_at = timelines.shown_at(owner.unwrap_or_default());
            self.sample_tracker(local, shown_at);
            let Some(bound) = &mut local.bound else {
                continue;
            };
            for property in &mut bound.properties {
                let PropertyState::Live(live) = &mut property.state else {
                    continue;
                };
                if let Some(value) = live.play(shown_at) {
                    let shown = variant::to_engine(&value, directory);
                    self.values.push((property.target.clone(), shown));
                }
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
            if tracker.take_jump(shown_at, 0) {
                self.jumped.push(local.node.clone());
            }
        }
    }
}

/// Puts a node where a sample says that the controller was.
pub(crate) fn show(node: &mut Gd<Node3D>, frame: &InputFrame) {
    node.set_transform(samples::transform(frame.position, frame.orientation));
}
