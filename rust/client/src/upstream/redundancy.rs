//! Of how many batches before each batch repeats the samples.

use synced_protocol::live::Loss;

use crate::config::LiveConfig;

/// The part of all batches that may never come: there are as many repetitions as this takes.
pub(super) const RESIDUAL_LOSS_MAX: f32 = 2e-3;
/// How much of a rise of the loss is believed with each measurement, and how much of a fall. There are eight a second.
const RISE: f32 = 0.1;
const FALL: f32 = 0.03;
/// With so much of the burst left, in hundredths, nothing is repeated; with so much, all that is wanted.
const LEVEL_NONE: u64 = 25;
const LEVEL_ALL: u64 = 75;

/// Follows the loss that is measured.
#[derive(Debug)]
pub(super) struct Redundancy {
    min: u8,
    max: u8,
    loss: f32,
    wanted: u8,
}

impl Redundancy {
    /// For a configuration within its limits.
    pub(super) const fn new(config: &LiveConfig) -> Self {
        Self {
            min: config.redundancy_min,
            max: config.redundancy_max,
            loss: 0.0,
            wanted: config.redundancy_min,
        }
    }

    /// A measurement of what is lost on the whole way, from 0 to 1.
    pub(super) fn learn(&mut self, loss: f32) {
        let share = if loss > self.loss { RISE } else { FALL };
        self.loss += (loss - self.loss) * share;
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

    fn after(losses: impl IntoIterator<Item = f32>) -> Redundancy {
        let mut redundancy = Redundancy::new(&LiveConfig::default());
        losses.into_iter().for_each(|loss| redundancy.learn(loss));
        redundancy
    }

    #[test]
    fn it_is_the_least_that_leaves_two_batches_in_a_thousand_lost() {
        let wanted = |loss| after([loss; 200]).within(100);
        assert_eq!(
            [0.0, 0.05, 0.0975, 0.12, 0.13, 0.19, 0.22, 0.4, 1.0].map(wanted),
            [2, 2, 2, 2, 3, 3, 4, 6, 6]
        );
    }

    #[test]
    fn a_rise_is_followed_in_two_seconds_and_a_fall_in_some_more() {
        let per_second = 8;
        let calm = [0.0; 100];
        let up = after(
            calm.into_iter()
                .chain([0.3; 100].into_iter().take(2 * per_second)),
        );
        assert_eq!(up.within(100), 4);
        let mut down = after(calm.into_iter().chain([0.3; 100]));
        assert_eq!(down.within(100), 5);
        (0..per_second / 2).for_each(|_| down.learn(0.0));
        assert_eq!(down.within(100), 4);
        (0..4 * per_second).for_each(|_| down.learn(0.0));
        assert_eq!(down.within(100), 2);
    }

    #[test]
    fn near_the_cap_less_is_repeated_and_close_to_it_nothing() {
        let redundancy = after([0.25; 200]);
        let levels = [100, 75, 70, 62, 50, 40, 25, 0];
        assert_eq!(
            levels.map(|level| redundancy.within(level)),
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
            for loss in losses {
                redundancy.learn(loss);
                prop_assert!((min..=min + more).contains(&redundancy.within(100)));
                prop_assert!(redundancy.within(level) <= redundancy.within(100));
            }
        }
    }
}
