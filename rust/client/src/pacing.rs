//! A bucket that fills with time, and from which is paid what is sent.

use synced_protocol::time::Micros;

const MICROS_PER_SECOND: u64 = 1_000_000;

/// Full at first. Levels are in millionths, so that no rate is lost to rounding.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: u64,
    burst: u64,
    level: u64,
    filled_at: Micros,
}

impl Bucket {
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let burst = u64::from(burst) * MICROS_PER_SECOND;
        Self {
            per_second: u64::from(per_second).max(1),
            burst,
            level: burst,
            filled_at: Micros::ZERO,
        }
    }

    pub(crate) fn has(&self, now: Micros, amount: usize) -> bool {
        self.level_at(now) >= self.level_of(amount)
    }

    /// When so much will be there; at most the burst ever is.
    pub(crate) fn ready_at(&self, now: Micros, amount: usize) -> Micros {
        let missing = self.level_of(amount).saturating_sub(self.level_at(now));
        now + Micros(missing.div_ceil(self.per_second))
    }

    /// How full it is, in hundredths.
    pub(crate) fn percent(&self, now: Micros) -> u64 {
        self.level_at(now) / (self.burst / 100).max(1)
    }

    pub(crate) fn take(&mut self, now: Micros, amount: usize) {
        let level = self.level_at(now);
        self.level = level.saturating_sub(self.level_of(amount));
        self.filled_at = now;
    }

    fn level_of(&self, amount: usize) -> u64 {
        (amount as u64)
            .saturating_mul(MICROS_PER_SECOND)
            .min(self.burst)
    }

    fn level_at(&self, now: Micros) -> u64 {
        let elapsed = now.since(self.filled_at).0;
        let gained = elapsed.saturating_mul(self.per_second);
        self.level.saturating_add(gained).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER_SECOND: u32 = 100_000;
    const BURST: u32 = 12_000;
    const AMOUNT: usize = 1_098;

    /// Takes as often as there is enough, up to a time; returns how much that was.
    fn drain(bucket: &mut Bucket, until: Micros) -> usize {
        let mut now = Micros::ZERO;
        let mut taken = 0;
        loop {
            now = bucket.ready_at(now, AMOUNT);
            if now > until {
                return taken;
            }
            assert!(bucket.has(now, AMOUNT));
            bucket.take(now, AMOUNT);
            taken += AMOUNT;
        }
    }

    #[test]
    fn over_any_time_no_more_than_the_rate_and_one_burst_leaves() {
        let mut bucket = Bucket::new(PER_SECOND, BURST);
        let taken = drain(&mut bucket, Micros::from_secs(10));
        let most = (10 * PER_SECOND + BURST) as usize;
        assert!(taken <= most && taken > most - 2 * AMOUNT, "{taken}");
    }

    #[test]
    fn a_pause_saves_up_one_burst_and_no_more() {
        let mut bucket = Bucket::new(PER_SECOND, BURST);
        let later = Micros::from_secs(3_600);
        let count = (0..1_000).take_while(|_| {
            let enough = bucket.has(later, AMOUNT);
            bucket.take(later, AMOUNT);
            enough
        });
        assert_eq!(count.count(), BURST as usize / AMOUNT);
    }

    #[test]
    fn more_than_the_burst_goes_when_the_bucket_is_full() {
        let mut bucket = Bucket::new(PER_SECOND, BURST);
        let large = 2 * BURST as usize;
        assert!(bucket.has(Micros::ZERO, large));
        bucket.take(Micros::ZERO, large);
        let full_at = Micros(u64::from(BURST) * 1_000_000 / u64::from(PER_SECOND));
        assert_eq!(bucket.ready_at(Micros::ZERO, large), full_at);
    }
}
