//! Random histories: what players might do to a world, most of it sensible.

use proptest::prelude::*;
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    message::{Change, JoinMark, PlayerEntry, RestedValue},
    mutation::{
        Access, Guard, Lane, Mutation, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Spawn,
        Transaction, Transfer,
    },
    value::Value,
};
use synced_world::Node;

use super::Session;

/// Few enough players that they meet.
const PLAYERS: u32 = 4;

/// Changes in which proposals are numbered and most ids are of nodes that are there.
pub fn history() -> impl Strategy<Value = Vec<Change>> {
    let changes = prop::collection::vec(change(), 0..80);
    changes.prop_map(|mut changes| {
        changes.splice(0..0, (1..=PLAYERS).map(joins));
        let mut session = Session::default();
        for (place, change) in (1..).zip(&mut changes) {
            let mut known: Vec<_> = session.world.nodes().map(Node::id).collect();
            fit(change, place, &mut known);
            let _ = session.commit(change.clone());
        }
        changes
    })
}

fn joins(id: u32) -> Change {
    let player = PlayerEntry {
        player: PlayerId(id),
        name: String::new(),
        hosts: id == 1,
    };
    Change::PlayerJoined {
        player,
        mark: JoinMark::default(),
    }
}

/// Makes a random change at its place in the history one that could well be made there.
fn fit(change: &mut Change, place: u32, known: &mut Vec<NodeId>) {
    match change {
        Change::Transaction {
            player,
            seq,
            transaction,
        } => {
            *seq = ClientSeq(place.into());
            fit_transaction(transaction, *player, place, known);
        }
        Change::Rested { values, .. } => {
            for value in values {
                pick(&mut value.node, known);
            }
        }
        Change::PlayerJoined { .. } | Change::PlayerLeft { .. } => {}
    }
}

fn fit_transaction(
    transaction: &mut Transaction,
    player: PlayerId,
    place: u32,
    known: &mut Vec<NodeId>,
) {
    for guard in &mut transaction.guards {
        match guard {
            Guard::Exists { node }
            | Guard::OwnerIs { node, .. }
            | Guard::VersionIs { node, .. } => {
                pick(node, known);
            }
        }
    }
    for (number, step) in (0..).zip(&mut transaction.steps) {
        fit_step(step, player, place * 10 + number, known);
    }
}

fn fit_step(step: &mut Mutation, player: PlayerId, counter: u32, known: &mut Vec<NodeId>) {
    match step {
        Mutation::Spawn(spawn) => {
            if spawn.node.0 % 2 == 0 && spawn.origin != Origin::Part {
                spawn.parent.anchor = NodeId::ROOT;
            }
            pick(&mut spawn.parent.anchor, known);
            fit_spawn(spawn, player, counter);
            known.push(spawn.node);
        }
        Mutation::Reparent { node, parent } => {
            pick(node, known);
            pick(&mut parent.anchor, known);
        }
        Mutation::Despawn { node }
        | Mutation::SetProperties { node, .. }
        | Mutation::TransferOwnership { node, .. }
        | Mutation::Call { node, .. } => pick(node, known),
    }
}

/// Leaves one id in sixteen as it is.
fn fit_spawn(spawn: &mut Spawn, player: PlayerId, counter: u32) {
    if spawn.node.0.is_multiple_of(16) {
        return;
    }
    let anchor = spawn.parent.anchor;
    (spawn.node, spawn.owner) = match spawn.origin {
        Origin::Scene { .. } => (NodeId::spawned(player, counter), player),
        Origin::Part => (NodeId::derived(anchor, &spawn.name), PlayerId::SERVER),
        Origin::Authored => (NodeId::derived(NodeId::ROOT, &spawn.name), PlayerId::SERVER),
    };
}

/// Makes a random id the root's, one that is known, or, seldom, leaves it.
fn pick(id: &mut NodeId, known: &[NodeId]) {
    if *id == NodeId::ROOT {
        return;
    }
    let choices = known.len() as u64 + 1;
    match id.0 % (choices + choices / 16 + 1) {
        place if place < known.len() as u64 => *id = known[usize::try_from(place).unwrap()],
        place if place == known.len() as u64 => *id = NodeId::ROOT,
        _ => {}
    }
}

fn change() -> impl Strategy<Value = Change> {
    let entry = (player(), "[a-z]{0,5}", any::<bool>());
    let joins = entry.prop_map(|(player, name, hosts)| Change::PlayerJoined {
        player: PlayerEntry {
            player,
            name,
            hosts,
        },
        mark: JoinMark::default(),
    });
    let seq = ClientSeq::default();
    let proposes =
        (player(), transaction()).prop_map(move |(player, transaction)| Change::Transaction {
            player,
            seq,
            transaction,
        });
    prop_oneof![
        40 => proposes,
        3 => joins,
        1 => player().prop_map(|player| Change::PlayerLeft { player }),
        2 => (player(), prop::collection::vec(rested_value(), 0..5))
            .prop_map(|(player, values)| Change::Rested { player, values }),
    ]
}

