//! The same work for a cluster of ours and for one of etcd's: values of one size, written through the leader.
//!
//! Paced, each write goes out at its time whether those before have come back or not, and its latency counts from that time, so
//! that a stall costs every write that it kept waiting. Saturated, so many writes are always out.

mod etcd;
mod figures;
mod writer;

pub use etcd::write_to_etcd;
pub use figures::Figures;
pub use writer::{Target, write_to_cluster};

use std::time::Duration;

/// What is written, and how.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// The bytes of each value.
    pub value_bytes: usize,
    /// When the next goes out.
    pub pace: Pace,
    /// For how long new ones go out.
    pub span: Duration,
}

/// When the next write goes out.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// So many a second, evenly.
    PerSecond(u32),
    /// As soon as fewer than so many are out.
    Outstanding(usize),
}

impl Work {
    /// When the write of this number is due, counted from the beginning; `None` when none of that number goes out.
    fn due(&self, number: u64) -> Option<Duration> {
        match self.pace {
            Pace::PerSecond(rate) => {
                let due = Duration::from_secs_f64(number as f64 / f64::from(rate));
                (due < self.span).then_some(due)
            }
            Pace::Outstanding(_) => Some(Duration::ZERO),
        }
    }

    /// How many may be out.
    const fn outstanding_max(&self) -> usize {
        match self.pace {
            Pace::PerSecond(_) => usize::MAX,
            Pace::Outstanding(count) => count,
        }
    }
}
