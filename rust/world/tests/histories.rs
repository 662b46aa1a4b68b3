//! What holds after any history.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Session, history};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use synced_protocol::{
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId},
    limits::MAX_TREE_DEPTH,
    message::Change,
};
use synced_world::{Node, Outcome, SnapshotWriter, World};

/// Everything of a world that is replicated, in its own words.
fn picture(world: &World) -> String {
    let nodes: Vec<_> = world.nodes().map(Node::entry).collect();
    let players: Vec<_> = world.players().map(|(id, p)| p.entry(id)).collect();
    let despawned: Vec<_> = world.despawned().collect();
    format!("{nodes:?} {players:?} {despawned:?}")
}

fn from_snapshot(world: &World) -> World {
    let parts = SnapshotWriter::new(world.clone(), HlcTimestamp::ZERO, 3_000);
    World::from_snapshot(parts).unwrap()
}

/// The world as another server has it that was sent everything.
fn replica_of(world: &World) -> World {
    let mut replica = from_snapshot(world);
    world
        .ledger()
        .for_each(|entry| replica.enter(entry).unwrap());
    let (last, digest) = (world.last_player(), world.replica_digest());
    replica.seal(last, digest).unwrap();
    replica
}

fn assert_is_a_tree(world: &World) {
    for node in world.nodes() {
        let mut at = node.id();
        let mut depth = 0;
        while at != NodeId::ROOT {
            let parent = world.node(at).expect("every anchor is there").parent();
            assert!(world.children(parent.anchor).any(|child| child == at));
            at = parent.anchor;
            depth += 1;
            assert!(depth <= MAX_TREE_DEPTH, "a cycle, or too deep");
        }
    }
    let hung: usize = world
        .nodes()
        .map(Node::id)
        .chain([NodeId::ROOT])
        .map(|id| world.children(id).count())
        .sum();
    assert_eq!(hung, world.nodes().len());
}

