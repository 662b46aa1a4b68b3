//! A server of a cluster at both of its ports.

use std::{collections::BTreeMap, net::SocketAddr, ops::RangeInclusive, sync::Arc};

use quinn::Endpoint;
use synced_protocol::{id::ServerId, peer::PeerLogic};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    acceptance::Greeter, connection::PeerInboxes, dialer::Dialling, refusals::Refusals,
    requests::Requests, roster::Roster, settings, side::PeerSide,
};
use crate::{
    accept::Acceptor,
    cluster::{Credentials, Holder},
    disk::{Disk, Store},
    driver::Driver,
    error::TransportError,
    handle::{self, Handle},
    limits,
    server::{ServerConfig, ServerEndpoint},
    signals::{StopSignal, Waker},
    socket::Bound,
    stats::TransportStats,
};

/// How a server listens to the others of its cluster and to its operator.
#[derive(Debug, Clone)]
pub struct PeerConfig {
    /// The UDP address to listen on, another than that for players. The others are reached from it too, so it must be one that
    /// routes to them.
    pub listen: SocketAddr,
    /// Which server of which cluster it is.
    pub credentials: Credentials,
    /// Which versions of the connection's own protocol it speaks.
    pub versions: RangeInclusive<u16>,
    /// Whether several packets may be handed to the system at once. Off, a capture on loopback shows each packet by itself.
    pub segmentation_offload: bool,
}

impl PeerConfig {
    /// A server at `listen` that speaks [`PEER_VERSIONS`](limits::PEER_VERSIONS).
    #[must_use]
    pub fn new(listen: SocketAddr, credentials: Credentials) -> Self {
        Self {
            listen,
            credentials,
            versions: limits::PEER_VERSIONS,
            segmentation_offload: true,
        }
    }
}

/// A server of a cluster that is bound to both of its addresses and waits for a logic.
#[derive(Debug)]
pub struct ClusterEndpoint {
    players: ServerEndpoint,
    socket: Bound,
    local_addr: SocketAddr,
    me: ServerId,
    server_config: quinn::ServerConfig,
    config: PeerConfig,
    stats: Arc<TransportStats>,
}

impl ClusterEndpoint {
    /// Binds both addresses, where `players` says. From here on packets queue up in the system; none is answered before the server runs.
    ///
    /// # Errors
    /// When an address cannot be bound, or the credentials are not those of a server.
    pub fn bind(players: ServerConfig, peers: PeerConfig) -> Result<Self, TransportError> {
        let Holder::Server(me) = peers.credentials.holder() else {
            return Err(TransportError::NotAServer);
        };
        let in_use = |source| TransportError::Bind {
            listen: peers.listen,
            source,
        };
        let network = players.network.clone();
        let players = ServerEndpoint::bind(players)?;
        let socket = Bound::at(peers.listen, network.as_ref()).map_err(in_use)?;
        Ok(Self {
            players,
            local_addr: socket.local_addr().map_err(in_use)?,
            socket,
            me,
            server_config: settings::server_config(
                &peers.credentials,
                &peers.versions,
                peers.segmentation_offload,
            )?,
            config: peers,
            stats: Arc::default(),
        })
    }

    /// The port for players.
    #[must_use]
    pub fn players(&self) -> &ServerEndpoint {
        &self.players
    }

    /// The address for the other servers that was bound, with the port that was chosen.
    #[must_use]
    pub fn peer_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What the port for the other servers counts. What [`players`](Self::players) count is apart.
    #[must_use]
    pub fn peer_stats(&self) -> Arc<TransportStats> {
        self.stats.clone()
    }

    /// Drives `logic` with `disk` until it is finished or `stop` is given, and gives it back. Must be called within a tokio runtime,
    /// best a `current_thread` one that does nothing else.
    ///
    /// In the end every connection delivers what was queued for it, then the disk ends.
    ///
    /// # Errors
    /// When the system does not give what the endpoint needs.
    pub async fn run<L: PeerLogic + Send, D: Disk + Send>(
        self,
        logic: L,
        disk: D,
        waker: Waker,
        stop: StopSignal,
    ) -> Result<L, TransportError> {
        Ok(self.into_driver(logic, disk)?.run(waker, stop).await)
    }

    /// As [`run`](Self::run), in a thread and runtime of its own.
    ///
    /// # Errors
    /// When the system does not give what the endpoint needs.
    pub fn spawn<L, D>(self, logic: L, disk: D, waker: Waker) -> Result<Handle<L>, TransportError>
    where
        L: PeerLogic + Send + 'static,
        D: Disk + Send + 'static,
    {
        let runtime = handle::runtime()?;
        let driver = {
            let _within = runtime.enter();
            self.into_driver(logic, disk)?
        };
        handle::spawn("synced-server", runtime, driver, waker)
    }

    fn into_driver<L: PeerLogic + Send, D: Disk + Send>(
        self,
        logic: L,
        disk: D,
    ) -> Result<Driver<L, PeerSide<D>>, TransportError> {
        let identity = self.config.credentials.identity();
        let config = crate::settings::endpoint_config(identity, "peers");
        let endpoint = self.socket.server_endpoint(config, self.server_config);
        let endpoint =
            endpoint.map_err(|error| TransportError::system("a socket poller", error))?;
        let peers = peer_side(self.me, self.config, endpoint, self.stats, disk);
        self.players.into_driver(logic, peers)
    }
}

/// Lets others in from here on. Must be called within a runtime.
fn peer_side<D: Disk>(
    me: ServerId,
    config: PeerConfig,
    endpoint: Endpoint,
    stats: Arc<TransportStats>,
    disk: D,
) -> PeerSide<D> {
    let (to_arrivals, arrivals) = mpsc::channel(limits::ARRIVALS_MAX);
    let (to_datagrams, datagrams) = mpsc::channel(limits::DATAGRAMS_MAX);
    let (to_bulk, bulk) = mpsc::channel(limits::PEER_BULK_FRAMES_MAX);
    let inboxes = PeerInboxes {
        arrivals: to_arrivals,
        datagrams: to_datagrams,
        bulk: to_bulk,
    };
    let acceptor = Acceptor::new(
        endpoint.clone(),
        limits::PEER_CONNECTIONS_MAX,
        limits::PEER_HANDSHAKES_UNVALIDATED_MAX,
        stats.clone(),
    );
    let cluster = config.credentials.cluster().clone();
    let roster = Roster::new(
        me,
        Dialling {
            endpoint,
            credentials: Arc::new(config.credentials),
            versions: config.versions,
            segmentation_offload: config.segmentation_offload,
            arrivals: inboxes.arrivals.clone(),
        },
    );
    let greeter = Arc::new(Greeter {
        me,
        cluster,
        known: roster.known(),
        arrivals: inboxes.arrivals.clone(),
        refusals: Refusals::new(stats.clone()),
    });
    let mut tasks = JoinSet::new();
    let greet = move |incoming, seat| greeter.clone().greet(incoming, seat);
    tasks.spawn(acceptor.clone().run(greet));
    PeerSide {
        roster,
        acceptor,
        links: BTreeMap::new(),
        last_serial: 0,
        store: Store::new(disk),
        requests: Requests::default(),
        inboxes,
        arrivals,
        datagrams,
        bulk,
        tasks,
        stats,
    }
}
