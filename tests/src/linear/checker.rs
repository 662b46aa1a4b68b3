//! The search.

use std::{collections::HashSet, fmt::Debug, hash::Hash};

/// What the calls are made on, one at a time.
pub trait Model {
    /// What is asked.
    type Ask;
    /// What is answered.
    type Answer;
    /// What is remembered between two calls.
    type State: Clone + Eq + Hash + Debug;

    /// The state before any call.
    fn begin(&self) -> Self::State;

    /// The state after a call that is answered so; `None` when it cannot be answered so here. Nobody knows the answer of a call
    /// that never came back: whichever it was.
    fn step(
        &self,
        state: &Self::State,
        ask: &Self::Ask,
        answer: Option<&Self::Answer>,
    ) -> Option<Self::State>;
}

/// A call, and when it was out. Times are of one clock.
#[derive(Debug, Clone)]
pub struct Call<A, B> {
    /// When it went out.
    pub called_at: u64,
    /// What it asked.
    pub ask: A,
    /// When its answer came, and what it was; a call without one may take effect at any time, or never.
    pub answer: Option<(u64, B)>,
}

/// What came of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is such an order.
    Linearizable,
    /// There is none. Of the longest beginning of one, the calls by their places in the history.
    NotLinearizable {
        /// In that order.
        longest: Vec<usize>,
    },
    /// There were more steps to try than allowed.
    Undecided,
}

/// Looks for an order, in at most so many steps.
pub fn check<M: Model>(
    model: &M,
    history: &[Call<M::Ask, M::Answer>],
    steps_max: usize,
) -> Verdict {
    let mut search = Search::new(model, history);
    for _ in 0..steps_max {
        if let Some(verdict) = search.step() {
            return verdict;
        }
    }
    Verdict::Undecided
}

/// An end of a call, in the order of time.
#[derive(Debug, Clone, Copy)]
enum End {
    Call(usize),
    Answer(usize),
}

/// The place before the first end.
const HEAD: usize = 0;

struct Search<'a, M: Model> {
    model: &'a M,
    history: &'a [Call<M::Ask, M::Answer>],
    ends: Ends,
    /// Where the search looks next, in `ends`.
    at: usize,
    state: M::State,
    placed: Vec<u64>,
    /// Each placed call with the state before it.
    order: Vec<(usize, M::State)>,
    seen: HashSet<(Vec<u64>, M::State)>,
    longest: Vec<usize>,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(model: &'a M, history: &'a [Call<M::Ask, M::Answer>]) -> Self {
        let ends = Ends::new(history);
        Self {
            at: ends.next[HEAD],
            ends,
            model,
            history,
            state: model.begin(),
            placed: vec![0; history.len().div_ceil(64)],
            order: Vec::new(),
            seen: HashSet::new(),
            longest: Vec::new(),
        }
    }

    fn step(&mut self) -> Option<Verdict> {
        if self.ends.answers_left == 0 {
            return Some(Verdict::Linearizable);
        }
        match self.ends.kind(self.at) {
            Some(End::Call(call)) if self.place(call) => self.at = self.ends.next[HEAD],
            Some(End::Call(_)) => self.at = self.ends.next[self.at],
            // Whoever has answered must have been placed before.
            Some(End::Answer(_)) | None => return self.back(),
        }
        None
    }

    /// Places a call next, if it can stand there and that was not tried before.
    fn place(&mut self, call: usize) -> bool {
        let Call { ask, answer, .. } = &self.history[call];
        let answer = answer.as_ref().map(|(_, answer)| answer);
        let Some(state) = self.model.step(&self.state, ask, answer) else {
            return false;
        };
        flip(&mut self.placed, call);
        if !self.seen.insert((self.placed.clone(), state.clone())) {
            flip(&mut self.placed, call);
            return false;
        }
        let before = std::mem::replace(&mut self.state, state);
        self.order.push((call, before));
        self.ends.lift(call);
        if self.order.len() > self.longest.len() {
            self.longest = self.order.iter().map(|(call, _)| *call).collect();
        }
        true
    }

    /// Takes the last placed call back and goes on behind it.
    fn back(&mut self) -> Option<Verdict> {
        let Some((call, before)) = self.order.pop() else {
            let longest = std::mem::take(&mut self.longest);
            return Some(Verdict::NotLinearizable { longest });
        };
        self.state = before;
        flip(&mut self.placed, call);
        self.ends.unlift(call);
        self.at = self.ends.next[self.ends.of_call[call]];
        None
    }
}

fn flip(bits: &mut [u64], place: usize) {
    bits[place / 64] ^= 1 << (place % 64);
}

/// The ends of all calls that are not placed, as a list in which each knows its neighbours; place 0 is before the first and
/// again after the last.
struct Ends {
    kinds: Vec<End>,
    next: Vec<usize>,
    previous: Vec<usize>,
    of_call: Vec<usize>,
    of_answer: Vec<Option<usize>>,
    answers_left: usize,
}

