//! Who may do what.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use synced_protocol::{
    id::{NodeId, PlayerId},
    mutation::{Access, Mutation, OnOwnerLeft, Policy, Rejection, Transfer},
    value::Value,
};
use synced_world::{Effect, Outcome::Applied};

/// A session with one authored node of this policy.
fn with_cup(policy: Policy) -> (Session, NodeId) {
    let mut session = Session::with_players();
    let cup = authored("Cup");
    session.must(A, Mutation::Spawn(spawn(cup, policy)));
    (session, cup)
}

const fn not_owner(node: NodeId, owner: PlayerId) -> Result<synced_world::Outcome, Rejection> {
    Err(Rejection::NotOwner { node, owner })
}

#[test]
fn of_two_players_who_grab_one_cup_exactly_one_gets_it() {
    let (mut session, cup) = with_cup(OWNED);
    assert_eq!(session.propose(B, give(cup, B)), Ok(Applied));
    assert_eq!(session.propose(A, give(cup, A)), not_owner(cup, B));
    assert_eq!(session.owner(cup), B);
}

#[test]
fn nobody_but_the_server_writes_a_free_node_until_its_ownership_is_taken() {
    let (mut session, cup) = with_cup(OWNED);
    let write = || set(cup, 0, Value::Int(1));
    assert_eq!(session.propose(A, write()), not_owner(cup, SERVER));
    assert_eq!(session.propose(HOST, write()), Ok(Applied));
    session.must(A, give(cup, A));
    assert_eq!(session.propose(A, write()), Ok(Applied));
    assert_eq!(session.propose(HOST, write()), not_owner(cup, A));
}

#[test]
fn what_only_the_owner_may_write_no_other_can_reparent_or_despawn_or_call() {
    let (mut session, cup) = with_cup(OWNED);
    session.must(A, give(cup, A));
    for mutation in [
        despawn(cup),
        reparent(cup, NodeId::ROOT),
        set(cup, 0, Value::Nil),
        call(cup, "ring"),
    ] {
        assert_eq!(session.propose(B, mutation.clone()), not_owner(cup, A));
    }
    assert_eq!(session.propose(A, call(cup, "ring")), Ok(Applied));
    assert_eq!(session.effects, [Effect::Called { node: cup, step: 0 }]);
}

#[test]
fn what_is_left_to_the_server_only_a_hosting_player_may_do() {
    let policy = Policy {
        write: Access::Server,
        call: Access::Server,
        ..OPEN
    };
    let (mut session, cup) = with_cup(policy);
    session.must(A, give(cup, A));
    for mutation in [set(cup, 0, Value::Nil), call(cup, "reset")] {
        assert_eq!(
            session.propose(A, mutation.clone()),
            Err(Rejection::ServerOnly(cup))
        );
        assert_eq!(session.propose(HOST, mutation), Ok(Applied));
    }
}

#[test]
fn what_anyone_may_write_needs_no_owner() {
    let (mut session, cup) = with_cup(OPEN);
    assert_eq!(session.propose(B, set(cup, 0, Value::Int(5))), Ok(Applied));
    assert_eq!(session.value(cup, 0), &Value::Int(5));
}

#[test]
fn a_node_that_passes_always_can_be_taken_out_of_another_hand() {
    let (mut session, cup) = with_cup(OPEN);
    session.must(A, give(cup, A));
    assert_eq!(session.propose(B, give(cup, B)), Ok(Applied));
    let (node, from, to) = (cup, A, B);
    assert_eq!(session.effects, [Effect::OwnerChanged { node, from, to }]);
}

#[test]
fn a_player_may_ask_again_for_what_is_theirs() {
    let (mut session, cup) = with_cup(OWNED);
    session.must(A, give(cup, A));
    assert_eq!(session.propose(A, give(cup, A)), Ok(Applied));
    assert_eq!(session.effects, []);
}

#[test]
fn nobody_can_take_or_give_for_another() {
    let (mut session, cup) = with_cup(OPEN);
    assert_eq!(session.propose(A, give(cup, B)), not_owner(cup, SERVER));
    session.must(A, give(cup, A));
    assert_eq!(session.propose(B, give(cup, SERVER)), not_owner(cup, A));
    assert_eq!(session.propose(HOST, give(cup, B)), not_owner(cup, A));
}

