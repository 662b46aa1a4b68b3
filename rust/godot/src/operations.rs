//! What a game asks of a node.

use godot::{classes::Node, prelude::*};
use synced_protocol::{
    id::{ClientSeq, NodeId, PropertyId},
    mutation::{Mutation, Origin, Transaction},
};

use crate::{
    classes::{SyncedNode, with_core},
    core::{Core, State},
    engine::EngineValue,
    pending::{Touch, single},
    property::Target,
    report, variant,
};

/// Proposes what `build` makes of the node's id. Returns the proposal's sequence number: 0 without a session, where everything is
/// the game's own, and 0 with an error while the session does not know the node.
pub(crate) fn propose(
    node: &Gd<SyncedNode>,
    what: &str,
    build: impl FnOnce(NodeId, &mut Core) -> Option<(Transaction, Vec<Touch>)>,
) -> i64 {
    let id = node.bind().id();
    let sequence = with_core(|core| {
        let id = id.filter(|id| core.entries.contains_key(id))?;
        let (transaction, touches) = build(id, core)?;
        core.propose(transaction, touches)
    });
    // What is despawned is only waiting to be freed: a script that does not know yet has done nothing wrong.
    let is_excused = node.bind().is_despawned();
    if sequence.is_none() && !is_excused && !is_known(id) {
        report::error(node, &format!("{what}: {NOT_YET_KNOWN}"));
    }
    sequence.map_or(0, |sequence| sequence.0.cast_signed())
}

const NOT_YET_KNOWN: &str =
    "the node is not in the session yet. Wait for SyncedSession.session_joined.";

/// Whether the session knows the node, or there is none that would have to.
fn is_known(id: Option<NodeId>) -> bool {
    with_core(|core| {
        core.state == State::Offline || id.is_some_and(|id| core.entries.contains_key(&id))
    })
}

/// Freezes or frees the body below a node, as its ownership says now.
pub(crate) fn apply_authority(node: &Gd<SyncedNode>) {
    let Some(id) = node.bind().id() else { return };
    with_core(|core| {
        let me = core.me;
        if let Some(local) = core.locals.get_mut(&id) {
            local.apply_authority(me);
        }
    });
}

/// Confirms the live properties of a node that this player holds where they are now.
pub(crate) fn settle(node: &Gd<SyncedNode>) {
    let Some(id) = node.bind().id() else { return };
    let read = with_core(|core| {
        let is_held = core
            .locals
            .get(&id)
            .is_some_and(|local| local.is_held_by(core.me));
        if is_held {
            core.live_targets(id)
        } else {
            Vec::new()
        }
    });
    let values = read_all(read);
    with_core(|core| core.propose_settled(id, values));
}

/// Hangs a node's root elsewhere, here at once and for everyone once confirmed.
pub(crate) fn reparent(node: &Gd<SyncedNode>, new_parent: &Gd<Node>) -> i64 {
    let Some(mut root) = node.bind().get_root() else {
        return 0;
    };
    if let Some(fault) = reparent_fault(node, &root, new_parent) {
        report::error(node, &format!("reparent_synced: {fault}"));
        return 0;
    }
    move_below(&mut root, new_parent);
    let Some(id) = node.bind().id() else { return 0 };
    let values = read_all(with_core(|core| core.targets(id)));
    with_core(|core| propose_reparent(core, id, new_parent, values))
        .map_or(0, |seq| seq.0.cast_signed())
}

fn reparent_fault(
    node: &Gd<SyncedNode>,
    root: &Gd<Node>,
    new_parent: &Gd<Node>,
) -> Option<&'static str> {
    if root == new_parent || root.is_ancestor_of(new_parent) {
        Some("a node cannot hang below itself")
    } else if !new_parent.is_inside_tree() {
        Some("the new parent is not in the tree")
    } else if !is_known(node.bind().id()) {
        Some(NOT_YET_KNOWN)
    } else {
        None
    }
}

/// Local coordinates changed with the parent: both go together, so that nobody sees one without the other.
fn propose_reparent(
    core: &mut Core,
    id: NodeId,
    new_parent: &Gd<Node>,
    values: Vec<(PropertyId, EngineValue)>,
) -> Option<ClientSeq> {
    let parent = core.parent_ref(new_parent);
    let values = values.into_iter().filter_map(|(property, value)| {
        Some((property, variant::to_value(&value, &core.directory).ok()?))
    });
    let properties: Vec<_> = values
        .filter(|(property, value)| core.confirmed_value(id, *property) != Some(value))
        .collect();
    let mut steps = vec![Mutation::Reparent { node: id, parent }];
    let mut touches = vec![Touch::Reparent(id)];
    touches.extend(
        properties
            .iter()
            .map(|(property, _)| Touch::Property(id, *property)),
    );
    if !properties.is_empty() {
        steps.push(Mutation::SetProperties {
            node: id,
            properties: properties.clone(),
        });
    }
    let guards = Vec::new();
    let seq = core.propose(Transaction { guards, steps }, touches)?;
    core.wrote(id, &properties, seq);
    Some(seq)
}

fn read_all(targets: Vec<(PropertyId, Target)>) -> Vec<(PropertyId, EngineValue)> {
    let read = targets.into_iter();
    read.map(|(property, target)| (property, target.get()))
        .collect()
}

/// Hangs `root` below `parent`, keeping its place in the world; its `SyncedNode`s stay registered all the while.
pub(crate) fn move_below(root: &mut Gd<Node>, parent: &Gd<Node>) {
    let moving = Some(root.clone());
    let before = with_core(|core| std::mem::replace(&mut core.moving, moving));
    root.reparent(parent);
    with_core(|core| core.moving = before);
}

/// A `SyncedNode` left the tree. Freed by its owner, it goes for everyone.
pub(crate) fn left_tree(core: &mut Core, id: NodeId, node: &Gd<SyncedNode>, is_freed: bool) {
    let is_own = core.unregister(id, node);
    let is_spawned = core
        .entries
        .get(&id)
        .is_some_and(|entry| matches!(entry.spawned.spawn.origin, Origin::Scene { .. }));
    if is_own && is_freed && is_spawned {
        let (transaction, touches) = single(Mutation::Despawn { node: id }, Touch::Despawn(id));
        core.propose(transaction, touches);
    }
}
