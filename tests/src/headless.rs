//! A player without an engine: the addon's own client and transport, driven by a test.

use std::{
    thread,
    time::{Duration, Instant},
};

use synced_bench::{BenchError, Player};
use synced_client::{BridgedSession, SessionConfig, update::Update};
use synced_protocol::{
    id::{ClientSeq, NodeId, PlayerId, PropertyId},
    message::Game,
    mutation::Transaction,
    value::Value,
};
use synced_transport::{ClientThread, ServerAddress, clock};

use crate::{Failure, Outcome};

/// How often a wait looks again.
const POLL: Duration = Duration::from_micros(200);

/// A player whose network runs in another thread, as in a game. It leaves when dropped.
pub struct HeadlessPlayer {
    name: String,
    network: Player,
    player: PlayerId,
}

impl HeadlessPlayer {
    /// Connects and waits until the session is up.
    ///
    /// # Errors
    /// When the address is none, or the session does not come up.
    pub fn join(url: &str, config: SessionConfig) -> Outcome<Self> {
        Self::join_telling(url, config, drop)
    }

    /// As [`join`](Self::join), telling what the game would be told before the session is up: the world as it is then.
    ///
    /// # Errors
    /// As there.
    pub fn join_telling(
        url: &str,
        config: SessionConfig,
        tell: impl FnMut(Update),
    ) -> Outcome<Self> {
        Self::join_by(url, config, tell, Player::begin)
    }

    /// As [`join`](Self::join), in a thread that many players share.
    ///
    /// # Errors
    /// As there.
    pub fn join_in(thread: &ClientThread, url: &str, config: SessionConfig) -> Outcome<Self> {
        let begin = |address: &ServerAddress, config| Player::begin_in(thread, address, config);
        Self::join_by(url, config, drop, begin)
    }

    fn join_by(
        url: &str,
        config: SessionConfig,
        tell: impl FnMut(Update),
        begin: impl FnOnce(&ServerAddress, SessionConfig) -> Result<Player, BenchError>,
    ) -> Outcome<Self> {
        let name = config.player_name.clone();
        let address = url
            .parse()
            .map_err(|error| Failure::new(format!("{url}: {error}")))?;
        let mut network = begin(&address, config)?;
        let player = network.join(tell)?;
        Ok(Self {
            name,
            network,
            player,
        })
    }

    /// What [`join`](Self::join) wants to know, with every default.
    #[must_use]
    pub fn config(game: &str, version: &str, name: &str) -> SessionConfig {
        let game = Game {
            name: game.to_owned(),
            version: version.to_owned(),
        };
        SessionConfig::new(game, name)
    }

    /// Who this is.
    #[must_use]
    pub const fn player(&self) -> PlayerId {
        self.player
    }

    /// Proposes, and hands it to the network at once.
    pub fn propose(&mut self, transaction: impl Into<Transaction>) -> ClientSeq {
        let seq = self.network.propose(transaction);
        self.network.flush();
        seq
    }

    /// A property that this player owns has a new live value from now on. It goes with the next [`flush`](Self::flush).
    pub fn set_live(&mut self, node: NodeId, property: PropertyId, value: Value) {
        self.network.set_live(node, property, clock::now(), value);
    }

    /// Hands everything asked so far to the network, as at the end of a frame.
    pub fn flush(&mut self) {
        self.network.flush();
    }

    /// The next thing that the game would be told, if there is one.
    pub fn next_update(&mut self) -> Option<Update> {
        self.network.next_update()
    }

    /// Reads updates until `find` finds something in one; those before are forgotten.
    ///
    /// # Errors
    /// When the session ends before, or the time is over.
    pub fn wait_for<T>(
        &mut self,
        what: &str,
        time_max: Duration,
        mut find: impl FnMut(Update) -> Option<T>,
    ) -> Outcome<T> {
        let deadline = Instant::now() + time_max;
        loop {
            match self.next_update() {
                Some(Update::Ended(reason)) => {
                    let text = format!("{}: ended ({reason:?}) before {what}", self.name);
                    return Err(Failure::new(text));
                }
                Some(update) => {
                    if let Some(found) = find(update) {
                        return Ok(found);
                    }
                }
                None if Instant::now() > deadline => {
                    return Err(Failure::new(format!(
                        "{}: not after {} s: {what}",
                        self.name,
                        time_max.as_secs()
                    )));
                }
                None => thread::sleep(POLL),
            }
        }
    }

    /// Leaves, and gives back the session as it was at its end.
    ///
    /// # Errors
    /// When that takes too long, or the network's thread panicked.
    pub fn leave(self) -> Outcome<BridgedSession> {
        Ok(self.network.leave()?)
    }
}
