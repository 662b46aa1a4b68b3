//! What lies between two hosts, one way.

use synced_protocol::time::Micros;

use crate::random::Random;

/// One way from one host to another.
#[derive(Debug, Clone, Default)]
pub struct Path {
    /// How many faults block it.
    blocks: u16,
    blocked_since: Micros,
    /// Nothing arrives before.
    clogged_until: Micros,
    delay_least: Micros,
    delay_mean: Micros,
}

/// What every path has in common at the moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// The probability that a packet is lost, in millionths.
    pub loss_ppm: u32,
    /// The probability that a datagram comes twice, in millionths.
    pub duplication_ppm: u32,
    /// The probability that a datagram is held up, in millionths.
    pub reordering_ppm: u32,
    /// How much longer packets take in the mean.
    pub delay: Micros,
}

/// How many times the mean delay a datagram is held up so that others overtake it.
const HELD_UP_FACTOR: u64 = 10;
/// What a sender waits beside two round trips before it sends a lost packet again.
const RETRY_MIN: Micros = Micros(1_000);
/// A frame that was lost so often in a row is there.
const LOSSES_MAX: u32 = 8;

impl Path {
    /// A path with its least and its mean delay.
    #[must_use]
    pub const fn new([least, mean]: [u64; 2]) -> Self {
        Self {
            blocks: 0,
            blocked_since: Micros::ZERO,
            clogged_until: Micros::ZERO,
            delay_least: Micros(least),
            delay_mean: Micros(mean - least),
        }
    }

    /// Whether nothing gets through.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.blocks > 0
    }

    /// Whether packets get through without waiting for a fault to end.
    #[must_use]
    pub fn is_clear(&self, now: Micros) -> bool {
        !self.is_blocked() && self.clogged_until <= now
    }

    /// Whether it has been blocked since then without a break.
    #[must_use]
    pub fn is_blocked_since(&self, since: Micros) -> bool {
        self.is_blocked() && self.blocked_since == since
    }

    /// One more fault blocks it; returns whether it was open.
    pub fn block(&mut self, now: Micros) -> bool {
        self.blocks += 1;
        let was_open = self.blocks == 1;
        if was_open {
            self.blocked_since = now;
        }
        was_open
    }

    /// One fault less blocks it; returns whether it is open.
    pub const fn unblock(&mut self) -> bool {
        self.blocks = self.blocks.saturating_sub(1);
        self.blocks == 0
    }

    /// Nothing blocks or clogs it any more; returns whether anything blocked it.
    pub const fn heal(&mut self) -> bool {
        let was_blocked = self.is_blocked();
        self.blocks = 0;
        self.clogged_until = Micros::ZERO;
        was_blocked
    }

    /// Whatever is sent arrives after `until`.
    pub fn clog(&mut self, until: Micros) {
        self.clogged_until = self.clogged_until.max(until);
    }

    /// When a packet that leaves now arrives.
    pub fn arrival(&self, now: Micros, weather: Weather, random: &mut Random) -> Micros {
        let mean = self.delay_mean + weather.delay;
        let at = now + self.delay_least + random.exponential(mean);
        if self.clogged_until > at {
            return self.clogged_until + random.exponential(self.delay_mean);
        }
        at
    }

    /// When a frame that leaves now arrives, with its repetitions against loss.
    pub fn arrival_of_frame(&self, now: Micros, weather: Weather, random: &mut Random) -> Micros {
        let mut sent = now;
        let round_trip = Micros(2 * (self.delay_least + self.delay_mean + weather.delay).0);
        for _ in 0..LOSSES_MAX {
            if !happens(weather.loss_ppm, random) {
                break;
            }
            sent = sent + RETRY_MIN + random.exponential(Micros(2 * round_trip.0));
        }
        self.arrival(sent, weather, random)
    }

    /// When a datagram that leaves now arrives: never, once or twice.
    pub fn arrivals_of_datagram(
        &self,
        now: Micros,
        weather: Weather,
        random: &mut Random,
    ) -> [Option<Micros>; 2] {
        if self.is_blocked() || happens(weather.loss_ppm, random) {
            return [None, None];
        }
        let mut first = self.arrival(now, weather, random);
        if happens(weather.reordering_ppm, random) {
            first = first + random.exponential(Micros(HELD_UP_FACTOR * self.delay_mean.0));
        }
        let twice = happens(weather.duplication_ppm, random);
        let second = twice.then(|| self.arrival(now, weather, random));
        [Some(first), second]
    }
}

fn happens(probability_ppm: u32, random: &mut Random) -> bool {
    probability_ppm > 0 && random.below(1_000_000) < u64::from(probability_ppm)
}
