//! Applying what the session tells, once a frame, on the main thread.

use godot::prelude::*;
use synced_client::update::{Called, CommitEnd, EndReason, Joined, Spawned, Update};
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    message::PlayerEntry,
    mutation::{Origin, ParentRef, Rejection},
    time::Micros,
    value::Value,
};
use synced_transport::clock;

use crate::{
    binding,
    classes::{SyncedSession, with_core},
    core::{Entry, State, Touch},
    local::PropertyState,
    place, report, teardown, variant,
};

/// Between two looks at the clock, this many updates are applied.
const UPDATES_A_LOOK: u32 = 16;

/// Applies updates until there are no more or the budget is used up, but never a part of a commit.
pub(crate) fn run(session: &Gd<SyncedSession>, budget: Micros) {
    let begun = clock::now();
    let mut applied = 0;
    let mut within_commit = false;
    while let Some(update) = with_core(|core| {
        core.handle()
            .and_then(synced_client::bridge::Handle::next_update)
    }) {
        within_commit = is_within_commit(&update, within_commit);
        one(session, update);
        applied += 1;
        if !within_commit && applied % UPDATES_A_LOOK == 0 && clock::now() - begun > budget {
            with_core(|core| core.frame_stats.budget_exceeded());
            break;
        }
    }
    with_core(|core| core.frame_stats.applied(applied));
}

const fn is_within_commit(update: &Update, was: bool) -> bool {
    match update {
        Update::CommitEnd(_)
        | Update::Joined(_)
        | Update::Ended(_)
        | Update::Rejected { .. }
        | Update::Settled { .. } => false,
        Update::Spawned(_)
        | Update::Despawned { .. }
        | Update::Reparented { .. }
        | Update::PropertySet { .. }
        | Update::OwnerChanged { .. }
        | Update::Called(_)
        | Update::PlayerJoined(_)
        | Update::PlayerLeft(_) => true,
        _ => was,
    }
}

fn one(session: &Gd<SyncedSession>, update: Update) {
    match update {
        Update::Joined(joined) => join(session, &joined),
        Update::Reconnecting { attempt, reason } => {
            reconnecting(session, attempt, &reason.to_string())
        }
        Update::Ended(reason) => ended(session, &reason),
        Update::Clock(estimate) => with_core(|core| core.clock = estimate),
        Update::Spawned(spawned) => spawn(*spawned),
        Update::Despawned { node } => despawn(node),
        Update::Reparented { node, parent } => reparent(node, *parent),
        Update::PropertySet {
            node,
            property,
            value,
            version,
        } => set_property(node, property, value, version),
        Update::OwnerChanged { node, from, to } => change_owner(node, from, to),
        Update::Called(called) => call(&called),
        Update::PlayerJoined(player) => player_joined(session, player),
        Update::PlayerLeft(player) => player_left(session, player),
        Update::CommitEnd(end) => commit_end(session, &end),
        Update::Rejected { seq, reason } => rejected(session, seq, reason),
        Update::Settled { seq } => settled(seq),
        Update::LiveValue {
            node,
            property,
            stamp,
            value,
        } => live_value(node, property, stamp, value),
        Update::Input { node, frame } => with_core(|core| {
            if let Some(tracker) = core
                .locals
                .get_mut(&node)
                .and_then(|local| local.tracker.as_mut())
            {
                tracker.received(frame);
            }
        }),
        Update::Stats(stats) => with_core(|core| core.client_stats = Some(stats)),
    }
}

fn join(session: &Gd<SyncedSession>, joined: &Joined) {
    with_core(|core| {
        core.state = State::Joined;
        core.me = joined.player;
        core.log_index = joined.log_index;
        core.last_spawn_counter = core.last_spawn_counter.max(joined.last_spawn_counter);
        core.unbound.extend(
            core.locals
                .iter()
                .filter(|(_, local)| local.bound.is_none())
                .map(|(id, _)| *id),
        );
    });
    binding::run();
    if joined.resumed {
        session.signals().session_resumed().emit();
    } else {
        session
            .signals()
            .session_joined()
            .emit(i64::from(joined.player.0));
    }
}

fn reconnecting(session: &Gd<SyncedSession>, attempt: u32, reason: &str) {
    let was_joined = with_core(|core| {
        let was = core.state;
        if was == State::Joined {
            core.state = State::Reconnecting;
        }
        was == State::Joined
    });
    if was_joined {
        session
            .signals()
            .session_lost()
            .emit(&GString::from(reason));
    } else {
        godot_print!("SyncedSession: try {attempt} failed, trying again: {reason}");
    }
}

