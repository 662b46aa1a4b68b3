//! Applying what the session tells, once a frame, on the main thread.

mod decisions;
mod nodes;
mod quiet;
mod session;

use godot::prelude::*;
use synced_client::update::Update;
use synced_protocol::time::Micros;
use synced_transport::clock;

use crate::{
    classes::{SyncedSession, with_core},
    core::Core,
};

/// Applies updates until there are no more or the budget is used up, but never a part of a commit. Returns how many.
pub(crate) fn run(session: &Gd<SyncedSession>, budget: Micros) -> u64 {
    let mut pass = Pass {
        deadline: clock::now() + budget,
        applied: 0,
        within_commit: false,
    };
    while let Some(update) = with_core(|core| pass.next(core)) {
        one(session, update);
    }
    if with_core(|core| core.is_cut_off()) {
        session::cut_off(session);
    }
    pass.applied
}

/// One frame's applying.
#[derive(Debug)]
struct Pass {
    deadline: Micros,
    applied: u64,
    within_commit: bool,
}

impl Pass {
    /// Takes in quiet updates up to the next loud one, which is the caller's to apply. `None` ends the frame's applying.
    fn next(&mut self, core: &mut Core) -> Option<Update> {
        loop {
            if self.is_over(core) {
                return None;
            }
            let update = core.handle()?.next_update()?;
            self.applied += 1;
            self.within_commit = update.is_part_of_commit();
            if let Some(loud) = quiet::take(core, update) {
                return Some(loud);
            }
        }
    }

    fn is_over(&self, core: &mut Core) -> bool {
        let is_over = self.applied > 0 && !self.within_commit && clock::now() > self.deadline;
        if is_over {
            core.frame_stats.budget_exceeded();
        }
        is_over
    }
}

fn one(session: &Gd<SyncedSession>, update: Update) {
    match update {
        Update::Welcomed(player) => with_core(|core| core.me = player),
        Update::Joined(joined) => session::join(session, &joined),
        Update::LeaderChanged { server, term } => session::leader_changed(session, server, term),
        Update::Reconnecting { attempt, reason } => {
            session::reconnecting(session, attempt, &reason.to_string());
        }
        Update::Ended(reason) => session::ended(session, &reason),
        Update::PlayerJoined(player) => session::player_joined(session, player),
        Update::PlayerLeft(player) => session::player_left(session, player),
        Update::Spawned(spawned) => nodes::spawn(*spawned),
        Update::Despawned { node } => nodes::despawn(node),
        Update::Reparented { node, parent } => nodes::reparent(node, *parent),
        Update::PropertySet {
            node,
            property,
            value,
            version,
        } => nodes::set_property(node, property, value, version),
        Update::OwnerChanged { node, from, to } => nodes::change_owner(node, from, to),
        Update::Called(called) => nodes::call(&called),
        Update::CommitEnd(end) => decisions::commit_end(session, &end),
        Update::Rejected { seq, reason } => decisions::rejected(session, seq, reason),
        Update::Settled { seq } => decisions::settled(session, seq),
        // Taken in before.
        Update::Clock(_)
        | Update::Servers(_)
        | Update::Stats(_)
        | Update::Input { .. }
        | Update::Aim { .. }
        | Update::Joints { .. }
        | Update::PlayoutDelay { .. }
        | Update::LiveValue { .. } => {}
    }
}
