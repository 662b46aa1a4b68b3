//! What a game asks of a node.

use godot::{classes::Node, prelude::*};
use synced_protocol::{
    id::NodeId,
    mutation::{Mutation, Origin, Transaction},
};

use crate::{
    classes::{SyncedNode, with_core},
    core::{Core, Touch, single},
    report, variant,
};

/// Proposes what `build` makes of the node's id; the proposal's sequence number, or 0 with an error when there is no session.
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
    if sequence.is_none()
        && !with_core(|core| {
            core.is_joined() && id.is_some_and(|id| core.entries.contains_key(&id))
        })
    {
        report::error(
            node,
            &format!("{what}: the node is in no session. Wait for SyncedSession.session_joined."),
        );
    }
    sequence.map_or(0, |sequence| sequence.0.cast_signed())
}

/// Freezes or frees the body below a node, as its ownership says now.
pub(crate) fn apply_authority(node: &Gd<SyncedNode>) {
    let Some(id) = node.bind().id() else { return };
    with_core(|core| {
        let me = core.me;
        if let Some(local) = core.locals.get(&id) {
            local.apply_authority(me);
        }
    });
}

/// Confirms the node's live properties where they are now.
pub(crate) fn settle(node: &Gd<SyncedNode>) {
    let Some(id) = node.bind().id() else { return };
    let read = with_core(|core| core.live_targets(id));
    let values: Vec<_> = read
        .into_iter()
        .map(|(property, target)| (property, target.get()))
        .collect();
    with_core(|core| core.propose_settled(id, values));
}

/// Hangs a node's root elsewhere, here at once and for everyone once confirmed.
pub(crate) fn reparent(node: &Gd<SyncedNode>, new_parent: &Gd<Node>) -> i64 {
    let Some(mut root) = node.bind().get_root() else {
        return 0;
    };
    if root == *new_parent || root.is_ancestor_of(new_parent) {
        report::error(node, "reparent_synced: a node cannot hang below itself");
        return 0;
    }
    move_below(&mut root, new_parent);
    let Some(id) = node.bind().id() else { return 0 };
    let targets = with_core(|core| core.targets(id));
    let values: Vec<_> = targets
        .into_iter()
        .map(|(property, target)| (property, target.get()))
        .collect();
    propose(node, "reparent_synced", |id, core| {
        let parent = core.parent_ref(new_parent);
        // Local coordinates changed with the parent: both go together, so that nobody sees one without the other.
        let mut steps = vec![Mutation::Reparent { node: id, parent }];
        let mut touches = vec![Touch::Reparent(id)];
        let properties: Vec<_> = values
            .iter()
            .filter_map(|(property, value)| {
                Some((*property, variant::to_value(value, &core.directory).ok()?))
            })
            .filter(|(property, value)| core.confirmed_value(id, *property) != Some(value))
            .collect();
        touches.extend(
            properties
                .iter()
                .map(|(property, _)| Touch::Property(id, *property)),
        );
        if !properties.is_empty() {
            steps.push(Mutation::SetProperties {
                node: id,
                properties,
            });
        }
        Some((
            Transaction {
                guards: Vec::new(),
                steps,
            },
            touches,
        ))
    })
}

/// Hangs `root` below `parent`, keeping its place in the world; its `SyncedNode`s stay registered all the while.
pub(crate) fn move_below(root: &mut Gd<Node>, parent: &Gd<Node>) {
    with_core(|core| core.is_moving = true);
    root.reparent(parent);
    with_core(|core| core.is_moving = false);
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