fn rested_value() -> impl Strategy<Value = RestedValue> {
    let newer_than = (0..100_u64).prop_map(LogIndex);
    (node(), property_id(), newer_than, value()).prop_map(|(node, property, newer_than, value)| {
        RestedValue {
            node,
            property,
            newer_than,
            value,
        }
    })
}

fn transaction() -> impl Strategy<Value = Transaction> {
    let guards = prop_oneof![9 => Just(vec![]), 1 => prop::collection::vec(guard(), 1..3)];
    let steps = prop_oneof![
        3 => prop::collection::vec(mutation(), 1..2),
        1 => prop::collection::vec(mutation(), 2..5),
    ];
    (guards, steps).prop_map(|(guards, steps)| Transaction { guards, steps })
}

fn guard() -> impl Strategy<Value = Guard> {
    prop_oneof![
        node().prop_map(|node| Guard::Exists { node }),
        (node(), owner()).prop_map(|(node, owner)| Guard::OwnerIs { node, owner }),
        (node(), property_id(), 1..50_u64).prop_map(|(node, property, version)| {
            let version = LogIndex(version);
            Guard::VersionIs {
                node,
                property,
                version,
            }
        }),
    ]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let values = prop::collection::vec((property_id(), value()), 0..3);
    prop_oneof![
        6 => spawn().prop_map(Mutation::Spawn),
        1 => node().prop_map(|node| Mutation::Despawn { node }),
        3 => (node(), parent()).prop_map(|(node, parent)| Mutation::Reparent { node, parent }),
        4 => (node(), values).prop_map(|(node, properties)| {
            Mutation::SetProperties { node, properties }
        }),
        3 => (node(), owner()).prop_map(|(node, to)| Mutation::TransferOwnership { node, to }),
        1 => (node(), "[a-z]{1,5}").prop_map(|(node, method)| Mutation::Call {
            node,
            method,
            arguments: vec![Value::Bool(true)],
        }),
    ]
}

fn spawn() -> impl Strategy<Value = Spawn> {
    let scene = node().prop_map(|spawner| Origin::Scene { spawner, scene: 1 });
    let origin = prop_oneof![
        3 => scene,
        2 => Just(Origin::Authored),
        1 => Just(Origin::Part),
    ];
    let place = (node(), origin, parent(), "[a-z]{1,2}");
    (place, policy(), owner(), properties()).prop_map(
        |((node, origin, parent, name), policy, owner, properties)| Spawn {
            node,
            origin,
            parent,
            name,
            policy,
            owner,
            properties,
        },
    )
}

fn properties() -> impl Strategy<Value = Vec<PropertySpec>> {
    let lane = prop_oneof![Just(Lane::Confirmed), Just(Lane::Live)];
    let property = ("[a-z]{0,5}", lane, value());
    let spec = property.prop_map(|(path, lane, value)| PropertySpec { path, lane, value });
    prop::collection::vec(spec, 0..4)
}

fn policy() -> impl Strategy<Value = Policy> {
    let transfer = prop_oneof![
        Just(Transfer::WhenFree),
        Just(Transfer::Always),
        Just(Transfer::ByOwner)
    ];
    let left = prop_oneof![Just(OnOwnerLeft::Release), Just(OnOwnerLeft::Despawn)];
    (access(), access(), transfer, left).prop_map(|(write, call, transfer, on_owner_left)| Policy {
        write,
        call,
        transfer,
        on_owner_left,
    })
}

fn access() -> impl Strategy<Value = Access> {
    prop_oneof![
        2 => Just(Access::Owner),
        3 => Just(Access::Anyone),
        1 => Just(Access::Server),
    ]
}

fn player() -> impl Strategy<Value = PlayerId> {
    (1..=PLAYERS).prop_map(PlayerId)
}

fn owner() -> impl Strategy<Value = PlayerId> {
    (0..=PLAYERS + 1).prop_map(PlayerId)
}

fn node() -> impl Strategy<Value = NodeId> {
    any::<u64>().prop_map(NodeId)
}

fn parent() -> impl Strategy<Value = ParentRef> {
    (node(), "[a-z]{0,3}").prop_map(|(anchor, path)| ParentRef { anchor, path })
}

fn property_id() -> impl Strategy<Value = PropertyId> {
    (0..3_u8).prop_map(PropertyId)
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Nil),
        any::<i64>().prop_map(Value::Int),
        "[a-z]{0,12}".prop_map(Value::String),
        prop::array::uniform3(-10_f32..10.0).prop_map(Value::Vector3),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::PackedByteArray),
    ]
}
