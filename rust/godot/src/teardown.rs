//! The end of a session, as the scene sees it.

use godot::{classes::Node, prelude::*};
use synced_protocol::{
    id::{ClientSeq, PlayerId},
    mutation::Origin,
};

use crate::{
    classes::with_core,
    core::{Core, Servers, State},
    timeline::Timelines,
};

/// Forgets the session: what was spawned in it goes, what the scene itself holds stays and belongs to this game alone. Returns
/// the proposals that will not be decided any more.
pub(crate) fn leave_scene() -> Vec<ClientSeq> {
    let undecided = with_core(Core::take_undecided);
    let roots = with_core(forget_session);
    for mut root in roots {
        if root.is_instance_valid() {
            root.queue_free();
        }
    }
    undecided
}

fn forget_session(core: &mut Core) -> Vec<Gd<Node>> {
    let spawned = core
        .entries
        .iter()
        .filter(|(_, entry)| matches!(entry.spawned.spawn.origin, Origin::Scene { .. }));
    let roots = spawned
        .filter_map(|(id, _)| core.directory.root(*id))
        .collect();
    for local in core.locals.values_mut() {
        local.bound = None;
        local.apply_authority(PlayerId::SERVER);
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
    core.servers = Servers::default();
    core.entries.clear();
    core.unplaced.clear();
    core.reported.clear();
    core.reported_orphans.clear();
    core.timelines = Timelines::default();
    core.last_spawn_counter = 0;
    core.dangling.clear();
    core.reshown.clear();
    core.me = PlayerId::SERVER;
    core.unbound = core.locals.keys().copied().collect();
    core.generation += 1;
    roots
}
