//! The client's end.

use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use synced_protocol::link::Logic;

use crate::{
    address::ServerAddress,
    clients::ClientThread,
    connect::Connector,
    driver::Driver,
    error::TransportError,
    handle::{self, Handle},
    limits,
    players::Players,
    role::Role,
    side::Alone,
    signals::{StopSignal, Waker},
    stats::TransportStats,
    trust::{Policy, Trust},
    wire::Network,
};

/// How a client reaches its server.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Where the server is, or the servers of its cluster. A fingerprint in it comes before `trust`.
    pub server: ServerAddress,
    /// Which certificates are accepted.
    pub trust: Trust,
    /// How long one [`Output::Connect`](synced_protocol::link::Output::Connect) may take.
    pub connect_timeout: Duration,
    /// Whether several packets may be handed to the system at once. Off, a capture on loopback shows each packet by itself.
    pub segmentation_offload: bool,
    /// The network to connect over, where it is not the system's.
    pub network: Option<Arc<dyn Network>>,
}

impl ClientConfig {
    /// A client of `server` with the default [`Trust`] and [`CONNECT_TIMEOUT`](limits::CONNECT_TIMEOUT).
    #[must_use]
    pub fn new(server: ServerAddress) -> Self {
        Self {
            server,
            trust: Trust::default(),
            connect_timeout: limits::CONNECT_TIMEOUT,
            segmentation_offload: true,
            network: None,
        }
    }
}

/// A client that waits for a logic. It sends nothing before the logic asks to connect.
#[derive(Debug)]
pub struct ClientEndpoint {
    connector: Connector,
    stats: Arc<TransportStats>,
}

impl ClientEndpoint {
    /// Reads the files that `config` names.
    ///
    /// # Errors
    /// When a file with root certificates cannot be used.
    pub fn new(config: ClientConfig) -> Result<Self, TransportError> {
        let connector = Connector {
            policy: Policy::new(&config.trust, config.server.fingerprint())?,
            servers: config.server,
            connect_timeout: config.connect_timeout,
            segmentation_offload: config.segmentation_offload,
            network: config.network,
            tries: AtomicUsize::new(0),
        };
        Ok(Self {
            connector,
            stats: Arc::default(),
        })
    }

    /// What the endpoint counts.
    #[must_use]
    pub fn stats(&self) -> Arc<TransportStats> {
        self.stats.clone()
    }

    /// Drives `logic` until it is finished or `stop` is given, and gives it back. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the system does not give what the endpoint needs.
    pub async fn run<L: Logic + Send>(
        self,
        logic: L,
        waker: Waker,
        stop: StopSignal,
    ) -> Result<L, TransportError> {
        Ok(self.into_driver(logic)?.run(waker, stop).await)
    }

    /// As [`run`](Self::run), in a thread and runtime of its own.
    ///
    /// # Errors
    /// When the system does not give a thread or a runtime.
    pub fn spawn<L: Logic + Send + 'static>(
        self,
        logic: L,
        waker: Waker,
    ) -> Result<Handle<L>, TransportError> {
        let runtime = handle::runtime()?;
        let driver = {
            let _within = runtime.enter();
            self.into_driver(logic)?
        };
        handle::spawn("synced-client", runtime, driver, waker)
    }

    /// As [`run`](Self::run), in a thread that many clients may share.
    ///
    /// # Errors
    /// When the system does not give what the endpoint needs.
    pub fn spawn_in<L: Logic + Send + 'static>(
        self,
        thread: &ClientThread,
        logic: L,
        waker: Waker,
    ) -> Result<Handle<L>, TransportError> {
        let driver = {
            let _within = thread.runtime().enter();
            self.into_driver(logic)?
        };
        Ok(thread.spawn(driver, waker))
    }

    fn into_driver<L: Logic + Send>(self, logic: L) -> Result<Driver<L, Alone>, TransportError> {
        let role = Role::Client(Arc::new(self.connector));
        Driver::new(logic, Players::new(role, self.stats), Alone)
    }
}
