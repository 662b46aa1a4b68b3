//! What came of a piece of work.

use std::{fmt, time::Duration};

use hdrhistogram::Histogram;

/// Latencies and their count.
#[derive(Debug, Clone)]
pub struct Figures {
    latencies_us: Histogram<u64>,
    failed: u64,
    span: Duration,
}

impl Figures {
    /// The longest latency that is told apart from longer ones.
    const LATENCY_MAX: Duration = Duration::from_secs(60);
    const SIGNIFICANT_DIGITS: u8 = 3;

    /// Nothing yet.
    ///
    /// # Panics
    /// Never: the bounds of the histogram are good ones.
    #[must_use]
    #[expect(clippy::expect_used, reason = "constants that a test builds it from")]
    pub fn new() -> Self {
        let max = Self::LATENCY_MAX.as_micros() as u64;
        let latencies_us = Histogram::new_with_max(max, Self::SIGNIFICANT_DIGITS);
        Self {
            latencies_us: latencies_us.expect("good bounds"),
            failed: 0,
            span: Duration::ZERO,
        }
    }

    /// A write came back.
    pub fn done(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies_us.saturating_record(micros);
    }

    /// A write failed.
    pub fn failed(&mut self) {
        self.failed += 1;
    }

    /// From the first write to the last answer.
    pub fn took(&mut self, span: Duration) {
        self.span = span;
    }

    /// Puts those of another part of the same work to these.
    pub fn add(&mut self, other: &Self) {
        // Both have the same bounds.
        let _ = self.latencies_us.add(&other.latencies_us);
        self.failed += other.failed;
        self.span = self.span.max(other.span);
    }

    /// How many came back.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.latencies_us.len()
    }

    /// How many failed.
    #[must_use]
    pub const fn failures(&self) -> u64 {
        self.failed
    }

    /// So many a second came back.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.count() as f64 / self.span.as_secs_f64().max(f64::EPSILON)
    }

    /// A quantile of the latencies, in milliseconds.
    #[must_use]
    pub fn latency_ms(&self, quantile: f64) -> f64 {
        self.latencies_us.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

impl Default for Figures {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} writes, {:.0}/s, p50 {:.3} ms, p99 {:.3} ms, longest {:.1} ms, {} failed",
            self.count(),
            self.per_second(),
            self.latency_ms(0.5),
            self.latency_ms(0.99),
            self.latency_ms(1.0),
            self.failed,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_rate_are_those_of_the_writes() {
        let mut figures = Figures::new();
        for millis in 1..=100 {
            figures.done(Duration::from_millis(millis));
        }
        figures.took(Duration::from_secs(2));
        assert!((figures.latency_ms(0.5) - 50.0).abs() < 0.1);
        assert!((figures.latency_ms(0.99) - 99.0).abs() < 0.1);
        assert!((figures.per_second() - 50.0).abs() < 1e-9);
    }
}
