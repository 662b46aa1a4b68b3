//! Which nodes may come into being, and where they hang.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use synced_protocol::{
    id::NodeId,
    mutation::{Mutation, Origin, Rejection, Spawn},
};
use synced_world::{Effect, Outcome::Applied};

fn part(anchor: NodeId) -> Spawn {
    Spawn {
        origin: Origin::Part,
        parent: under(anchor),
        ..spawn(NodeId::derived(anchor, "Lid"), OPEN)
    }
}

#[test]
fn a_player_spawns_only_fresh_ids_of_their_own_block() {
    let mut session = Session::with_players();
    let mut try_spawn = |counter_of, counter| {
        let node = NodeId::spawned(counter_of, counter);
        let spawn = Spawn {
            node,
            ..instance(A, 1, OPEN)
        };
        (session.propose(A, Mutation::Spawn(spawn)), node)
    };
    assert_eq!(try_spawn(A, 5).0, Ok(Applied));
    for (of, counter) in [(B, 6), (A, 4), (A, 0), (SERVER, 1)] {
        let (result, node) = try_spawn(of, counter);
        assert_eq!(result, Err(Rejection::ForeignId(node)));
    }
    let (again, node) = try_spawn(A, 5);
    assert_eq!(again, Err(Rejection::NodeExists(node)));
    assert_eq!(try_spawn(A, 6).0, Ok(Applied));
}

#[test]
fn the_id_of_a_despawned_instance_is_not_used_again() {
    let mut session = Session::with_players();
    let spawn = || Mutation::Spawn(instance(A, 1, OPEN));
    let node = NodeId::spawned(A, 1);
    session.must(A, spawn());
    session.must(A, despawn(node));
    assert_eq!(session.propose(A, spawn()), Err(Rejection::ForeignId(node)));
}

#[test]
fn an_id_that_a_failed_transaction_used_is_still_fresh() {
    let mut session = Session::with_players();
    let spawn = Mutation::Spawn(instance(A, 1, OPEN));
    let missing = authored("nowhere");
    let fails = steps([spawn.clone(), despawn(missing)]);
    assert_eq!(
        session.propose(A, fails),
        Err(Rejection::NodeMissing(missing))
    );
    assert_eq!(session.propose(A, spawn), Ok(Applied));
}

#[test]
fn an_origin_and_its_kind_of_id_belong_together() {
    let mut session = Session::with_players();
    let counted = NodeId::spawned(A, 1);
    let derived = authored("Cup");
    let scene = instance(A, 1, OPEN);
    for spawn in [
        spawn(counted, OPEN),
        Spawn {
            node: derived,
            ..scene.clone()
        },
        Spawn {
            node: NodeId::ROOT,
            ..scene
        },
    ] {
        let node = spawn.node;
        let result = session.propose(A, Mutation::Spawn(spawn));
        assert_eq!(result, Err(Rejection::ForeignId(node)));
    }
}

#[test]
fn an_authored_node_is_told_once_and_does_not_come_back() {
    let mut session = Session::with_players();
    let cup = authored("Cup");
    let tell = || Mutation::Spawn(spawn(cup, OPEN));
    session.must(A, tell());
    assert_eq!(session.propose(B, tell()), Err(Rejection::NodeExists(cup)));
    session.must(B, despawn(cup));
    assert_eq!(
        session.propose(A, tell()),
        Err(Rejection::NodeDespawned(cup))
    );
    assert_eq!(session.world.despawned().collect::<Vec<_>>(), [cup]);
}

#[test]
fn an_authored_node_begins_as_nobodys_unless_a_hosting_player_tells_of_it() {
    let mut session = Session::with_players();
    let owned_by = |owner, path| Spawn {
        owner,
        ..spawn(authored(path), OPEN)
    };
    let refused = session.propose(A, Mutation::Spawn(owned_by(A, "Cup")));
    assert_eq!(refused, Err(Rejection::ServerOnly(authored("Cup"))));
    let hosted = session.propose(HOST, Mutation::Spawn(owned_by(HOST, "Cup")));
    assert_eq!(hosted, Ok(Applied));
}

#[test]
fn nobody_spawns_for_another() {
    let mut session = Session::with_players();
    let spawn = Spawn {
        owner: B,
        ..instance(A, 1, OPEN)
    };
    let (node, owner) = (spawn.node, B);
    let result = session.propose(A, Mutation::Spawn(spawn));
    assert_eq!(result, Err(Rejection::NotOwner { node, owner }));
}

#[test]
fn a_part_hangs_under_what_was_spawned() {
    let mut session = Session::with_players();
    let (cup, scene) = (authored("Cup"), NodeId::spawned(A, 1));
    session.must(A, Mutation::Spawn(spawn(cup, OPEN)));
    let below = |anchor| Mutation::Spawn(part(anchor));
    for (anchor, reason) in [
        (NodeId::ROOT, Rejection::NodeMissing(NodeId::ROOT)),
        (scene, Rejection::NodeMissing(scene)),
        (cup, Rejection::ForeignId(part(cup).node)),
    ] {
        assert_eq!(session.propose(A, below(anchor)), Err(reason));
    }
    let whole = steps([
        Mutation::Spawn(instance(A, 1, OPEN)),
        below(scene),
        below(part(scene).node),
    ]);
    assert_eq!(session.propose(A, whole), Ok(Applied));
}

#[test]
fn a_despawn_takes_all_below_and_tells_the_deepest_first() {
    let mut session = Session::with_players();
    let scene = NodeId::spawned(A, 1);
    let [lid, knob] = [part(scene), part(part(scene).node)];
    let nodes = [lid.node, knob.node];
    let all = [instance(A, 1, OPEN), lid, knob].map(Mutation::Spawn);
    session.must(A, steps(all));
    session.must(A, despawn(scene));
    let [lid, knob] = nodes;
    let expected = [knob, lid, scene].map(|node| Effect::Despawned { node });
    assert_eq!(session.effects, expected);
    assert_eq!(session.world.nodes().len(), 0);
    assert_eq!(session.world.children(NodeId::ROOT).count(), 0);
    assert_eq!(session.world.despawned().len(), 0);
}

#[test]
fn nothing_hangs_below_itself_or_below_what_is_not_there() {
    let mut session = Session::with_players();
    let [a, b] = ["A", "B"].map(authored);
    for node in [a, b] {
        session.must(A, Mutation::Spawn(spawn(node, OPEN)));
    }
    assert_eq!(session.propose(A, reparent(a, b)), Ok(Applied));
    assert_eq!(session.effects, [Effect::Reparented { node: a }]);
    for (node, anchor) in [(b, a), (b, b)] {
        assert_eq!(
            session.propose(A, reparent(node, anchor)),
            Err(Rejection::WouldCycle(node))
        );
    }
    let missing = authored("nowhere");
    assert_eq!(
        session.propose(A, reparent(a, missing)),
        Err(Rejection::NodeMissing(missing))
    );
    assert_eq!(session.world.children(b).collect::<Vec<_>>(), [a]);
}
