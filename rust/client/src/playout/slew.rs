//! The delay that is shown, on its way to the one that is recommended.

use synced_protocol::time::Micros;

/// How much faster or slower than real time what is shown may run, in hundredths.
pub const SLEW_PERCENT_MAX: u64 = 5;

/// Follows the recommended delay so slowly that nobody sees it: at most [`SLEW_PERCENT_MAX`] of the time that passes. So
/// what is shown never goes backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelaySlew {
    /// Since when it is on its way, in the time that [`Self::shown_at`] is asked with.
    from: Micros,
    delay: Micros,
    wanted: Micros,
}

impl DelaySlew {
    /// Begins with a delay.
    #[must_use]
    pub const fn new(delay: Micros) -> Self {
        Self {
            from: Micros::ZERO,
            delay,
            wanted: delay,
        }
    }

    /// Goes towards another delay from `now` on.
    pub fn aim(&mut self, now: Micros, delay: Micros) {
        if delay != self.wanted {
            self.delay = self.delay_at(now);
            self.from = now;
            self.wanted = delay;
        }
    }

    /// Goes to a delay at once: nothing is shown yet.
    pub const fn jump(&mut self, delay: Micros) {
        self.delay = delay;
        self.wanted = delay;
    }

    /// The delay at a time.
    #[must_use]
    pub fn delay_at(&self, now: Micros) -> Micros {
        let most = Micros(now.since(self.from).0 / (100 / SLEW_PERCENT_MAX));
        if self.wanted > self.delay {
            self.delay + self.wanted.since(self.delay).min(most)
        } else {
            self.delay - self.delay.since(self.wanted).min(most)
        }
    }

    /// What is shown at a time: the moment before it by the delay.
    #[must_use]
    pub fn shown_at(&self, now: Micros) -> Micros {
        now - self.delay_at(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Micros = Micros::from_secs(1_000_000);

    proptest! {
        #[test]
        fn whatever_is_recommended_the_shown_time_goes_forward_at_the_pace_of_real_time_give_or_take_the_slew(
            steps in prop::collection::vec((0..50_000_u64, 0..300_000_u64, prop::bool::weighted(0.1)), 1..200),
        ) {
            let mut slew = DelaySlew::new(Micros::from_millis(50));
            let mut now = START;
            for (step, delay, changes) in steps {
                if changes {
                    slew.aim(now, Micros(delay));
                }
                let before = slew.shown_at(now);
                now = now + Micros(step);
                let way = slew.shown_at(now).offset_from(before);
                let most = (step / 20 + 1).cast_signed();
                prop_assert!((way - step.cast_signed()).abs() <= most, "{way} in {step}");
            }
        }
    }

    #[test]
    fn a_hundred_milliseconds_more_take_two_seconds() {
        let mut slew = DelaySlew::new(Micros::from_millis(20));
        slew.aim(START, Micros::from_millis(120));
        let after = |ms| slew.delay_at(START + Micros::from_millis(ms));
        assert_eq!(after(1_000), Micros::from_millis(70));
        assert_eq!(after(2_000), Micros::from_millis(120));
        assert_eq!(after(9_000), Micros::from_millis(120));
        assert_eq!(slew.shown_at(START), START - Micros::from_millis(20));
    }

    #[test]
    fn told_the_same_again_and_again_it_goes_on_its_way_all_the_same() {
        let mut slew = DelaySlew::new(Micros::ZERO);
        for ms in 0..=1_000 {
            slew.aim(START + Micros::from_millis(ms), Micros::from_millis(50));
        }
        assert_eq!(
            slew.delay_at(START + Micros::from_secs(1)),
            Micros::from_millis(50)
        );
    }

    #[test]
    fn before_anything_is_shown_it_need_not_be_slow() {
        let mut slew = DelaySlew::new(Micros::from_millis(50));
        slew.jump(Micros::from_millis(12));
        assert_eq!(slew.delay_at(START), Micros::from_millis(12));
    }
}
