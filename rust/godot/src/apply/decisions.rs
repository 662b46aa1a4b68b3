//! How this player's own proposals were decided.

use godot::prelude::*;
use synced_client::update::CommitEnd;
use synced_protocol::{
    id::{ClientSeq, NodeId},
    mutation::Rejection,
};

use super::nodes::{despawn, restore_live};
use crate::{
    binding::{self, Moment},
    classes::{SyncedSession, with_core},
    decisions::Echo,
    local::Place,
    pending::Touch,
    place, report,
};

pub(super) fn commit_end(session: &Gd<SyncedSession>, end: &CommitEnd) {
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

pub(super) fn rejected(session: &Gd<SyncedSession>, seq: ClientSeq, reason: Rejection) {
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
    let mut touched: Vec<_> = touches.iter().map(Touch::node).collect();
    touched.dedup();
    for touch in &touches {
        take_back(touch, seq);
    }
    for id in touched {
        if let Some(node) = with_core(|core| core.synced_node(id)) {
            node.signals().write_rejected().emit(&code, &message);
        }
    }
    session
        .signals()
        .mutation_rejected()
        .emit(seq.0.cast_signed(), &code, &message);
}

/// Nobody knows how the proposal was decided, but what came of it has been told: show that.
pub(super) fn settled(session: &Gd<SyncedSession>, seq: ClientSeq) {
    for touch in with_core(|core| core.decided(seq)) {
        let (is_confirmed, is_granted) = with_core(|core| match core.entries.get(&touch.node()) {
            Some(entry) => (entry.is_confirmed, core.is_mine(entry.spawned.spawn.owner)),
            None => (false, false),
        });
        match touch {
            Touch::Spawn(_) | Touch::Declare(_) if is_confirmed => {}
            Touch::Ownership(_) if is_granted => {}
            touch => take_back(&touch, seq),
        }
    }
    session.signals().mutation_rejected().emit(
        seq.0.cast_signed(),
        "unknown",
        "it was decided while the connection was lost, and nobody can say how: look at what is there",
    );
}

fn declare_rejected(node: NodeId, reason: Rejection) {
    match reason {
        Rejection::NodeExists(_) => {}
        // It was despawned before this player came.
        Rejection::NodeDespawned(_) => despawn(node),
        // It is not declared again before the next session: it would be refused again.
        reason => {
            with_core(|core| core.forget(&[node]));
            report::error_at(
                node,
                &format!("the session does not take the node: {reason}"),
            );
        }
    }
}

/// Shows again what was before a proposal that was rejected.
fn take_back(touch: &Touch, seq: ClientSeq) {
    match *touch {
        Touch::Property(node, property) | Touch::Settle(node, property) => {
            if let Some((target, value)) =
                with_core(|core| core.write_rejected(node, property, seq))
            {
                let echo = Echo::of(Place { node, property }, &target, &value);
                with_core(|core| core.echoed(echo));
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
                binding::one(node, Moment::WithinCommit);
            }
        }
        Touch::Call(_) | Touch::GiveAway(_) => {}
    }
}

fn ownership_denied(id: NodeId) {
    let owner = with_core(|core| {
        let me = core.me;
        let owner = core.entries.get(&id)?.spawned.spawn.owner;
        core.locals.get_mut(&id)?.apply_authority(me);
        Some(owner)
    });
    restore_live(id);
    let node = with_core(|core| core.synced_node(id));
    if let (Some(node), Some(owner)) = (node, owner) {
        node.signals().ownership_denied().emit(i64::from(owner.0));
    }
}
