//! A player without an engine: the addon's own client and transport.

use std::{
    fmt,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use synced_client::{
    BridgedSession, Handle, Session, SessionConfig, bridge,
    update::{EndReason, Update},
};
use synced_protocol::{
    id::{ClientSeq, NodeId, PlayerId, PropertyId},
    message::JoinKey,
    mutation::Transaction,
    time::Micros,
    value::Value,
};
use synced_transport::{
    ClientConfig, ClientEndpoint, ClientThread, ServerAddress, TransportCounters, TransportError,
    TransportStats, Waker, clock,
};

use crate::{BenchError, Outcome};

/// How long the join and the leave may take.
const JOIN_TIME_MAX: Duration = Duration::from_secs(30);
/// How often a wait looks again.
const POLL: Duration = Duration::from_micros(200);

type Spawned = Result<synced_transport::Handle<BridgedSession>, TransportError>;

/// A player whose network runs in another thread, as in a game. It leaves when dropped.
pub struct Player {
    name: String,
    handle: Handle,
    network: synced_transport::Handle<BridgedSession>,
    stats: Arc<TransportStats>,
    began_at: Instant,
    is_leaving: bool,
}

impl Player {
    /// Begins to join, with a thread of its own. What the game would be told, [`next_update`](Self::next_update) tells.
    ///
    /// # Errors
    /// When there is no socket or no thread for it.
    pub fn begin(server: &ServerAddress, config: SessionConfig) -> Outcome<Self> {
        Self::begin_by(server, config, ClientEndpoint::spawn)
    }

    /// Begins to join, in a thread that it shares with others.
    ///
    /// # Errors
    /// When there is no socket for it.
    pub fn begin_in(
        thread: &ClientThread,
        server: &ServerAddress,
        config: SessionConfig,
    ) -> Outcome<Self> {
        let spawn =
            |endpoint: ClientEndpoint, session, waker| endpoint.spawn_in(thread, session, waker);
        Self::begin_by(server, config, spawn)
    }

    fn begin_by(
        server: &ServerAddress,
        config: SessionConfig,
        spawn: impl FnOnce(ClientEndpoint, BridgedSession, Waker) -> Spawned,
    ) -> Outcome<Self> {
        let name = config.player_name.clone();
        let failed = |error: &dyn fmt::Display| BenchError::new(format_args!("{name}: {error}"));
        let endpoint = ClientEndpoint::new(ClientConfig::new(server.clone()));
        let endpoint = endpoint.map_err(|error| failed(&error))?;
        let stats = endpoint.stats();
        let waker = Waker::new();
        let wake = waker.clone();
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|error| failed(&error))?;
        let session = Session::new(config, JoinKey(key), clock::unix_now().0);
        let (handle, session) = bridge(session, move || wake.wake());
        let network = spawn(endpoint, session, waker).map_err(|error| failed(&error))?;
        Ok(Self {
            name,
            handle,
            network,
            stats,
            began_at: Instant::now(),
            is_leaving: false,
        })
    }

    /// Waits until the session is up; `tell` is told what a game would be told before that: the world as it is then.
    ///
    /// # Errors
    /// When it ends before, or the time is over.
    pub fn join(&mut self, mut tell: impl FnMut(Update)) -> Outcome<PlayerId> {
        loop {
            if let Some(player) = self.poll_join(&mut tell)? {
                return Ok(player);
            }
            thread::sleep(POLL);
        }
    }

    /// As [`join`](Self::join), without waiting: `None` as long as the session is not up.
    ///
    /// # Errors
    /// As there; the time counts from [`begin`](Self::begin).
    pub fn poll_join(&mut self, mut tell: impl FnMut(Update)) -> Outcome<Option<PlayerId>> {
        while let Some(update) = self.handle.next_update() {
            match update {
                Update::Joined(joined) => return Ok(Some(joined.player)),
                Update::Ended(reason) => return Err(self.ended(&reason)),
                update => tell(update),
            }
        }
        if self.began_at.elapsed() > JOIN_TIME_MAX {
            return Err(self.is_late("is not in the session"));
        }
        Ok(None)
    }

    /// The next thing that the game would be told, if there is one.
    pub fn next_update(&mut self) -> Option<Update> {
        self.handle.next_update()
    }

    /// Proposes at the next [`flush`](Self::flush).
    pub fn propose(&mut self, transaction: impl Into<Transaction>) -> ClientSeq {
        self.handle.propose(transaction)
    }

    /// A property has a new live value since local time `at`, told at the next [`flush`](Self::flush).
    pub fn set_live(&mut self, node: NodeId, property: PropertyId, at: Micros, value: Value) {
        self.handle.set_live(node, property, at, value);
    }

    /// The end of a frame.
    pub fn flush(&mut self) {
        self.handle.flush();
    }

    /// What its socket carried so far.
    #[must_use]
    pub fn transport(&self) -> TransportCounters {
        self.stats.counters()
    }

    /// Why there is no way to go on after this end.
    #[must_use]
    pub fn ended(&self, reason: &EndReason) -> BenchError {
        BenchError::new(format_args!("{}: the session ended: {reason:?}", self.name))
    }

    /// Leaves, and does not wait until the server knows.
    pub fn begin_leave(&mut self) {
        if !self.is_leaving {
            self.is_leaving = true;
            self.handle.leave();
            self.handle.flush();
        }
    }

    /// Leaves, waits until the server knows, and gives back the session as it was at its end.
    ///
    /// # Errors
    /// When the network's thread does not end in time, or panicked.
    pub fn leave(mut self) -> Outcome<BridgedSession> {
        self.begin_leave();
        let deadline = Instant::now() + JOIN_TIME_MAX;
        while !self.network.is_finished() {
            if Instant::now() > deadline {
                return Err(self.is_late("has not left"));
            }
            while self.handle.next_update().is_some() {}
            // What did not fit before goes now.
            self.handle.flush();
            thread::sleep(POLL);
        }
        let Self { name, network, .. } = self;
        network
            .join()
            .map_err(|error| BenchError::new(format_args!("{name}: {error}")))
    }

    fn is_late(&self, what: &str) -> BenchError {
        BenchError::new(format_args!(
            "{} {what} after {} s",
            self.name,
            JOIN_TIME_MAX.as_secs()
        ))
    }
}
