//! How long a stage of the way takes, measured and told alike by every end.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::time::Micros;

/// The longest time that a stage is told apart from longer ones, in microseconds.
pub const STAGE_US_MAX: u64 = 60_000_000;

/// Two digits: an error of 1 %, and few enough buckets to summarise every second.
const DIGITS: u8 = 2;

/// The times of one stage.
#[derive(Debug, Clone)]
pub struct Stage(Option<Histogram<u32>>);

/// How long a stage took, in microseconds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How often it was measured.
    pub count: u64,
    /// Their mean.
    #[serde(default)]
    pub mean_us: u64,
    /// Half took at most this.
    pub p50_us: u64,
    /// 99 of 100 took at most this.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl Default for Stage {
    fn default() -> Self {
        Self(Histogram::new_with_max(STAGE_US_MAX, DIGITS).ok())
    }
}

impl Stage {
    /// Counts one time; one past [`STAGE_US_MAX`] counts as that.
    pub fn record(&mut self, span: Micros) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(span.0);
        }
    }

    /// What was counted so far, each time right to 1 %.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.0.as_ref().map_or_else(Summary::default, |histogram| {
            let quantile = |q| histogram.value_at_quantile(q).min(STAGE_US_MAX);
            Summary {
                count: histogram.len(),
                mean_us: histogram.mean().round() as u64,
                p50_us: quantile(0.5),
                p99_us: quantile(0.99),
                max_us: quantile(1.0),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_summarised_within_one_percent() {
        let mut stage = Stage::default();
        (1..=1_000).for_each(|us| stage.record(Micros(us * 10)));
        let summary = stage.summary();
        let near = |found: u64, wanted: u64| found.abs_diff(wanted) <= wanted / 100;
        assert_eq!(summary.count, 1_000);
        assert!(near(summary.mean_us, 5_005), "{summary:?}");
        assert!(near(summary.p50_us, 5_000), "{summary:?}");
        assert!(near(summary.p99_us, 9_900), "{summary:?}");
        assert!(near(summary.max_us, 10_000), "{summary:?}");
    }

    #[test]
    fn a_time_past_the_bound_is_counted_at_the_bound() {
        let mut stage = Stage::default();
        stage.record(Micros::from_secs(3_600));
        assert_eq!(stage.summary().max_us, STAGE_US_MAX);
    }

    #[test]
    fn a_stage_that_never_happened_is_all_zero() {
        assert_eq!(Stage::default().summary(), Summary::default());
    }
}
