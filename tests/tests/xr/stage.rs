//! What every test here begins with.

use std::path::PathBuf;

use synced_tests::{
    Outcome,
    feeder::{Feeder, Motions},
    folder,
    godot::Godot,
    monado::{Monado, Runtime},
    player::Player,
};

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
        let Some(runtime) = Runtime::find()? else {
            return Ok(None);
        };
        let folder = folder::fresh(name)?;
        let monado = runtime.start(&folder)?;
        let feeder = monado.feed(motions)?;
        Ok(Some(Self {
            folder,
            godot: Godot::find()?,
            monado,
            feeder,
        }))
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
