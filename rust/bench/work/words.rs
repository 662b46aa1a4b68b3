//! Short words for what players say.

use bytes::Bytes;
use synced_protocol::{
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    message::{Change, Commit, Game, LogEntry},
    mutation::{
        Access, Lane, Mutation, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Spawn,
        Transaction, Transfer,
    },
    time::Micros,
    value::Value,
};

/// When local time is zero, session time is this.
pub(crate) const EPOCH: Micros = Micros::from_secs(1_700_000_000);
/// A frame of a game lasts so long.
pub(crate) const FRAME: Micros = Micros(11_111);
/// A batch of samples gathers for so long.
pub(crate) const BATCH: Micros = Micros::from_millis(4);
/// A property of [`cup`] that goes through the log.
pub(crate) const PLACE: PropertyId = PropertyId(0);
/// One that goes by datagram.
pub(crate) const POSE: PropertyId = PropertyId(1);
/// The operation that is measured where bytes count.
pub(crate) const KILOBYTE: usize = 1024;

pub(crate) fn game() -> Game {
    Game {
        name: "cups".to_owned(),
        version: "1.0".to_owned(),
    }
}

/// An instance of a scene with a place that is confirmed and a pose that is live.
pub(crate) fn cup(player: PlayerId, counter: u32) -> Spawn {
    let property = |path: &str, lane| PropertySpec {
        path: path.to_owned(),
        lane,
        value: transform(0),
    };
    Spawn {
        node: NodeId::spawned(player, counter),
        origin: Origin::Scene {
            spawner: NodeId::derived(NodeId::ROOT, "World/Spawner"),
            scene: 0,
        },
        parent: ParentRef {
            anchor: NodeId::ROOT,
            path: "World/Table".to_owned(),
        },
        name: "Cup".to_owned(),
        policy: Policy {
            write: Access::Owner,
            call: Access::Anyone,
            transfer: Transfer::WhenFree,
            on_owner_left: OnOwnerLeft::Release,
        },
        owner: player,
        properties: vec![
            property(":transform", Lane::Confirmed),
            property("Body:transform", Lane::Live),
        ],
    }
}

/// A place in the world, another one for each number.
pub(crate) fn transform(number: u64) -> Value {
    let along = (number % 1_000) as f32 * 0.01;
    Value::Transform3D([
        1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, along, 1.2, -along,
    ])
}

pub(crate) fn kilobyte(number: u64) -> Value {
    Value::PackedByteArray(vec![(number % 251) as u8; KILOBYTE])
}

pub(crate) fn set(node: NodeId, value: Value) -> Mutation {
    let properties = vec![(PLACE, value)];
    Mutation::SetProperties { node, properties }
}

pub(crate) fn entry(
    player: PlayerId,
    number: u64,
    transaction: impl Into<Transaction>,
) -> LogEntry {
    LogEntry {
        hlc: HlcTimestamp::from_physical(EPOCH + Micros(number)),
        change: Change::Transaction {
            player,
            seq: ClientSeq(number),
            transaction: transaction.into(),
        },
    }
}

pub(crate) const fn commit(log_index: u64, entry: LogEntry) -> Commit {
    let log_index = LogIndex(log_index);
    Commit { log_index, entry }
}

/// Bytes of a log entry of the usual size, another one for each number.
pub(crate) fn opaque(number: u64, length: usize) -> Bytes {
    let mut bytes = vec![(number % 251) as u8; length];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes.into()
}
