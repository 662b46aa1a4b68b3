//! Times counted by one thread and read by any other, without a lock.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use synced_protocol::{stage::Summary, time::Micros};

/// Buckets for each doubling: a time is told to 3 %.
const STEPS: usize = 1 << STEPS_LOG2;
const STEPS_LOG2: u32 = 5;
/// Times from here on, in microseconds, share the last bucket: half a second.
const MAX_LOG2: u32 = 19;
const BUCKETS: usize = STEPS * (MAX_LOG2 - STEPS_LOG2 + 1) as usize;

/// How often each time was seen.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: Box<[AtomicU32; BUCKETS]>,
}

/// A histogram as it was at a moment.
#[derive(Debug, Clone)]
pub(crate) struct Counts(Box<[u32; BUCKETS]>);

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: Box::new([const { AtomicU32::new(0) }; BUCKETS]),
        }
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self(Box::new([0; BUCKETS]))
    }
}

impl Histogram {
    /// Counts one time.
    pub(crate) fn record(&self, span: Micros) {
        self.buckets[bucket(span)].fetch_add(1, Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts(Box::new(std::array::from_fn(|bucket| {
            self.buckets[bucket].load(Relaxed)
        })))
    }
}

impl Counts {
    /// What was counted from `earlier` to here.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self(Box::new(std::array::from_fn(|bucket| {
            self.0[bucket].wrapping_sub(earlier.0[bucket])
        })))
    }

    pub(crate) fn summary(&self) -> Summary {
        let count = self.0.iter().map(|count| u64::from(*count)).sum();
        Summary {
            count,
            mean_us: self.sum().checked_div(count).unwrap_or_default(),
            p50_us: self.quantile(count.div_ceil(2)),
            p99_us: self.quantile((count * 99).div_ceil(100)),
            max_us: self.quantile(count),
        }
    }

    fn sum(&self) -> u64 {
        let buckets = (0..).zip(self.0.iter());
        buckets
            .map(|(bucket, count)| u64::from(*count) * upper_end(bucket))
            .sum()
    }

    /// The time that `rank` of those counted do not exceed; zero if nothing was counted.
    fn quantile(&self, rank: u64) -> u64 {
        let mut seen = 0;
        let found = self.0.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank.max(1)
        });
        found.map_or(0, upper_end)
    }
}

/// The first buckets take one microsecond each; from then on there are [`STEPS`] for each doubling.
fn bucket(span: Micros) -> usize {
    let us = span.0.min((1 << MAX_LOG2) - 1);
    let doublings = us.checked_ilog2().unwrap_or(0).saturating_sub(STEPS_LOG2);
    STEPS * doublings as usize + (us >> doublings) as usize
}

/// The longest time that is counted in a bucket.
const fn upper_end(bucket: usize) -> u64 {
    let doublings = (bucket / STEPS).saturating_sub(1);
    let step = bucket - STEPS * doublings;
    ((step as u64 + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_told_within_four_percent() {
        for us in (0..2_000).chain((2_000..(1 << MAX_LOG2)).step_by(97)) {
            let told = upper_end(bucket(Micros(us)));
            assert!(us <= told && told <= us + us / 25, "{us} is told as {told}");
        }
    }

    #[test]
    fn a_time_past_the_end_is_counted_in_the_last_bucket() {
        assert_eq!(bucket(Micros(u64::MAX)), BUCKETS - 1);
        assert_eq!(upper_end(BUCKETS - 1), (1 << MAX_LOG2) - 1);
    }

    #[test]
    fn a_summary_tells_of_what_was_counted_since() {
        let histogram = Histogram::default();
        histogram.record(Micros(400_000));
        let earlier = histogram.counts();
        (0..99).for_each(|_| histogram.record(Micros(10)));
        histogram.record(Micros(20));
        let summary = histogram.counts().since(&earlier).summary();
        let expected = Summary {
            count: 100,
            mean_us: 10,
            p50_us: 10,
            p99_us: 10,
            max_us: 20,
        };
        assert_eq!(summary, expected);
    }

    #[test]
    fn nothing_counted_is_all_zero() {
        assert_eq!(Histogram::default().counts().summary(), Summary::default());
    }
}
