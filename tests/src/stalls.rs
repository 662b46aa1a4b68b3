//! How long this machine kept a thread waiting that wanted to run: what no program on it can be quicker than.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long the watch sleeps at a time.
const SLEEP: Duration = Duration::from_millis(1);

/// A thread that does nothing but sleep, and notes by how much it overslept.
#[derive(Debug)]
pub struct Stalls {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Stall>>,
}

/// Once that it overslept.
#[derive(Debug, Clone, Copy)]
pub struct Stall {
    /// When it should have woken.
    pub at: Instant,
    /// By how much.
    pub late: Duration,
}

impl Stalls {
    /// Begins to watch. Stalls shorter than `noted_min` are not noted.
    #[must_use]
    pub fn watch(noted_min: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let thread = thread::spawn(move || {
            let mut noted = Vec::new();
            while !asked.load(Ordering::Relaxed) {
                let at = Instant::now() + SLEEP;
                thread::sleep(SLEEP);
                let late = at.elapsed();
                if late >= noted_min {
                    noted.push(Stall { at, late });
                }
            }
            noted
        });
        Self { stop, thread }
    }

    /// Ends the watch, and tells what it noted.
    #[must_use]
    pub fn end(self) -> Vec<Stall> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// The longest stall that lies, in part at least, between two moments.
#[must_use]
pub fn longest_between(stalls: &[Stall], from: Instant, to: Instant) -> Duration {
    let between = stalls
        .iter()
        .filter(|stall| stall.at <= to && stall.at + stall.late >= from);
    between
        .map(|stall| stall.late)
        .max()
        .unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_counts_for_every_span_that_it_touches() {
        let at = Instant::now();
        let second = Duration::from_secs(1);
        let late = 2 * second;
        let stalls = [Stall { at, late }];
        let longest = |from, to| longest_between(&stalls, at + from * second, at + to * second);
        assert_eq!(longest(1, 5), late);
        assert_eq!(longest(3, 5), Duration::ZERO);
    }

    #[test]
    fn who_watches_notes_every_time_that_it_oversleeps() {
        let stalls = Stalls::watch(Duration::ZERO);
        thread::sleep(20 * SLEEP);
        assert!(!stalls.end().is_empty());
    }
}
