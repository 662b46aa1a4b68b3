//! How much faster the leader's clock runs than this one.

use synced_protocol::time::Micros;

/// The time between two marks.
const MARK_INTERVAL: Micros = Micros::from_secs(8);
/// How many marks are kept: over a minute an offset that is known to half a millisecond tells the rate to some 15 millionths.
const MARKS: usize = 8;
/// Over a shorter time than this nothing is concluded.
const SPAN_MIN: Micros = Micros::from_secs(24);
/// No clock of a computer drifts by more, in millionths.
const PPM_MAX: i64 = 500;

/// The rate, from what the offset was now and then.
#[derive(Debug, Default)]
pub(super) struct Drift {
    /// When, and what the offset was, in microseconds; the oldest first.
    marks: [Option<(Micros, i64)>; MARKS],
    rate: Rate,
}

/// By how much the offset grows, in millionths of the time that passes.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Rate {
    ppm: i64,
}

impl Drift {
    /// Takes the offset as it is known now.
    pub(super) fn learn(&mut self, now: Micros, offset_us: i64) {
        let newest = self.marks.iter().flatten().next_back();
        if newest.is_some_and(|(at, _)| now.since(*at) < MARK_INTERVAL) {
            return;
        }
        if self.marks.iter().all(Option::is_some) {
            self.marks.rotate_left(1);
            self.marks[MARKS - 1] = None;
        }
        if let Some(free) = self.marks.iter_mut().find(|mark| mark.is_none()) {
            *free = Some((now, offset_us));
        }
        self.rate = self.measure(now, offset_us);
    }

    pub(super) const fn rate(&self) -> Rate {
        self.rate
    }

    fn measure(&self, now: Micros, offset_us: i64) -> Rate {
        let oldest = self.marks.iter().flatten().next();
        let Some((at, before_us)) = oldest.filter(|(at, _)| now.since(*at) >= SPAN_MIN) else {
            return Rate::default();
        };
        let span_us = i128::from(now.since(*at).0);
        let grown = (i128::from(offset_us) - i128::from(*before_us)) * 1_000_000 / span_us;
        let ppm = i64::try_from(grown).unwrap_or_default();
        Rate {
            ppm: ppm.clamp(-PPM_MAX, PPM_MAX),
        }
    }
}

impl Rate {
    /// What the offset grows in a time, in microseconds.
    pub(super) fn growth_us(self, span: Micros) -> i64 {
        let span_us = i64::try_from(span.0).unwrap_or(i64::MAX);
        span_us.saturating_mul(self.ppm) / 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_told_after_a_while_and_follows_a_clock_that_changes_its_pace() {
        let mut drift = Drift::default();
        let mut offset_us = 5_000_000;
        let mut rates = Vec::new();
        for second in 0..200 {
            offset_us += if second < 100 { 80 } else { -40 };
            drift.learn(Micros::from_secs(second), offset_us);
            rates.push(drift.rate().growth_us(Micros::from_secs(1)));
        }
        assert_eq!((rates[23], rates[24], rates[99]), (0, 80, 80));
        assert_eq!(rates[199], -40);
    }

    #[test]
    fn no_offset_makes_it_more_than_a_clock_can_drift() {
        let mut drift = Drift::default();
        for second in 0..100 {
            let offset_us = if second % 2 == 0 { i64::MIN } else { i64::MAX };
            drift.learn(Micros::from_secs(second), offset_us);
            let growth = drift.rate().growth_us(Micros::from_secs(1));
            assert!(growth.abs() <= PPM_MAX);
        }
    }
}
