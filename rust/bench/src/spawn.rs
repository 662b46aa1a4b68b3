//! What a player of a measurement or a test puts into the world.

use synced_protocol::{
    id::{NodeId, PlayerId},
    mutation::{Access, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Spawn, Transfer},
};

/// A node under the root that only its owner writes, and that goes with it.
#[must_use]
pub fn spawn_own(
    node: NodeId,
    owner: PlayerId,
    name: &str,
    properties: Vec<PropertySpec>,
) -> Spawn {
    Spawn {
        node,
        origin: Origin::Scene {
            spawner: NodeId::derived(NodeId::ROOT, name),
            scene: 0,
        },
        parent: ParentRef {
            anchor: NodeId::ROOT,
            path: String::new(),
        },
        name: name.to_owned(),
        policy: Policy {
            write: Access::Owner,
            call: Access::Owner,
            transfer: Transfer::ByOwner,
            on_owner_left: OnOwnerLeft::Despawn,
        },
        owner,
        properties,
    }
}
