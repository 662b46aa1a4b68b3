//! What applying costs, measured on the main thread.

use synced_protocol::{
    stage::{Stage, Summary},
    time::Micros,
};

/// The main thread's work.
#[derive(Debug, Default)]
pub(crate) struct FrameStats {
    /// From a commit's arrival by network to its being in the scene.
    apply: Stage,
    /// The extension's own time in a frame.
    frame: Stage,
    /// The longest of a frame since somebody asked.
    longest: Micros,
    /// Updates of the frames since somebody asked.
    recent_updates: u64,
    pub updates: u64,
    pub frames_over_budget: u64,
    /// Heap allocations by this library on the main thread, in its passes.
    pub allocations: u64,
    pub frames: u64,
}

/// What a part of a frame took, on the main thread.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Cost {
    /// Updates that it applied.
    pub updates: u64,
    pub spent: Micros,
    pub allocations: u64,
}

impl FrameStats {
    pub(crate) fn commit_applied(&mut self, latency: Micros) {
        self.apply.record(latency);
    }

    pub(crate) fn budget_exceeded(&mut self) {
        self.frames_over_budget += 1;
    }

    /// One frame's work is done.
    pub(crate) fn frame(&mut self, cost: Cost) {
        self.frame.record(cost.spent);
        self.longest = self.longest.max(cost.spent);
        self.recent_updates += cost.updates;
        self.updates += cost.updates;
        self.allocations += cost.allocations;
        self.frames += 1;
    }

    /// The extension's own time in the longest frame since the last call.
    pub(crate) fn take_longest(&mut self) -> Micros {
        std::mem::take(&mut self.longest)
    }

    /// How many updates the frames since the last call applied.
    pub(crate) fn take_updates(&mut self) -> u64 {
        std::mem::take(&mut self.recent_updates)
    }

    pub(crate) fn apply_summary(&self) -> Summary {
        self.apply.summary()
    }

    pub(crate) fn frame_summary(&self) -> Summary {
        self.frame.summary()
    }
}
