//! Which datagrams of one player never came.

use crate::stats::Counters;

/// So far behind the newest a datagram is still waited for; then it is decided that it is lost.
const WINDOW: u32 = u64::BITS;

/// The numbers of one player's datagrams.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gaps {
    next: u32,
    /// How many of the window's numbers come after the first of all.
    known: u32,
    /// A bit for each of the latest numbers, the newest being the lowest: whether it came.
    came: u64,
    /// Whether it did not, and nothing was lost with it.
    healed: u64,
    /// How many numbers before the newest did not come when that did.
    gap: u32,
}

/// What a datagram is to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// Whether numbers before it were passed over.
    pub(super) after_gap: bool,
    /// How many numbers are now decided.
    pub(super) decided: u32,
    /// Of those, how many never came.
    pub(super) lost: u32,
}

impl Gaps {
    /// Before the datagram of this number.
    pub(super) const fn before(sequence: u32) -> Self {
        Self {
            next: sequence,
            known: 0,
            came: 0,
            healed: 0,
            gap: 0,
        }
    }

    /// Counts a datagram.
    pub(super) fn count(&mut self, sequence: u32, counters: &mut Counters) -> Counted {
        counters.live_received += 1;
        let ahead = sequence.wrapping_sub(self.next);
        if ahead > u32::MAX / 2 {
            self.late(self.next.wrapping_sub(sequence).wrapping_sub(1), counters);
            return Counted {
                after_gap: false,
                decided: 0,
                lost: 0,
            };
        }
        counters.live_lost += u64::from(ahead);
        let (decided, lost) = self.advance(ahead.saturating_add(1));
        self.next = sequence.wrapping_add(1);
        self.came |= 1;
        self.gap = ahead;
        Counted {
            after_gap: ahead > 0,
            decided,
            lost,
        }
    }

    /// The gap just counted took nothing with it.
    pub(super) fn heal(&mut self, counters: &mut Counters) {
        counters.live_healed += u64::from(self.gap);
        let numbers = self.gap.min(WINDOW - 1);
        self.healed |= ((1 << numbers) - 1) << 1;
    }

    /// Moves the window on; returns how many numbers left it, and how many of them never came.
    fn advance(&mut self, numbers: u32) -> (u32, u32) {
        let left = (self.known.saturating_add(numbers)).saturating_sub(WINDOW);
        let shift = numbers.min(WINDOW);
        let leaving = self.came.checked_shr(WINDOW - shift).unwrap_or(0);
        let came = leaving.count_ones();
        self.came = self.came.checked_shl(shift).unwrap_or(0);
        self.healed = self.healed.checked_shl(shift).unwrap_or(0);
        self.known = self.known.saturating_add(numbers).min(WINDOW);
        (left, left - came)
    }

    /// A datagram that was given up as lost was just late.
    fn late(&mut self, back: u32, counters: &mut Counters) {
        let Some(bit) = 1_u64.checked_shl(back).filter(|_| back < self.known) else {
            return;
        };
        if self.came & bit != 0 {
            return;
        }
        self.came |= bit;
        counters.live_lost = counters.live_lost.saturating_sub(1);
        let healed = u64::from(self.healed & bit != 0);
        counters.live_healed = counters.live_healed.saturating_sub(healed);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// How many were lost after these numbers came, from a player whose first was the first of them.
    fn lost(numbers: &[u32]) -> u64 {
        let mut counters = Counters::default();
        let mut gaps = Gaps::before(numbers[0]);
        for number in numbers {
            gaps.count(*number, &mut counters);
        }
        assert_eq!(counters.live_received, numbers.len() as u64);
        counters.live_lost
    }

    #[test]
    fn what_is_passed_over_is_lost_until_it_comes_late() {
        assert_eq!(lost(&[7, 8, 9]), 0);
        assert_eq!(lost(&[7, 9, 12]), 3);
        assert_eq!(lost(&[7, 9, 8, 10]), 0);
        assert_eq!(lost(&[7, 9, 12, 8, 10, 11]), 0);
        assert_eq!(
            lost(&[7, 8, 7, 9]),
            0,
            "what comes twice was not lost either"
        );
        assert_eq!(lost(&[7, 9, 6]), 1, "what was before the first is nothing");
    }

    #[test]
    fn numbers_wrap() {
        assert_eq!(lost(&[u32::MAX - 1, 0, 1]), 1);
        assert_eq!(lost(&[u32::MAX, 1, 0, 2]), 0);
    }

    #[test]
    fn a_gap_that_was_healed_and_then_filled_counts_as_neither() {
        let mut counters = Counters::default();
        let mut gaps = Gaps::before(0);
        assert!(gaps.count(2, &mut counters).after_gap);
        gaps.heal(&mut counters);
        assert_eq!((counters.live_lost, counters.live_healed), (2, 2));
        for late in [1, 1, 0] {
            assert!(!gaps.count(late, &mut counters).after_gap);
        }
        assert_eq!((counters.live_lost, counters.live_healed), (0, 0));
    }

    proptest! {
        #[test]
        fn every_number_is_decided_once_and_only_what_never_came_is_lost(
            lateness in prop::collection::vec((0..40_u32, prop::bool::weighted(0.8)), 200..600),
        ) {
            let count = lateness.len() as u32;
            let mut arrivals: Vec<_> = (0..)
                .zip(&lateness)
                .filter(|(number, (_, comes))| *comes || *number == 0)
                .map(|(number, (late, _))| (number + if number == 0 { 0 } else { *late }, number))
                .collect();
            arrivals.sort_unstable();
            let came: BTreeSet<_> = arrivals.iter().map(|(_, number)| *number).collect();
            let mut counters = Counters::default();
            let mut gaps = Gaps::before(0);
            let (mut decided, mut lost) = (0, 0);
            let numbers = arrivals.iter().map(|(_, number)| *number);
            for number in numbers.chain([count + WINDOW]) {
                let counted = gaps.count(number, &mut counters);
                decided += counted.decided;
                lost += counted.lost;
            }
            let until = decided;
            prop_assert_eq!(until, count + 1);
            prop_assert_eq!(lost, (0..until).filter(|number| !came.contains(number)).count() as u32);
        }
    }
}
