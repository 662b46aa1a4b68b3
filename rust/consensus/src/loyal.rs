//! What a server that has heard a leader owes it: a leader's lease rests on nothing else.

use synced_protocol::{id::GroupId, time::Micros};

use crate::{
    codec::{Append, AppendAnswer, Beat, Beats, GroupMessage, Message, VoteAnswer, VoteRequest},
    testing::One,
};

/// When the leader is heard.
pub(crate) const HEARD: Micros = Micros::from_millis(20);
/// For how long it is owed loyalty: five ticks less half of one.
pub(crate) const LOYALTY: Micros = Micros(4_500);

/// The last moment of the promise, and the first without it.
const LAST: Micros = Micros(HEARD.0 + LOYALTY.0 - 1);
const OVER: Micros = Micros(HEARD.0 + LOYALTY.0);

pub(crate) fn about(message: GroupMessage) -> Message {
    Message::Group(GroupId(0), message)
}

pub(crate) fn beat(term: u64, sent_at: Micros) -> Message {
    let beat = Beat {
        group: GroupId(0),
        term,
        committed: 1,
    };
    Message::Beats(Beats {
        sent_at,
        beats: vec![beat],
    })
}

pub(crate) const REAL: VoteRequest = VoteRequest {
    pre: false,
    forced: false,
    term: 0,
    last: (9, 9),
    committed: (1, 1),
};
pub(crate) const PRE: VoteRequest = VoteRequest { pre: true, ..REAL };
const FORCED: VoteRequest = VoteRequest {
    forced: true,
    ..REAL
};

pub(crate) fn ask(one: &mut One, now: Micros, request: VoteRequest) -> Vec<Message> {
    one.hear(now, 3, &about(GroupMessage::VoteRequest(request)))
}

pub(crate) fn grants(said: &[Message]) -> bool {
    let is_grant = |message: &Message| matches!(message, Message::Group(_, GroupMessage::VoteAnswer(answer)) if !answer.refused);
    said.iter().any(is_grant)
}

/// One that has heard server 2 lead in a term.
pub(crate) fn loyal(term: u64) -> One {
    let mut one = One::begin(Micros::ZERO);
    let said = one.hear(HEARD, 2, &beat(term, Micros(7)));
    assert!(
        matches!(&said[..], [Message::BeatAnswers(LOYALTY, answers)] if answers.sent_at == Micros(7))
    );
    one
}

/// Whether it lets nobody stand to the last moment of its promise, and whoever asks in this term after it.
fn keeps_its_promise(begin: impl Fn() -> One, term: u64) {
    for request in [REAL, PRE] {
        for term in [term - 1, term, term + 1] {
            let (mut one, request) = (begin(), VoteRequest { term, ..request });
            let before = one.status();
            assert_eq!(ask(&mut one, LAST, request), [], "{request:?}");
            let after = one.status();
            assert_eq!((before.term, before.vote), (after.term, after.vote));
            assert!(after.counters.votes_withheld > before.counters.votes_withheld);
        }
        let next = VoteRequest { term, ..request };
        assert!(grants(&ask(&mut begin(), OVER, next)), "{next:?}");
    }
}

#[test]
fn who_heard_a_leader_lets_nobody_stand_until_its_promise_is_over() {
    keeps_its_promise(|| loyal(2), 3);
}

#[test]
fn to_learn_of_a_higher_term_takes_no_promise_back() {
    let answer = AppendAnswer {
        term: 5,
        index: 1,
        committed: 1,
        refused: None,
    };
    let refusal = VoteAnswer {
        pre: true,
        refused: true,
        term: 5,
        committed: (1, 1),
    };
    for word in [
        GroupMessage::AppendAnswer(answer),
        GroupMessage::VoteAnswer(refusal),
    ] {
        let learned = || {
            let mut one = loyal(2);
            one.hear(HEARD, 3, &about(word.clone()));
            assert_eq!(
                (one.status().term.0, one.status().leader, one.status().vote),
                (5, None, None)
            );
            one
        };
        // In the very term that it has learned of it has no vote to lose, and no leader to name.
        keeps_its_promise(learned, 5);
        keeps_its_promise(learned, 6);
    }
}

#[test]
fn what_a_former_leader_says_renews_no_promise() {
    let append = Append {
        term: 2,
        previous: (1, 1),
        committed: 1,
        entries: Vec::new(),
    };
    for word in [
        beat(2, Micros(8)),
        about(GroupMessage::Append(append.clone())),
    ] {
        let heard_both = || {
            let mut one = loyal(3);
            let said = one.hear(LAST - Micros(1), 3, &word);
            assert!(!said.iter().any(|m| matches!(m, Message::BeatAnswers(..))));
            one
        };
        keeps_its_promise(heard_both, 4);
    }
}

#[test]
fn a_heartbeat_that_comes_again_is_answered_with_the_time_that_it_had() {
    let mut one = loyal(2);
    one.hear(HEARD, 2, &beat(2, Micros(1_007)));
    for sent_at in [Micros(7), Micros(1_007), Micros(7)] {
        let said = one.hear(HEARD + Micros(2_000), 2, &beat(2, sent_at));
        assert!(
            matches!(&said[..], [Message::BeatAnswers(LOYALTY, answers)] if answers.sent_at == sent_at)
        );
    }
}

#[test]
fn who_was_restarted_votes_for_nobody_for_as_long_as_it_may_have_promised() {
    let restarted = || One::restart(loyal(2).stored, HEARD);
    assert_eq!(restarted().status().leader, None);
    keeps_its_promise(restarted, 3);
}

#[test]
fn whom_the_leader_asked_to_take_over_the_loyal_elect_at_once() {
    let request = VoteRequest { term: 3, ..FORCED };
    assert!(grants(&ask(&mut loyal(2), HEARD, request)));
    let late = VoteRequest { term: 2, ..FORCED };
    let mut voted = loyal(2);
    assert!(grants(&ask(
        &mut voted,
        OVER,
        VoteRequest { term: 3, ..REAL }
    )));
    assert!(!grants(&ask(&mut voted, OVER, late)), "it comes too late");
    assert_eq!(voted.status().term.0, 3);
}

#[test]
fn nobody_takes_over_but_whom_the_leader_of_its_term_asks() {
    let take_over = |term| about(GroupMessage::TakeOver { term });
    let stands = |one: &mut One, from, word| {
        let said = one.hear(HEARD, from, &word);
        let is_request = |m: &Message| matches!(m, Message::Group(_, GroupMessage::VoteRequest(request)) if request.forced && request.term == 3);
        assert_eq!(said.len(), 2 * usize::from(said.iter().any(is_request)));
        !said.is_empty()
    };
    assert!(stands(&mut loyal(2), 2, take_over(2)));
    assert!(!stands(&mut loyal(2), 3, take_over(2)), "a follower");
    assert!(!stands(&mut loyal(2), 2, take_over(1)), "late");
    assert!(!stands(&mut loyal(2), 2, take_over(3)), "unheard of");
    let mut restarted = One::restart(loyal(2).stored, HEARD);
    assert!(!stands(&mut restarted, 2, take_over(2)), "who is that");
    let mut asked_twice = loyal(2);
    assert!(stands(&mut asked_twice, 2, take_over(2)));
    assert!(!stands(&mut asked_twice, 2, take_over(2)), "once is enough");
}
