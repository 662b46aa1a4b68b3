//! How much of what a player sends is lost until it is here, lately.

use synced_protocol::{live::Loss, time::Micros};

/// How much of the past counts: so many slots of this length.
const SLOT: Micros = Micros::from_millis(500);
const SLOTS: usize = 8;
/// With fewer datagrams than this nothing can be said.
const DATAGRAMS_MIN: u32 = 100;
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
    sent: u32,
    lost: u32,
}

impl LossMeter {
    /// At `now` it was decided of so many datagrams that some of them are lost.
    pub(super) fn decided(&mut self, now: Micros, sent: u32, lost: u32) {
        if lost <= GAP_MAX {
            let slot = self.slot(now);
            slot.sent = slot.sent.saturating_add(sent);
            slot.lost = slot.lost.saturating_add(lost);
        }
    }

    /// What was lost up to `now`, if enough was sent to say so.
    pub(super) fn loss(&mut self, now: Micros) -> Option<Loss> {
        self.slot(now);
        let sum = |part: fn(&Slot) -> u32| self.slots.iter().map(part).map(u64::from).sum();
        let (lost, sent): (u64, u64) = (sum(|slot| slot.lost), sum(|slot| slot.sent));
        (sent >= DATAGRAMS_MIN.into()).then(|| Loss::of(lost, sent))
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
        for (number, ms) in (from_ms..to_ms).step_by(4).enumerate() {
            let lost = u32::from(number as u64 % nth == nth - 1);
            meter.decided(START + Micros::from_millis(ms), 1, lost);
        }
    }

    fn loss(meter: &mut LossMeter, ms: u64) -> Option<u16> {
        meter
            .loss(START + Micros::from_millis(ms))
            .map(|loss| loss.0)
    }

    #[test]
    fn it_is_the_share_of_the_last_four_seconds() {
        let mut meter = LossMeter::default();
        run(&mut meter, 0, 6_000, 10);
        assert!(loss(&mut meter, 6_000).unwrap().abs_diff(1_000) < 30);
        run(&mut meter, 6_000, 10_500, u64::MAX);
        assert_eq!(loss(&mut meter, 10_500), Some(0));
    }

    #[test]
    fn of_few_nothing_is_said_and_an_absence_is_no_loss() {
        let mut meter = LossMeter::default();
        assert_eq!(loss(&mut meter, 0), None);
        run(&mut meter, 0, 4 * (u64::from(DATAGRAMS_MIN) - 1), u64::MAX);
        assert_eq!(loss(&mut meter, 400), None);
        let now = START + Micros::from_millis(400);
        meter.decided(now, GAP_MAX + 2, GAP_MAX + 1);
        meter.decided(now, 1, 0);
        assert_eq!(loss(&mut meter, 400), Some(0));
        assert_eq!(loss(&mut meter, 9_000), None, "all of it is long ago");
    }
}
