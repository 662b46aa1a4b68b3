//! This player's controllers, once a frame.

use godot::{classes::Node3D, prelude::*};
use synced_client::TrackerFeed;
use synced_protocol::{id::NodeId, input::InputFrame};

use crate::{classes::with_core, core::Core, playout, report, tracker::Tracker};

/// The pass, with its lists.
#[derive(Debug, Default)]
pub(crate) struct Tracking {
    switched: Vec<(NodeId, bool)>,
    moved: Vec<(Gd<Node3D>, InputFrame)>,
    faults: Vec<(NodeId, String)>,
}

impl Tracking {
    /// Starts and stops capture as nodes come, go and change their owner, and moves what follows a controller.
    pub(crate) fn run(&mut self) {
        with_core(|core| {
            self.switch(core);
            self.capture(core);
        });
        for (id, fault) in self.faults.drain(..) {
            report::error_at(id, &format!("{fault}. The tracker is off."));
        }
        for (mut node, frame) in self.moved.drain(..) {
            if node.is_instance_valid() {
                playout::show(&mut node, &frame);
            }
        }
    }

    fn switch(&mut self, core: &mut Core) {
        let me = core.me;
        let switched = core.locals.iter().filter_map(|(id, local)| {
            let wanted = local
                .bound
                .as_ref()
                .is_some_and(|bound| bound.is_owned_by(me));
            let is_on = local.tracker.as_ref()?.is_feeding();
            (is_on != wanted).then_some((*id, wanted))
        });
        self.switched.extend(switched);
        for (id, on) in self.switched.drain(..) {
            if on {
                let fault = start(core, id).err();
                self.faults.extend(fault.map(|fault| (id, fault)));
            } else {
                stop(core, id);
            }
        }
    }

    fn capture(&mut self, core: &mut Core) {
        for local in core.locals.values_mut().filter(|local| local.is_alive()) {
            let Some(tracker) = &mut local.tracker else {
                continue;
            };
            if let Some(frame) = tracker.capture_frame(&local.root)
                && let Ok(node) = local.root.clone().try_cast::<Node3D>()
            {
                self.moved.push((node, frame));
            }
        }
    }
}

fn start(core: &mut Core, id: NodeId) -> Result<(), String> {
    let Some(local) = core.locals.get_mut(&id) else {
        return Ok(());
    };
    let Some(started) = local.tracker.as_mut().map(Tracker::start) else {
        return Ok(());
    };
    let samples = started.inspect_err(|_| local.tracker = None)?;
    if let Some(handle) = core.handle() {
        handle.attach_tracker(id, TrackerFeed::new(samples));
    }
    Ok(())
}

fn stop(core: &mut Core, id: NodeId) {
    if let Some(tracker) = core
        .locals
        .get_mut(&id)
        .and_then(|local| local.tracker.as_mut())
    {
        tracker.stop();
    }
    if let Some(handle) = core.handle() {
        handle.detach_tracker(id);
    }
}
