//! Whatever players do and however often their connections break, nobody misses a commit or hears one twice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Table, config, words::*};
use proptest::prelude::*;
use synced_node::{Limits, NodeConfig, Rate};
use synced_protocol::{
    id::NodeId,
    link::ConnectionId,
    message::ClientMessage,
    mutation::{Mutation, ParentRef},
    time::Micros,
    value::Value,
};

/// Three of these fill more than a part of a snapshot.
const LARGE_BYTES: usize = 15_000;

#[derive(Debug, Clone)]
enum Act {
    Join,
    Lose(usize),
    ComeBack(usize),
    Leave(usize),
    Spawn(usize),
    Fill(usize),
    Grab(usize, usize),
    Release(usize, usize),
    Write(usize, usize, i64),
    Hang(usize, usize, usize),
    Despawn(usize, usize),
    Stream(usize, usize, i64),
    Pass(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let (who, what) = (0..6_usize, 0..10_usize);
    prop_oneof![
        2 => Just(Act::Join),
        3 => who.clone().prop_map(Act::Lose),
        4 => who.clone().prop_map(Act::ComeBack),
        1 => who.clone().prop_map(Act::Leave),
        4 => who.clone().prop_map(Act::Spawn),
        2 => who.clone().prop_map(Act::Fill),
        6 => (who.clone(), what.clone()).prop_map(|(who, node)| Act::Grab(who, node)),
        2 => (who.clone(), what.clone()).prop_map(|(who, node)| Act::Release(who, node)),
        6 => (who.clone(), what.clone(), any::<i64>()).prop_map(|(who, node, value)| Act::Write(who, node, value)),
        2 => (who.clone(), what.clone(), what.clone()).prop_map(|(who, node, below)| Act::Hang(who, node, below)),
        1 => (who.clone(), what.clone()).prop_map(|(who, node)| Act::Despawn(who, node)),
        4 => (who, what, any::<i64>()).prop_map(|(who, node, value)| Act::Stream(who, node, value)),
        2 => (0..4_000_u64).prop_map(Act::Pass),
        2 => (0..4_u64).prop_map(Act::Pass),
    ]
}

struct Play {
    table: Table,
    present: Vec<ConnectionId>,
    lost: Vec<ConnectionId>,
    sequence: u32,
    counter: u32,
}

impl Play {
    fn new(limits: Limits) -> Self {
        Self {
            table: Table::with(NodeConfig { limits, ..config() }),
            present: vec![],
            lost: vec![],
            sequence: 0,
            counter: 0,
        }
    }

    fn node(&self, place: usize) -> NodeId {
        let nodes: Vec<_> = self
            .table
            .node
            .world()
            .nodes()
            .map(|node| node.id())
            .collect();
        nodes
            .get(place % nodes.len().max(1))
            .copied()
            .unwrap_or(NodeId(1))
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Join => self.present.push(self.table.join("Somebody")),
            Act::ComeBack(who) if who < self.lost.len() => {
                let before = self.lost.remove(who);
                self.present.push(self.table.come_back(before));
            }
            Act::Pass(ms) => self.table.pass(Micros::from_millis(ms)),
            act => self.act_as_somebody(act),
        }
    }

    fn act_as_somebody(&mut self, act: Act) {
        let (Act::Lose(who)
        | Act::Leave(who)
        | Act::Spawn(who)
        | Act::Fill(who)
        | Act::Grab(who, _)
        | Act::Release(who, _)
        | Act::Write(who, ..)
        | Act::Hang(who, ..)
        | Act::Despawn(who, _)
        | Act::Stream(who, ..)) = act
        else {
            return;
        };
        let Some(&id) = self.present.get(who) else {
            return;
        };
        let is_welcomed = self.table.client(id).welcome.is_some();
        if !is_welcomed && !matches!(act, Act::Lose(_)) {
            return;
        }
        match act {
            Act::Lose(_) => {
                self.table.lose(id);
                self.lost.push(self.present.remove(who));
            }
            Act::Leave(_) => {
                self.table.send(id, &ClientMessage::Leave);
                self.present.remove(who);
            }
            Act::Spawn(_) => {
                self.counter += 1;
                self.table.spawn(id, self.counter);
            }
            Act::Fill(_) => {
                self.counter += 1;
                let mut large = instance(self.table.player(id), self.counter);
                large.properties[0].value = Value::PackedByteArray(vec![7; LARGE_BYTES]);
                self.table.propose(id, Mutation::Spawn(large));
            }
            Act::Stream(_, node, value) => {
                self.sequence += 1;
                let values = [(self.node(node), LIVE, Value::Int(value))];
                let datagram = live(self.sequence, self.table.session_time(), &values);
                self.table.send_datagram(id, datagram);
            }
            other => {
                let mutation = self.mutation(id, &other);
                self.table.propose(id, mutation);
            }
        }
    }

    fn mutation(&self, id: ConnectionId, act: &Act) -> Mutation {
        match *act {
            Act::Grab(_, node) => give(self.node(node), self.table.player(id)),
            Act::Release(_, node) => give(self.node(node), synced_protocol::id::PlayerId::SERVER),
            Act::Write(_, node, value) => set(self.node(node), LIVE, Value::Int(value)),
            Act::Hang(_, node, below) => Mutation::Reparent {
                node: self.node(node),
                parent: ParentRef {
                    anchor: self.node(below),
                    path: String::new(),
                },
            },
            Act::Despawn(_, node) => despawn(self.node(node)),
            ref other => panic!("{other:?} is no proposal"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Clients assert on their own that every commit applies, and so that none is missing before it.
    #[test]
    fn all_who_are_present_agree_whatever_happened(
        acts in prop::collection::vec(act(), 0..150), kept in 0..30_usize, paced in any::<bool>(),
    ) {
        let limits = Limits {
            kept_frames_max: kept,
            snapshot_bytes: if paced { Rate::new(2_000, 66_000) } else { Limits::DEFAULT.snapshot_bytes },
            ..Limits::DEFAULT
        };
        let mut play = Play::new(limits);
        for act in acts {
            play.act(act);
        }
        play.table.pass(Micros::from_secs(60));
        play.table.assert_agree(&play.present);
        let players = play.table.node.world().players().len();
        prop_assert_eq!(players, play.present.len());
    }
}