fn ended(session: &Gd<SyncedSession>, reason: &EndReason) {
    let was = with_core(|core| core.state);
    teardown::leave_scene();
    match (reason, was) {
        (EndReason::Left, _) => session.signals().session_left().emit(),
        (reason, State::Connecting | State::Offline | State::Joined | State::Reconnecting) => {
            session
                .signals()
                .session_failed()
                .emit(&GString::from(&describe(reason)));
        }
    }
}

fn describe(reason: &EndReason) -> String {
    match reason {
        EndReason::Left => "the player left".to_owned(),
        EndReason::Refused(refusal) => format!("refused: {refusal}"),
        EndReason::Closed(reason) => reason.to_string(),
        EndReason::Expired => {
            "the session could not be resumed: this player was away too long".to_owned()
        }
    }
}

fn spawn(spawned: Spawned) {
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
    binding::run();
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

fn despawn(top: NodeId) {
    let nodes = with_core(|core| core.subtree(top));
    for id in nodes.iter().rev() {
        let node = with_core(|core| {
            core.locals
                .get(id)
                .filter(|local| local.is_alive())
                .map(|local| local.node.clone())
        });
        if let Some(node) = node {
            node.signals().despawned().emit();
        }
    }
    let root = with_core(|core| core.directory.root(top));
    let spawner = with_core(|core| core.forget(&nodes));
    let Some(mut root) = root.filter(|root| root.is_instance_valid()) else {
        return;
    };
    if let Some(spawner) = spawner.filter(|spawner| spawner.is_instance_valid()) {
        spawner.signals().despawned().emit(&root);
    }
    root.queue_free();
}

fn reparent(id: NodeId, parent: ParentRef) {
    with_core(|core| {
        if let Some(entry) = core.entries.get_mut(&id) {
            entry.spawned.spawn.parent = parent;
        }
    });
    if !place::follow_parent(id) {
        // It waits for its parent as a node that is new to the scene does.
        with_core(|core| core.unbind(id));
    }
}

fn set_property(id: NodeId, property: PropertyId, value: Value, version: LogIndex) {
    show_property(id, property, value, version);
    let node = with_core(|core| {
        let local = core.locals.get(&id).filter(|local| local.is_alive())?;
        let (path, _) = local.config.properties.get(usize::from(property.0))?;
        Some((local.node.clone(), GString::from(path)))
    });
    if let Some((node, path)) = node {
        node.signals().property_confirmed().emit(&path);
    }
}

fn show_property(id: NodeId, property: PropertyId, value: Value, version: LogIndex) {
    let shown = with_core(|core| core.committed(id, property, value, version));
    if let Some((mut target, variant)) = shown
        && target.is_valid()
    {
        target.set(&variant);
    }
}

fn change_owner(id: NodeId, from: PlayerId, to: PlayerId) {
    let node = with_core(|core| {
        if let Some(entry) = core.entries.get_mut(&id) {
            entry.spawned.spawn.owner = to;
        }
        core.take_owner(id, to)
    });
    if from == with_core(|core| core.me) {
        // What moved here after the last confirmed value moved for nobody else.
        restore_live(id);
    }
    if let Some(node) = node {
        node.signals()
            .ownership_changed()
            .emit(i64::from(from.0), i64::from(to.0));
    }
}

fn call(called: &Called) {
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

/// Only what the game's own script offers: a remote call must not reach `queue_free` or `set_script`.
fn is_callable(root: &Gd<godot::classes::Node>, method: &str) -> bool {
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

fn player_joined(session: &Gd<SyncedSession>, player: PlayerEntry) {
    let name = GString::from(&player.name);
    let is_new = with_core(|core| core.players.insert(player.player, player.name).is_none());
    if is_new {
        session
            .signals()
            .player_joined()
            .emit(i64::from(player.player.0), &name);
    }
}

fn player_left(session: &Gd<SyncedSession>, player: PlayerId) {
    with_core(|core| _ = core.players.remove(&player));
    session.signals().player_left().emit(i64::from(player.0));
}

fn commit_end(session: &Gd<SyncedSession>, end: &CommitEnd) {
    with_core(|core| {
        core.log_index = end.log_index;
        core.frame_stats
            .commit_applied(clock::now() - end.received_at);
    });
    let Some(seq) = end.own else { return };
    let touches = with_core(|core| core.decided(seq));
    for touch in touches {
        if let Touch::Property(node, property) = touch {
            with_core(|core| core.own_write_confirmed(node, property, seq));
        }
    }
    session
        .signals()
        .mutation_confirmed()
        .emit(seq.0.cast_signed());
}

fn rejected(session: &Gd<SyncedSession>, seq: ClientSeq, reason: Rejection) {
    let touches = with_core(|core| core.decided(seq));
    // Another player was first to declare what every scene holds: nothing that a game would care for.
    if let [Touch::Declare(node)] = touches.as_slice() {
        declare_rejected(*node, reason);
        return;
    }
    let (code, message) = (
        GString::from(reason.code()),
        GString::from(&reason.to_string()),
    );
    let mut told = Vec::new();
    for touch in touches {
        let node = with_core(|core| {
            core.locals
                .get(&touch.node())
                .map(|local| local.node.clone())
        });
        take_back(&touch, seq);
        if let Some(node) = node.filter(|node| node.is_instance_valid() && !told.contains(node)) {
            node.signals().write_rejected().emit(&code, &message);
            told.push(node);
        }
    }
    session
        .signals()
        .mutation_rejected()
        .emit(seq.0.cast_signed(), &code, &message);
}

/// Nobody knows how the proposal was decided, but what came of it has been told: show that.
fn settled(seq: ClientSeq) {
    for touch in with_core(|core| core.decided(seq)) {
        let is_confirmed = with_core(|core| {
            core.entries
                .get(&touch.node())
                .is_some_and(|entry| entry.is_confirmed)
        });
        let is_granted = with_core(|core| {
            core.entries
                .get(&touch.node())
                .is_some_and(|entry| entry.spawned.spawn.owner == core.me)
        });
        match touch {
            Touch::Spawn(_) | Touch::Declare(_) if is_confirmed => {}
            Touch::Ownership(_) if is_granted => {}
            touch => take_back(&touch, seq),
        }
    }
}

fn declare_rejected(node: NodeId, reason: Rejection) {
    match reason {
        Rejection::NodeExists(_) => {}
        // It was despawned before this player came.
        Rejection::NodeDespawned(_) => despawn(node),
        reason => with_core(|core| {
            core.entries.remove(&node);
            if let Some(local) = core.locals.get_mut(&node) {
                local.bound = None;
            }
            core.unbound.insert(node);
            report::error_at(
                &core.locals,
                node,
                &format!("the session does not take the node: {reason}"),
            );
        }),
    }
}

/// Shows again what was before a proposal that was rejected.
fn take_back(touch: &Touch, seq: ClientSeq) {
    match *touch {
        Touch::Property(node, property) | Touch::Settle(node, property) => {
            if let Some((mut target, value)) =
                with_core(|core| core.write_rejected(node, property, seq))
                && target.is_valid()
            {
                target.set(&value);
            }
        }
        Touch::Spawn(node) | Touch::Declare(node) => despawn(node),
        Touch::Reparent(node) => _ = place::follow_parent(node),
        Touch::Ownership(node) => ownership_denied(node),
        Touch::Despawn(node) => {
            if !with_core(|core| core.locals.contains_key(&node))
                && with_core(|core| core.entries.contains_key(&node))
            {
                place::place(node);
                binding::run();
            }
        }
        Touch::Call(_) => {}
    }
}

fn ownership_denied(id: NodeId) {
    let denied = with_core(|core| {
        let me = core.me;
        let owner = core.entries.get(&id)?.spawned.spawn.owner;
        let local = core.locals.get(&id).filter(|local| local.is_alive())?;
        local.apply_authority(me);
        Some((local.node.clone(), owner))
    });
    let Some((node, owner)) = denied else { return };
    restore_live(id);
    node.signals().ownership_denied().emit(i64::from(owner.0));
}

/// A node that was moved in the hope of owning it goes back to where the session has it.
fn restore_live(id: NodeId) {
    let restored = with_core(|core| core.live_confirmed(id));
    for (mut target, value) in restored {
        if target.is_valid() {
            target.set(&value);
        }
    }
}

fn live_value(id: NodeId, property: PropertyId, stamp: Micros, value: Value) {
    with_core(|core| {
        let me = core.me;
        let Some(local) = core.locals.get_mut(&id) else {
            return;
        };
        if local.is_held_by(me) {
            return;
        }
        let property = local
            .bound
            .as_mut()
            .and_then(|bound| bound.properties.get_mut(usize::from(property.0)));
        if let Some(PropertyState::Live(live)) = property.map(|property| &mut property.state) {
            live.received(stamp, value);
        }
    });
}
