//! Where the nodes of a player who is about to go come to rest.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    limits::{MAX_NODE_BYTES, MAX_VALUE_BYTES, MAX_VALUE_DEPTH},
    message::{Change, RestedValue},
    mutation::{Lane, Mutation, PropertySpec, Rejection, Spawn},
    value::Value,
};
use synced_world::{Effect, Outcome::Applied};

const CONFIRMED: u8 = 0;
const LIVE: u8 = 1;

/// An instance of the player's own with a confirmed property and a live one.
fn ball(player: PlayerId, counter: u32) -> Spawn {
    let live = PropertySpec {
        lane: Lane::Live,
        ..property(Value::Int(0))
    };
    Spawn {
        properties: vec![property(Value::Int(0)), live],
        ..instance(player, counter, OPEN)
    }
}

/// A session in which A has a ball.
fn with_ball() -> (Session, NodeId) {
    let mut session = Session::with_players();
    let spawn = ball(A, 1);
    let ball = spawn.node;
    session.must(A, Mutation::Spawn(spawn));
    (session, ball)
}

/// A value that is newer than all that the log holds.
fn value(session: &Session, node: NodeId, property: u8, value: Value) -> RestedValue {
    RestedValue {
        node,
        property: PropertyId(property),
        newer_than: session.world.log_index(),
        value,
    }
}

fn rest(session: &mut Session, player: PlayerId, values: Vec<RestedValue>) {
    let result = session.commit(Change::Rested { player, values });
    assert_eq!(result, Ok(Applied));
}

const fn set_effect(node: NodeId) -> Effect {
    Effect::PropertySet {
        node,
        property: PropertyId(LIVE),
    }
}

/// None of the values is set.
fn assert_passed_over(mut session: Session, player: PlayerId, values: Vec<RestedValue>) {
    let digest = session.world.digest();
    rest(&mut session, player, values);
    assert_eq!(session.effects, []);
    assert_eq!(session.world.digest(), digest);
}

#[test]
fn the_nodes_of_a_player_who_goes_rest_where_they_were_seen_last() {
    let (mut session, first) = with_ball();
    let spawn = ball(A, 2);
    let second = spawn.node;
    session.must(A, Mutation::Spawn(spawn));
    let values = [(first, 7), (second, 8)]
        .map(|(node, number)| value(&session, node, LIVE, Value::Int(number)));
    rest(&mut session, A, values.to_vec());
    assert_eq!(session.effects, [first, second].map(set_effect));
    let at = session.world.log_index();
    assert_eq!(session.leave(A), Ok(Applied));
    for (node, number) in [(first, 7), (second, 8)] {
        let property = session.world.node(node).unwrap().properties()[usize::from(LIVE)].clone();
        assert_eq!(
            (property.value(), property.version()),
            (&Value::Int(number), at)
        );
        assert_eq!(session.owner(node), SERVER);
    }
}

#[test]
fn a_value_for_what_is_absent_foreign_or_confirmed_is_passed_over_alone() {
    let (mut session, mine) = with_ball();
    let foreign = ball(B, 1);
    let free = spawn(authored("Cup"), OPEN);
    let bad = [
        (NodeId(99), LIVE),
        (foreign.node, LIVE),
        (free.node, LIVE),
        (mine, CONFIRMED),
        (mine, 2),
    ];
    let free = Spawn {
        properties: ball(B, 1).properties,
        ..free
    };
    session.must(B, Mutation::Spawn(foreign));
    session.must(B, Mutation::Spawn(free));
    let bad = bad.map(|(node, at)| value(&session, node, at, Value::Int(9)));
    let mut values = bad.to_vec();
    values.insert(3, value(&session, mine, LIVE, Value::Int(7)));
    rest(&mut session, A, values);
    assert_eq!(session.effects, [set_effect(mine)]);
    assert_eq!(session.value(mine, LIVE), &Value::Int(7));
    assert_eq!(session.value(mine, CONFIRMED), &Value::Int(0));
}

#[test]
fn what_was_written_after_the_value_was_streamed_stays() {
    let (mut session, ball) = with_ball();
    let streamed = value(&session, ball, LIVE, Value::Int(7));
    session.must(A, set(ball, LIVE, Value::Int(8)));
    assert_passed_over(session, A, vec![streamed]);
}

#[test]
fn who_has_given_a_node_away_does_not_bring_it_to_rest() {
    let (mut session, ball) = with_ball();
    session.must(A, give(ball, B));
    let streamed = value(&session, ball, LIVE, Value::Int(7));
    assert_passed_over(session, A, vec![streamed]);
}

#[test]
fn what_the_server_owns_comes_to_rest_when_a_hosting_player_goes() {
    let (mut session, ball) = with_ball();
    session.must(A, give(ball, SERVER));
    let values = vec![value(&session, ball, LIVE, Value::Int(7))];
    rest(&mut session, HOST, values);
    assert_eq!(session.effects, [set_effect(ball)]);
}

#[test]
fn a_value_past_a_limit_is_passed_over_alone() {
    let deep = (0..=MAX_VALUE_DEPTH).fold(Value::Nil, |inner, _| Value::Array(vec![inner]));
    let large = Value::PackedByteArray(vec![0; MAX_VALUE_BYTES]);
    let (mut session, mine) = with_ball();
    let values = [deep, large, Value::Int(7)].map(|it| value(&session, mine, LIVE, it));
    rest(&mut session, A, values.to_vec());
    assert_eq!(session.effects, [set_effect(mine)]);
    assert_eq!(session.value(mine, LIVE), &Value::Int(7));
}

#[test]
fn no_node_grows_past_what_one_frame_holds_by_coming_to_rest() {
    let mut session = Session::with_players();
    let spec = ball(A, 1).properties[usize::from(LIVE)].clone();
    let spawn = Spawn {
        properties: vec![spec; 4],
        ..ball(A, 1)
    };
    let node = spawn.node;
    session.must(A, Mutation::Spawn(spawn));
    let large = || Value::PackedByteArray(vec![0; MAX_VALUE_BYTES - 3]);
    let mut values: Vec<_> = (0..3)
        .map(|at| value(&session, node, at, large()))
        .collect();
    values.push(value(&session, node, 3, Value::Int(7)));
    rest(&mut session, A, values);
    let set = session.effects.iter().map(|effect| match effect {
        Effect::PropertySet { property, .. } => property.0,
        other => panic!("{other:?}"),
    });
    assert_eq!(set.collect::<Vec<_>>(), [0, 1, 3]);
    assert!(session.world.node(node).unwrap().bytes() <= MAX_NODE_BYTES);
}

#[test]
fn nothing_rests_for_a_player_who_is_not_in_the_world() {
    let (mut session, ball) = with_ball();
    assert_eq!(session.leave(A), Ok(Applied));
    let values = vec![value(&session, ball, LIVE, Value::Int(7))];
    let result = session.commit(Change::Rested { player: A, values });
    assert_eq!(result, Err(Rejection::PlayerMissing(A)));
}
