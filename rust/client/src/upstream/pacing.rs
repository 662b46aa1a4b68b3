//! The rate cap: a bucket that fills with time and from which datagrams are paid.

use synced_protocol::{live::MAX_UP_DATAGRAM_BYTES, time::Micros};

use crate::limits::LIVE_BURST_BYTES_MAX;

const MICROS_PER_SECOND: u64 = 1_000_000;
const BURST: u64 = LIVE_BURST_BYTES_MAX as u64 * MICROS_PER_SECOND;
/// A datagram begins only when a full one could be paid.
const DATAGRAM: u64 = MAX_UP_DATAGRAM_BYTES as u64 * MICROS_PER_SECOND;

/// Levels are in millionths of a byte, so that no rate is lost to rounding.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: u64,
    level: u64,
    filled_at: Micros,
}

impl Bucket {
    pub(super) fn new(bytes_per_second: u32) -> Self {
        Self {
            rate: u64::from(bytes_per_second).max(1),
            level: BURST,
            filled_at: Micros::ZERO,
        }
    }

    pub(super) fn has_room(&self, now: Micros) -> bool {
        self.level_at(now) >= DATAGRAM
    }

    /// When there is room for a datagram.
    pub(super) fn room_at(&self, now: Micros) -> Micros {
        let missing = DATAGRAM.saturating_sub(self.level_at(now));
        now + Micros(missing.div_ceil(self.rate))
    }

    pub(super) fn take(&mut self, now: Micros, bytes: usize) {
        let level = self.level_at(now);
        self.level = level.saturating_sub(bytes as u64 * MICROS_PER_SECOND);
        self.filled_at = now;
    }

    fn level_at(&self, now: Micros) -> u64 {
        let gained = now.since(self.filled_at).0.saturating_mul(self.rate);
        self.level.saturating_add(gained).min(BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 100_000;

    /// Takes as many full datagrams as there is room for, up to a time; returns their bytes.
    fn drain(bucket: &mut Bucket, until: Micros) -> usize {
        let mut now = Micros::ZERO;
        let mut taken = 0;
        loop {
            now = bucket.room_at(now);
            if now > until {
                return taken;
            }
            assert!(bucket.has_room(now));
            bucket.take(now, MAX_UP_DATAGRAM_BYTES);
            taken += MAX_UP_DATAGRAM_BYTES;
        }
    }

    #[test]
    fn over_any_time_no_more_than_the_rate_and_one_burst_leaves() {
        let mut bucket = Bucket::new(RATE);
        let taken = drain(&mut bucket, Micros::from_secs(10));
        let most = 10 * RATE as usize + LIVE_BURST_BYTES_MAX;
        assert!(
            taken <= most && taken > most - 2 * MAX_UP_DATAGRAM_BYTES,
            "{taken}"
        );
    }

    #[test]
    fn a_pause_saves_up_one_burst_and_no_more() {
        let mut bucket = Bucket::new(RATE);
        let later = Micros::from_secs(3_600);
        let count = (0..1_000).take_while(|_| {
            let room = bucket.has_room(later);
            bucket.take(later, MAX_UP_DATAGRAM_BYTES);
            room
        });
        assert_eq!(count.count(), LIVE_BURST_BYTES_MAX / MAX_UP_DATAGRAM_BYTES);
    }
}
