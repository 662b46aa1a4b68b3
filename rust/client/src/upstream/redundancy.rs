//! Of how many batches before each batch repeats the samples.

use synced_protocol::{live::Loss, time::Micros};

use crate::config::LiveConfig;

/// The part of all batches that may never come: there are as many repetitions as this takes.
pub(super) const RESIDUAL_LOSS_MAX: f32 = 2e-3;
/// In this time most (1 - 1/e) of a rise of the loss is believed.
const RISE_TIME: Micros = Micros::from_secs(1);
/// In this time most of a fall.
const FALL_TIME: Micros = Micros::from_secs(4);
/// A measurement stands for the time since the one before, up to this.
const STANDS_FOR_MAX: Micros = Micros::from_secs(1);
/// With so much of the burst left, in hundredths, nothing is repeated; with so much, all that is wanted.
const LEVEL_NONE: u64 = 25;
const LEVEL_ALL: u64 = 75;

/// Follows the loss that is measured.
#[derive(Debug)]
pub(super) struct Redundancy {
    min: u8,
    max: u8,
    loss: f32,
    learned_at: Micros,
    wanted: u8,
}

impl Redundancy {
    /// For a configuration within its limits.
    pub(super) const fn new(config: &LiveConfig) -> Self {
        Self {
            min: config.redundancy_min,
            max: config.redundancy_max,
            loss: 0.0,
            learned_at: Micros::ZERO,
            wanted: config.redundancy_min,
        }
    }

    /// A measurement of what is lost on the whole way, from 0 to 1.
    pub(super) fn learn(&mut self, now: Micros, loss: f32) {
        let span = now.since(self.learned_at).min(STANDS_FOR_MAX);
        let time = if loss > self.loss {
            RISE_TIME
        } else {
            FALL_TIME
        };
        let old = (-span.as_secs_f64() / time.as_secs_f64()).exp() as f32;
        self.loss = loss + (self.loss - loss) * old;
        self.learned_at = now;
        let enough = |repeats: &u8| residual(self.loss, *repeats) <= RESIDUAL_LOSS_MAX;
        self.wanted = (self.min..self.max).find(enough).unwrap_or(self.max);
    }

    /// How much to repeat with so many hundredths of the allowed burst left: as the cap on the rate comes near, less.
    pub(super) fn within(&self, level: u64) -> u8 {
        let share = level.clamp(LEVEL_NONE, LEVEL_ALL) - LEVEL_NONE;
        let wanted = u64::from(self.wanted) * share / (LEVEL_ALL - LEVEL_NONE);
        u8::try_from(wanted).unwrap_or(self.wanted)
    }
}

/// What is lost of batches that are sent once and repeated so often, each time with the same loss.
fn residual(loss: f32, repeats: u8) -> f32 {
    loss.powi(i32::from(repeats) + 1)
}

/// What is lost of this player's datagrams on both ways, up to the leader and down to the worst placed other player.
///
/// Who listens measures by the gaps in the numbers that the sender gave, so a lone listener's measurement is of both ways
/// already; of several the least that each measures of anybody is its own way, or nearly.
pub(super) fn whole_way(up: Loss, peers: Loss, others: usize) -> f32 {
    let (up, peers) = (up.ratio(), peers.ratio());
    if others <= 1 {
        up.max(peers)
    } else {
        1.0 - (1.0 - up) * (1.0 - peers)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Measures twice a second.
    struct Measuring {
        redundancy: Redundancy,
        now: Micros,
    }

    impl Measuring {
        fn new() -> Self {
            Self {
                redundancy: Redundancy::new(&LiveConfig::default()),
                now: Micros::from_secs(100),
            }
        }

        fn wanted_after(&mut self, seconds: u64, loss: f32) -> u8 {
            for _ in 0..2 * seconds {
                self.now = self.now + Micros::from_millis(500);
                self.redundancy.learn(self.now, loss);
            }
            self.redundancy.within(100)
        }
    }

    #[test]
    fn it_is_the_least_that_leaves_two_batches_in_a_thousand_lost() {
        let wanted = |loss| Measuring::new().wanted_after(60, loss);
        assert_eq!(
            [0.0, 0.05, 0.0975, 0.12, 0.13, 0.19, 0.22, 0.4, 1.0].map(wanted),
            [2, 2, 2, 2, 3, 3, 4, 6, 6]
        );
    }

    #[test]
    fn a_rise_is_followed_in_two_seconds_and_a_fall_in_some_more() {
        let mut measuring = Measuring::new();
        assert_eq!(measuring.wanted_after(10, 0.0), 2);
        assert_eq!(measuring.wanted_after(2, 0.3), 4);
        assert_eq!(measuring.wanted_after(10, 0.3), 5);
        assert_eq!(measuring.wanted_after(1, 0.0), 4);
        assert_eq!(measuring.wanted_after(3, 0.0), 2);
    }

    #[test]
    fn near_the_cap_less_is_repeated_and_close_to_it_nothing() {
        let mut measuring = Measuring::new();
        measuring.wanted_after(60, 0.25);
        let levels = [100, 75, 70, 62, 50, 40, 25, 0];
        assert_eq!(
            levels.map(|level| measuring.redundancy.within(level)),
            [4, 4, 3, 2, 2, 1, 0, 0]
        );
    }

    #[test]
    fn a_lone_listener_measures_both_ways_and_one_of_several_the_last() {
        let (up, peers) = (Loss::of(1, 10), Loss::of(1, 5));
        assert!((whole_way(up, peers, 1) - 0.2).abs() < 1e-4);
        assert!((whole_way(up, peers, 2) - 0.28).abs() < 1e-4);
        assert!((whole_way(peers, Loss::NONE, 0) - 0.2).abs() < 1e-4);
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(
            min in 0..=4_u8, more in 0..=4_u8, losses in prop::collection::vec(0.0_f32..=1.0, 0..50), level in 0..=100_u64,
        ) {
            let config = LiveConfig { redundancy_min: min, redundancy_max: min + more, ..LiveConfig::default() };
            let mut redundancy = Redundancy::new(&config);
            for (second, loss) in (1..).zip(losses) {
                redundancy.learn(Micros::from_secs(second), loss);
                prop_assert!((min..=min + more).contains(&redundancy.within(100)));
                prop_assert!(redundancy.within(level) <= redundancy.within(100));
            }
        }
    }
}
