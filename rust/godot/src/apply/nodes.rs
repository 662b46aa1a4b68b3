//! What the session does to nodes.

use godot::{classes::Node, prelude::*};
use synced_client::update::{Called, Spawned};
use synced_protocol::{
    id::{LogIndex, NodeId, PlayerId, PropertyId},
    mutation::{Origin, ParentRef},
    value::Value,
};

use crate::{
    binding::{self, Moment},
    classes::with_core,
    core::Entry,
    decisions::{Confirmed, Echo},
    local::Place,
    place, report, variant,
};

pub(super) fn spawn(spawned: Spawned) {
    let id = spawned.spawn.node;
    let is_scene = matches!(spawned.spawn.origin, Origin::Scene { .. });
    let is_here = with_core(|core| core.locals.contains_key(&id));
    if with_core(|core| core.entries.contains_key(&id)) {
        refresh(spawned);
        return;
    }
    with_core(|core| {
        core.entries.insert(
            id,
            Entry {
                spawned,
                is_confirmed: true,
            },
        );
        if is_here {
            core.unbound.insert(id);
        }
    });
    if is_scene && !is_here {
        place::place(id);
    }
    binding::one(id, Moment::WithinCommit);
}

pub(super) fn despawn(top: NodeId) {
    let nodes = with_core(|core| core.subtree(top));
    for id in nodes.iter().rev() {
        if let Some(mut node) = with_core(|core| core.synced_node(*id)) {
            node.bind_mut().mark_despawned();
            node.signals().despawned().emit();
        }
    }
    let Some(root) = with_core(|core| core.directory.root(top)) else {
        with_core(|core| core.forget(&nodes));
        return;
    };
    if let Some(spawner) = with_core(|core| core.spawner_of(top)) {
        spawner.signals().despawned().emit(&root);
    }
    if root.is_instance_valid() {
        free(root, &nodes);
    } else {
        with_core(|core| core.forget(&nodes));
    }
}

/// Frees what is despawned. The scene may be ahead of the session: what another proposal has hung below the root stays, and
/// what it has taken from there goes.
fn free(mut root: Gd<Node>, nodes: &[NodeId]) {
    let (strangers, elsewhere) = with_core(|core| {
        let elsewhere: Vec<_> = nodes
            .iter()
            .filter_map(|id| core.directory.root(*id))
            .filter(|other| *other != root && !root.is_ancestor_of(other))
            .collect();
        let is_below = |id: &NodeId| {
            core.directory
                .root(*id)
                .is_some_and(|other| root.is_ancestor_of(&other))
        };
        let strangers: Vec<_> = core
            .entries
            .keys()
            .copied()
            .filter(|id| !nodes.contains(id) && is_below(id))
            .collect();
        core.forget(nodes);
        (strangers, elsewhere)
    });
    for id in strangers {
        place::follow_parent(id);
    }
    for mut other in elsewhere {
        if other.is_instance_valid() {
            other.queue_free();
        }
    }
    if root.is_instance_valid() {
        root.queue_free();
    }
}

pub(super) fn reparent(id: NodeId, parent: ParentRef) {
    let is_overtaken = with_core(|core| {
        if let Some(entry) = core.entries.get_mut(&id) {
            entry.spawned.spawn.parent = parent;
        }
        // This player's own newer reparenting stays shown until it is decided.
        core.is_reparent_pending(id)
    });
    if !is_overtaken && !place::follow_parent(id) {
        // It waits for its parent as a node that is new to the scene does.
        with_core(|core| core.unbind(id));
    }
}

/// Shows a confirmed property, and tells whoever listens. Gives what is still to be kept.
pub(super) fn show(confirmed: &Confirmed) -> Option<Echo> {
    let Confirmed { at, heard, shown } = confirmed;
    let echo = shown
        .as_ref()
        .map(|(target, value)| Echo::of(*at, target, value));
    let Some(node) = heard.as_ref().filter(|node| node.is_instance_valid()) else {
        return echo;
    };
    let path = with_core(|core| {
        echo.into_iter().for_each(|echo| core.echoed(echo));
        core.property_path(*at).map(GString::from)
    });
    if let Some(path) = path {
        node.signals().property_confirmed().emit(&path);
    }
    None
}

pub(super) fn change_owner(id: NodeId, from: PlayerId, to: PlayerId) {
    let shown = with_core(|core| {
        if let Some(entry) = core.entries.get_mut(&id) {
            entry.spawned.spawn.owner = to;
        }
        core.take_owner(id, to)
    });
    if to == PlayerId::SERVER {
        // Nobody will confirm what was streamed since: what is confirmed is what everybody can agree on.
        restore_live(id);
    } else {
        shown
            .into_iter()
            .for_each(|(target, value)| target.set(&value));
    }
    if let Some(node) = with_core(|core| core.synced_node(id)) {
        node.signals()
            .ownership_changed()
            .emit(i64::from(from.0), i64::from(to.0));
    }
}

/// The live properties of a node go back to what is confirmed.
pub(super) fn restore_live(id: NodeId) {
    let restored = with_core(|core| core.live_confirmed(id));
    restored
        .into_iter()
        .for_each(|(target, value)| target.set(&value));
}

pub(super) fn call(called: &Called) {
    let found = with_core(|core| {
        let root = core.directory.root(called.node)?;
        Some((
            root,
            called
                .arguments
                .iter()
                .map(|value| variant::to_variant(value, &core.directory))
                .collect::<VarArray>(),
        ))
    });
    let Some((mut root, arguments)) = found else {
        return;
    };
    if !is_callable(&root, &called.method) {
        report::error(
            &root,
            &format!(
                "call_synced(\"{}\") by {}: the root's script has no such public method",
                called.method, called.caller
            ),
        );
        return;
    }
    root.callv(&called.method, &arguments);
}

/// The session tells of a node that this player has proposed itself: take over what is different.
fn refresh(spawned: Spawned) {
    let id = spawned.spawn.node;
    let (from, to) = with_core(|core| {
        let Some(entry) = core.entries.get_mut(&id) else {
            return (PlayerId::SERVER, PlayerId::SERVER);
        };
        entry.is_confirmed = true;
        (entry.spawned.spawn.owner, spawned.spawn.owner)
    });
    reparent(id, spawned.spawn.parent);
    for (place, (spec, version)) in spawned
        .spawn
        .properties
        .into_iter()
        .zip(spawned.versions)
        .enumerate()
    {
        if let Ok(place) = u8::try_from(place) {
            show_property(id, PropertyId(place), spec.value, version);
        }
    }
    if from != to {
        change_owner(id, from, to);
    }
}

fn show_property(id: NodeId, property: PropertyId, value: Value, version: LogIndex) {
    let at = Place { node: id, property };
    if let Some((target, variant)) = with_core(|core| core.committed(at, value, version)) {
        let echo = Echo::of(at, &target, &variant);
        with_core(|core| core.echoed(echo));
    }
}

/// Only what the game's own script offers: a remote call must not reach `queue_free` or `set_script`.
fn is_callable(root: &Gd<Node>, method: &str) -> bool {
    if method.starts_with('_') {
        return false;
    }
    let mut script = root.get_script();
    while let Some(current) = script {
        let methods = current.get_script_method_list();
        let wanted = GString::from(method).to_variant();
        if methods
            .iter_shared()
            .any(|entry| entry.get("name") == Some(wanted.clone()))
        {
            return true;
        }
        script = current.get_base_script();
    }
    false
}
