//! A game's own picture of the session, made of nothing but the updates it is told.

use std::collections::{BTreeMap, BTreeSet};

use synced_client::{
    stats::ClientStats,
    update::{ClockEstimate, CommitEnd, EndReason, Joined, Update},
};
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId, ServerId, Term},
    input::{HandJoints, InputFrame, Pose},
    message::ServerEntry,
    mutation::{ParentRef, Rejection},
    time::Micros,
    value::Value,
};
use synced_world::World;

#[derive(Debug, Default)]
pub struct Mirror {
    pub welcomed: Option<PlayerId>,
    pub players: BTreeMap<PlayerId, String>,
    pub nodes: BTreeMap<NodeId, MirrorNode>,
    pub live: BTreeMap<(NodeId, PropertyId), (Micros, Value)>,
    pub live_told: usize,
    /// In order of time.
    pub inputs: BTreeMap<NodeId, Vec<InputFrame>>,
    /// The same in the order in which they came.
    pub arrivals: Vec<(NodeId, InputFrame)>,
    pub aims: BTreeMap<NodeId, Vec<Pose>>,
    pub joints: BTreeMap<NodeId, HandJoints>,
    pub delays: BTreeMap<PlayerId, Micros>,
    pub joins: Vec<Joined>,
    pub decisions: BTreeMap<ClientSeq, Decision>,
    pub calls: Vec<String>,
    pub commits: Vec<CommitEnd>,
    pub tries: Vec<u32>,
    pub leaders: Vec<(ServerId, Term)>,
    pub servers: Vec<ServerEntry>,
    pub clock: ClockEstimate,
    pub stats: ClientStats,
    pub ended: Option<EndReason>,
    /// The server may show another history under the same numbers: nothing need go forward.
    pub another_history: bool,
    /// When each property was last written by a commit.
    confirmed_at: BTreeMap<(NodeId, PropertyId), Micros>,
    /// Properties written by a commit whose end has not come.
    written: Vec<(NodeId, PropertyId)>,
    /// Updates of a commit whose end has not come.
    open: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MirrorNode {
    pub parent: ParentRef,
    pub owner: PlayerId,
    pub values: Vec<(Value, LogIndex)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Confirmed,
    Rejected(Rejection),
    Settled,
}

impl Mirror {
    /// Does what an update says, and checks that it can be done.
    pub fn apply(&mut self, update: Update) {
        assert_eq!(self.ended, None, "nothing comes after the end: {update:?}");
        match update {
            Update::Welcomed(player) => self.welcomed = Some(player),
            Update::Joined(joined) => {
                assert!(!self.open);
                assert!(joined.resumed || self.welcomed == Some(joined.player));
                assert!(self.players.contains_key(&joined.player));
                self.joins.push(joined);
            }
            Update::Reconnecting { attempt, .. } => self.tries.push(attempt),
            Update::LeaderChanged { server, term } => {
                let before = self.leaders.last().map(|(_, before)| *before);
                assert!(before.is_none_or(|before| before <= term));
                self.leaders.push((server, term));
            }
            Update::Servers(servers) => self.servers = servers,
            Update::Ended(reason) => self.ended = Some(reason),
            Update::Clock(clock) => self.clock = clock,
            Update::CommitEnd(end) => self.end_commit(end),
            Update::Rejected { seq, reason } => self.decide(seq, Decision::Rejected(reason)),
            Update::Settled { seq } => self.decide(seq, Decision::Settled),
            Update::Stats(stats) => self.stats = *stats,
            Update::LiveValue {
                node,
                property,
                stamp,
                value,
            } => {
                assert!(self.nodes.contains_key(&node));
                self.live_told += 1;
                let key = (node, property);
                let before = self
                    .live
                    .insert(key, (stamp, value))
                    .map(|(before, _)| before);
                let newest = before.max(self.confirmed_at.get(&key).copied());
                assert!(
                    newest.is_none_or(|newest| newest < stamp),
                    "older than before"
                );
            }
            Update::Input { node, frame } => {
                assert!(self.nodes.contains_key(&node));
                let frames = self.inputs.entry(node).or_default();
                let place = frames.partition_point(|told| told.sampled_at < frame.sampled_at);
                let next = frames.get(place);
                assert!(
                    next.is_none_or(|next| next.sampled_at != frame.sampled_at),
                    "told twice"
                );
                frames.insert(place, frame);
                self.arrivals.push((node, frame));
            }
            Update::Aim { node, aim } => {
                assert!(self.nodes.contains_key(&node));
                self.aims.entry(node).or_default().push(aim);
            }
            Update::Joints { node, joints } => {
                assert!(self.nodes.contains_key(&node));
                let before = self.joints.insert(node, *joints);
                assert!(before.is_none_or(|before| before.sampled_at < joints.sampled_at));
            }
            Update::PlayoutDelay { player, delay } => {
                assert!(self.players.contains_key(&player));
                self.delays.insert(player, delay);
            }
            change => {
                self.open = true;
                self.change(change);
            }
        }
    }

