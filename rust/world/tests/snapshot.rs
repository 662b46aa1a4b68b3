//! Snapshots that fit their frames, and hostile ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use proptest::prelude::*;
use synced_protocol::{
    control,
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId},
    limits::{MAX_FRAME_BYTES, MAX_MUTATION_BYTES, MAX_NAME_BYTES, MAX_PROPERTIES},
    message::{JoinMark, NodeEntry, PlayerEntry, ServerMessage, SnapshotPart},
    mutation::{Mutation, Rejection, Spawn},
    replica::LedgerEntry,
    value::Value,
};
use synced_world::{LedgerError, Outcome, SnapshotError, SnapshotWriter, World};

fn frame_bytes(part: SnapshotPart) -> usize {
    control::encode(&ServerMessage::Snapshot(part))
        .unwrap()
        .len()
}

fn parts(world: &World, max_bytes: usize) -> Vec<SnapshotPart> {
    let hlc = HlcTimestamp(u64::MAX);
    SnapshotWriter::new(world.clone(), hlc, max_bytes).collect()
}

fn part() -> SnapshotPart {
    SnapshotPart {
        log_index: LogIndex(9),
        hlc: HlcTimestamp::ZERO,
        players: vec![],
        nodes: vec![],
        despawned: vec![],
        live: vec![],
        poses: vec![],
        last: true,
    }
}

fn entry(spawn: Spawn) -> NodeEntry {
    let versions = vec![LogIndex(1); spawn.properties.len()];
    NodeEntry { spawn, versions }
}

fn player(player: PlayerId) -> PlayerEntry {
    PlayerEntry {
        player,
        name: String::new(),
        hosts: false,
    }
}

#[test]
fn an_empty_world_is_one_part() {
    let parts = parts(&World::new(), 1_000);
    assert_eq!(parts.len(), 1);
    assert!(parts[0].last);
    let world = World::from_snapshot(parts).unwrap();
    assert_eq!(world.digest(), World::new().digest());
}

#[test]
fn the_largest_node_fits_a_frame_and_any_player_and_live_value_a_small_part() {
    let mut session = Session::with_players();
    let mut spawn = instance(A, u32::MAX, OPEN);
    spawn.name = "n".repeat(MAX_NAME_BYTES);
    spawn.parent.path = "p".repeat(MAX_NAME_BYTES);
    spawn.properties = vec![property(Value::Nil); MAX_PROPERTIES];
    for property in &mut spawn.properties {
        property.path = "x".repeat(MAX_NAME_BYTES);
    }
    let node = spawn.node;
    session.must(A, Mutation::Spawn(spawn));
    let mut fill = (0..).map(|place| {
        let value = Value::PackedByteArray(vec![1; 500]);
        session.propose(A, set(node, place, value)).is_ok()
    });
    assert!(
        !fill.by_ref().take(MAX_PROPERTIES).all(|fits| fits),
        "the node is full"
    );
    let parts = parts(&session.world, 0);
    let largest = parts.into_iter().map(frame_bytes).max().unwrap();
    assert!(
        (MAX_MUTATION_BYTES..=MAX_FRAME_BYTES).contains(&largest),
        "{largest}"
    );
}

#[test]
fn parts_out_of_order_or_missing_make_no_world() {
    let open = || SnapshotPart {
        last: false,
        ..part()
    };
    let other = SnapshotPart {
        log_index: LogIndex(8),
        ..part()
    };
    let cases = [
        (vec![], SnapshotError::Incomplete),
        (vec![open()], SnapshotError::Incomplete),
        (vec![part(), part()], SnapshotError::OutOfOrder),
        (vec![open(), other], SnapshotError::OutOfOrder),
    ];
    for (parts, error) in cases {
        assert_eq!(World::from_snapshot(parts).err(), Some(error));
    }
}

