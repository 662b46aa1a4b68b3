//! What a bad network does to packets, always the same for the same seed.

use std::time::Duration;

/// What becomes of packets, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Network {
    /// Which of them are lost.
    pub loss: Loss,
    /// How long each is on its way, at least.
    pub delay: Duration,
    /// How much longer at most; every time up to it is as likely, so one packet may overtake another.
    pub jitter: Duration,
}

/// Which packets are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// So many of a thousand, each by itself.
    Random {
        /// At most 1000.
        permille: u16,
    },
    /// So many of a thousand, several in a row (Gilbert, 1960).
    Bursts {
        /// Below 1000.
        permille: u16,
        /// How many in a row on average, at least 1.
        packets: u16,
    },
}

impl Network {
    /// A network that loses so many of a thousand packets, each by itself.
    #[must_use]
    pub fn losing(permille: u16) -> Self {
        Self {
            loss: Loss::Random { permille },
            ..Self::default()
        }
    }

    /// The same network, on which packets take up to so much longer.
    #[must_use]
    pub const fn with_jitter(self, jitter: Duration) -> Self {
        Self { jitter, ..self }
    }
}

/// What becomes of the packets that go one way, one after the other.
#[derive(Debug)]
pub(super) struct Fates {
    dice: Dice,
    in_burst: bool,
}

impl Fates {
    pub(super) const fn new(seed: u64) -> Self {
        Self {
            dice: Dice(seed),
            in_burst: false,
        }
    }

    /// How long the next packet is on its way; `None` when it is lost. Each takes as much chance as any other.
    pub(super) fn next(&mut self, network: &Network) -> Option<Duration> {
        let (loss, late) = (self.dice.roll(), self.dice.roll());
        let is_lost = self.is_lost(network.loss, loss);
        (!is_lost).then(|| network.delay + network.jitter.mul_f64(late))
    }

    fn is_lost(&mut self, loss: Loss, roll: f64) -> bool {
        let share = |permille: u16| f64::from(permille) / 1_000.0;
        match loss {
            Loss::None => false,
            Loss::Random { permille } => roll < share(permille),
            Loss::Bursts { permille, packets } => {
                let ends = 1.0 / f64::from(packets.max(1));
                let begins = ends * share(permille) / (1.0 - share(permille)).max(1e-3);
                self.in_burst = roll < if self.in_burst { 1.0 - ends } else { begins };
                self.in_burst
            }
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    /// From 0 to 1.
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) as f64 / u64::MAX as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(seed: u64, network: &Network) -> Vec<Option<Duration>> {
        let mut fates = Fates::new(seed);
        (0..20_000).map(|_| fates.next(network)).collect()
    }

    fn lost_of_a_thousand(fates: &[Option<Duration>]) -> usize {
        fates.iter().filter(|fate| fate.is_none()).count() * 1_000 / fates.len()
    }

    #[test]
    fn about_as_many_are_lost_as_was_asked_for_and_the_same_ones_for_a_seed() {
        let network = Network::losing(50);
        let first = fates(1, &network);
        assert!((40..60).contains(&lost_of_a_thousand(&first)));
        assert_eq!(first, fates(1, &network));
        assert_ne!(first, fates(2, &network));
        assert_eq!(lost_of_a_thousand(&fates(1, &Network::default())), 0);
        assert_eq!(
            lost_of_a_thousand(&fates(1, &Network::losing(1_000))),
            1_000
        );
    }

    #[test]
    fn bursts_are_as_long_as_was_asked_for_and_lose_no_more_in_all() {
        let network = Network {
            loss: Loss::Bursts {
                permille: 100,
                packets: 5,
            },
            ..Network::default()
        };
        let fates = fates(1, &network);
        assert!((80..120).contains(&lost_of_a_thousand(&fates)));
        let begins = fates
            .windows(2)
            .filter(|pair| pair[0].is_some() && pair[1].is_none());
        let length = lost_of_a_thousand(&fates) * fates.len() / 1_000 / begins.count();
        assert!((4..=6).contains(&length), "{length}");
    }

    #[test]
    fn every_delay_between_the_bounds_is_about_as_likely() {
        let network = Network {
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(20),
            ..Network::default()
        };
        let mut counts = [0; 4];
        for delay in fates(1, &network).into_iter().flatten() {
            let more = delay
                .checked_sub(network.delay)
                .expect("at least the delay");
            counts[(more.as_micros() as usize / 5_000).min(3)] += 1;
        }
        assert!(
            counts.iter().all(|count| (4_700..5_300).contains(count)),
            "{counts:?}"
        );
    }
}
