//! How much of what a player sends is lost until it is here, lately.

use synced_protocol::{live::Loss, time::Micros};

/// How much of the past counts: so many slots of this length.
const SLOT: Micros = Micros::from_millis(500);
const SLOTS: usize = 4;
/// With fewer datagrams than this nothing can be said.
const DATAGRAMS_MIN: i64 = 50;
/// More missing at once than this were not lost: the player was away, or had nothing that this one wants.
const GAP_MAX: u32 = 250;

/// Counts in slots of time, of which the oldest is forgotten.
#[derive(Debug, Default)]
pub(super) struct LossMeter {
    slots: [Slot; SLOTS],
    /// Counts the slots since time began.
    current: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    received: i64,
    lost: i64,
}

impl LossMeter {
    /// A datagram came at `now`, after so many that did not.
    pub(super) fn received(&mut self, now: Micros, missing: u32) {
        let slot = self.slot(now);
        slot.received += 1;
        if missing <= GAP_MAX {
            slot.lost += i64::from(missing);
        }
    }

    /// One that was missing came late.
    pub(super) fn came_late(&mut self, now: Micros) {
        let slot = self.slot(now);
        slot.received += 1;
        slot.lost -= 1;
    }

    /// What was lost up to `now`, if enough was sent to say so.
    pub(super) fn loss(&mut self, now: Micros) -> Option<Loss> {
        self.slot(now);
        let lost: i64 = self.slots.iter().map(|slot| slot.lost).sum();
        let received: i64 = self.slots.iter().map(|slot| slot.received).sum();
        let lost = lost.max(0);
        let sent = received + lost;
        let share = Loss::of(lost.unsigned_abs(), sent.unsigned_abs());
        (sent >= DATAGRAMS_MIN).then_some(share)
    }

    fn slot(&mut self, now: Micros) -> &mut Slot {
        let current = (now.0 / SLOT.0).max(self.current);
        let passed = (current - self.current).min(SLOTS as u64);
        for back in 0..passed {
            self.slots[place(current - back)] = Slot::default();
        }
        self.current = current;
        &mut self.slots[place(current)]
    }
}

const fn place(slot: u64) -> usize {
    (slot % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Micros = Micros::from_secs(1_000);

    /// 250 datagrams a second, of which each one in `nth` is lost.
    fn run(meter: &mut LossMeter, from_ms: u64, to_ms: u64, nth: u64) {
        let mut missing = 0;
        for (number, ms) in (from_ms..to_ms).step_by(4).enumerate() {
            if number as u64 % nth == nth - 1 {
                missing += 1;
            } else {
                meter.received(START + Micros::from_millis(ms), missing);
                missing = 0;
            }
        }
    }

    fn loss(meter: &mut LossMeter, ms: u64) -> Option<u16> {
        meter
            .loss(START + Micros::from_millis(ms))
            .map(|loss| loss.0)
    }

    #[test]
    fn it_is_the_share_of_the_last_two_seconds() {
        let mut meter = LossMeter::default();
        run(&mut meter, 0, 4_000, 10);
        assert!(loss(&mut meter, 4_000).unwrap().abs_diff(1_000) < 30);
        run(&mut meter, 4_000, 6_500, u64::MAX);
        assert_eq!(loss(&mut meter, 6_500), Some(0));
    }

    #[test]
    fn what_comes_late_was_not_lost() {
        let mut meter = LossMeter::default();
        for place in 0..100 {
            let now = START + Micros::from_millis(place * 8);
            meter.received(now, 1);
            meter.came_late(now);
        }
        assert_eq!(loss(&mut meter, 800), Some(0));
    }

    #[test]
    fn of_few_nothing_is_said_and_an_absence_is_no_loss() {
        let mut meter = LossMeter::default();
        assert_eq!(loss(&mut meter, 0), None);
        run(&mut meter, 0, 4 * (DATAGRAMS_MIN as u64 - 1), u64::MAX);
        assert_eq!(loss(&mut meter, 200), None);
        meter.received(START + Micros::from_millis(210), GAP_MAX + 1);
        assert_eq!(loss(&mut meter, 210), Some(0));
        assert_eq!(loss(&mut meter, 9_000), None, "all of it is long ago");
    }
}
