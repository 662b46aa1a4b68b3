//! A server with its real transport, watched.

use std::{net::SocketAddr, sync::Arc};

use synced_consensus::Config;
use synced_node::{ClusterLog, Node};
use synced_protocol::{
    id::ServerId,
    link::{Event, Logic, Output},
    peer::{PeerEvent, PeerLogic, PeerOutput},
    store::{MemberAddress, StoreWrite},
    time::Micros,
};
use synced_transport::{
    ClusterEndpoint, Disk, DiskReports, Network, PeerConfig, ServerConfig, StopSignal,
    TransportError, Waker, Written, clock,
    cluster::{Authority, Credentials},
};

use super::judge::{Judge, Stand, replica};
use crate::system::{GROUP, ServerBoot, System, node::Whole};

/// The unit of the consensus' time: the runtime's timers are good to a millisecond.
pub const TICK: Micros = Micros::from_millis(5);
/// What the wall clock shows when a run begins, in microseconds since the Unix epoch.
const EPOCH: Micros = Micros::from_secs(1_800_000_000);
const PLAYERS_PORT: u16 = 1;
const PEERS_PORT: u16 = 2;

/// Where a server is.
#[derive(Debug, Clone)]
pub struct Site {
    /// Which.
    pub host: u16,
    /// The network as its host sees it.
    pub network: Arc<dyn Network>,
    /// What proves who it is.
    pub credentials: Credentials,
}

/// The host's address.
#[must_use]
pub fn ip(host: u16) -> std::net::IpAddr {
    let [high, low] = host.to_be_bytes();
    [10, 0, high, low].into()
}

/// Where players reach a server.
#[must_use]
pub fn players_at(host: u16) -> SocketAddr {
    (ip(host), PLAYERS_PORT).into()
}

/// Where a server is, as its members say.
#[must_use]
pub fn address(server: ServerId) -> MemberAddress {
    MemberAddress {
        peer: synced_protocol::peer::PeerAddress {
            server,
            address: SocketAddr::from((ip(server.0), PEERS_PORT)).to_string(),
        },
        players: players_at(server.0).to_string(),
    }
}

impl Site {
    /// A place for a server of this cluster.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new(
        authority: &Authority,
        host: u16,
        network: Arc<dyn Network>,
    ) -> Result<Self, TransportError> {
        let issued = authority.server(ServerId(host), &[])?;
        Ok(Self {
            host,
            network,
            credentials: Credentials::issued(&issued)?,
        })
    }

    /// Runs the server until the task is aborted.
    ///
    /// # Errors
    /// Why it cannot begin.
    pub async fn run(self, judge: Judge) -> Result<(), String> {
        let node = self.begin(&judge)?;
        let watched = Watched {
            node,
            host: self.host,
            judge: judge.clone(),
        };
        let disk = SharedDisk {
            host: self.host,
            judge,
        };
        let endpoint = self.bind().map_err(|error| error.to_string())?;
        let running = endpoint.run(watched, disk, Waker::new(), StopSignal::new());
        running.await.map(drop).map_err(|error| error.to_string())
    }

    fn begin(&self, judge: &Judge) -> Result<Node<ClusterLog>, String> {
        let replica = replica(self.host);
        let mut knows = judge.knows();
        knows.applied.remove(&self.host);
        let disk = knows.disks.get_mut(&self.host);
        let groups = disk.map(crate::disk::Disk::open).unwrap_or_default();
        for group in &groups {
            knows.history.held(replica, &group.entries);
        }
        let boot = ServerBoot {
            consensus: Config {
                tick: TICK,
                ..Config::new(replica)
            },
            address: address(ServerId(self.host)),
            groups,
            wall_offset: EPOCH,
            now: clock::now(),
        };
        Whole::default().server(boot)
    }

    fn bind(self) -> Result<ClusterEndpoint, TransportError> {
        let identity = self.credentials.identity().clone();
        let players = ServerConfig {
            network: Some(self.network),
            ..ServerConfig::new(players_at(self.host), identity)
        };
        let peers_at = (ip(self.host), PEERS_PORT).into();
        ClusterEndpoint::bind(players, PeerConfig::new(peers_at, self.credentials))
    }
}

/// A server's logic, of which the judge hears after everything that comes to it.
#[derive(Debug)]
struct Watched {
    node: Node<ClusterLog>,
    host: u16,
    judge: Judge,
}

impl Watched {
    fn look(&mut self, now: Micros) {
        let consensus = self.node.log().consensus();
        let (serves, status) = (consensus.holds_lease(GROUP, now), consensus.status(GROUP));
        let world = self.node.world();
        let stand = Stand {
            host: self.host,
            applied: world.log_index(),
            serves,
            status,
        };
        self.judge.knows().look(&stand, || world.replica_digest());
    }
}

impl Logic for Watched {
    fn handle(&mut self, now: Micros, event: Event) {
        self.node.handle(now, event);
        self.look(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.node.poll_output()
    }

    fn poll_deadline(&self) -> Option<Micros> {
        self.node.poll_deadline()
    }

    fn is_finished(&self) -> bool {
        self.node.is_finished()
    }
}

impl PeerLogic for Watched {
    fn handle_peer(&mut self, now: Micros, event: PeerEvent) {
        self.node.handle_peer(now, event);
        self.look(now);
    }

    fn poll_peer_output(&mut self) -> Option<PeerOutput> {
        self.node.poll_peer_output()
    }
}

/// A server's disk, which the judge keeps.
struct SharedDisk {
    host: u16,
    judge: Judge,
}

impl Disk for SharedDisk {
    fn begin(&mut self, _: DiskReports) {}

    fn write(&mut self, write: StoreWrite) -> Result<Written, String> {
        let mut knows = self.judge.knows();
        knows.write(self.host, write).map(|()| Written::Already)
    }

    fn end(&mut self) {}
}
