//! What leads from the world that the game was told of to another one.

use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    message::NodeEntry,
    mutation::Lane,
};
use synced_world::{Node, World};

use crate::update::{Spawned, Update};

/// Tells the game everything that makes `old` into `new`, in an order that is sound at every step: players who come first
/// and players who go last, parents before children, and nodes out of the way before their old parents go.
pub(crate) fn tell(old: &World, new: &World, mut tell: impl FnMut(Update)) {
    // An id never comes back as another node; if it did, only a fresh start could tell so.
    if new.nodes().any(|node| {
        old.node(node.id())
            .is_some_and(|before| !same_node(before, node))
    }) {
        between(old, &World::new(), &mut tell);
        between(&World::new(), new, &mut tell);
    } else {
        between(old, new, &mut tell);
    }
}

fn between(old: &World, new: &World, tell: &mut impl FnMut(Update)) {
    for (id, player) in new.players() {
        if !same_player(old, new, id) {
            tell(Update::PlayerJoined(player.entry(id)));
        }
    }
    for_each_downwards(new, |node| match old.node(node.id()) {
        None => tell(Update::Spawned(Box::new(spawned(node)))),
        Some(before) => tell_changes(before, node, tell),
    });
    for node in topmost_gone(old, new) {
        tell(Update::Despawned { node });
    }
    for (id, _) in old.players() {
        if new.player(id).is_none() {
            tell(Update::PlayerLeft(id));
        }
    }
}

fn tell_changes(before: &Node, now: &Node, tell: &mut impl FnMut(Update)) {
    let node = now.id();
    if before.parent() != now.parent() {
        tell(Update::Reparented {
            node,
            parent: Box::new(now.parent().clone()),
        });
    }
    if before.owner() != now.owner() {
        tell(Update::OwnerChanged {
            node,
            from: before.owner(),
            to: now.owner(),
        });
    }
    for ((property, before), now) in (0..).zip(before.properties()).zip(now.properties()) {
        if before.version() != now.version() || before.value() != now.value() {
            tell(Update::PropertySet {
                node,
                property: PropertyId(property),
                value: now.value().clone(),
                version: now.version(),
            });
        }
    }
}

fn spawned(node: &Node) -> Spawned {
    let NodeEntry { spawn, versions } = node.entry();
    Spawned { spawn, versions }
}

/// The nodes that are gone and do not hang below another one that is.
fn topmost_gone<'a>(old: &'a World, new: &'a World) -> impl Iterator<Item = NodeId> + 'a {
    let gone = |id: NodeId| old.node(id).is_some() && new.node(id).is_none();
    let topmost = old
        .nodes()
        .filter(move |node| gone(node.id()) && !gone(node.parent().anchor));
    topmost.map(Node::id)
}

fn for_each_downwards<'a>(world: &'a World, mut each: impl FnMut(&'a Node)) {
    let mut stack = vec![NodeId::ROOT];
    while let Some(id) = stack.pop() {
        if let Some(node) = world.node(id) {
            each(node);
        }
        stack.extend(world.children(id));
    }
}

fn same_player(old: &World, new: &World, id: PlayerId) -> bool {
    let entry = |world: &World| world.player(id).map(|player| player.entry(id));
    entry(old) == entry(new)
}

/// Whether two nodes of one id are alike in all that never changes.
fn same_node(a: &Node, b: &Node) -> bool {
    a.origin() == b.origin()
        && a.name() == b.name()
        && a.policy() == b.policy()
        && shape(a).eq(shape(b))
}

fn shape(node: &Node) -> impl Iterator<Item = (&str, Lane)> {
    let properties = node.properties().iter();
    properties.map(|property| (property.path(), property.lane()))
}
