//! The session's own life, as the game is told of it.

use godot::prelude::*;
use synced_client::update::{EndReason, Joined};
use synced_protocol::{
    id::{PlayerId, ServerId, Term},
    link::CloseReason,
    message::PlayerEntry,
};

use crate::{
    binding::{self, Moment},
    classes::{SyncedSession, with_core},
    core::State,
    teardown,
};

pub(super) fn join(session: &Gd<SyncedSession>, joined: &Joined) {
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
    with_core(|core| {
        let me = core.me;
        core.locals
            .values_mut()
            .for_each(|local| local.apply_authority(me));
    });
    binding::run(Moment::BetweenCommits);
    if joined.resumed {
        session.signals().session_resumed().emit();
    } else {
        session
            .signals()
            .session_joined()
            .emit(i64::from(joined.player.0));
    }
}

/// The first leader is part of the join: only those after it are signalled.
pub(super) fn leader_changed(session: &Gd<SyncedSession>, server: ServerId, term: Term) {
    let is_joined = with_core(|core| {
        core.servers.leader = server;
        core.servers.term = term;
        core.is_joined()
    });
    if is_joined {
        session
            .signals()
            .leader_changed()
            .emit(i64::from(server.0), term.0.cast_signed());
    }
}

pub(super) fn reconnecting(session: &Gd<SyncedSession>, attempt: u32, reason: &str) {
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

pub(super) fn ended(session: &Gd<SyncedSession>, reason: &EndReason) {
    for seq in teardown::leave_scene() {
        session.signals().mutation_rejected().emit(
            seq.0.cast_signed(),
            "session_ended",
            "the session ended before it was decided",
        );
    }
    match reason {
        EndReason::Left => session.signals().session_left().emit(),
        reason => session
            .signals()
            .session_failed()
            .emit(&GString::from(&describe(reason))),
    }
}

/// The network's thread is gone without a word.
pub(super) fn cut_off(session: &Gd<SyncedSession>) {
    let reason = CloseReason::Broken("the network thread has stopped".to_owned());
    ended(session, &EndReason::Closed(reason));
}

pub(super) fn player_joined(session: &Gd<SyncedSession>, player: PlayerEntry) {
    let name = GString::from(&player.name);
    let is_new = with_core(|core| core.players.insert(player.player, player.name).is_none());
    if is_new {
        session
            .signals()
            .player_joined()
            .emit(i64::from(player.player.0), &name);
    }
}

pub(super) fn player_left(session: &Gd<SyncedSession>, player: PlayerId) {
    with_core(|core| {
        core.players.remove(&player);
        core.timelines.forget(player);
    });
    session.signals().player_left().emit(i64::from(player.0));
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
