//! What every test here begins with.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use synced_tests::{
    Failure, Outcome,
    feeder::{Feeder, Motions, RATE_HZ},
    folder,
    godot::Godot,
    monado::{Monado, Runtime, onlooker},
    player::Player,
};

/// Whether head and hands are sampled on the OpenXR session.
pub(crate) const IS_CAPTURING: &str = "SyncedSession.get_stats().capture.source == \"openxr\" \
     and SyncedSession.get_stats().capture.trackers.size() == 3";

/// A runtime whose hands move.
pub(crate) struct Stage {
    pub(crate) folder: PathBuf,
    pub(crate) godot: Godot,
    pub(crate) monado: Monado,
    pub(crate) feeder: Feeder,
}

impl Stage {
    /// Starts a runtime for a test of this name. `None` on a machine that cannot have it.
    pub(crate) fn begin(name: &str, motions: Motions) -> Outcome<Option<Self>> {
        Self::begin_at(name, motions, RATE_HZ)
    }

    /// As [`begin`](Self::begin), with so many poses a second.
    pub(crate) fn begin_at(name: &str, motions: Motions, rate_hz: u32) -> Outcome<Option<Self>> {
        let Some(runtime) = Runtime::find()? else {
            return Ok(None);
        };
        let folder = folder::fresh(name)?;
        let monado = runtime.start(&folder)?;
        let feeder = monado.feed(motions, rate_hz)?;
        Ok(Some(Self {
            folder,
            godot: Godot::find()?,
            monado,
            feeder,
        }))
    }

    /// Starts a player who hosts a session and whose head and hands are sampled in it.
    pub(crate) fn host(&self, name: &str) -> Outcome<Player> {
        let mut player = self.player(name)?;
        let is_hosting: bool = player.get("SyncedSession.host({port = 0}) == OK")?;
        assert!(is_hosting, "{name} cannot host");
        player.until("SyncedSession.is_joined()")?;
        player.run("for node in synced_nodes(): node.request_ownership()")?;
        player.until(IS_CAPTURING)?;
        Ok(player)
    }

    /// Starts a player without a headset who joins another's session and sees the same head and hands.
    pub(crate) fn onlooker(&self, name: &str, host: &mut Player) -> Outcome<Player> {
        let invite: String = host.get("SyncedSession.get_invite_url()")?;
        let mut player = onlooker(&self.godot, name, &self.folder)?.ready()?;
        player.run("open(\"body\")")?;
        player.run(&format!("SyncedSession.connect_to_server({invite:?})"))?;
        player.until("SyncedSession.is_joined()")?;
        Ok(player)
    }

    /// Starts a player with a headset who has head and hands in the scene, and waits until they are tracked.
    pub(crate) fn player(&self, name: &str) -> Outcome<Player> {
        let mut player = self
            .monado
            .player(&self.godot, name, &self.folder)?
            .ready()?;
        player.run("open(\"body\")")?;
        player.until("player.get_viewport().use_xr")?;
        player.until("[\"left_hand\", \"right_hand\", \"head\"].all(func(name): return XRServer.get_tracker(name) != null)")?;
        Ok(player)
    }
}

/// Past the test harness, which would keep what a test prints for itself.
pub(crate) fn say(text: &str) -> Outcome {
    writeln!(io::stderr(), "{text}").map_err(Failure::of("standard error"))
}
