//! What a run, or many, came to.

use std::{collections::BTreeMap, fmt};

use synced_protocol::{id::mix, time::Micros};

use crate::check::Violation;

/// What one run came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// How much virtual time it took.
    pub time: Micros,
    /// How many things happened.
    pub events: u64,
    /// A hash of all that happened, in its order: equal for equal runs.
    pub hash: u64,
    /// Entries of the history.
    pub entries: u64,
    /// Proposals of players that were decided.
    pub decided: u64,
    /// What struck, and what servers had to do, each with how often.
    pub counts: Counts,
    /// How long nobody served after the server that did was hit, in microseconds.
    pub failovers_us: Vec<u64>,
    /// How much of that passed since enough servers could elect another undisturbed.
    pub elections_us: Vec<u64>,
    /// How long after the end of the fault that kept everybody from serving until somebody did, in microseconds.
    pub recoveries_us: Vec<u64>,
    /// How far from the leader's each player's idea of session time was at the end, in microseconds.
    pub clock_errors_us: Vec<u64>,
    /// The promise that was broken, if one was.
    pub violation: Option<Violation>,
}

/// How often each of several things happened.
pub type Counts = BTreeMap<&'static str, u64>;

impl Report {
    /// One more of a thing happened.
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Takes notice of one more thing that happened.
    pub const fn mark(&mut self, what: u64) {
        self.hash = mix(self.hash ^ what);
    }
}

/// What many runs came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// How many.
    pub runs: u64,
    /// The sum of their virtual times.
    pub time: Micros,
    /// The sum of what happened.
    pub events: u64,
    /// The sum of their entries.
    pub entries: u64,
    /// The sum of decided proposals.
    pub decided: u64,
    /// The sums of what happened how often.
    pub counts: Counts,
    /// All failovers.
    pub failovers_us: Spans,
    /// All elections that were undisturbed in the end.
    pub elections_us: Spans,
    /// All recoveries.
    pub recoveries_us: Spans,
    /// How far off all players' clocks were.
    pub clock_errors_us: Spans,
    /// The runs that broke a promise.
    pub violations: BTreeMap<u64, Violation>,
}

impl Summary {
    /// Adds a run.
    pub fn add(&mut self, report: Report) {
        self.runs += 1;
        self.time = self.time + report.time;
        self.events += report.events;
        self.entries += report.entries;
        self.decided += report.decided;
        for (what, count) in report.counts {
            *self.counts.entry(what).or_default() += count;
        }
        self.failovers_us.0.extend(report.failovers_us);
        self.elections_us.0.extend(report.elections_us);
        self.recoveries_us.0.extend(report.recoveries_us);
        self.clock_errors_us.0.extend(report.clock_errors_us);
        if let Some(violation) = report.violation {
            self.violations.insert(report.seed, violation);
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.as_secs_f64();
        writeln!(
            f,
            "{} runs, {seconds:.0} virtual seconds, {} events",
            self.runs, self.events
        )?;
        let counts = self.counts.iter();
        let counts: Vec<_> = counts
            .map(|(what, count)| format!("{what} {count}"))
            .collect();
        writeln!(f, "{}", counts.join(", "))?;
        writeln!(
            f,
            "{} entries committed, {} proposals decided",
            self.entries, self.decided
        )?;
        writeln!(f, "failover: {}", self.failovers_us)?;
        writeln!(f, "of it with a quorum undisturbed: {}", self.elections_us)?;
        writeln!(f, "recovery of a partition: {}", self.recoveries_us)?;
        writeln!(f, "error of players' clocks: {}", self.clock_errors_us)?;
        write!(f, "{} violations", self.violations.len())
    }
}

/// Spans of time in microseconds.
#[derive(Debug, Clone, Default)]
pub struct Spans(pub Vec<u64>);

impl Spans {
    /// The span that this share of all does not exceed.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
        sorted.get(place).copied().unwrap_or(0)
    }

    fn mean(&self) -> u64 {
        self.0.iter().sum::<u64>() / self.0.len().max(1) as u64
    }
}

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |micros: u64| format!("{}.{:02}", micros / 1_000, micros % 1_000 / 10);
        write!(
            f,
            "n {}, mean {} ms, p50 {} ms, p99 {} ms, max {} ms",
            self.0.len(),
            millis(self.mean()),
            millis(self.percentile(50)),
            millis(self.percentile(99)),
            millis(self.percentile(100)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_spans_and_the_last_is_the_longest() {
        let spans = Spans((1..=200).rev().collect());
        let found = [1, 50, 99, 100].map(|percent| spans.percentile(percent));
        assert_eq!(found, [2, 100, 198, 200]);
        assert_eq!(Spans::default().percentile(99), 0);
    }
}
