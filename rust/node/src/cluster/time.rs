//! Session time, as one server of several knows it.
//!
//! It is the leader's. Every server asks all others what time it is, follows the leader's answers while it follows the leader,
//! and goes on from there when it leads itself: so no player's clock jumps. A server that has no answers yet, or whose clock
//! may have been set, is *unsure*: it stamps what happens after all that it has heard, and not by its own clock.

use std::collections::VecDeque;

use synced_protocol::time::Micros;

use super::config::{CLOCK_STEP_MAX, DISAGREEMENT_MAX, PROBE_AGE_MAX, PROBES_MIN};
use crate::config::COMPLAINT_INTERVAL;

/// One answer to the question what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// When it arrived, in local time.
    pub(super) at: Micros,
    /// From the question to the answer.
    pub(super) delay: Micros,
    /// The other's session time less local time, in microseconds, if both ways took as long.
    pub(super) offset_us: i64,
    /// The other's wall clock less local time, likewise.
    pub(super) wall_offset_us: i64,
    /// Whether the other was sure of session time.
    pub(super) sure: bool,
}

impl Answer {
    /// An answer of `session_time` and `wall` that arrived at `now` to a question of `asked_at`.
    pub(super) const fn new(
        asked_at: Micros,
        now: Micros,
        session_time: Micros,
        wall: Micros,
        sure: bool,
    ) -> Self {
        let delay = now.since(asked_at);
        let between = Micros(asked_at.0 + delay.0 / 2);
        Self {
            at: now,
            delay,
            offset_us: session_time.offset_from(between),
            wall_offset_us: wall.offset_from(between),
            sure,
        }
    }
}

/// The latest answers of one peer. The one that took least is the truest: it waited least, on either way.
#[derive(Debug, Default)]
pub(super) struct PeerClock {
    answers: VecDeque<Answer>,
}

impl PeerClock {
    /// Takes an answer. Who has become sure, or unsure, may have another idea of the time than before.
    pub(super) fn add(&mut self, answer: Answer) {
        let before = self.answers.back();
        if before.is_some_and(|before| before.sure != answer.sure) {
            self.forget();
        }
        self.answers.push_back(answer);
        let oldest = answer.at - PROBE_AGE_MAX;
        while self.answers.front().is_some_and(|first| first.at < oldest) {
            self.answers.pop_front();
        }
    }

    pub(super) fn forget(&mut self) {
        self.answers.clear();
    }

    /// Too few answers are none.
    pub(super) fn best(&self) -> Option<Answer> {
        if self.answers.len() < PROBES_MIN {
            return None;
        }
        let answers = self.answers.iter();
        answers.min_by_key(|answer| answer.delay).copied()
    }
}

/// How well this server knows the time.
#[derive(Debug)]
pub(super) struct ClusterTime {
    pub(super) max_offset: Micros,
    /// This server's wall clock less local time, in microseconds.
    pub(super) wall_offset_us: i64,
    /// By how much the local clock has run ahead of what can be believed.
    doubt: Micros,
    heard_at: Option<Micros>,
    disagrees_since: Option<Micros>,
    pub(super) is_off_since: Option<Micros>,
    complained_at: Option<Micros>,
    told_at: Option<Micros>,
}

impl ClusterTime {
    pub(super) const fn new(max_offset: Micros, wall_offset_us: i64) -> Self {
        Self {
            max_offset,
            wall_offset_us,
            doubt: Micros::ZERO,
            heard_at: None,
            disagrees_since: None,
            is_off_since: None,
            complained_at: None,
            told_at: None,
        }
    }

    pub(super) const fn doubt(&self) -> Micros {
        self.doubt
    }

    /// Takes notice of the local clock; returns the step that it made, if that is too large to be believed. The driver hands in
    /// the time every tick: the process may have stood still, or the clock may have been set.
    pub(super) fn step(&mut self, now: Micros) -> Option<Micros> {
        let before = self.heard_at.replace(now).unwrap_or(now);
        let step = now.since(before);
        if step <= CLOCK_STEP_MAX {
            return None;
        }
        self.doubt = self.doubt + step;
        Some(step)
    }

    /// Whether an answer may be true, if by this server's own account the offset is `offset_us`.
    pub(super) fn believes(&self, answer_us: i64, offset_us: i64) -> bool {
        let ahead = answer_us.saturating_sub(offset_us);
        let (least, most) = (
            -signed(self.max_offset),
            signed(self.max_offset + self.doubt),
        );
        (least..=most).contains(&ahead)
    }

    /// Whether two offsets are as close to each other as clocks must be.
    pub(super) const fn are_close(&self, one_us: i64, other_us: i64) -> bool {
        one_us.abs_diff(other_us) <= self.max_offset.0
    }

    /// Whether the wall clock of whoever answered is as close to this server's as it must be.
    pub(super) const fn is_near(&self, answer: &Answer) -> bool {
        self.are_close(answer.wall_offset_us, self.wall_offset_us)
    }

    /// From here on, session time is certain.
    pub(super) const fn settle(&mut self) {
        self.doubt = Micros::ZERO;
    }

    /// Takes notice of whether more than half of the peers have another idea of the time; returns whether that has been so for
    /// long.
    pub(super) fn disagrees(&mut self, now: Micros, with_most: bool) -> bool {
        lasts(&mut self.disagrees_since, now, with_most)
    }

