//! Short words for what clients say.

use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    live::{Fit, LiveWriter},
    message::{Hello, JoinKey},
    mutation::{
        Access, Lane, Mutation, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Spawn,
        Transfer,
    },
    time::Micros,
    value::Value,
};

/// A property of [`instance`] that goes through the log.
pub const CONFIRMED: PropertyId = PropertyId(0);
/// One that goes by datagram.
pub const LIVE: PropertyId = PropertyId(1);

pub fn hello(name: &str) -> Hello {
    Hello {
        game: super::game(),
        player_name: name.to_owned(),
        key: key(name),
        resume: None,
    }
}

/// That of whoever is called so, first in length and then in letters.
pub fn key(name: &str) -> JoinKey {
    let mut key = [name.len() as u8; 16];
    let letters = key[1..].iter_mut().zip(name.bytes().rev());
    letters.for_each(|(byte, letter)| *byte = letter);
    JoinKey(key)
}

/// An instance of a scene, owned by its player, free for all once released.
pub fn instance(player: PlayerId, counter: u32) -> Spawn {
    let property = |path: &str, lane| PropertySpec {
        path: path.to_owned(),
        lane,
        value: Value::Int(0),
    };
    Spawn {
        node: NodeId::spawned(player, counter),
        origin: Origin::Scene {
            spawner: NodeId::derived(NodeId::ROOT, "Spawner"),
            scene: 0,
        },
        parent: ParentRef {
            anchor: NodeId::ROOT,
            path: String::new(),
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
            property("color", Lane::Confirmed),
            property("position", Lane::Live),
        ],
    }
}

pub fn set(node: NodeId, property: PropertyId, value: Value) -> Mutation {
    let properties = vec![(property, value)];
    Mutation::SetProperties { node, properties }
}

pub fn give(node: NodeId, to: PlayerId) -> Mutation {
    Mutation::TransferOwnership { node, to }
}

pub fn despawn(node: NodeId) -> Mutation {
    Mutation::Despawn { node }
}

/// A live datagram with one value for each property named, all of one moment.
pub fn live(sequence: u32, sent_at: Micros, values: &[(NodeId, PropertyId, Value)]) -> Vec<u8> {
    let mut writer = LiveWriter::default();
    writer.begin(sequence, sent_at);
    for (node, property, value) in values {
        assert_eq!(writer.value(*node, *property, sent_at, value), Fit::Written);
    }
    writer.bytes().to_vec()
}