    /// The nodes of a world in the mirror's terms.
    pub fn nodes_of(world: &World) -> BTreeMap<NodeId, MirrorNode> {
        let mirrored = world.nodes().map(|node| {
            let values = node.properties().iter();
            let mirrored = MirrorNode {
                parent: node.parent().clone(),
                owner: node.owner(),
                values: values
                    .map(|property| (property.value().clone(), property.version()))
                    .collect(),
            };
            (node.id(), mirrored)
        });
        mirrored.collect()
    }

    pub fn assert_equals(&self, world: &World) {
        assert_eq!(self.nodes, Self::nodes_of(world));
        let players = world
            .players()
            .map(|(id, player)| (id, player.name().to_owned()));
        assert_eq!(self.players, players.collect());
    }

    pub fn player(&self) -> PlayerId {
        self.joins.first().expect("joined").player
    }

    fn end_commit(&mut self, end: CommitEnd) {
        let before = self
            .commits
            .last()
            .map_or(LogIndex::ZERO, |end| end.log_index);
        assert!(
            end.log_index >= before || self.another_history,
            "commits go forward"
        );
        self.open = false;
        for key in std::mem::take(&mut self.written) {
            self.confirmed_at.insert(key, end.hlc.physical());
        }
        self.commits.push(end);
        if let Some(seq) = end.own {
            self.decide(seq, Decision::Confirmed);
        }
    }

    fn decide(&mut self, seq: ClientSeq, decision: Decision) {
        let before = self.decisions.insert(seq, decision);
        assert_eq!(before, None, "{seq} is decided once");
    }

    fn change(&mut self, change: Update) {
        match change {
            Update::Spawned(spawned) => {
                let spawn = spawned.spawn;
                let anchor = spawn.parent.anchor;
                assert!(anchor == NodeId::ROOT || self.nodes.contains_key(&anchor));
                let values = spawn.properties.into_iter().map(|property| property.value);
                let node = MirrorNode {
                    parent: spawn.parent,
                    owner: spawn.owner,
                    values: values.zip(spawned.versions).collect(),
                };
                assert_eq!(self.nodes.insert(spawn.node, node), None, "there already");
            }
            Update::Despawned { node } => self.despawn(node),
            Update::Reparented { node, parent } => {
                let anchor = parent.anchor;
                assert!(anchor == NodeId::ROOT || self.nodes.contains_key(&anchor));
                self.node(node).parent = *parent;
                self.assert_acyclic(node);
            }
            Update::PropertySet {
                node,
                property,
                value,
                version,
            } => {
                self.written.push((node, property));
                let another_history = self.another_history;
                let slot = &mut self.node(node).values[usize::from(property.0)];
                assert!(
                    slot.1 <= version || another_history,
                    "a version goes forward"
                );
                *slot = (value, version);
            }
            Update::OwnerChanged { node, from, to } => {
                assert_eq!(std::mem::replace(&mut self.node(node).owner, to), from);
                self.inputs.remove(&node);
                self.live.retain(|key, _| key.0 != node);
            }
            Update::Called(called) => {
                assert!(self.nodes.contains_key(&called.node));
                self.calls.push(called.method);
            }
            Update::PlayerJoined(player) => {
                self.players.insert(player.player, player.name);
            }
            Update::PlayerLeft(player) => {
                assert!(self.players.remove(&player).is_some());
            }
            other => panic!("not a change of the world: {other:?}"),
        }
    }

    fn node(&mut self, node: NodeId) -> &mut MirrorNode {
        self.nodes.get_mut(&node).expect("the game knows the node")
    }

    fn despawn(&mut self, node: NodeId) {
        assert!(self.nodes.contains_key(&node), "{node} is there");
        let mut gone = BTreeSet::from([node]);
        while {
            let count = gone.len();
            let below = self
                .nodes
                .iter()
                .filter(|(_, node)| gone.contains(&node.parent.anchor));
            gone.extend(below.map(|(id, _)| *id).collect::<Vec<_>>());
            gone.len() > count
        } {}
        self.nodes.retain(|id, _| !gone.contains(id));
        self.inputs.retain(|id, _| !gone.contains(id));
        self.live.retain(|key, _| !gone.contains(&key.0));
    }

    fn assert_acyclic(&self, start: NodeId) {
        let mut at = start;
        while let Some(node) = self.nodes.get(&at) {
            at = node.parent.anchor;
            assert_ne!(at, start, "{start} hangs below itself");
        }
    }
}
