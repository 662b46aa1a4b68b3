//! The server's end.

use std::{net::SocketAddr, sync::Arc};

use synced_protocol::link::Logic;

use crate::{
    accept::Acceptor,
    driver::Driver,
    error::TransportError,
    fingerprint::Fingerprint,
    handle::{self, Handle},
    identity::Identity,
    limits,
    players::Players,
    role::Role,
    settings,
    side::{Alone, Side},
    signals::{StopSignal, Waker},
    socket::Bound,
    stats::TransportStats,
    wire::Network,
};

/// How a server listens.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The UDP address to listen on. The unspecified IPv6 address hears IPv4 too; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The certificate to show to clients.
    pub identity: Identity,
    /// The most connections at a time, those in their handshake included; one more is refused.
    pub connections_max: usize,
    /// Whether several packets may be handed to the system at once. Off, a capture on loopback shows each packet by itself.
    pub segmentation_offload: bool,
    /// The network to listen at, where it is not the system's.
    pub network: Option<Arc<dyn Network>>,
}

impl ServerConfig {
    /// A server at `listen` that shows `identity`, with [`CONNECTIONS_MAX`](limits::CONNECTIONS_MAX) connections.
    #[must_use]
    pub fn new(listen: SocketAddr, identity: Identity) -> Self {
        Self {
            listen,
            identity,
            connections_max: limits::CONNECTIONS_MAX,
            segmentation_offload: true,
            network: None,
        }
    }
}

/// A server that is bound to its address and waits for a logic.
#[derive(Debug)]
pub struct ServerEndpoint {
    socket: Bound,
    local_addr: SocketAddr,
    identity: Identity,
    config: quinn::ServerConfig,
    connections_max: usize,
    handshakes_unvalidated_max: usize,
    stats: Arc<TransportStats>,
}

impl ServerEndpoint {
    /// Binds the address. From here on packets queue up in the system; none is answered before the server runs.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn bind(config: ServerConfig) -> Result<Self, TransportError> {
        let in_use = |source| TransportError::Bind {
            listen: config.listen,
            source,
        };
        let socket = Bound::at(config.listen, config.network.as_ref()).map_err(in_use)?;
        Ok(Self {
            local_addr: socket.local_addr().map_err(in_use)?,
            socket,
            config: settings::server_config(&config.identity, config.segmentation_offload)?,
            identity: config.identity,
            connections_max: config.connections_max,
            handshakes_unvalidated_max: limits::HANDSHAKES_UNVALIDATED_MAX,
            stats: Arc::default(),
        })
    }

    /// The address that was bound, with the port that was chosen.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What clients pin to trust this server.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity.fingerprint()
    }

    /// What the endpoint counts.
    #[must_use]
    pub fn stats(&self) -> Arc<TransportStats> {
        self.stats.clone()
    }

    /// Drives `logic` until it is finished or `stop` is given, and gives it back. Must be called within a tokio runtime, best a
    /// `current_thread` one that does nothing else.
    ///
    /// In the end every connection delivers what was queued for it, and is told
    /// [`ServerStopping`](synced_protocol::link::CloseCode::ServerStopping).
    ///
    /// # Errors
    /// When the system does not give what the endpoint needs.
    pub async fn run<L: Logic + Send>(
        self,
        logic: L,
        waker: Waker,
        stop: StopSignal,
    ) -> Result<L, TransportError> {
        Ok(self.into_driver(logic, Alone)?.run(waker, stop).await)
    }

    /// As [`run`](Self::run), in a thread and runtime of its own.
    ///
    /// # Errors
    /// When the system does not give what the endpoint needs.
    pub fn spawn<L: Logic + Send + 'static>(
        self,
        logic: L,
        waker: Waker,
    ) -> Result<Handle<L>, TransportError> {
        let runtime = handle::runtime()?;
        let driver = {
            let _within = runtime.enter();
            self.into_driver(logic, Alone)?
        };
        handle::spawn("synced-server", runtime, driver, waker)
    }

    pub(crate) fn into_driver<L: Logic + Send, P: Side<L>>(
        self,
        logic: L,
        peers: P,
    ) -> Result<Driver<L, P>, TransportError> {
        let config = settings::endpoint_config(&self.identity, "players");
        let endpoint = self.socket.server_endpoint(config, self.config);
        let endpoint =
            endpoint.map_err(|error| TransportError::system("a socket poller", error))?;
        let acceptor = Acceptor::new(
            endpoint,
            self.connections_max,
            self.handshakes_unvalidated_max,
            self.stats.clone(),
        );
        let players = Players::new(Role::Server(acceptor), self.stats);
        Driver::new(logic, players, peers)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use synced_protocol::link::{ConnectionId, Event, Output, Target};

    use super::*;
    use crate::{ClientConfig, ClientEndpoint, testing::Onlooker};

    #[test]
    fn a_client_that_must_prove_its_address_gets_through() {
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = ServerConfig::new(listen, Identity::self_signed().unwrap());
        let mut server = ServerEndpoint::bind(config).unwrap();
        server.handshakes_unvalidated_max = 0;
        let address = server.local_addr().to_string().parse().unwrap();
        let (events, seen) = mpsc::channel();
        let onlooker = |first| Onlooker {
            first,
            events: events.clone(),
        };
        let client = ClientEndpoint::new(ClientConfig::new(address)).unwrap();
        let connect = Output::Connect {
            connection: ConnectionId(1),
            to: Target::Configured,
        };
        let _server = server.spawn(onlooker(None), Waker::new()).unwrap();
        let _client = client.spawn(onlooker(Some(connect)), Waker::new()).unwrap();
        for _ in 0..2 {
            assert!(matches!(seen.recv().unwrap(), Event::Connected { .. }));
        }
    }

    #[test]
    fn an_endpoint_can_run_as_a_task_of_any_runtime() {
        fn sendable<T: Send>(_: impl FnOnce(ServerEndpoint, Onlooker) -> T) {}
        sendable(|server, logic| server.run(logic, Waker::new(), StopSignal::new()));
    }
}
