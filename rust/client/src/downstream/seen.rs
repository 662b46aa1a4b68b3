//! Which samples of a controller were told.

use std::collections::VecDeque;

use synced_protocol::time::Micros;

use crate::playout::HISTORY;

/// The most times that are remembered of one controller: half a second of them at 1 kHz. What is older than all of them is
/// not told any more.
pub(super) const SEEN_MAX: usize = 512;

/// The times of the latest samples.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// In order, each once.
    times: VecDeque<Micros>,
}

/// What a sample is to those told before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    Newest,
    /// A newer one was told.
    Late,
    /// It was told, or nobody can say.
    Known,
}

impl Seen {
    pub(super) fn newest(&self) -> Option<Micros> {
        self.times.back().copied()
    }

    /// Takes note of a sample.
    pub(super) fn insert(&mut self, time: Micros) -> News {
        let place = self.times.partition_point(|known| *known < time);
        if self.times.get(place) == Some(&time) || self.is_too_old(time, place) {
            return News::Known;
        }
        let is_newest = place == self.times.len();
        self.times.insert(place, time);
        if self.times.len() > SEEN_MAX {
            self.times.pop_front();
        }
        if is_newest { News::Newest } else { News::Late }
    }

    fn is_too_old(&self, time: Micros, place: usize) -> bool {
        let is_oldest_of_many = place == 0 && self.times.len() == SEEN_MAX;
        let newest = self.newest().unwrap_or(time);
        is_oldest_of_many || newest.since(time) > HISTORY
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sample_is_news_once_whenever_it_comes() {
        let mut seen = Seen::default();
        let news = [5, 7, 5, 6, 6, 8].map(|time| seen.insert(Micros(time)));
        assert_eq!(
            news,
            [
                News::Newest,
                News::Newest,
                News::Known,
                News::Late,
                News::Known,
                News::Newest
            ]
        );
    }

    #[test]
    fn what_is_older_than_all_that_is_remembered_is_not_told_again() {
        let mut seen = Seen::default();
        let count = SEEN_MAX as u64 + 10;
        (0..count).for_each(|time| assert_eq!(seen.insert(Micros(time * 2)), News::Newest));
        assert_eq!(seen.times.len(), SEEN_MAX);
        assert_eq!(seen.insert(Micros(19)), News::Known);
        assert_eq!(seen.insert(Micros(23)), News::Late);
        let mut few = Seen::default();
        few.insert(Micros::from_secs(9));
        assert_eq!(few.insert(Micros::from_secs(9) - HISTORY), News::Late);
        let too_old = Micros::from_secs(9) - HISTORY - Micros(1);
        assert_eq!(few.insert(too_old), News::Known);
    }

    proptest! {
        #[test]
        fn within_its_memory_every_sample_is_told_exactly_once(
            times in prop::collection::vec(0..400_u64, 1..600),
        ) {
            let mut seen = Seen::default();
            let mut told = BTreeSet::new();
            for time in times {
                let is_news = seen.insert(Micros(time)) != News::Known;
                prop_assert_eq!(is_news, told.insert(time));
            }
        }
    }
}
