//! This player's controllers, once a frame.

use godot::{classes::Node3D, obj::Singleton, prelude::*};
use synced_protocol::{id::NodeId, input::InputFrame};

use crate::{
    classes::{SyncedNode, SyncedSession, with_core},
    core::Core,
    playout, report,
    tracker::{
        DeviceEvent, Feeding, Recorded, Tracker,
        openxr::{self, News},
    },
};

/// The pass, with its lists.
#[derive(Debug, Default)]
pub(crate) struct Tracking {
    switched: Vec<(NodeId, Feeding, bool)>,
    moved: Vec<(Gd<Node3D>, InputFrame)>,
    jumped: Vec<Gd<SyncedNode>>,
    faults: Vec<(NodeId, String)>,
    recorded: Vec<(Gd<SyncedNode>, Recorded)>,
    events: Vec<DeviceEvent>,
}

impl Tracking {
    /// Starts and stops capture as nodes come, go and change their owner, and moves what follows a controller.
    pub(crate) fn run(&mut self) {
        tell_news();
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
        for node in self.jumped.drain(..) {
            if node.is_instance_valid() {
                node.signals().tracker_jumped().emit();
            }
        }
        for (node, recorded) in self.recorded.drain(..) {
            SyncedNode::recorded(&node, &recorded);
        }
    }

    fn switch(&mut self, core: &mut Core) {
        let (me, is_alone) = (core.me, !core.is_joined());
        let switched = core.locals.iter().filter_map(|(id, local)| {
            let tracker = local.tracker.as_ref()?;
            let wanted = match &local.bound {
                _ if !local.is_alive() => Feeding::Off,
                Some(bound) if bound.is_owned_by(me) => Feeding::Streamed,
                None if is_alone => Feeding::Local,
                _ => Feeding::Off,
            };
            let is_switched = tracker.feeding() != wanted;
            (is_switched || tracker.is_outdated()).then_some((*id, wanted, is_switched))
        });
        self.switched.extend(switched);
        for (id, wanted, is_switched) in self.switched.drain(..) {
            // Else it goes on, from another source.
            if is_switched {
                stop(core, id);
            }
            if wanted != Feeding::Off {
                let fault = start(core, id, wanted == Feeding::Streamed).err();
                self.faults.extend(fault.map(|fault| (id, fault)));
            }
        }
    }

    /// Takes what devices did since the last frame, if some hand wants it.
    fn hear(&mut self, core: &mut Core) {
        let trackers = core
            .locals
            .values()
            .filter_map(|local| local.tracker.as_ref());
        let wants = trackers.map(Tracker::wants_events);
        let (any, mouse) = wants.fold((false, false), |(any, mouse), (is_wanted, is_mouse)| {
            (any || is_wanted, mouse || is_mouse)
        });
        core.device_events.attend(any, mouse);
        core.device_events.take(&mut self.events);
    }

    fn capture(&mut self, core: &mut Core) {
        self.hear(core);
        let (now, offset_us) = (core.timelines.now(), core.clock.offset_us);
        for local in core.locals.values_mut() {
            let is_alive = local.tracker.is_some() && local.is_alive();
            let Some(tracker) = local.tracker.as_mut().filter(|_| is_alive) else {
                continue;
            };
            if let Some(recorded) = tracker.take_recorded() {
                self.recorded.push((local.node.clone(), recorded));
            }
            if let Some(frame) = tracker.capture_frame(&local.root, &self.events)
                && let Ok(node) = local.root.clone().try_cast::<Node3D>()
            {
                self.moved.push((node, frame));
            }
            if tracker.is_feeding() && tracker.take_jump(now, offset_us) {
                self.jumped.push(local.node.clone());
            }
        }
    }
}

/// What has become of the XR session is told before its trackers are looked at.
fn tell_news() {
    for news in openxr::news() {
        let session = SyncedSession::singleton();
        match news {
            News::Started => session.signals().capture_started().emit("openxr"),
            News::Lost(reason) => session
                .signals()
                .capture_lost()
                .emit(&GString::from(&reason)),
        }
    }
}

fn start(core: &mut Core, id: NodeId, is_streaming: bool) -> Result<(), String> {
    let Some(local) = core.locals.get_mut(&id) else {
        return Ok(());
    };
    let Some(tracker) = &mut local.tracker else {
        return Ok(());
    };
    let started = tracker.start(&local.root, is_streaming);
    let feed = started.inspect_err(|_| local.tracker = None)?;
    if is_streaming && let Some(handle) = core.handle() {
        handle.attach_tracker(id, feed);
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
