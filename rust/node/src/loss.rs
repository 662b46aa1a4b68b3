//! How much of what players send does not arrive.

use std::collections::VecDeque;

use synced_protocol::{link::ConnectionId, live::Loss, time::Micros};

use crate::{
    config::{LOSS_REPORT_AGE_MAX, LOSS_SAMPLES_MIN, LOSS_WINDOW, REORDERING_MAX},
    connection::Connection,
    log::Log,
    node::Node,
};

/// How many sequence numbers are told apart, the newest last: a power of two, so that it divides their range.
const SEQUENCES: usize = 4_096;
const WORD_BITS: usize = u64::BITS as usize;

/// Which of a player's live datagrams arrived lately.
#[derive(Debug)]
pub(crate) struct Arrivals {
    /// A bit for each number, at the number modulo [`SEQUENCES`]; it means something up to the newest, and no further back
    /// than the numbers that are told apart.
    arrived: Box<[u64; SEQUENCES / WORD_BITS]>,
    newest: u32,
    /// When each number was the newest, the oldest first, one in [`REORDERING_MAX`].
    marks: VecDeque<(Micros, u32)>,
}

impl Arrivals {
    pub(crate) fn new() -> Self {
        Self {
            arrived: Box::new([0; SEQUENCES / WORD_BITS]),
            newest: 0,
            marks: VecDeque::new(),
        }
    }

    pub(crate) fn arrived(&mut self, now: Micros, sequence: u32) {
        if self.marks.is_empty() {
            self.newest = sequence.wrapping_sub(1);
        }
        let ahead = sequence.wrapping_sub(self.newest).cast_signed();
        if ahead > 0 {
            let passed = (ahead as usize).min(SEQUENCES) as u32;
            (0..passed).for_each(|back| self.put(sequence.wrapping_sub(back), false));
            self.mark(now);
            self.newest = sequence;
        }
        if ahead > -(SEQUENCES as i32) {
            self.put(sequence, true);
        }
    }

    /// Of the datagrams of the last [`LOSS_WINDOW`], those left out that may still be overtaken; none of too few.
    pub(crate) fn loss(&self, now: Micros) -> Loss {
        let oldest = now - LOSS_WINDOW;
        let from = self.marks.iter().find(|(at, _)| *at >= oldest);
        let settled = |(at, _): &&(Micros, u32)| now.since(*at) >= REORDERING_MAX;
        let to = self.marks.iter().rev().find(settled);
        let (Some((_, from)), Some((_, to))) = (from, to) else {
            return Loss::NONE;
        };
        let sent = to.wrapping_sub(*from).cast_signed();
        let sent = u32::try_from(sent).unwrap_or(0).min(SEQUENCES as u32 / 2);
        if sent < LOSS_SAMPLES_MIN {
            return Loss::NONE;
        }
        let lost = (0..sent).filter(|back| !self.has(to.wrapping_sub(*back)));
        Loss::of(lost.count() as u64, sent.into())
    }

    /// Remembers what was the newest until now.
    fn mark(&mut self, now: Micros) {
        let last = self.marks.back();
        if last.is_some_and(|(at, _)| now.since(*at) < REORDERING_MAX) {
            return;
        }
        self.marks.push_back((now, self.newest));
        let oldest = now - LOSS_WINDOW;
        while self.marks.front().is_some_and(|(at, _)| *at < oldest) {
            self.marks.pop_front();
        }
    }

    fn put(&mut self, sequence: u32, arrived: bool) {
        let (word, bit) = place(sequence);
        self.arrived[word] = (self.arrived[word] & !bit) | (u64::from(arrived) * bit);
    }

    fn has(&self, sequence: u32) -> bool {
        let (word, bit) = place(sequence);
        self.arrived[word] & bit != 0
    }
}

const fn place(sequence: u32) -> (usize, u64) {
    let place = sequence as usize % SEQUENCES;
    (place / WORD_BITS, 1 << (place % WORD_BITS))
}

/// What a player last said that it does not receive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LossReport {
    at: Micros,
    loss: Loss,
}

impl Connection {
    pub(crate) fn report(&mut self, now: Micros, loss: Loss) {
        self.loss_report = Some(LossReport { at: now, loss });
    }

    /// Who does not want something finds gaps where nothing was lost.
    fn reported(&self, now: Micros) -> Option<Loss> {
        let report = self.loss_report?;
        let counts = self.is_joined()
            && self.unwanted.is_empty()
            && now.since(report.at) <= LOSS_REPORT_AGE_MAX;
        counts.then_some(report.loss)
    }
}

