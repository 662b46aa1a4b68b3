//! Which datagrams of one player never came.

use crate::stats::Counters;

/// The numbers of one player's datagrams.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gaps {
    next: u32,
    last: Gap,
}

/// Where a datagram stands among those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind all of them, and behind so many that did not come.
    Next {
        /// How many.
        missing: u32,
    },
    /// It was given up as lost.
    InGap,
    /// It was there, or is from before the last gap.
    Known,
}

/// Numbers that were passed over.
#[derive(Debug, Clone, Copy, Default)]
struct Gap {
    start: u32,
    length: u32,
    /// Whether nothing was lost with them.
    healed: bool,
}

impl Gaps {
    /// Before the datagram of this number.
    pub(super) fn before(sequence: u32) -> Self {
        Self {
            next: sequence,
            last: Gap::default(),
        }
    }

    /// Counts a datagram.
    pub(super) fn count(&mut self, sequence: u32, counters: &mut Counters) -> Place {
        counters.live_received += 1;
        let ahead = sequence.wrapping_sub(self.next);
        if ahead > u32::MAX / 2 {
            return self.last.late(sequence, counters);
        }
        self.next = sequence.wrapping_add(1);
        if ahead > 0 {
            counters.live_lost += u64::from(ahead);
            self.last = Gap {
                start: sequence.wrapping_sub(ahead),
                length: ahead,
                healed: false,
            };
        }
        Place::Next { missing: ahead }
    }

    /// The gap just counted took nothing with it.
    pub(super) fn heal(&mut self, counters: &mut Counters) {
        self.last.healed = true;
        counters.live_healed += u64::from(self.last.length);
    }
}

impl Gap {
    /// A datagram that was given up as lost was just late.
    fn late(&self, sequence: u32, counters: &mut Counters) -> Place {
        if sequence.wrapping_sub(self.start) >= self.length {
            return Place::Known;
        }
        counters.live_lost = counters.live_lost.saturating_sub(1);
        let healed = u64::from(self.healed);
        counters.live_healed = counters.live_healed.saturating_sub(healed);
        Place::InGap
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            lost(&[7, 8, 7, 9]),
            0,
            "what comes twice was not lost either"
        );
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
        assert_eq!(gaps.count(1, &mut counters), Place::Next { missing: 1 });
        gaps.heal(&mut counters);
        assert_eq!((counters.live_lost, counters.live_healed), (1, 1));
        assert_eq!(gaps.count(0, &mut counters), Place::InGap);
        assert_eq!((counters.live_lost, counters.live_healed), (0, 0));
    }
}
