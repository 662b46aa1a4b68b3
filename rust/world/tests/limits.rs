//! Every limit, at its last allowed value and one past it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use synced_protocol::{
    id::{NodeId, PropertyId},
    limits::{
        MAX_CALL_ARGUMENTS, MAX_NAME_BYTES, MAX_NODE_BYTES, MAX_NODES, MAX_PROPERTIES,
        MAX_TRANSACTION_STEPS, MAX_TREE_DEPTH, MAX_VALUE_BYTES, MAX_VALUE_DEPTH, MAX_WORLD_BYTES,
    },
    message::{Change, JoinMark, PlayerEntry},
    mutation::{Guard, Limit, Mutation, Origin, ParentRef, Rejection, Spawn, Transaction},
    value::Value,
};
use synced_world::Outcome::{self, Applied};

fn with_cup() -> (Session, NodeId) {
    let mut session = Session::with_players();
    let cup = authored("Cup");
    session.must(A, Mutation::Spawn(spawn(cup, OPEN)));
    (session, cup)
}

const fn too_large(limit: Limit) -> Result<Outcome, Rejection> {
    Err(Rejection::TooLarge(limit))
}

/// A value of exactly this many bytes, encoded.
fn value_of(bytes: usize) -> Value {
    Value::PackedByteArray(vec![7; bytes - 3])
}

#[test]
fn transactions_have_one_to_64_steps_and_up_to_64_guards() {
    let (mut session, node) = with_cup();
    let transaction = |guards, steps| Transaction {
        guards: vec![Guard::Exists { node }; guards],
        steps: vec![set(node, 0, Value::Nil); steps],
    };
    let max = MAX_TRANSACTION_STEPS;
    for (guards, count) in [(0, 0), (0, max + 1), (max + 1, 1)] {
        let result = session.propose(A, transaction(guards, count));
        assert_eq!(result, too_large(Limit::Steps));
    }
    assert_eq!(session.propose(A, transaction(max, max)), Ok(Applied));
}

#[test]
fn values_are_bounded_in_bytes_and_depth_wherever_they_stand() {
    let (mut session, cup) = with_cup();
    let deep = |depth| (0..depth).fold(Value::Nil, |inner, _| Value::Array(vec![inner]));
    let fits = [value_of(MAX_VALUE_BYTES), deep(MAX_VALUE_DEPTH)];
    let exceeds = [
        (value_of(MAX_VALUE_BYTES + 1), Limit::ValueBytes),
        (deep(MAX_VALUE_DEPTH + 1), Limit::ValueDepth),
    ];
    let uses = |value: &Value, counter| {
        let spawned = Spawn {
            properties: vec![property(value.clone())],
            ..instance(A, counter, OPEN)
        };
        let called = Mutation::Call {
            node: cup,
            method: "say".to_owned(),
            arguments: vec![value.clone()],
        };
        [Mutation::Spawn(spawned), set(cup, 0, value.clone()), called]
    };
    for (value, limit) in &exceeds {
        for mutation in uses(value, 1) {
            assert_eq!(session.propose(A, mutation), too_large(*limit));
        }
    }
    for (value, counter) in fits.iter().zip(1..) {
        for mutation in uses(value, counter) {
            assert_eq!(session.propose(A, mutation), Ok(Applied));
        }
    }
}

#[test]
fn names_and_paths_are_bounded_wherever_they_stand() {
    let (mut session, cup) = with_cup();
    let uses = |length: usize, counter| {
        let long = "x".repeat(length);
        let parent = ParentRef {
            anchor: NodeId::ROOT,
            path: long.clone(),
        };
        let base = || instance(A, counter, OPEN);
        let mut property = property(Value::Nil);
        property.path.clone_from(&long);
        let spawns = [
            Spawn {
                name: long.clone(),
                ..base()
            },
            Spawn {
                parent: parent.clone(),
                ..base()
            },
            Spawn {
                properties: vec![property],
                ..base()
            },
        ];
        let node = cup;
        let others = [call(cup, &long), Mutation::Reparent { node, parent }];
        spawns.map(Mutation::Spawn).into_iter().chain(others)
    };
    for mutation in uses(MAX_NAME_BYTES + 1, 1) {
        assert_eq!(session.propose(A, mutation), too_large(Limit::NameBytes));
    }
    for (counter, use_it) in (1..).zip(0..5) {
        let mutation = uses(MAX_NAME_BYTES, counter).nth(use_it).unwrap();
        assert_eq!(session.propose(A, mutation), Ok(Applied));
    }
}

#[test]
fn a_node_has_at_most_64_properties_and_a_call_at_most_16_arguments() {
    let (mut session, cup) = with_cup();
    let with = |count, counter| {
        Mutation::Spawn(Spawn {
            properties: vec![property(Value::Nil); count],
            ..instance(A, counter, OPEN)
        })
    };
    let too_many = Mutation::SetProperties {
        node: cup,
        properties: vec![(PropertyId(0), Value::Nil); MAX_PROPERTIES + 1],
    };
    let exceeds = [with(MAX_PROPERTIES + 1, 1), too_many];
    for mutation in exceeds {
        assert_eq!(session.propose(A, mutation), too_large(Limit::Properties));
    }
    assert_eq!(session.propose(A, with(MAX_PROPERTIES, 1)), Ok(Applied));
    let call = |count| Mutation::Call {
        node: cup,
        method: "x".to_owned(),
        arguments: vec![Value::Nil; count],
    };
    assert_eq!(
        session.propose(A, call(MAX_CALL_ARGUMENTS + 1)),
        too_large(Limit::Arguments)
    );
    assert_eq!(session.propose(A, call(MAX_CALL_ARGUMENTS)), Ok(Applied));
}

