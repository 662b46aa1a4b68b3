//! What gives a leader its lease, and what does not.

use synced_protocol::{id::GroupId, limits::MAX_FRAME_BYTES, time::Micros};

use crate::{
    Role,
    codec::{AppendAnswer, Beat, Beats, GroupMessage, Message, VoteAnswer, VoteRequest},
    loyal::{LOYALTY, PRE, REAL, about, ask, grants},
    testing::{One, frame, server},
};

/// One that leads and serves, and the time.
fn leading() -> (One, Micros) {
    let (mut one, mut now) = (One::begin(Micros::ZERO), Micros::ZERO);
    while one.status().role != Role::Leader {
        now = now + Micros(1_000);
        one.advance(now);
        for pre in [true, false] {
            let term = one.status().term.0 + u64::from(pre);
            let answer = VoteAnswer {
                pre,
                refused: false,
                term,
                committed: (0, 0),
            };
            one.hear(now, 2, &about(GroupMessage::VoteAnswer(answer)));
        }
    }
    let status = one.status();
    let answer = AppendAnswer {
        term: status.term.0,
        index: status.last.0,
        committed: 1,
        refused: None,
    };
    one.hear(now, 2, &about(GroupMessage::AppendAnswer(answer)));
    assert_eq!(one.status().committed, status.last);
    (one, now)
}

fn acknowledge(one: &mut One, now: Micros, from: u16, term: u64, sent_at: Micros) {
    promise(one, now, from, (term, LOYALTY), sent_at);
}

fn promise(one: &mut One, now: Micros, from: u16, (term, promise): (u64, Micros), sent_at: Micros) {
    let beat = Beat {
        group: GroupId(0),
        term,
        committed: 1,
    };
    let answers = Beats {
        sent_at,
        beats: vec![beat],
    };
    one.hear(now, from, &Message::BeatAnswers(promise, answers));
}

/// Until when it holds its lease.
fn lease(one: &One, now: Micros) -> Micros {
    let holds = |at: &Micros| one.consensus.holds_lease(GroupId(0), *at);
    let moments = (0..20_000).map(|later| now + Micros(later));
    let until = moments.clone().find(|at| !holds(at)).unwrap();
    assert!(!moments.skip_while(|at| *at < until).any(|at| holds(&at)));
    until
}

/// What a lease lasts: loyalty less the hundredth by which clocks may differ.
const LASTS: Micros = Micros(LOYALTY.0 - LOYALTY.0 / 100);

#[test]
fn a_lease_lasts_from_when_the_heartbeat_was_due_that_was_acknowledged_however_late_that_is() {
    let (mut one, before) = leading();
    let (term, due) = (one.status().term.0, before + Micros(1_000));
    assert_eq!(lease(&one, due), due, "none without a heartbeat");
    let said = one.advance(due);
    let times: Vec<Micros> = said
        .iter()
        .filter_map(|message| match message {
            Message::Beats(beats) => Some(beats.sent_at),
            _ => None,
        })
        .collect();
    assert_eq!(times, [due, due]);
    let late = due + Micros(3_000);
    acknowledge(&mut one, late, 2, term, due);
    assert_eq!(lease(&one, late), due + LASTS);
}

#[test]
fn acknowledgements_that_come_again_or_out_of_order_move_no_lease() {
    let (mut one, now) = leading();
    let term = one.status().term.0;
    let (first, second) = (now + Micros(1_000), now + Micros(2_000));
    let late = now + Micros(2_500);
    for sent_at in [first, second, first, second, first] {
        acknowledge(&mut one, late, 2, term, sent_at);
    }
    assert_eq!(lease(&one, late), second + LASTS);
}

#[test]
fn acknowledgements_that_prove_nothing_give_no_lease() {
    let (mut one, now) = leading();
    let (term, sent_at) = (one.status().term.0, now + Micros(1_000));
    acknowledge(&mut one, sent_at, 2, term - 1, sent_at);
    acknowledge(&mut one, sent_at, 2, term, sent_at + Micros(1));
    acknowledge(&mut one, sent_at, 9, term, sent_at);
    assert_eq!(lease(&one, sent_at), sent_at);
    acknowledge(&mut one, sent_at, 2, term, sent_at);
    assert_eq!(lease(&one, sent_at), sent_at + LASTS);
    acknowledge(&mut one, sent_at, 3, term + 1, sent_at);
    assert_eq!(lease(&one, sent_at), sent_at, "there is a later term");
}

/// As long as servers are configured differently.
#[test]
fn of_a_promise_that_is_shorter_than_the_leaders_own_the_lease_lasts_no_longer_and_of_a_longer_one_as_long()
 {
    let (mut one, now) = leading();
    let (term, sent_at) = (one.status().term.0, now + Micros(1_000));
    promise(&mut one, sent_at, 2, (term, Micros(2_000)), sent_at);
    assert_eq!(lease(&one, sent_at), sent_at + Micros(1_980));
    promise(&mut one, sent_at, 3, (term, LOYALTY + LOYALTY), sent_at);
    assert_eq!(lease(&one, sent_at), sent_at + LASTS);
}

#[test]
fn a_leader_hears_no_request_for_votes_unless_it_hands_over() {
    for request in [REAL, PRE] {
        let (mut one, now) = leading();
        let (term, at) = (one.status().term.0, now + Micros::from_millis(15));
        let request = VoteRequest {
            term: term + 1,
            ..request
        };
        assert_eq!(ask(&mut one, at, request), []);
        assert_eq!(
            (one.status().role, one.status().term.0),
            (Role::Leader, term)
        );
        let forced = VoteRequest {
            forced: true,
            ..request
        };
        assert!(grants(&ask(&mut one, at, forced)));
    }
}

/// A follower says that it has something, so that it is sent all the rest; then it is time for heartbeats.
#[test]
fn heartbeats_go_before_all_else_that_is_sent_in_the_same_turn() {
    let (mut one, now) = leading();
    let (term, last) = (one.status().term.0, one.status().last.0);
    for _ in 0..20 {
        let data = vec![1; MAX_FRAME_BYTES];
        one.consensus.propose(GroupId(0), data.into()).unwrap();
    }
    one.settle(now);
    let answer = AppendAnswer {
        term,
        index: last,
        committed: 1,
        refused: None,
    };
    let answer = frame(&about(GroupMessage::AppendAnswer(answer)));
    let due = now + Micros(1_000);
    one.consensus.advance(due);
    one.consensus.receive(due, server(3), answer).unwrap();
    let said = one.advance(due + Micros(1_000));
    let is_beat = |message: &Message| matches!(message, Message::Beats(_));
    let beats = said.iter().take_while(|message| is_beat(message)).count();
    let appends = said.iter().filter(|message| !is_beat(message)).count();
    assert!(appends > 5, "{appends} appends to the one that was behind");
    assert_eq!(beats + appends, said.len(), "heartbeats come first");
    assert_eq!(beats, 4, "two to each follower");
}
