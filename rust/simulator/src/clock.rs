//! What a process reads from its clock, which is not the time of the run: it began elsewhere, runs a little fast or slow, and
//! may jump ahead as after a suspended machine. It never goes back, as no monotonic clock does.

use synced_protocol::time::Micros;

/// A monotonic clock of one process.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// What it showed at `since`.
    base: Micros,
    since: Micros,
    drift_ppm: i64,
}

const MILLION: i64 = 1_000_000;

impl Clock {
    /// A clock that shows `base` at virtual time `since`, and gains `drift_ppm` microseconds each second.
    #[must_use]
    pub const fn new(since: Micros, base: Micros, drift_ppm: i64) -> Self {
        Self {
            base,
            since,
            drift_ppm,
        }
    }

    /// What it shows at virtual time `now`.
    #[must_use]
    pub const fn read(&self, now: Micros) -> Micros {
        let passed = now.since(self.since).0;
        // Runs take days at the most, and the drift is less than the whole: the product stays far below 2^63.
        let gained = passed.cast_signed() * self.drift_ppm / MILLION;
        Micros(self.base.0 + passed).shifted(gained)
    }

    /// The first virtual time, from `now`, at which it shows at least `local`.
    #[must_use]
    pub const fn when(&self, now: Micros, local: Micros) -> Micros {
        let rate = MILLION + self.drift_ppm;
        let ahead = local.since(self.base).0.cast_signed();
        // The same as ahead * MILLION / rate, without a product that could be too large.
        let longer = ahead / rate * MILLION + ahead % rate * MILLION / rate;
        let mut at = Micros(self.since.0 + longer.cast_unsigned());
        while self.read(at).0 < local.0 {
            at.0 += 1;
        }
        if at.0 < now.0 { now } else { at }
    }

    /// It shows so much more from `now` on.
    pub const fn jump(&mut self, now: Micros, by: Micros) {
        self.base = Micros(self.read(now).0 + by.0);
        self.since = now;
    }

    /// It runs otherwise from `now` on.
    pub const fn set_drift(&mut self, now: Micros, drift_ppm: i64) {
        self.base = self.read(now);
        self.since = now;
        self.drift_ppm = drift_ppm;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_comes_at_the_first_instant_at_which_the_clock_shows_it() {
        for drift_ppm in [-500, -1, 0, 3, 500] {
            let mut clock = Clock::new(Micros(1_000), Micros(77), drift_ppm);
            clock.jump(Micros(5_000), Micros(123));
            for local in [4_100, 5_000, 90_001, 1_000_000_007].map(Micros) {
                let at = clock.when(Micros(5_000), local);
                assert!(clock.read(at) >= local, "{drift_ppm} {local:?}");
                let before = Micros(at.0 - 1);
                assert!(
                    at.0 == 5_000 || clock.read(before) < local,
                    "{drift_ppm} {local:?}"
                );
            }
        }
    }

    #[test]
    fn a_clock_that_gains_shows_more_after_a_second_and_one_that_jumped_keeps_what_it_jumped() {
        let mut clock = Clock::new(Micros::ZERO, Micros::ZERO, 200);
        assert_eq!(clock.read(Micros::from_secs(1)), Micros(1_000_200));
        clock.jump(Micros::from_secs(1), Micros(50));
        clock.set_drift(Micros::from_secs(1), 0);
        assert_eq!(clock.read(Micros::from_secs(2)), Micros(2_000_250));
    }
}
