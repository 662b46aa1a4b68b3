//! The end of a session, as the scene sees it.

use godot::prelude::*;
use synced_protocol::mutation::Origin;

use crate::{
    classes::with_core,
    core::{Core, State},
};

/// Forgets the session: what others spawned goes, what the scene itself holds stays and belongs to this game alone.
pub(crate) fn leave_scene() {
    let (roots, locals) = with_core(forget_session);
    for mut root in roots {
        if root.is_instance_valid() {
            root.queue_free();
        }
    }
    with_core(|core| {
        for id in locals {
            if let Some(local) = core.locals.get(&id) {
                local.apply_authority(core.me);
            }
        }
    });
}

type Spawned = Vec<Gd<godot::classes::Node>>;

fn forget_session(core: &mut Core) -> (Spawned, Vec<synced_protocol::id::NodeId>) {
    let spawned = core
        .entries
        .iter()
        .filter(|(_, entry)| matches!(entry.spawned.spawn.origin, Origin::Scene { .. }));
    let roots = spawned
        .filter_map(|(id, _)| core.directory.root(*id))
        .collect();
    for local in core.locals.values_mut() {
        local.bound = None;
        if let Some(tracker) = &mut local.tracker {
            tracker.stop();
        }
    }
    core.state = State::Offline;
    core.retired.retain(|link| !link.is_finished());
    if let Some(link) = core.link.take() {
        link.stop();
        core.retired.push(link);
    }
    core.players.clear();
    core.entries.clear();
    core.unplaced.clear();
    core.pending.clear();
    core.reported.clear();
    core.reported_orphans.clear();
    core.last_spawn_counter = 0;
    core.me = synced_protocol::id::PlayerId::SERVER;
    core.unbound = core.locals.keys().copied().collect();
    core.generation += 1;
    (roots, core.locals.keys().copied().collect())
}
