//! What capture counts, as monitors and scripts read it.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use serde_json::{Value, json};
use synced_protocol::{stage::Summary, time::Micros};

use super::{
    histogram::Counts,
    monotonic::{self, Nanos},
    outlets::OutletCounters,
    pacing::PaceCounters,
};

/// What is told of as "now" is over about so long.
const WINDOW: Micros = Micros::from_secs(1);

/// The pace of a capture thread over the last second and since it began.
#[derive(Debug)]
pub(crate) struct Meter {
    counters: Arc<PaceCounters>,
    begun: Moment,
    recent: Pace,
}

/// The counters at some time.
#[derive(Debug, Default)]
struct Moment {
    at: Option<Nanos>,
    ticks: u64,
    intervals: Counts,
}

/// How a thread kept its pace over some time.
#[derive(Debug, Default)]
struct Pace {
    /// Ticks a second.
    hz: f64,
    /// From one tick to the next.
    interval: Summary,
}

impl Meter {
    pub(crate) fn new(counters: Arc<PaceCounters>) -> Self {
        Self {
            counters,
            begun: Moment::default(),
            recent: Pace::default(),
        }
    }

    /// Once a frame.
    pub(crate) fn look(&mut self) {
        let now = monotonic::now();
        let since = self.begun.at.map(|at| (now - at).as_micros());
        if since.is_some_and(|since| since < WINDOW) {
            return;
        }
        let moment = Moment {
            at: Some(now),
            ticks: self.counters.ticks.load(Relaxed),
            intervals: self.counters.intervals.counts(),
        };
        if let Some(since) = since {
            self.recent = Pace {
                hz: (moment.ticks - self.begun.ticks) as f64 / since.as_secs_f64(),
                interval: moment.intervals.since(&self.begun.intervals).summary(),
            };
        }
        self.begun = moment;
    }

    /// Samples that were left out since the thread began.
    pub(crate) fn skipped(&self) -> u64 {
        self.counters.skipped.load(Relaxed)
    }

    /// `source` is what the thread samples.
    pub(crate) fn report(&self, source: &str) -> Value {
        let counters = &*self.counters;
        json!({
            "source": source,
            "hz": self.recent.hz,
            "interval": self.recent.interval,
            "ticks": counters.ticks.load(Relaxed),
            "skipped": counters.skipped.load(Relaxed),
            "processor_usec": counters.spent_us.load(Relaxed),
            "interval_since_start": counters.intervals.counts().summary(),
            "work_since_start": counters.work.counts().summary(),
        })
    }
}

/// What one controller's rings count.
pub(crate) fn of_controller(counters: &OutletCounters) -> Value {
    json!({
        "samples": counters.samples.load(Relaxed),
        "repeats": counters.repeats.load(Relaxed),
        "losses": counters.losses.load(Relaxed),
        "ring_level": counters.network_level.load(Relaxed),
        "network_overflows": counters.network_overflows.load(Relaxed),
        "history_overflows": counters.history_overflows.load(Relaxed),
    })
}