#[test]
fn a_hostile_snapshot_is_an_error_with_its_reason() {
    let cup = spawn(authored("Cup"), OPEN);
    let id = cup.node;
    let node = |spawn: Spawn| SnapshotPart {
        nodes: vec![entry(spawn)],
        ..part()
    };
    let below_itself = Spawn {
        parent: under(id),
        ..cup.clone()
    };
    let below_nothing = Spawn {
        parent: under(authored("nowhere")),
        ..cup.clone()
    };
    let strangers = Spawn {
        owner: A,
        ..cup.clone()
    };
    let twice = SnapshotPart {
        nodes: vec![entry(cup.clone()), entry(cup.clone())],
        ..part()
    };
    let dead = SnapshotPart {
        despawned: vec![id],
        ..node(cup.clone())
    };
    let counted = SnapshotPart {
        despawned: vec![NodeId::spawned(A, 1)],
        ..part()
    };
    let unversioned = SnapshotPart {
        nodes: vec![NodeEntry {
            versions: vec![],
            ..entry(cup)
        }],
        ..part()
    };
    let crowd = |players| SnapshotPart { players, ..part() };
    let bad = |node, reason| SnapshotError::Node { node, reason };
    let cases = [
        (node(below_itself), bad(id, Rejection::WouldCycle(id))),
        (
            node(below_nothing),
            bad(id, Rejection::NodeMissing(authored("nowhere"))),
        ),
        (node(strangers), bad(id, Rejection::PlayerMissing(A))),
        (twice, bad(id, Rejection::NodeExists(id))),
        (dead, bad(id, Rejection::NodeExists(id))),
        (
            counted,
            bad(
                NodeId::spawned(A, 1),
                Rejection::ForeignId(NodeId::spawned(A, 1)),
            ),
        ),
        (unversioned, SnapshotError::Versions(id)),
        (crowd(vec![player(A), player(A)]), SnapshotError::Player(A)),
        (
            crowd(vec![player(PlayerId::SERVER)]),
            SnapshotError::Player(PlayerId::SERVER),
        ),
    ];
    for (part, error) in cases {
        assert_eq!(World::from_snapshot([part]).err(), Some(error));
    }
}

/// One thing that a hostile sender does to honest parts.
fn spoil(parts: &mut Vec<SnapshotPart>, how: u8, at: usize, id: NodeId) {
    let at = at % parts.len();
    match how {
        0 => drop(parts.remove(at)),
        1 => parts.rotate_left(at),
        2 => parts.push(parts[at].clone()),
        3 => parts[at].last ^= true,
        4 => parts[at].nodes.reverse(),
        5 => parts[at].players.clear(),
        6 => parts[at].despawned.push(id),
        _ => {
            for entry in &mut parts[at].nodes {
                entry.spawn.parent.anchor = id;
                entry.spawn.owner = PlayerId(id.counter());
            }
        }
    }
}

proptest! {
    #[test]
    fn each_part_keeps_to_its_bytes(changes in history::history(), max_bytes in 2_500..70_000_usize) {
        let mut session = Session::default();
        for change in changes {
            let _ = session.commit(change);
        }
        for part in parts(&session.world, max_bytes) {
            let single = part.nodes.len() == 1;
            let bytes = frame_bytes(part);
            prop_assert!(bytes <= max_bytes || single, "{bytes} of {max_bytes}");
        }
    }

    #[test]
    fn spoiled_parts_make_a_sound_world_or_an_error(
        changes in history::history(), how in 0..8_u8, at in 0..20_usize, id in any::<u64>(),
    ) {
        let mut session = Session::default();
        for change in changes {
            let _ = session.commit(change);
        }
        let mut parts = parts(&session.world, 500);
        let id = session.world.nodes().nth(at).map_or(NodeId(id), synced_world::Node::id);
        spoil(&mut parts, how, at, id);
        if let Ok(world) = World::from_snapshot(parts) {
            for node in world.nodes() {
                let anchor = node.parent().anchor;
                prop_assert!(anchor == NodeId::ROOT || world.node(anchor).is_some());
                prop_assert!(node.owner() == PlayerId::SERVER || world.player(node.owner()).is_some());
            }
        }
    }
}

#[test]
fn a_ledger_that_is_not_the_worlds_is_refused() {
    let mut session = Session::default();
    assert_eq!(session.join(A, false), Ok(Outcome::Applied));
    let mut world = session.world.clone();
    let entry = |player| LedgerEntry {
        player,
        mark: JoinMark([3; 16]),
        last_seq: ClientSeq(3),
        last_spawn_counter: 2,
    };
    assert_eq!(world.enter(entry(B)), Err(LedgerError::Player(B)));
    let before = world.replica_digest();
    assert_eq!(world.enter(entry(A)), Ok(()));
    let found = world.replica_digest();
    let expected = before;
    let refused = Err(LedgerError::Digest { expected, found });
    assert_eq!(world.seal(A, expected), refused);
    assert_eq!(world.seal(A, found), Ok(()));
    let later = world.seal(B, found);
    assert!(
        matches!(later, Err(LedgerError::Digest { .. })),
        "{later:?}"
    );
}