    /// Takes notice of whether this server's wall clock is off; returns whether it has been for long.
    pub(super) fn is_off(&mut self, now: Micros, is_off: bool) -> bool {
        lasts(&mut self.is_off_since, now, is_off)
    }

    /// Whether to complain of another's time in the log now, and not too soon after the last time.
    pub(super) fn complains(&mut self, now: Micros) -> bool {
        is_due(&mut self.complained_at, now)
    }

    /// Whether to tell in the log now that this server's own time is wrong, and not too soon after the last time.
    pub(super) fn tells(&mut self, now: Micros) -> bool {
        is_due(&mut self.told_at, now)
    }
}

fn lasts(since: &mut Option<Micros>, now: Micros, is_so: bool) -> bool {
    if !is_so {
        *since = None;
        return false;
    }
    now.since(*since.get_or_insert(now)) >= DISAGREEMENT_MAX
}

fn is_due(last: &mut Option<Micros>, now: Micros) -> bool {
    let due = last.is_none_or(|last| now.since(last) >= COMPLAINT_INTERVAL);
    if due {
        *last = Some(now);
    }
    due
}

const fn signed(span: Micros) -> i64 {
    span.0.cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OFFSET_US: i64 = -200_000;

    fn answer(asked_at: u64, there_us: u64, back_us: u64) -> Answer {
        let session = Micros(asked_at + there_us).shifted(OFFSET_US);
        Answer::new(
            Micros(asked_at),
            Micros(asked_at + there_us + back_us),
            session,
            Micros::ZERO,
            true,
        )
    }

    #[test]
    fn of_a_symmetric_way_the_offset_is_known_to_half_a_microsecond() {
        assert_eq!(answer(5_000_000, 700, 700).offset_us, OFFSET_US);
        assert_eq!(answer(5_000_000, 700, 701).offset_us, OFFSET_US);
    }

    #[test]
    fn too_few_or_too_old_answers_say_nothing() {
        let mut clock = PeerClock::default();
        for place in 0..PROBES_MIN as u64 {
            assert_eq!(clock.best(), None);
            clock.add(answer(1_000_000 + place, 10, 10));
        }
        assert!(clock.best().is_some());
        clock.add(answer(1_000_100 + PROBE_AGE_MAX.0, 10, 10));
        assert_eq!(clock.best(), None);
    }

    #[test]
    fn what_was_said_before_the_other_was_sure_counts_no_more() {
        let mut clock = PeerClock::default();
        let unsure = |at| Answer {
            sure: false,
            ..answer(at, 1, 1)
        };
        (0..10).for_each(|place| clock.add(unsure(1_000_000 + place)));
        assert!(clock.best().is_some_and(|best| !best.sure));
        clock.add(answer(1_000_100, 10, 10));
        assert_eq!(clock.best(), None);
    }

    proptest! {
        #[test]
        fn whatever_waits_on_the_way_the_fastest_answer_is_wrong_by_half_its_own_waiting_at_most(
            waits in prop::collection::vec((0..50_000_u64, 0..50_000_u64), 5..40),
        ) {
            let mut clock = PeerClock::default();
            for (place, (there, back)) in (0..).zip(&waits) {
                clock.add(answer(1_000_000 + place * 20_000, 300 + there, 300 + back));
            }
            let least = waits.iter().map(|(there, back)| there + back).min().unwrap_or(0);
            let best = clock.best().map(|best| best.offset_us.abs_diff(OFFSET_US));
            prop_assert!(best.is_some_and(|wrong| wrong <= least / 2 + 1), "{best:?} of {least}");
        }
    }

    #[test]
    fn a_step_of_the_clock_is_believed_to_have_been_a_pause_or_a_setting_and_leaves_doubt() {
        let mut time = ClusterTime::new(Micros::from_millis(250), 0);
        time.settle();
        let (start, step) = (Micros::from_secs(5), Micros::from_secs(10));
        assert_eq!(time.step(start), None);
        assert_eq!(time.step(start + CLOCK_STEP_MAX), None);
        assert_eq!(time.step(start + CLOCK_STEP_MAX + step), Some(step));
        assert!(time.believes(signed(step), 0) && time.believes(0, 0));
        assert!(!time.believes(signed(step) + 250_001, 0) && !time.believes(-250_001, 0));
        time.settle();
        assert!(!time.believes(signed(step), 0));
    }

    #[test]
    fn only_who_disagrees_for_long_is_wrong() {
        let mut time = ClusterTime::new(Micros::from_millis(250), 0);
        let start = Micros::from_secs(5);
        assert!(!time.disagrees(start, true));
        assert!(!time.disagrees(start + DISAGREEMENT_MAX - Micros(1), true));
        assert!(time.disagrees(start + DISAGREEMENT_MAX, true));
        assert!(!time.disagrees(start + DISAGREEMENT_MAX, false));
        assert!(!time.disagrees(start + DISAGREEMENT_MAX, true));
    }

    #[test]
    fn what_is_wrong_is_told_once_a_minute_whatever_else_is_complained_of() {
        let mut time = ClusterTime::new(Micros::from_millis(250), 0);
        let start = Micros::from_secs(5);
        assert!(time.complains(start) && time.tells(start));
        let soon = start + COMPLAINT_INTERVAL - Micros(1);
        assert!(!time.complains(soon) && !time.tells(soon));
        let later = start + COMPLAINT_INTERVAL;
        assert!(time.tells(later) && time.complains(later));
    }
}