impl<L: Log> Node<L> {
    /// The highest loss that any player but this one reported lately.
    pub(crate) fn peers_loss(&self, now: Micros, id: ConnectionId) -> Loss {
        let others = self.connections.iter().filter(|(other, _)| **other != id);
        let reports = others.filter_map(|(_, peer)| peer.reported(now));
        reports.max().unwrap_or(Loss::NONE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T0: Micros = Micros::from_secs(100);
    /// 250 a second.
    const INTERVAL: Micros = Micros::from_millis(4);

    fn sent_at(place: u32) -> Micros {
        T0 + Micros(INTERVAL.0 * u64::from(place))
    }

    /// The loss that is found once so many were sent, each of which arrives so much later or not at all.
    fn found(first: u32, count: u32, delay: impl Fn(u32) -> Option<Micros>) -> Loss {
        let mut arriving: Vec<_> = (0..count)
            .filter_map(|place| Some((sent_at(place) + delay(place)?, place)))
            .collect();
        arriving.sort();
        let mut arrivals = Arrivals::new();
        for (at, place) in arriving {
            arrivals.arrived(at, first.wrapping_add(place));
        }
        arrivals.loss(sent_at(count))
    }

    #[test]
    fn what_is_overtaken_is_not_lost() {
        let jitter = |place: u32| {
            Some(Micros(
                u64::from(place.wrapping_mul(2_654_435_761)) % 40_000,
            ))
        };
        assert_eq!(found(0, 2_000, jitter), Loss::NONE);
    }

    #[test]
    fn each_gap_counts_once_also_where_the_numbers_wrap() {
        let every_tenth = |place: u32| (!place.is_multiple_of(10)).then_some(Micros::ZERO);
        for first in [0, u32::MAX - 1_000, 1 << 31] {
            let Loss(loss) = found(first, 2_000, every_tenth);
            assert!(loss.abs_diff(1_000) <= 20, "{loss}");
        }
    }

    #[test]
    fn what_was_lost_before_the_window_is_forgotten_and_a_pause_tells_nothing() {
        let early = |place: u32| (place > 900).then_some(Micros::ZERO);
        assert_eq!(found(0, 901 + 1_100, early), Loss::NONE);
        let mut arrivals = Arrivals::new();
        (0..500).for_each(|place| arrivals.arrived(sent_at(2 * place), 2 * place));
        assert_ne!(arrivals.loss(sent_at(1_000)), Loss::NONE);
        assert_eq!(arrivals.loss(sent_at(1_000) + LOSS_WINDOW), Loss::NONE);
    }

    #[test]
    fn of_too_few_datagrams_nothing_is_concluded() {
        let half = |place: u32| place.is_multiple_of(2).then_some(Micros::ZERO);
        assert_eq!(found(0, LOSS_SAMPLES_MIN, half), Loss::NONE);
        assert_ne!(found(0, 4 * LOSS_SAMPLES_MIN + 64, half), Loss::NONE);
    }

    #[test]
    fn a_jump_by_any_distance_is_survived_and_healed() {
        for jump in [4_000, 5_000, 1 << 20, i32::MAX as u32] {
            let mut arrivals = Arrivals::new();
            (0..500).for_each(|place| arrivals.arrived(sent_at(place), place));
            let after = |place: u32| arrivals_at(place, jump);
            (500..3_000).for_each(|place| {
                let (at, sequence) = after(place);
                arrivals.arrived(at, sequence);
            });
            assert_eq!(arrivals.loss(sent_at(3_000)), Loss::NONE, "{jump}");
        }
    }

    fn arrivals_at(place: u32, jump: u32) -> (Micros, u32) {
        (sent_at(place), place.wrapping_add(jump))
    }

    proptest! {
        #[test]
        fn loss_is_found_whatever_the_order_within_the_bound(
            lost in 0..60_u32, seeds in prop::collection::vec(any::<u32>(), 1_500),
        ) {
            let gone = |place: u32| seeds[place as usize] % 100 < lost;
            let delay = |place: u32| Micros(u64::from(seeds[place as usize] / 100) % 100_000);
            let Loss(found) = found(7, 1_500, |place| (!gone(place)).then(|| delay(place)));
            let window = 500..1_400;
            let share = window.clone().filter(|place| gone(*place)).count() * 10_000 / window.len();
            prop_assert!(usize::from(found).abs_diff(share) <= 300, "{found} of {share}");
        }

        #[test]
        fn any_numbers_are_survived(numbers in prop::collection::vec((any::<u32>(), 0..500_000_u64), 0..200)) {
            let (mut arrivals, mut now) = (Arrivals::new(), T0);
            for (sequence, pause) in numbers {
                now = now + Micros(pause);
                arrivals.arrived(now, sequence);
                prop_assert!(arrivals.loss(now) <= Loss::ALL);
            }
        }
    }
}
