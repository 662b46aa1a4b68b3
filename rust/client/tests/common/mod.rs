//! What the tests share.

#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

pub mod fronts;
pub mod mirror;
pub mod network;
pub mod scripted;

use glam::{Quat, Vec3};
use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    input::InputFrame,
    message::Game,
    mutation::{
        Access, Lane, Mutation, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Spawn,
        Transfer,
    },
    time::Micros,
    value::Value,
};

pub const COLOUR: PropertyId = PropertyId(0);
pub const POSE: PropertyId = PropertyId(1);

pub fn game() -> Game {
    Game {
        name: "cups".into(),
        version: "1".into(),
    }
}

pub fn ms(millis: u64) -> Micros {
    Micros::from_millis(millis)
}

pub fn root() -> ParentRef {
    below(NodeId::ROOT)
}

pub fn below(anchor: NodeId) -> ParentRef {
    ParentRef {
        anchor,
        path: String::new(),
    }
}

/// A cup that whoever grabs it may write: a confirmed colour and a live pose.
pub fn cup(node: NodeId, owner: PlayerId) -> Spawn {
    let property = |path: &str, lane, value| PropertySpec {
        path: path.into(),
        lane,
        value,
    };
    Spawn {
        node,
        origin: if node.is_derived() {
            Origin::Authored
        } else {
            Origin::Scene {
                spawner: NodeId::derived(NodeId::ROOT, "Spawner"),
                scene: 0,
            }
        },
        parent: root(),
        name: "Cup".into(),
        policy: Policy {
            write: Access::Owner,
            call: Access::Anyone,
            transfer: Transfer::WhenFree,
            on_owner_left: OnOwnerLeft::Release,
        },
        owner,
        properties: vec![
            property(":colour", Lane::Confirmed, Value::Int(0)),
            property(":position", Lane::Live, Value::Vector3([0.0; 3])),
        ],
    }
}

pub fn authored_cup() -> Spawn {
    cup(NodeId::derived(NodeId::ROOT, "Cup"), PlayerId::SERVER)
}

pub fn paint(node: NodeId, colour: i64) -> Mutation {
    Mutation::SetProperties {
        node,
        properties: vec![(COLOUR, Value::Int(colour))],
    }
}

pub const fn give(node: NodeId, to: PlayerId) -> Mutation {
    Mutation::TransferOwnership { node, to }
}

/// A hand on its way, `at` microseconds after it began.
pub fn hand(sampled_at: Micros, at: u64) -> InputFrame {
    let t = at as f32 * 1e-6;
    InputFrame {
        sampled_at,
        position: Vec3::new(0.4 * (5.0 * t).sin(), 1.2, -0.3 * t),
        orientation: Quat::from_rotation_y(3.0 * t),
        linear_velocity: Vec3::new(2.0 * (5.0 * t).cos(), 0.0, -0.3),
        angular_velocity: Vec3::new(0.0, 3.0, 0.0),
        ..InputFrame::default()
    }
}
