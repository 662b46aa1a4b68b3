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
    decisions::{Confirmed, Echo},
    local::Place,
};

/// After so many updates that take next to no time the clock is looked at.
const UPDATES_A_LOOK: u32 = 16;

/// Applies updates until there are no more or the budget is used up, but never a part of a commit. Returns how many.
pub(crate) fn run(session: &Gd<SyncedSession>, budget: Micros) -> u64 {
    let mut pass = Pass::begin(clock::now(), budget);
    // As `with_core` does it, without looking for the session each time.
    let mut this = session.clone();
    loop {
        let Some(loud) = pass.next(&mut this.bind_mut().core) else {
            break;
        };
        match loud {
            Loud::Confirmed(confirmed) => pass.echo = nodes::show(&confirmed),
            Loud::Update(update) => one(session, update),
        }
    }
    if with_core(|core| core.is_cut_off()) {
        session::cut_off(session);
    }
    pass.applied
}

/// One frame's applying.
#[derive(Debug)]
struct Pass {
    now: Micros,
    deadline: Micros,
    applied: u64,
    /// Updates since the clock was looked at.
    unlooked: u32,
    within_commit: bool,
    /// The name of the signal that tells of a confirmed property.
    signal: StringName,
    /// What the scene made of the value that was set last; kept with the next update.
    echo: Option<Echo>,
}

/// What may run a script, and is done with nothing borrowed.
#[derive(Debug)]
enum Loud {
    /// What comes most: a property that was confirmed, and taken in already.
    Confirmed(Confirmed),
    Update(Update),
}

impl Pass {
    fn begin(now: Micros, budget: Micros) -> Self {
        Self {
            now,
            deadline: now + budget,
            applied: 0,
            unlooked: 0,
            within_commit: false,
            signal: StringName::from("property_confirmed"),
            echo: None,
        }
    }

    /// Takes in quiet updates up to the next loud one, which is the caller's to apply. `None` ends the frame's applying.
    fn next(&mut self, core: &mut Core) -> Option<Loud> {
        if let Some(echo) = self.echo.take() {
            core.echoed(echo);
        }
        loop {
            if self.is_over(core) {
                return None;
            }
            let update = core.handle()?.next_update()?;
            self.count(&update);
            let loud = match quiet::take(core, update, self.now) {
                None => continue,
                Some(Update::PropertySet {
                    node,
                    property,
                    value,
                    version,
                }) => {
                    let at = Place { node, property };
                    Loud::Confirmed(core.confirmed(at, value, version, &self.signal))
                }
                Some(update) => {
                    // It takes as long as the game likes.
                    self.unlooked = UPDATES_A_LOOK;
                    Loud::Update(update)
                }
            };
            return Some(loud);
        }
    }

    fn count(&mut self, update: &Update) {
        self.applied += 1;
        self.unlooked += 1;
        self.within_commit = update.is_part_of_commit();
        if matches!(update, Update::CommitEnd(_)) {
            self.look();
        }
    }

    fn is_over(&mut self, core: &mut Core) -> bool {
        if self.applied == 0 || self.within_commit {
            return false;
        }
        if self.unlooked >= UPDATES_A_LOOK {
            self.look();
        }
        let is_over = self.now > self.deadline;
        if is_over {
            core.frame_stats.budget_exceeded();
        }
        is_over
    }

    fn look(&mut self) {
        self.now = clock::now();
        self.unlooked = 0;
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
        | Update::LiveValue { .. }
        | Update::PropertySet { .. } => {}
    }
}
