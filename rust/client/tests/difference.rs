//! From one world to any other, as the game is told of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    below, cup, give, ms, paint, root,
    scripted::{ME, OTHER, Script, transaction, welcome},
};
use proptest::prelude::*;
use synced_client::{SessionConfig, limits::SNAPSHOT_BYTES_MAX};
use synced_node::config::{LIVE_VALUES_BYTES_MAX, POSES_BYTES_MAX};
use synced_protocol::{
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId},
    limits::MAX_WORLD_BYTES,
    link::{CloseCode, CloseReason},
    message::{Change, JoinMark, LogEntry, PlayerEntry, ServerMessage, SnapshotPart},
    mutation::Mutation,
};
use synced_world::{SnapshotWriter, World};

// Whatever a node keeps, its snapshot is not refused.
const _: () =
    assert!(MAX_WORLD_BYTES + LIVE_VALUES_BYTES_MAX + POSES_BYTES_MAX <= SNAPSHOT_BYTES_MAX);

/// A world that changes at random, mutations that it rejects included.
#[derive(Clone)]
struct Random {
    world: World,
    seq: u64,
    spawned: u32,
}

#[derive(Debug, Clone)]
enum Step {
    Spawn { parent: u32 },
    Reparent { node: u32, parent: Option<u32> },
    Paint { node: u32 },
    Give { node: u32 },
    Despawn { node: u32 },
    Join { player: u32 },
    Leave { player: u32 },
}

impl Random {
    fn new() -> Self {
        let mut random = Self {
            world: World::new(),
            seq: 0,
            spawned: 0,
        };
        [ME, OTHER]
            .into_iter()
            .for_each(|player| random.join(player));
        random
    }

    fn step(&mut self, step: &Step) {
        let count = self.spawned.max(1);
        let node = |number: u32| NodeId::spawned(OTHER, 1 + number % count);
        let mutation = match *step {
            Step::Spawn { parent } => {
                self.spawned += 1;
                let mut spawn = cup(NodeId::spawned(OTHER, self.spawned), OTHER);
                if self.world.node(node(parent)).is_some() {
                    spawn.parent = below(node(parent));
                }
                Mutation::Spawn(spawn)
            }
            Step::Reparent {
                node: moved,
                parent,
            } => Mutation::Reparent {
                node: node(moved),
                parent: parent.map_or_else(root, |parent| below(node(parent))),
            },
            Step::Paint { node: painted } => paint(node(painted), 1),
            Step::Give { node: given } => give(node(given), ME),
            Step::Despawn { node: gone } => Mutation::Despawn { node: node(gone) },
            Step::Join { player } => return self.join(PlayerId(100 + player)),
            Step::Leave { player } => {
                let player = PlayerId(100 + player);
                return self.apply(Change::PlayerLeft { player });
            }
        };
        self.seq += 1;
        self.apply(transaction(OTHER, self.seq, mutation));
    }

    fn join(&mut self, player: PlayerId) {
        let name = format!("player {}", player.0);
        let player = PlayerEntry {
            player,
            name,
            hosts: false,
        };
        self.apply(Change::PlayerJoined {
            player,
            mark: JoinMark::default(),
        });
    }

    fn apply(&mut self, change: Change) {
        let hlc = HlcTimestamp::ZERO;
        let index = self.world.log_index().next();
        let _ = self
            .world
            .apply(index, &LogEntry { hlc, change }, &mut Vec::new());
    }

    fn parts(&self) -> Vec<SnapshotPart> {
        SnapshotWriter::new(self.world.clone(), HlcTimestamp::ZERO, 2_000).collect()
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any_node = || 0..64_u32;
    let step = prop_oneof![
        4 => any_node().prop_map(|parent| Step::Spawn { parent }),
        4 => (any_node(), prop::option::of(any_node()))
            .prop_map(|(node, parent)| Step::Reparent { node, parent }),
        2 => any_node().prop_map(|node| Step::Paint { node }),
        1 => any_node().prop_map(|node| Step::Give { node }),
        2 => any_node().prop_map(|node| Step::Despawn { node }),
        1 => (0..4_u32).prop_map(|player| Step::Join { player }),
        1 => (0..4_u32).prop_map(|player| Step::Leave { player }),
    ];
    prop::collection::vec(step, 0..60)
}

fn show(script: &mut Script, random: &Random) {
    let index = random.world.log_index().0;
    script.say_first(&ServerMessage::Welcome(welcome(ME, index)));
    for part in random.parts() {
        script.say(&ServerMessage::Snapshot(part));
    }
}

fn come_back(script: &mut Script) {
    script.lose(CloseReason::TimedOut);
    script.wait_for_try();
    script.connect();
}

proptest! {
    #[test]
    fn after_an_absence_the_game_is_told_soundly_what_makes_its_world_the_new_one(
        before in steps(), meanwhile in steps(), anew: bool,
    ) {
        let mut random = Random::new();
        let mut script = Script::new(SessionConfig::new(common::game(), "ann"));
        before.iter().for_each(|step| random.step(step));
        script.connect();
        show(&mut script, &random);
        script.game.assert_equals(&random.world);

        // Whatever the server shows next, even another history under the same ids.
        if anew {
            random = Random::new();
        }
        meanwhile.iter().for_each(|step| random.step(step));
        come_back(&mut script);
        let commits = script.game.commits.len();
        script.game.another_history = anew;
        show(&mut script, &random);
        script.game.assert_equals(&random.world);
        prop_assert_eq!(script.game.commits.len(), commits + 1, "the difference is one commit");
        prop_assert_eq!(script.session.world().unwrap().digest(), random.world.digest());
    }
}

#[test]
fn a_node_of_another_kind_under_a_known_id_takes_its_place_with_all_that_hangs_below() {
    let mut random = Random::new();
    random.step(&Step::Spawn { parent: 0 });
    random.step(&Step::Spawn { parent: 0 });
    let mut script = Script::new(SessionConfig::new(common::game(), "ann"));
    script.connect();
    show(&mut script, &random);
    come_back(&mut script);
    let mut other = Random::new();
    let mut spawn = cup(NodeId::spawned(OTHER, 1), OTHER);
    spawn.name = "Plate".into();
    other.apply(transaction(OTHER, 1, Mutation::Spawn(spawn)));
    script.game.another_history = true;
    show(&mut script, &other);
    script.game.assert_equals(&other.world);
}

#[test]
fn a_world_that_never_ends_is_cut_off() {
    let mut script = Script::new(SessionConfig::new(common::game(), "ann"));
    script.connect();
    script.say_first(&ServerMessage::Welcome(welcome(ME, 10)));
    let entry = synced_protocol::message::LiveEntry {
        node: NodeId(1),
        property: common::POSE,
        stamp: ms(1),
        value: synced_protocol::value::Value::PackedByteArray(vec![0; 500]),
    };
    let part = SnapshotPart {
        log_index: LogIndex(10),
        hlc: HlcTimestamp::ZERO,
        players: Vec::new(),
        nodes: Vec::new(),
        despawned: Vec::new(),
        live: vec![entry; 120],
        poses: Vec::new(),
        last: false,
    };
    let frame = synced_protocol::control::encode(&ServerMessage::Snapshot(part)).unwrap();
    let parts_max = SNAPSHOT_BYTES_MAX / frame.len();
    for _ in 0..parts_max {
        script.frame(frame.clone());
    }
    assert_eq!(script.closed_with(), None);
    script.frame(frame);
    assert_eq!(script.closed_with(), Some(CloseCode::Malformed));
    assert_eq!(script.game.decisions.get(&ClientSeq(1)), None);
}
