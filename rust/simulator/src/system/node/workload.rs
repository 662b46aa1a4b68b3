//! What players propose: everything that can be, on nodes of their own and of others, so that some of it is rejected.

use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    mutation::{
        Access, Guard, Lane, Mutation, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Spawn,
        Transaction, Transfer,
    },
    value::Value,
};
use synced_world::World;

use crate::{random::Random, system::Op};

/// A world has no more nodes than this by players' own will.
const NODES_MAX: usize = 48;
/// The confirmed property of every node.
const CONFIRMED: PropertyId = PropertyId(0);
/// The live one.
pub(super) const LIVE: PropertyId = PropertyId(1);
/// The most bytes of a text that is set.
const TEXT_BYTES_MAX: u64 = 1_500;

/// What a player proposes of a world; `spawned` is the node that it may spawn next.
pub(super) fn propose(
    world: &World,
    player: PlayerId,
    spawned: NodeId,
    op: Op,
    random: &mut Random,
) -> Transaction {
    let nodes = world.nodes().len();
    let node = world
        .nodes()
        .nth(random.place(nodes))
        .map(|node| (node.id(), node.owner()));
    let mut transaction = match (random.below(10), node) {
        (0..=2, _) if nodes < NODES_MAX => spawn(player, spawned, node, random),
        (_, None) => spawn(player, spawned, None, random),
        (0..=4, Some((node, _))) => set(node, value(op, random)).into(),
        (5, Some((node, owner))) => give(node, owner, player).into(),
        (6, Some((node, _))) => Mutation::Despawn { node }.into(),
        (7, Some((node, _))) => guarded(world, node, op),
        (8, Some((node, _))) => hang(node, world, random).into(),
        (_, Some(_)) => Transaction::default(),
    };
    transaction.steps.insert_call(node, spawned, op);
    transaction
}

trait Steps {
    fn insert_call(&mut self, node: Option<(NodeId, PlayerId)>, spawned: NodeId, op: Op);
}

impl Steps for Vec<Mutation> {
    /// The last step tells everybody which proposal it was. A node that goes cannot be called afterwards, so that this is tried
    /// on what stays, and is rejected with the rest where that is not there.
    fn insert_call(&mut self, node: Option<(NodeId, PlayerId)>, spawned: NodeId, op: Op) {
        let spawns = matches!(self.first(), Some(Mutation::Spawn(_)));
        let target = node.map(|(node, _)| node).filter(|_| !spawns);
        let call = |node| Mutation::Call {
            node,
            method: "happen".to_owned(),
            arguments: vec![Value::Int(op.0.cast_signed())],
        };
        self.push(call(target.unwrap_or(spawned)));
    }
}

fn spawn(
    player: PlayerId,
    node: NodeId,
    below: Option<(NodeId, PlayerId)>,
    random: &mut Random,
) -> Transaction {
    let anchor = below.map(|(node, _)| node).filter(|_| random.chance(0.3));
    let property = |path: &str, lane, value| PropertySpec {
        path: path.to_owned(),
        lane,
        value,
    };
    let spawn = Spawn {
        node,
        origin: Origin::Scene {
            spawner: NodeId::derived(NodeId::ROOT, "Spawner"),
            scene: 0,
        },
        parent: place(anchor.unwrap_or(NodeId::ROOT)),
        name: format!("Node{}", node.0 & 0xffff_ffff),
        policy: policy(random),
        owner: player,
        properties: vec![
            property("confirmed", Lane::Confirmed, Value::Int(0)),
            property("live", Lane::Live, Value::Float(0.0)),
        ],
    };
    Mutation::Spawn(spawn).into()
}

fn policy(random: &mut Random) -> Policy {
    let is_open = random.chance(0.5);
    Policy {
        write: if is_open {
            Access::Anyone
        } else {
            Access::Owner
        },
        call: Access::Anyone,
        transfer: if is_open {
            Transfer::Always
        } else {
            Transfer::WhenFree
        },
        on_owner_left: if random.chance(0.5) {
            OnOwnerLeft::Release
        } else {
            OnOwnerLeft::Despawn
        },
    }
}

fn value(op: Op, random: &mut Random) -> Value {
    if random.chance(0.9) {
        return Value::Int(op.0.cast_signed());
    }
    let len = usize::try_from(random.below(TEXT_BYTES_MAX)).unwrap_or(0);
    Value::String("x".repeat(len))
}

fn set(node: NodeId, value: Value) -> Mutation {
    let properties = vec![(CONFIRMED, value)];
    Mutation::SetProperties { node, properties }
}

/// Who owns a node gives it back; everybody else takes it.
fn give(node: NodeId, owner: PlayerId, player: PlayerId) -> Mutation {
    let to = if owner == player {
        PlayerId::SERVER
    } else {
        player
    };
    Mutation::TransferOwnership { node, to }
}

/// Sets what nobody else has set since.
fn guarded(world: &World, node: NodeId, op: Op) -> Transaction {
    let property = world.node(node).and_then(|node| node.property(CONFIRMED));
    let version = property.map(|property| property.version());
    let guard = |version| Guard::VersionIs {
        node,
        property: CONFIRMED,
        version,
    };
    Transaction {
        guards: version.map(guard).into_iter().collect(),
        steps: vec![set(node, Value::Int(op.0.cast_signed()))],
    }
}

fn hang(node: NodeId, world: &World, random: &mut Random) -> Mutation {
    let nodes = world.nodes().len();
    let anchor = world.nodes().nth(random.place(nodes)).map(|node| node.id());
    let anchor = anchor.filter(|_| random.chance(0.5));
    Mutation::Reparent {
        node,
        parent: place(anchor.unwrap_or(NodeId::ROOT)),
    }
}

fn place(anchor: NodeId) -> ParentRef {
    ParentRef {
        anchor,
        path: String::new(),
    }
}
