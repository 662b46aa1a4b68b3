//! Guards, order, and numbers that make each proposal count once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId, PropertyId},
    message::{Change, LogEntry},
    mutation::{Guard, Mutation, Rejection, Spawn, Transaction},
    value::Value,
};
use synced_world::Outcome::{Applied, Duplicate};

fn with_cup() -> (Session, NodeId) {
    let mut session = Session::with_players();
    let cup = authored("Cup");
    session.must(A, Mutation::Spawn(spawn(cup, OPEN)));
    (session, cup)
}

#[test]
fn each_guard_names_its_place_when_it_does_not_hold() {
    let (mut session, node) = with_cup();
    let version = session.world.log_index();
    let property = PropertyId(0);
    let missing = authored("nowhere");
    let holds = [
        Guard::Exists { node },
        Guard::OwnerIs {
            node,
            owner: SERVER,
        },
        Guard::VersionIs {
            node,
            property,
            version,
        },
    ];
    let fails = [
        Guard::Exists { node: missing },
        Guard::OwnerIs { node, owner: A },
        Guard::OwnerIs {
            node: missing,
            owner: SERVER,
        },
        Guard::VersionIs {
            node,
            property,
            version: version.next(),
        },
        Guard::VersionIs {
            node,
            property: PropertyId(1),
            version,
        },
    ];
    for (place, guard) in fails.into_iter().enumerate() {
        let mut guards = holds.to_vec();
        guards.truncate(place);
        guards.push(guard);
        let place = u8::try_from(guards.len() - 1).unwrap();
        let steps = vec![set(node, 0, Value::Nil)];
        let result = session.propose(A, Transaction { guards, steps });
        assert_eq!(result, Err(Rejection::GuardFailed(place)));
    }
    let guarded = Transaction {
        guards: holds.to_vec(),
        steps: vec![set(node, 0, Value::Nil)],
    };
    assert_eq!(session.propose(A, guarded.clone()), Ok(Applied));
    assert_eq!(
        session.propose(B, guarded),
        Err(Rejection::GuardFailed(2)),
        "the version has moved on"
    );
}

#[test]
fn a_version_is_the_place_in_the_log_of_the_last_write_to_that_property_alone() {
    let mut session = Session::with_players();
    let cup = authored("Cup");
    let properties = vec![property(Value::Nil), property(Value::Nil)];
    let spawn = Spawn {
        properties,
        ..spawn(cup, OPEN)
    };
    session.must(A, Mutation::Spawn(spawn));
    let spawned = session.world.log_index();
    session.must(B, set(cup, 1, Value::Int(1)));
    let node = session.world.node(cup).unwrap();
    let versions = node.properties().iter().map(|property| property.version());
    assert_eq!(versions.collect::<Vec<_>>(), [spawned, spawned.next()]);
}

#[test]
fn a_later_step_sees_what_an_earlier_one_did() {
    let (mut session, cup) = with_cup();
    let result = session.propose(
        A,
        steps([
            Mutation::Spawn(instance(A, 1, OWNED)),
            reparent(NodeId::spawned(A, 1), cup),
            give(NodeId::spawned(A, 1), B),
        ]),
    );
    assert_eq!(result, Ok(Applied));
    assert_eq!(session.owner(NodeId::spawned(A, 1)), B);
}

#[test]
fn a_proposal_that_comes_twice_counts_once() {
    let (mut session, cup) = with_cup();
    let add = |value| set(cup, 0, Value::Int(value));
    let (first, second) = (ClientSeq(10), ClientSeq(11));
    assert_eq!(session.propose_as(B, first, add(1)), Ok(Applied));
    assert_eq!(session.propose_as(B, second, add(2)), Ok(Applied));
    let digest = session.world.digest();
    for seq in [ClientSeq(0), first, second] {
        assert_eq!(session.propose_as(B, seq, add(3)), Ok(Duplicate));
        assert!(session.effects.is_empty());
    }
    assert_eq!(session.world.digest(), digest);
}

#[test]
fn a_rejected_proposal_uses_its_number_and_is_not_decided_again() {
    let (mut session, cup) = with_cup();
    let missing = authored("nowhere");
    let seq = ClientSeq(1);
    assert_eq!(
        session.propose_as(B, seq, despawn(missing)),
        Err(Rejection::NodeMissing(missing))
    );
    assert_eq!(session.propose_as(B, seq, despawn(cup)), Ok(Duplicate));
    assert_eq!(session.world.player(B).unwrap().last_seq(), seq);
}

#[test]
fn an_entry_that_was_applied_is_not_applied_again() {
    let (mut session, _) = with_cup();
    let before = (session.world.digest(), session.world.log_index());
    for (index, entry) in session.log.clone() {
        let outcome = session.world.apply(index, &entry, &mut session.effects);
        assert_eq!(outcome, Ok(Duplicate));
    }
    assert_eq!((session.world.digest(), session.world.log_index()), before);
}

#[test]
fn what_is_not_there_is_named() {
    let (mut session, cup) = with_cup();
    let property = PropertyId(1);
    assert_eq!(
        session.propose(A, set(cup, 1, Value::Nil)),
        Err(Rejection::PropertyMissing {
            node: cup,
            property
        })
    );
    let missing = authored("nowhere");
    for mutation in [
        despawn(missing),
        reparent(missing, cup),
        set(missing, 0, Value::Nil),
        give(missing, A),
        call(missing, "x"),
        despawn(NodeId::ROOT),
    ] {
        let result = session.propose(A, mutation);
        assert!(matches!(result, Err(Rejection::NodeMissing(_))));
    }
}

#[test]
fn an_index_may_skip_what_was_not_published() {
    let (mut session, cup) = with_cup();
    let hlc = synced_protocol::hlc::HlcTimestamp::ZERO;
    let change = Change::Transaction {
        player: B,
        seq: ClientSeq(7),
        transaction: set(cup, 0, Value::Int(7)).into(),
    };
    let entry = LogEntry { hlc, change };
    let index = LogIndex(1000);
    let outcome = session.world.apply(index, &entry, &mut session.effects);
    assert_eq!(outcome, Ok(Applied));
    assert_eq!(session.world.log_index(), index);
}
