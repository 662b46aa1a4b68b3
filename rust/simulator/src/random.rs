//! Chance, from one seed: every purpose has a stream of its own, so that more draws for one change nothing of another.

use synced_protocol::{id::mix, time::Micros};

/// One stream of random numbers: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Delays, losses and the order of packets.
    Network,
    /// Which faults come, when and where.
    Faults,
    /// What players do.
    Players,
    /// How wrong each clock is.
    Clocks,
    /// How long disks take and what they lose.
    Disks,
    /// Seeds for the code under test.
    Logic,
}

impl Random {
    /// The stream for one purpose of one run.
    #[must_use]
    pub const fn new(seed: u64, purpose: Purpose) -> Self {
        let purpose = mix(purpose as u64 + 1);
        Self {
            state: mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ purpose,
        }
    }

    /// Any number.
    pub const fn any(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `end`; 0 if that is 0. Its bias is below one in 2^32 for what is drawn here.
    pub const fn below(&mut self, end: u64) -> u64 {
        let wide = self.any() as u128 * end as u128;
        (wide >> 64) as u64
    }

    /// A number of the range, both ends included.
    pub const fn between(&mut self, [from, to]: [u64; 2]) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// One of the places of a list of `len`.
    pub fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// One of a list, if it has any.
    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.place(from.len()))
    }

    /// Whether a thing of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// A span with this mean, exponentially distributed, at most twenty times the mean.
    pub fn exponential(&mut self, mean: Micros) -> Micros {
        let draw = -(1.0 - self.unit()).ln();
        Micros((draw.min(20.0) * to_f64(mean.0)) as u64)
    }

    /// A number from 0 up to, but not including, 1.
    fn unit(&mut self) -> f64 {
        to_f64(self.any() >> 11) / to_f64(1 << 53)
    }
}

#[expect(clippy::cast_precision_loss, reason = "less than 2^53")]
const fn to_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_of_two_purposes_or_two_seeds_differ() {
        let first = |seed, purpose| Random::new(seed, purpose).any();
        let draws = [
            first(1, Purpose::Network),
            first(1, Purpose::Faults),
            first(2, Purpose::Network),
        ];
        assert!(draws[0] != draws[1] && draws[0] != draws[2] && draws[1] != draws[2]);
        assert_eq!(draws[0], first(1, Purpose::Network));
    }

    #[test]
    fn what_is_drawn_stays_within_its_bounds_and_reaches_them() {
        let mut random = Random::new(7, Purpose::Faults);
        let drawn: std::collections::BTreeSet<u64> =
            (0..1_000).map(|_| random.between([3, 6])).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn exponential_spans_have_the_mean_that_was_asked_for() {
        let mut random = Random::new(7, Purpose::Network);
        let sum: u64 = (0..100_000)
            .map(|_| random.exponential(Micros(1_000)).0)
            .sum();
        assert!((98_000_000..102_000_000).contains(&sum), "{sum}");
    }
}
