//! Token buckets.

use synced_protocol::time::Micros;

use crate::config::FLOOD_FACTOR;

/// How much of something may happen in a second, and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run, in a second.
    pub per_second: u32,
    /// At once, after a pause.
    pub burst: u32,
}

impl Rate {
    /// So many a second, and so many at once.
    #[must_use]
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }

    /// The same rate, with at least so many at once.
    pub(crate) const fn at_once(self, burst_min: u32) -> Self {
        let burst = if self.burst < burst_min {
            burst_min
        } else {
            self.burst
        };
        Self { burst, ..self }
    }

    const fn times(self, factor: u32) -> Self {
        Self {
            per_second: self.per_second.saturating_mul(factor),
            burst: self.burst.saturating_mul(factor),
        }
    }
}

/// One token is a million parts, so that a rate of one a second fills by a whole part each microsecond.
const TOKEN: i64 = 1_000_000;

/// Fills at its rate up to its burst, and is full at first.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    rate: Rate,
    /// In millionths of a token; below zero after [`Bucket::charge`].
    level: i64,
    filled_at: Micros,
}

impl Bucket {
    pub(crate) const fn new(rate: Rate, now: Micros) -> Self {
        Self {
            rate,
            level: rate.burst as i64 * TOKEN,
            filled_at: now,
        }
    }

    /// Takes so many tokens, if they are there.
    pub(crate) fn take(&mut self, now: Micros, tokens: usize) -> bool {
        self.fill(now);
        let wanted = parts(tokens);
        let enough = wanted <= self.level;
        if enough {
            self.level -= wanted;
        }
        enough
    }

    /// Takes so many tokens, even if that leaves a debt.
    pub(crate) fn charge(&mut self, tokens: usize) {
        self.level = self.level.saturating_sub(parts(tokens));
    }

    /// When so many tokens will be there, if none are taken before; no more than the burst are ever there.
    pub(crate) fn ready_at(&self, tokens: usize) -> Micros {
        let missing = parts(tokens).saturating_sub(self.level).max(0);
        let per_us = i64::from(self.rate.per_second).max(1);
        let wait = missing.saturating_add(per_us - 1) / per_us;
        self.filled_at + Micros(wait.unsigned_abs())
    }

    fn fill(&mut self, now: Micros) {
        let elapsed = i64::try_from(now.since(self.filled_at).0).unwrap_or(i64::MAX);
        let gained = elapsed.saturating_mul(self.rate.per_second.into());
        let full = i64::from(self.rate.burst) * TOKEN;
        self.level = self.level.saturating_add(gained).min(full);
        self.filled_at = self.filled_at.max(now);
    }
}

fn parts(tokens: usize) -> i64 {
    i64::try_from(tokens).map_or(i64::MAX, |tokens| tokens.saturating_mul(TOKEN))
}

/// What a limit says about one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is within the rate.
    Within,
    /// It is not, and is left out.
    Over,
    /// It is far beyond, and has been for a while.
    Flood,
}

/// A rate beyond which things are left out, and a multiple of it that ends the peer's connection.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    soft: Bucket,
    hard: Bucket,
}

impl Allowance {
    pub(crate) const fn new(rate: Rate, now: Micros) -> Self {
        Self {
            soft: Bucket::new(rate, now),
            hard: Bucket::new(rate.times(FLOOD_FACTOR), now),
        }
    }

    pub(crate) fn judge(&mut self, now: Micros) -> Verdict {
        if !self.hard.take(now, 1) {
            Verdict::Flood
        } else if self.soft.take(now, 1) {
            Verdict::Within
        } else {
            Verdict::Over
        }
    }

    /// Counts what one cost beyond the others.
    pub(crate) fn charge(&mut self, tokens: usize) {
        self.soft.charge(tokens);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T0: Micros = Micros::from_secs(100);

    #[test]
    fn a_burst_is_taken_at_once_and_comes_back_at_the_rate() {
        let mut bucket = Bucket::new(Rate::new(10, 3), T0);
        assert!((0..3).all(|_| bucket.take(T0, 1)));
        assert!(!bucket.take(T0, 1));
        assert_eq!(bucket.ready_at(1), T0 + Micros(100_000));
        assert!(!bucket.take(T0 + Micros(99_999), 1));
        assert!(bucket.take(T0 + Micros(100_000), 1));
    }

    #[test]
    fn a_debt_is_paid_before_anything_is_taken() {
        let mut bucket = Bucket::new(Rate::new(1, 1), T0);
        bucket.charge(3);
        assert_eq!(bucket.ready_at(1), T0 + Micros::from_secs(3));
        assert!(!bucket.take(T0 + Micros::from_secs(2), 1));
        assert!(bucket.take(T0 + Micros::from_secs(3), 1));
    }

    #[test]
    fn what_is_over_is_left_out_and_what_goes_on_beyond_the_factor_is_a_flood() {
        let mut allowance = Allowance::new(Rate::new(1, 2), T0);
        let mut judge = |count: usize| (0..count).map(|_| allowance.judge(T0)).collect::<Vec<_>>();
        assert_eq!(judge(2), [Verdict::Within; 2]);
        assert_eq!(judge(6), [Verdict::Over; 6]);
        assert_eq!(judge(1), [Verdict::Flood]);
    }

    proptest! {
        #[test]
        fn no_more_is_ever_taken_than_burst_and_rate_allow(
            per_second in 0..5_000_u32, burst in 0..5_000_u32,
            takes in prop::collection::vec((0..20_000_u64, 0..40_usize), 0..300),
        ) {
            let mut bucket = Bucket::new(Rate::new(per_second, burst), T0);
            let (mut now, mut taken) = (T0, 0);
            for (pause, tokens) in takes {
                now = now + Micros(pause);
                if bucket.take(now, tokens) {
                    taken += tokens as u64;
                }
            }
            let allowed = u64::from(burst) + u64::from(per_second) * now.since(T0).0 / 1_000_000;
            prop_assert!(taken <= allowed, "{taken} of {allowed}");
        }

        #[test]
        fn no_number_overflows(
            rate in any::<(u32, u32)>(), now in any::<u64>(), tokens in any::<usize>(),
        ) {
            let mut bucket = Bucket::new(Rate::new(rate.0, rate.1), Micros::ZERO);
            bucket.charge(tokens);
            bucket.charge(tokens);
            let _ = bucket.take(Micros(now), tokens);
            let _ = bucket.ready_at(tokens);
        }
    }
}
