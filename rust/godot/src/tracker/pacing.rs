//! Absolute deadlines: a late one does not shift those after it, a missed one is skipped and counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use synced_protocol::time::Micros;

use super::{
    histogram::Histogram,
    monotonic::{self, Nanos},
};

/// The time from one sample to the next.
pub(crate) const INTERVAL: Micros = Micros(1_000);

/// How seldom the processor's time is read, in ticks.
const TICKS_A_READING: u64 = 64;

/// A sequence of moments, one interval apart.
#[derive(Debug)]
struct Deadlines {
    interval: Nanos,
    next: Nanos,
}

impl Deadlines {
    /// The first deadline that is still ahead, and how many have passed unused before it.
    fn advance(&mut self, now: Nanos) -> (Nanos, u64) {
        let missed = (now - self.next).0 / self.interval.0;
        self.next = self.next + Nanos(self.interval.0 * (missed + 1));
        (self.next, missed)
    }
}

/// What a paced thread counts; any thread may read it.
#[derive(Debug, Default)]
pub(crate) struct PaceCounters {
    /// Deadlines that were kept.
    pub ticks: AtomicU64,
    /// Deadlines that were missed altogether.
    pub skipped: AtomicU64,
    /// From one tick to the next.
    pub intervals: Histogram,
    /// What a tick's work took.
    pub work: Histogram,
    /// What the thread has had of a processor, in microseconds; read now and then.
    pub spent_us: AtomicU64,
}

/// The heartbeat of a capture thread.
#[derive(Debug)]
pub(crate) struct Pacer {
    deadlines: Deadlines,
    woken: Nanos,
}

impl Pacer {
    /// The first tick is now.
    pub(crate) fn start() -> Self {
        let now = monotonic::now();
        Self {
            deadlines: Deadlines {
                interval: Nanos::from_micros(INTERVAL),
                next: now,
            },
            woken: now,
        }
    }

    /// When the present tick began.
    pub(crate) const fn woken(&self) -> Nanos {
        self.woken
    }

    /// The present tick's work is done: sleeps until the next one.
    pub(crate) fn wait(&mut self, counters: &PaceCounters) {
        let done = monotonic::now();
        let (deadline, missed) = self.deadlines.advance(done);
        counters.work.record((done - self.woken).as_micros());
        let ticks = counters.ticks.fetch_add(1, Relaxed);
        if ticks.is_multiple_of(TICKS_A_READING) {
            let spent = monotonic::spent_by_thread().as_micros();
            counters.spent_us.store(spent.0, Relaxed);
        }
        counters.skipped.fetch_add(missed, Relaxed);
        monotonic::sleep_until(deadline);
        let woken = monotonic::now();
        counters.intervals.record((woken - self.woken).as_micros());
        self.woken = woken;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadlines() -> Deadlines {
        Deadlines {
            interval: Nanos(1_000),
            next: Nanos(10_000),
        }
    }

    #[test]
    fn a_late_tick_does_not_shift_the_deadlines_after_it() {
        let mut deadlines = deadlines();
        assert_eq!(deadlines.advance(Nanos(10_900)), (Nanos(11_000), 0));
        assert_eq!(deadlines.advance(Nanos(11_001)), (Nanos(12_000), 0));
    }

    #[test]
    fn missed_deadlines_are_skipped_and_counted() {
        let mut deadlines = deadlines();
        assert_eq!(deadlines.advance(Nanos(13_500)), (Nanos(14_000), 3));
        assert_eq!(deadlines.advance(Nanos(14_000)), (Nanos(15_000), 0));
    }

    #[test]
    fn a_tick_that_came_early_waits_for_the_deadline_after_its_own() {
        assert_eq!(deadlines().advance(Nanos(9_990)), (Nanos(11_000), 0));
    }

    #[test]
    fn what_was_kept_and_what_was_skipped_are_all_deadlines_that_passed() {
        let counters = PaceCounters::default();
        let mut pacer = Pacer::start();
        let begun = pacer.woken();
        for _ in 0..20 {
            pacer.wait(&counters);
        }
        let passed = counters.ticks.load(Relaxed) + counters.skipped.load(Relaxed);
        let at_least = Nanos(passed * Nanos::from_micros(INTERVAL).0);
        assert_eq!(counters.ticks.load(Relaxed), 20);
        assert!(pacer.woken() - begun >= at_least);
    }
}