#[test]
fn a_node_cannot_grow_past_what_one_frame_holds() {
    let mut session = Session::with_players();
    let node = NodeId::spawned(A, 1);
    let spawn = Spawn {
        properties: vec![property(Value::Nil); 4],
        ..instance(A, 1, OPEN)
    };
    session.must(A, Mutation::Spawn(spawn));
    let fitting = MAX_NODE_BYTES / MAX_VALUE_BYTES - 1;
    for place in 0..fitting {
        let place = u8::try_from(place).unwrap();
        let result = session.propose(A, set(node, place, value_of(MAX_VALUE_BYTES)));
        assert_eq!(result, Ok(Applied));
    }
    let digest = session.world.digest();
    let result = session.propose(A, set(node, 3, value_of(MAX_VALUE_BYTES)));
    assert_eq!(result, too_large(Limit::NodeBytes));
    assert_eq!(session.world.digest(), digest);
    assert_eq!(session.propose(A, set(node, 0, Value::Nil)), Ok(Applied));
    let result = session.propose(A, set(node, 3, value_of(MAX_VALUE_BYTES)));
    assert_eq!(result, Ok(Applied), "what shrank makes room");
}

#[test]
fn the_tree_is_at_most_64_deep_by_spawning_and_by_moving() {
    let (mut session, cup) = with_cup();
    let depth = u32::try_from(MAX_TREE_DEPTH).unwrap();
    let mut anchor = NodeId::ROOT;
    for counter in 1..depth {
        let spawn = Spawn {
            parent: under(anchor),
            ..instance(A, counter, OPEN)
        };
        anchor = spawn.node;
        session.must(A, Mutation::Spawn(spawn));
    }
    let top = NodeId::spawned(A, 1);
    assert_eq!(session.propose(A, reparent(top, cup)), Ok(Applied));
    let deeper = Spawn {
        parent: under(anchor),
        ..instance(A, depth, OPEN)
    };
    let deeper = session.propose(A, Mutation::Spawn(deeper));
    assert_eq!(deeper, too_large(Limit::TreeDepth));
    session.must(A, Mutation::Spawn(spawn(authored("Table"), OPEN)));
    let moved = session.propose(A, reparent(cup, authored("Table")));
    assert_eq!(moved, too_large(Limit::TreeDepth));
    assert!(session.world.touched() >= MAX_TREE_DEPTH);
}

#[test]
fn despawned_authored_nodes_count_among_the_65536_of_a_world() {
    let mut session = Session::with_players();
    let tell = |session: &mut Session, range: std::ops::Range<usize>| {
        let spawns = range.map(|number| {
            let spawn = spawn(authored(&number.to_string()), OPEN);
            Mutation::Spawn(spawn)
        });
        session.propose(A, steps(spawns))
    };
    let size = MAX_TRANSACTION_STEPS;
    for start in (0..MAX_NODES).step_by(size) {
        assert_eq!(tell(&mut session, start..start + size), Ok(Applied));
    }
    session.must(A, despawn(authored("0")));
    let more = tell(&mut session, MAX_NODES..MAX_NODES + 1);
    assert_eq!(more, too_large(Limit::Nodes));
}

#[test]
fn a_world_is_bounded_in_bytes() {
    let mut session = Session::with_players();
    let big = |counter| {
        Mutation::Spawn(Spawn {
            properties: vec![property(value_of(MAX_VALUE_BYTES)); 2],
            origin: Origin::Scene {
                spawner: NodeId::ROOT,
                scene: 0,
            },
            ..instance(A, counter, OPEN)
        })
    };
    let refused_at = (1..).find(|&counter| {
        let result = session.propose(A, big(counter));
        assert!(result == Ok(Applied) || result == too_large(Limit::WorldBytes));
        result != Ok(Applied)
    });
    let bytes: usize = session.world.nodes().map(synced_world::Node::bytes).sum();
    assert!(refused_at.is_some() && bytes <= MAX_WORLD_BYTES);
    assert!(bytes + 2 * MAX_VALUE_BYTES + 1024 > MAX_WORLD_BYTES);
}

#[test]
fn a_players_name_is_bounded() {
    let mut session = Session::default();
    let join = |length| Change::PlayerJoined {
        player: PlayerEntry {
            player: A,
            name: "x".repeat(length),
            hosts: false,
        },
        mark: JoinMark::default(),
    };
    assert_eq!(
        session.commit(join(MAX_NAME_BYTES + 1)),
        too_large(Limit::NameBytes)
    );
    assert_eq!(session.commit(join(MAX_NAME_BYTES)), Ok(Applied));
}
