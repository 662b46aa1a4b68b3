//! The confirmed lane, against a server that says just what the test wants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    authored_cup, give,
    mirror::Decision,
    paint,
    scripted::{
        ME, OTHER, Script, TOKEN, commit, resumed, snapshot, spawn_cup, transaction, welcome,
    },
};
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId},
    link::{CloseCode, CloseReason, Event},
    message::{NodeEntry, Resume, ServerMessage, SnapshotPart, Welcome},
    mutation::{Limit, Mutation, Rejection},
    time::Micros,
    value::Value,
};

const MALFORMED: Option<CloseCode> = Some(CloseCode::Malformed);

fn rejected(seq: u64) -> ServerMessage {
    ServerMessage::Rejected {
        seq: ClientSeq(seq),
        log_index: LogIndex(10),
        reason: Rejection::TooMany,
    }
}

/// What a server may not say once a session is up, each of which costs it the connection.
fn nonsense() -> Vec<(&'static str, ServerMessage)> {
    vec![
        ("an index that goes back", commit(10, spawn_cup(1))),
        ("a part of a world", ServerMessage::Snapshot(snapshot(11))),
        ("a second welcome", resumed(0)),
        ("a decision about what was never proposed", rejected(5)),
        (
            "an own commit that was never proposed",
            commit(11, transaction(ME, 5, paint(NodeId(1), 1))),
        ),
    ]
}

#[test]
fn frames_that_make_no_sense_cost_the_connection_and_the_world_is_asked_for_anew() {
    for (what, message) in nonsense() {
        let mut script = Script::up();
        script.say(&message);
        assert_eq!(script.closed_with(), MALFORMED, "{what}");
        assert_eq!(script.game.tries, [1], "{what}");
        script.wait_for_try();
        let resume = script.connect().resume.unwrap();
        script.now = script.now + Micros::from_secs(1);
        script.event(Event::Woken);
        assert_eq!(script.game.stats.counters.divergences, 0, "{what}");
        assert_eq!(resume.token, TOKEN);
        assert!(
            resume.cursor > LogIndex(1 << 60),
            "no leader goes on from there"
        );
    }
    let mut script = Script::up();
    script.frame(b"garbage".as_slice().into());
    assert_eq!(script.closed_with(), MALFORMED);
}

#[test]
fn a_commit_that_the_replica_rejects_is_counted_and_healed_by_the_whole_world() {
    let mut script = Script::up();
    script.say(&commit(11, spawn_cup(1)));
    let node = authored_cup().node;
    script.say(&commit(12, transaction(OTHER, 2, paint(node, 5))));
    assert_eq!(
        script.closed_with(),
        MALFORMED,
        "only its owner paints a cup"
    );

    script.wait_for_try();
    script.connect();
    script.say_first(&ServerMessage::Welcome(welcome(ME, 12)));
    let mut spawn = authored_cup();
    spawn.properties[0].value = Value::Int(5);
    spawn.owner = OTHER;
    let part = SnapshotPart {
        nodes: vec![NodeEntry {
            spawn,
            versions: vec![LogIndex(12), LogIndex(11)],
        }],
        ..snapshot(12)
    };
    script.say(&ServerMessage::Snapshot(part));
    script.now = script.now + Micros::from_secs(1);
    script.event(Event::Woken);
    assert_eq!(script.game.stats.counters.divergences, 1);
    assert_eq!(script.game.stats.counters.reconnects, 1);
    let world = script.session.world().unwrap();
    script.game.assert_equals(world);
    assert_eq!(script.game.nodes[&node].owner, OTHER);
    assert!(script.game.joins[1].resumed);

    script.lose(CloseReason::TimedOut);
    script.wait_for_try();
    let resume = script.connect().resume.unwrap();
    assert_eq!(
        resume.cursor,
        LogIndex(12),
        "the new world is trusted again"
    );
}

#[test]
fn after_a_loss_the_session_goes_on_from_its_cursor_and_sends_again_what_was_not_decided() {
    let mut script = Script::up();
    (1..=3).for_each(|seq| script.propose(seq, give(NodeId(1), ME)));
    assert_eq!(script.proposed(), [1, 2, 3]);
    script.say(&commit(11, spawn_cup(1)));
    script.lose(CloseReason::TimedOut);
    script.propose(4, give(NodeId(1), ME));
    script.wait_for_try();
    let resume = script.connect().resume;
    let cursor = LogIndex(11);
    assert_eq!(
        resume,
        Some(Resume {
            token: TOKEN,
            cursor
        })
    );
    script.outputs.clear();
    script.say_first(&resumed(2));
    assert_eq!(script.proposed(), [3, 4]);
    let joined = script.game.joins[1];
    assert_eq!((joined.resumed, joined.log_index), (true, cursor));

    script.say(&rejected(1));
    script.say(&rejected(2));
    script.say(&rejected(2));
    assert_eq!(
        script.closed_with(),
        None,
        "a rejection that is told again is no surprise"
    );
    let told: Vec<_> = script.game.decisions.keys().copied().collect();
    assert_eq!(told, [ClientSeq(1), ClientSeq(2)]);
}

#[test]
fn what_was_decided_unheard_and_is_not_told_any_more_is_settled() {
    let mut script = Script::up();
    (1..=3).for_each(|seq| script.propose(seq, give(NodeId(1), ME)));
    script.lose(CloseReason::TimedOut);
    script.wait_for_try();
    script.connect();
    script.outputs.clear();
    script.say_first(&ServerMessage::Welcome(Welcome {
        last_seq: ClientSeq(2),
        ..welcome(ME, 20)
    }));
    script.say(&ServerMessage::Snapshot(snapshot(20)));
    assert_eq!(script.proposed(), [3]);
    let told: Vec<_> = script
        .game
        .decisions
        .iter()
        .map(|(seq, how)| (seq.0, *how))
        .collect();
    assert_eq!(told, [(1, Decision::Settled), (2, Decision::Settled)]);
}

#[test]
fn a_proposal_that_is_too_large_is_rejected_at_once_and_the_next_takes_its_number_on_the_wire() {
    let mut script = Script::up();
    let bytes = Value::PackedByteArray(vec![0; 16_000]);
    let huge = Mutation::Call {
        node: NodeId(1),
        method: "eat".into(),
        arguments: vec![bytes; 3],
    };
    script.propose(1, huge);
    script.propose(2, give(NodeId(1), ME));
    assert_eq!(script.proposed(), [1]);
    let too_large = Rejection::TooLarge(Limit::MutationBytes);
    assert_eq!(
        script.game.decisions[&ClientSeq(1)],
        Decision::Rejected(too_large)
    );
    script.say(&rejected(1));
    assert_eq!(
        script.game.decisions[&ClientSeq(2)],
        Decision::Rejected(Rejection::TooMany)
    );
}
