//! Whether samples that come after a loss go on where those before it ended.

use synced_protocol::time::Micros;

/// Every sender makes up for the loss of so many datagrams in a row, unless its rate is capped: it repeats their samples, or
/// leaves them out because the curve passes them.
const COVERED: u64 = 2;

/// How far apart the samples of one controller are, lately.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Continuity {
    /// Within a batch, at the most.
    interval: Micros,
    /// From the newest of one datagram to that of the next.
    step: Micros,
}

/// The times of one batch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    first: Option<Micros>,
    last: Micros,
    longest_interval: Micros,
}

impl Times {
    pub(super) fn add(&mut self, at: Micros) {
        if self.first.is_some() {
            self.longest_interval = self.longest_interval.max(at.since(self.last));
        }
        self.first.get_or_insert(at);
        self.last = at;
    }
}

impl Continuity {
    /// A batch came when the newest sample was `before`; whether nothing is missing between the two. `after_gap` says that
    /// datagrams are.
    pub(super) fn connects(&mut self, before: Micros, times: &Times, after_gap: bool) -> bool {
        if times.longest_interval > Micros::ZERO {
            self.interval = times.longest_interval;
        }
        if !after_gap && times.last > before {
            self.step = times.last.since(before);
        }
        // A quarter and a half more, since no source is quite even.
        let covered = Micros(self.step.0 * (COVERED + 1) * 5 / 4);
        let room = covered.max(Micros(self.interval.0 * 3 / 2));
        times.first.is_some_and(|first| first <= before + room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(all_ms: &[u64]) -> Times {
        let mut times = Times::default();
        for ms in all_ms {
            times.add(Micros::from_millis(*ms));
        }
        times
    }

    fn connects(continuity: &mut Continuity, before_ms: u64, all_ms: &[u64], gap: bool) -> bool {
        continuity.connects(Micros::from_millis(before_ms), &times(all_ms), gap)
    }

    #[test]
    fn what_is_repeated_connects_and_what_leaves_no_room_for_a_sample() {
        let mut hand = Continuity::default();
        assert!(connects(&mut hand, 7, &[5, 6, 7, 8], true));
        assert!(connects(&mut hand, 8, &[9, 10], true));
        assert!(!connects(&mut hand, 10, &[12, 13], true));
    }

    #[test]
    fn of_a_hand_that_is_sent_in_single_samples_two_lost_datagrams_are_made_up_for_and_three_are_not()
     {
        let mut hand = Continuity::default();
        for ms in [4, 8, 12] {
            assert!(connects(&mut hand, ms - 4, &[ms], false));
        }
        assert!(connects(&mut hand, 12, &[20], true));
        assert!(connects(&mut hand, 20, &[32], true));
        assert!(!connects(&mut hand, 32, &[48], true));
    }
}