#[test]
fn the_owner_gives_to_anybody_who_is_present_or_to_nobody() {
    let policy = Policy {
        transfer: Transfer::ByOwner,
        ..OWNED
    };
    let (mut session, cup) = with_cup(policy);
    assert_eq!(session.propose(A, give(cup, A)), not_owner(cup, SERVER));
    assert_eq!(session.propose(HOST, give(cup, A)), Ok(Applied));
    let absent = PlayerId(99);
    assert_eq!(
        session.propose(A, give(cup, absent)),
        Err(Rejection::PlayerMissing(absent))
    );
    assert_eq!(session.propose(A, give(cup, B)), Ok(Applied));
    assert_eq!(session.propose(B, give(cup, SERVER)), Ok(Applied));
    assert_eq!(session.owner(cup), SERVER);
}

#[test]
fn a_player_owns_for_the_live_lane_what_the_player_may_write_as_owner() {
    let (mut session, cup) = with_cup(OWNED);
    let owns = |session: &Session, player| {
        let node = session.world.node(cup).unwrap();
        session.world.owns(player, node)
    };
    assert!(owns(&session, HOST) && !owns(&session, A));
    session.must(A, give(cup, A));
    assert!(owns(&session, A) && !owns(&session, HOST) && !owns(&session, PlayerId(99)));
}

#[test]
fn only_an_owner_who_may_write_may_stream() {
    let streams = |policy, player| {
        let (mut session, cup) = with_cup(policy);
        session.must(A, give(cup, A));
        let node = session.world.node(cup).unwrap();
        session.world.may_stream(player, node)
    };
    let servers = Policy {
        write: Access::Server,
        ..OPEN
    };
    assert!(streams(OWNED, A) && streams(OPEN, A));
    assert!(!streams(OWNED, B) && !streams(OPEN, B) && !streams(servers, A));
}

#[test]
fn when_an_owner_leaves_each_node_does_as_its_policy_says() {
    let mut session = Session::with_players();
    let goes = Policy {
        on_owner_left: OnOwnerLeft::Despawn,
        ..OWNED
    };
    let spawns = [
        instance(A, 1, goes),
        instance(A, 2, OWNED),
        instance(B, 1, goes),
    ];
    let [hand, cup, other] = spawns.clone().map(|spawn| spawn.node);
    for (player, spawn) in [A, A, B].into_iter().zip(spawns) {
        session.must(player, Mutation::Spawn(spawn));
    }
    session.must(B, reparent(other, hand));
    assert_eq!(session.leave(A), Ok(Applied));
    let expected = [
        Effect::Despawned { node: other },
        Effect::Despawned { node: hand },
        Effect::OwnerChanged {
            node: cup,
            from: A,
            to: SERVER,
        },
        Effect::PlayerLeft { player: A },
    ];
    assert_eq!(session.effects, expected);
    assert_eq!(
        session.propose(A, give(cup, A)),
        Err(Rejection::PlayerMissing(A))
    );
}

#[test]
fn a_node_that_goes_with_its_owner_takes_also_what_would_have_been_released_after_it() {
    let mut session = Session::with_players();
    let goes = Policy {
        on_owner_left: OnOwnerLeft::Despawn,
        ..OWNED
    };
    let mut second = instance(A, 2, OWNED);
    second.parent = under(NodeId::spawned(A, 1));
    session.must(
        A,
        steps([instance(A, 1, goes), second].map(Mutation::Spawn)),
    );
    assert_eq!(session.leave(A), Ok(Applied));
    assert_eq!(session.world.nodes().len(), 0);
}

#[test]
fn nobody_joins_as_the_server_or_past_the_last_id_and_nobody_leaves_twice() {
    let mut session = Session::with_players();
    for player in [SERVER, PlayerId(PlayerId::MAX.0 + 1)] {
        assert_eq!(
            session.join(player, true),
            Err(Rejection::PlayerMissing(player))
        );
    }
    assert_eq!(session.leave(A), Ok(Applied));
    assert_eq!(session.leave(A), Err(Rejection::PlayerMissing(A)));
}