fn assert_owners_are_present(world: &World) {
    for node in world.nodes() {
        let owner = node.owner();
        assert!(owner == PlayerId::SERVER || world.player(owner).is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_rejected_or_repeated_entry_leaves_no_trace(changes in history::history()) {
        let mut session = Session::default();
        for change in changes {
            let before = (session.world.digest(), picture(&session.world));
            if session.commit(change) != Ok(Outcome::Applied) {
                prop_assert_eq!(&session.effects, &[]);
                prop_assert_eq!((session.world.digest(), picture(&session.world)), before);
            }
        }
    }

    #[test]
    fn after_every_entry_the_nodes_are_a_tree_and_their_owners_are_present(changes in history::history()) {
        let mut session = Session::default();
        for change in changes {
            let _ = session.commit(change);
            assert_is_a_tree(&session.world);
            assert_owners_are_present(&session.world);
        }
    }

    #[test]
    fn the_same_entries_make_the_same_world(changes in history::history()) {
        let mut session = Session::default();
        let results: Vec<_> = changes.into_iter().map(|change| session.commit(change)).collect();
        let mut replica = World::new();
        for ((index, entry), result) in session.log.iter().zip(results) {
            prop_assert_eq!(replica.apply(*index, entry, &mut Vec::new()), result);
        }
        prop_assert_eq!(replica.digest(), session.world.digest());
        prop_assert_eq!(picture(&replica), picture(&session.world));
    }

    #[test]
    fn the_digest_does_not_depend_on_the_way_to_a_world(changes in history::history()) {
        let mut session = Session::default();
        for change in changes {
            let _ = session.commit(change);
        }
        let copy = from_snapshot(&session.world);
        prop_assert_eq!(copy.digest(), session.world.digest());
        prop_assert_eq!(picture(&copy), picture(&session.world));
    }

    #[test]
    fn different_worlds_have_different_digests(changes in history::history()) {
        let mut session = Session::default();
        for change in changes {
            let before = (session.world.digest(), picture(&session.world));
            let _ = session.commit(change);
            let after = (session.world.digest(), picture(&session.world));
            prop_assert_eq!(before.0 == after.0, before.1 == after.1);
        }
    }

    #[test]
    fn a_replica_that_is_restored_anywhere_decides_everything_alike_and_knows_what_it_decided(
        changes in history::history(), restored_after in 0..60_usize,
    ) {
        let mut session = Session::default();
        let mut replica = None;
        for (place, change) in changes.iter().cloned().enumerate() {
            let result = session.commit(change);
            let (index, entry) = session.log.last().expect("it was just committed");
            if let Some(replica) = &mut replica {
                let mut effects = Vec::new();
                prop_assert_eq!(World::apply(replica, *index, entry, &mut effects), result);
                prop_assert_eq!(&effects, &session.effects);
            }
            if place == restored_after {
                replica = Some(replica_of(&session.world));
            }
            if let Some(replica) = &replica {
                prop_assert_eq!(replica.replica_digest(), session.world.replica_digest());
            }
        }
        let again: Vec<_> = changes.iter().cloned().map(|change| session.commit(change)).collect();
        if let Some(mut replica) = replica {
            let log = session.log.iter().rev().take(again.len()).rev();
            for ((index, entry), result) in log.zip(again) {
                prop_assert_eq!(World::apply(&mut replica, *index, entry, &mut Vec::new()), result);
            }
        }
    }

    #[test]
    fn a_writer_makes_the_parts_of_the_world_that_it_was_given_whatever_becomes_of_that_world(
        changes in history::history(), written_after in 0..60_usize, max_bytes in 200..3_000_usize,
    ) {
        let mut session = Session::default();
        let mut expected = None;
        for (place, change) in changes.into_iter().enumerate() {
            let _ = session.commit(change);
            if place == written_after {
                let world = &session.world;
                let writer = || SnapshotWriter::new(world.clone(), HlcTimestamp::ZERO, max_bytes);
                let parts: Vec<_> = writer().collect();
                expected = Some((parts, writer()));
            }
        }
        if let Some((parts, writer)) = expected {
            prop_assert_eq!(writer.collect::<Vec<_>>(), parts);
        }
    }

    #[test]
    fn a_client_that_joins_anywhere_and_gets_only_what_was_applied_stays_equal(
        changes in history::history(), joins_after in 0..60_usize,
    ) {
        let mut session = Session::default();
        let mut client = None;
        for (place, change) in changes.into_iter().enumerate() {
            let outcome = session.commit(change);
            let (index, entry) = session.log.last().expect("it was just committed");
            if let (Some(client), Ok(Outcome::Applied)) = (&mut client, outcome) {
                let mut effects = Vec::new();
                prop_assert_eq!(World::apply(client, *index, entry, &mut effects), outcome);
                prop_assert_eq!(&effects, &session.effects);
            }
            if place == joins_after {
                client = Some(from_snapshot(&session.world));
            }
            if let Some(client) = &client {
                prop_assert_eq!(client.digest(), session.world.digest());
            }
        }
    }
}

#[test]
fn random_histories_apply_and_reject_often_grow_trees_and_bring_nodes_to_rest() {
    let mut runner = TestRunner::deterministic();
    let (mut applied, mut rejected, mut hung, mut rested) = (0, 0, 0, 0);
    for _ in 0..50 {
        let mut session = Session::default();
        let history = history::history().new_tree(&mut runner).unwrap();
        for change in history.current() {
            let proposed = matches!(change, Change::Transaction { .. });
            let rests = matches!(change, Change::Rested { .. });
            match session.commit(change) {
                Ok(_) if proposed => applied += 1,
                Err(_) if proposed => rejected += 1,
                Ok(_) if rests => rested += session.effects.len(),
                _ => {}
            }
        }
        let below = |node: &&Node| node.parent().anchor != NodeId::ROOT;
        hung += session.world.nodes().filter(below).count();
    }
    let figures = (applied, rejected, hung, rested);
    assert!(
        applied > 200 && rejected > 200 && hung > 20 && rested > 5,
        "{figures:?}"
    );
}
