//! How long something took, many times.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use synced_protocol::time::Micros;

/// The longest time that is told apart from longer ones.
const TIME_MAX: Micros = Micros::from_secs(60);
/// Three digits: each time is right to a thousandth.
const DIGITS: u8 = 3;

/// Times, in microseconds, each right to a thousandth. They travel between processes as pairs of a time and how often it was seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Times(Histogram<u64>);

impl Times {
    /// Counts one; one past a minute counts as a minute.
    pub fn add(&mut self, time: Micros) {
        self.0.saturating_record(time.0);
    }

    /// Puts those of another part of the same work to these.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds.
        let _ = self.0.add(&other.0);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// In milliseconds.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        self.0.mean() / 1e3
    }

    /// In milliseconds: so much of them took at most this.
    #[must_use]
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e3
    }
}

impl Default for Times {
    #[expect(clippy::expect_used, reason = "constants that a test builds it from")]
    fn default() -> Self {
        Self(Histogram::new_with_max(TIME_MAX.0, DIGITS).expect("good bounds"))
    }
}

impl From<Vec<(u64, u64)>> for Times {
    fn from(pairs: Vec<(u64, u64)>) -> Self {
        let mut times = Self::default();
        for (time, count) in pairs {
            times.0.saturating_record_n(time, count);
        }
        times
    }
}

impl From<Times> for Vec<(u64, u64)> {
    fn from(times: Times) -> Self {
        let recorded = times.0.iter_recorded();
        recorded
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times() -> Times {
        let mut times = Times::default();
        (1..=100).for_each(|millis| times.add(Micros::from_millis(millis)));
        times
    }

    #[test]
    fn mean_and_quantiles_are_those_of_what_was_counted() {
        let times = times();
        assert_eq!(times.count(), 100);
        assert!((times.mean_ms() - 50.5).abs() < 0.1);
        assert!((times.quantile_ms(0.5) - 50.0).abs() < 0.1);
        assert!((times.quantile_ms(0.99) - 99.0).abs() < 0.1);
    }

    #[test]
    fn they_are_the_same_in_another_process() {
        let text = serde_json::to_string(&times()).expect("plain numbers");
        let back: Times = serde_json::from_str(&text).expect("as written");
        assert_eq!(back.0, times().0);
    }

    #[test]
    fn one_past_the_bound_counts_at_the_bound() {
        let mut times = Times::default();
        times.add(Micros::from_secs(3_600));
        assert!((times.quantile_ms(1.0) - 60_000.0).abs() < 60.0);
    }
}