impl Ends {
    fn new<A, B>(history: &[Call<A, B>]) -> Self {
        let mut timed: Vec<(u64, u8, End)> = Vec::new();
        for (place, call) in history.iter().enumerate() {
            // At the same instant calls come first, so that they count as overlapping.
            timed.push((call.called_at, 0, End::Call(place)));
            if let Some((at, _)) = &call.answer {
                timed.push((*at, 1, End::Answer(place)));
            }
        }
        timed.sort_by_key(|(at, order, _)| (*at, *order));
        let kinds: Vec<End> = timed.into_iter().map(|(_, _, end)| end).collect();
        let count = kinds.len() + 1;
        let mut of_call = vec![0; history.len()];
        let mut of_answer = vec![None; history.len()];
        for (place, kind) in kinds.iter().enumerate() {
            match *kind {
                End::Call(call) => of_call[call] = place + 1,
                End::Answer(call) => of_answer[call] = Some(place + 1),
            }
        }
        Self {
            next: (0..count).map(|place| (place + 1) % count).collect(),
            previous: (0..count)
                .map(|place| (place + count - 1) % count)
                .collect(),
            answers_left: of_answer.iter().flatten().count(),
            kinds,
            of_call,
            of_answer,
        }
    }

    fn kind(&self, at: usize) -> Option<End> {
        at.checked_sub(1).map(|place| self.kinds[place])
    }

    fn lift(&mut self, call: usize) {
        self.unlink(self.of_call[call]);
        if let Some(answer) = self.of_answer[call] {
            self.unlink(answer);
            self.answers_left -= 1;
        }
    }

    /// Undoes the last [`lift`](Self::lift) that was not undone.
    fn unlift(&mut self, call: usize) {
        if let Some(answer) = self.of_answer[call] {
            self.link(answer);
            self.answers_left += 1;
        }
        self.link(self.of_call[call]);
    }

    fn unlink(&mut self, place: usize) {
        let (before, after) = (self.previous[place], self.next[place]);
        self.next[before] = after;
        self.previous[after] = before;
    }

    fn link(&mut self, place: usize) {
        let (before, after) = (self.previous[place], self.next[place]);
        self.next[before] = place;
        self.previous[after] = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::register::{Answer, Ask, Register, Version};

    type Case = Vec<Call<Ask, Answer>>;

    fn call(called_at: u64, ask: Ask, answer: Option<(u64, Answer)>) -> Call<Ask, Answer> {
        Call {
            called_at,
            ask,
            answer,
        }
    }

    fn verdict(history: &Case) -> Verdict {
        check(&Register::of(0, history), history, 1 << 20)
    }

    /// Tries every order of every choice of the calls that were not answered.
    fn by_force(history: &Case) -> bool {
        fn go(history: &Case, placed: u32, state: Version) -> bool {
            let left = |place: &usize| placed & (1 << place) == 0;
            let answered = |place: usize| history[place].answer.as_ref().map(|(at, _)| *at);
            let mut open = (0..history.len()).filter(left);
            if open.clone().all(|place| answered(place).is_none()) {
                return true;
            }
            let first_answer = open.clone().filter_map(answered).min().unwrap_or(u64::MAX);
            open.any(|place| {
                let Call {
                    called_at,
                    ask,
                    answer,
                } = &history[place];
                let answer = answer.as_ref().map(|(_, answer)| answer);
                *called_at <= first_answer
                    && Register::default()
                        .step(&state, ask, answer)
                        .is_some_and(|state| go(history, placed | 1 << place, state))
            })
        }
        go(history, 0, Register::default().begin())
    }

    /// A history of a few calls on few versions, plausible and implausible ones alike.
    fn any_history(mut random: u64) -> Case {
        let mut next = |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        (0..1 + next(6))
            .map(|_| {
                let called_at = next(12);
                let ask = match next(2) {
                    0 => Ask::Write,
                    _ => Ask::WriteIf(next(4)),
                };
                let answer = match (next(5), ask) {
                    (0, _) => None,
                    (1 | 2, Ask::WriteIf(_)) => Some(Answer::Refused),
                    _ => Some(Answer::Written(1 + next(4))),
                };
                let answer = answer.map(|answer| (called_at + next(6), answer));
                call(called_at, ask, answer)
            })
            .collect()
    }

    #[test]
    fn the_search_decides_as_trying_every_order_does() {
        let mut counts = [0; 2];
        for seed in 1..20_000_u64 {
            let history = any_history(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let expected = by_force(&history);
            counts[usize::from(expected)] += 1;
            let found = verdict(&history);
            assert_eq!(found == Verdict::Linearizable, expected, "{history:?}");
        }
        assert!(counts.iter().all(|count| *count > 1_000), "{counts:?}");
    }

    #[test]
    fn a_lost_write_is_found() {
        let history = vec![
            call(0, Ask::Write, Some((1, Answer::Written(1)))),
            call(2, Ask::Write, Some((3, Answer::Written(2)))),
            call(4, Ask::WriteIf(1), Some((5, Answer::Written(3)))),
        ];
        let longest = vec![0, 1];
        assert_eq!(verdict(&history), Verdict::NotLinearizable { longest });
    }

    #[test]
    fn a_call_that_never_came_back_may_have_happened_or_not() {
        let lost = call(0, Ask::WriteIf(0), None);
        let seen = |version| {
            vec![
                lost.clone(),
                call(9, Ask::WriteIf(version), Some((10, Answer::Written(7)))),
            ]
        };
        assert_eq!(verdict(&seen(0)), Verdict::Linearizable);
        let mut refused = seen(0);
        refused[1].answer = Some((10, Answer::Refused));
        assert_eq!(verdict(&refused), Verdict::Linearizable);
    }

    #[test]
    fn too_long_a_search_is_no_verdict() {
        let history: Case = (0..8)
            .map(|_| call(0, Ask::Write, Some((9, Answer::Written(1)))))
            .collect();
        assert_eq!(check(&Register::default(), &history, 3), Verdict::Undecided);
    }
}
