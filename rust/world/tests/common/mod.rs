//! A world with a log in front of it, and short words for mutations.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::missing_docs_in_private_items, unreachable_pub)]

pub mod history;

use std::collections::BTreeMap;

use synced_protocol::{
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    message::{Change, JoinMark, LogEntry, PlayerEntry},
    mutation::{
        Access, Lane, Mutation, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Rejection,
        Spawn, Transaction, Transfer,
    },
    value::Value,
};
use synced_world::{Effect, Outcome, World};

pub const A: PlayerId = PlayerId(1);
pub const B: PlayerId = PlayerId(2);
pub const HOST: PlayerId = PlayerId(3);
pub const SERVER: PlayerId = PlayerId::SERVER;

pub const OPEN: Policy = Policy {
    write: Access::Anyone,
    call: Access::Anyone,
    transfer: Transfer::Always,
    on_owner_left: OnOwnerLeft::Release,
};
pub const OWNED: Policy = Policy {
    write: Access::Owner,
    call: Access::Owner,
    transfer: Transfer::WhenFree,
    on_owner_left: OnOwnerLeft::Release,
};

/// A world and the log that it follows.
#[derive(Default)]
pub struct Session {
    pub world: World,
    pub log: Vec<(LogIndex, LogEntry)>,
    pub effects: Vec<Effect>,
    seqs: BTreeMap<PlayerId, ClientSeq>,
    last: LogIndex,
}

impl Session {
    /// A session that A, B and the hosting player have joined.
    pub fn with_players() -> Self {
        let mut session = Self::default();
        for player in [A, B, HOST] {
            assert_eq!(session.join(player, player == HOST), Ok(Outcome::Applied));
        }
        session
    }

    pub fn join(&mut self, player: PlayerId, hosts: bool) -> Result<Outcome, Rejection> {
        let player = PlayerEntry {
            player,
            name: format!("player {}", player.0),
            hosts,
        };
        self.commit(Change::PlayerJoined {
            player,
            mark: JoinMark::default(),
        })
    }

    pub fn leave(&mut self, player: PlayerId) -> Result<Outcome, Rejection> {
        self.commit(Change::PlayerLeft { player })
    }

    /// Proposes with the player's next number.
    pub fn propose(
        &mut self,
        player: PlayerId,
        transaction: impl Into<Transaction>,
    ) -> Result<Outcome, Rejection> {
        let seq = self.seqs.entry(player).or_default();
        *seq = seq.next();
        let seq = *seq;
        self.propose_as(player, seq, transaction)
    }

    /// Proposes what is sure to be applied.
    pub fn must(&mut self, player: PlayerId, transaction: impl Into<Transaction>) {
        assert_eq!(self.propose(player, transaction), Ok(Outcome::Applied));
    }

    pub fn propose_as(
        &mut self,
        player: PlayerId,
        seq: ClientSeq,
        transaction: impl Into<Transaction>,
    ) -> Result<Outcome, Rejection> {
        self.commit(Change::Transaction {
            player,
            seq,
            transaction: transaction.into(),
        })
    }

    pub fn commit(&mut self, change: Change) -> Result<Outcome, Rejection> {
        self.last = self.last.next();
        let hlc = HlcTimestamp(self.last.0);
        let entry = LogEntry { hlc, change };
        self.effects.clear();
        let result = self.world.apply(self.last, &entry, &mut self.effects);
        self.log.push((self.last, entry));
        result
    }

    pub fn owner(&self, node: NodeId) -> PlayerId {
        self.world.node(node).unwrap().owner()
    }

    pub fn value(&self, node: NodeId, property: u8) -> &Value {
        let node = self.world.node(node).unwrap();
        node.property(PropertyId(property)).unwrap().value()
    }
}

pub fn authored(path: &str) -> NodeId {
    NodeId::derived(NodeId::ROOT, path)
}

pub fn under(anchor: NodeId) -> ParentRef {
    ParentRef {
        anchor,
        path: String::new(),
    }
}

pub fn property(value: Value) -> PropertySpec {
    PropertySpec {
        path: "position".to_owned(),
        lane: Lane::Confirmed,
        value,
    }
}

/// A spawn of a node by nobody's leave: authored, free, below the root, with one property.
pub fn spawn(node: NodeId, policy: Policy) -> Spawn {
    Spawn {
        node,
        origin: Origin::Authored,
        parent: under(NodeId::ROOT),
        name: "Cup".to_owned(),
        policy,
        owner: SERVER,
        properties: vec![property(Value::Int(0))],
    }
}

/// A spawn of a player's own instance of a scene.
pub fn instance(player: PlayerId, counter: u32, policy: Policy) -> Spawn {
    let spawner = authored("Spawner");
    Spawn {
        origin: Origin::Scene { spawner, scene: 0 },
        owner: player,
        ..spawn(NodeId::spawned(player, counter), policy)
    }
}

pub fn despawn(node: NodeId) -> Mutation {
    Mutation::Despawn { node }
}

pub fn reparent(node: NodeId, anchor: NodeId) -> Mutation {
    let parent = under(anchor);
    Mutation::Reparent { node, parent }
}

pub fn set(node: NodeId, property: u8, value: Value) -> Mutation {
    let properties = vec![(PropertyId(property), value)];
    Mutation::SetProperties { node, properties }
}

pub fn give(node: NodeId, to: PlayerId) -> Mutation {
    Mutation::TransferOwnership { node, to }
}

pub fn call(node: NodeId, method: &str) -> Mutation {
    Mutation::Call {
        node,
        method: method.to_owned(),
        arguments: vec![Value::Bool(true)],
    }
}

pub fn steps(steps: impl IntoIterator<Item = Mutation>) -> Transaction {
    Transaction {
        guards: Vec::new(),
        steps: steps.into_iter().collect(),
    }
}
