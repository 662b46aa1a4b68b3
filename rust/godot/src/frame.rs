//! One frame: apply and show before the game's scripts run, collect and send after them.

use godot::prelude::*;
use synced_protocol::time::Micros;
use synced_transport::clock;

use crate::{
    alloc_count::allocations,
    apply,
    binding::{self, Moment},
    classes::{SyncedSession, with_core},
    collect::Collector,
    core::{Core, State},
    frame_stats::Cost,
    grab::Grabbing,
    playout::Player,
    tracking::Tracking,
};

/// After so many frames, nodes whose place was not in the scene are tried again.
const FRAMES_A_PLACING: u64 = 30;

/// The passes, with the lists that they keep from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    player: Player,
    tracking: Tracking,
    grabbing: Grabbing,
    collector: Collector,
    /// What the early part of the frame took.
    begun: Option<Cost>,
    frames: u64,
}

impl Frame {
    /// Before the game's scripts: the session's news go into the scene.
    pub(crate) fn early(&mut self, session: &Gd<SyncedSession>) {
        if with_core(|core| core.state == State::Offline) {
            with_core(Core::begin_frame);
            return;
        }
        let meter = Meter::begin();
        let budget = session.bind().apply_budget();
        let updates = apply::run(session, budget);
        with_core(Core::begin_frame);
        self.player.run();
        self.begun = Some(meter.end(Cost {
            updates,
            ..Cost::default()
        }));
    }

    /// After the game's scripts: what they changed goes to the session.
    pub(crate) fn late(&mut self) {
        let Some(early) = self.begun.take() else {
            // Without a session hands move and hold all the same.
            self.tracking.run();
            self.grabbing.run();
            return;
        };
        let meter = Meter::begin();
        self.frames += 1;
        if self.frames.is_multiple_of(FRAMES_A_PLACING) {
            binding::place_unplaced();
        }
        binding::run(Moment::BetweenCommits);
        self.tracking.run();
        self.grabbing.run();
        self.collector.run();
        with_core(|core| {
            if let Some(handle) = core.handle() {
                handle.flush();
            }
            core.frame_stats.frame(meter.end(early));
        });
    }
}

/// What the main thread has spent since.
#[derive(Debug, Clone, Copy)]
struct Meter {
    at: Micros,
    allocations: u64,
}

impl Meter {
    fn begin() -> Self {
        Self {
            at: clock::now(),
            allocations: allocations(),
        }
    }

    /// That, added to what was spent before.
    fn end(self, before: Cost) -> Cost {
        Cost {
            updates: before.updates,
            spent: before.spent + (clock::now() - self.at),
            allocations: before.allocations + (allocations() - self.allocations),
        }
    }
}
