//! The threads behind a session: the client's, and the server's when this game hosts.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use synced_client::{
    bridge::{BridgedSession, Handle, bridge},
    config::SessionConfig,
    session::Session,
};
use synced_node::{Node, NodeConfig};
use synced_protocol::{
    message::{Game, JoinKey, ResumeToken},
    time::Micros,
};
use synced_transport::{
    AddressError, ClientConfig, ClientEndpoint, Identity, ServerAddress, ServerConfig,
    ServerEndpoint, TransportError, TransportStats, Trust, Waker, clock,
};

/// Why a session could not begin.
#[derive(Debug)]
pub(crate) enum Fault {
    PortTaken(String),
    Other(String),
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self::Other(message)
    }
}

impl From<TransportError> for Fault {
    fn from(error: TransportError) -> Self {
        match &error {
            TransportError::Bind { source, .. }
                if source.kind() == std::io::ErrorKind::AddrInUse =>
            {
                Self::PortTaken(error.to_string())
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

/// A session under way. Dropping it ends its threads without waiting for them.
#[derive(Debug)]
pub(crate) struct Link {
    /// What the game asks and is told.
    pub handle: Handle,
    client: synced_transport::Handle<BridgedSession>,
    host: Option<Host>,
    pub address: ServerAddress,
}

#[derive(Debug)]
struct Host {
    server: synced_transport::Handle<Node>,
    invite: ServerAddress,
}

/// What a game hosts with.
#[derive(Debug, Clone)]
pub(crate) struct HostOptions {
    pub listen: SocketAddr,
    pub players_max: u32,
}

impl Link {
    /// Starts a client of the server at `address`. Returns before anything is sent.
    pub(crate) fn connect(
        address: ServerAddress,
        trust: Trust,
        timeout: Duration,
        session: SessionConfig,
    ) -> Result<Self, Fault> {
        let mut config = ClientConfig::new(address.clone());
        config.trust = trust;
        config.connect_timeout = timeout;
        let endpoint = ClientEndpoint::new(config)?;
        let waker = Waker::new();
        let wake = waker.clone();
        let session = Session::new(session, JoinKey(random()?), u64::from_le_bytes(random()?));
        let (handle, logic) = bridge(session, move || wake.wake());
        let client = endpoint.spawn(logic, waker)?;
        Ok(Self {
            handle,
            client,
            host: None,
            address,
        })
    }

    /// Starts a server in this process and a client of it.
    pub(crate) fn host(
        options: &HostOptions,
        identity_dir: &Path,
        mut session: SessionConfig,
    ) -> Result<Self, Fault> {
        let identity = Identity::load_or_create(identity_dir)?;
        let endpoint = ServerEndpoint::bind(ServerConfig::new(options.listen, identity))?;
        let (port, fingerprint) = (endpoint.local_addr().port(), endpoint.fingerprint());
        let host_token = ResumeToken(random()?);
        let mut node = node_config(&session.game, options);
        node.host_token = Some(host_token);
        session.host_token = Some(host_token);
        let server = endpoint.spawn(Node::new(node, random()?), Waker::new())?;
        let invite = address(reachable(options.listen.ip()), port)?.pinned(fingerprint);
        let near = address(loopback(options.listen.ip()), port)?.pinned(fingerprint);
        let mut link = Self::connect(near, Trust::default(), Duration::from_secs(5), session)?;
        link.host = Some(Host { server, invite });
        Ok(link)
    }

    /// Whether the network's half is gone. What it said before may still be unread.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.handle.is_abandoned() && !self.handle.has_updates()
    }

    pub(crate) const fn is_hosting(&self) -> bool {
        self.host.is_some()
    }

    /// What others connect to.
    pub(crate) fn invite(&self) -> &ServerAddress {
        self.host
            .as_ref()
            .map_or(&self.address, |host| &host.invite)
    }

    pub(crate) fn transport_stats(&self) -> std::sync::Arc<TransportStats> {
        self.client.stats()
    }

    /// Asks the threads to end.
    pub(crate) fn stop(&self) {
        self.client.stop();
        if let Some(host) = &self.host {
            host.server.stop();
        }
    }

    /// Whether the threads have ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.client.is_finished()
            && self
                .host
                .as_ref()
                .is_none_or(|host| host.server.is_finished())
    }

    /// Ends the threads and waits for them: the player's farewell first, then the server's. For the end of the game only.
    pub(crate) fn finish(mut self) {
        self.handle.leave();
        self.handle.flush();
        let begun = clock::now();
        while !self.client.is_finished() && clock::now() - begun < FAREWELL_TIME_MAX {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = self.client.join();
        if let Some(host) = self.host {
            let _ = host.server.join();
        }
    }
}

/// How long the end of a game waits until its farewell is sent.
const FAREWELL_TIME_MAX: Micros = Micros::from_millis(300);

fn node_config(game: &Game, options: &HostOptions) -> NodeConfig {
    let mut config = NodeConfig::new(game.clone());
    config.epoch_offset = clock::unix_now() - clock::now();
    config.players_max = options.players_max;
    config
}

fn address(ip: IpAddr, port: u16) -> Result<ServerAddress, Fault> {
    SocketAddr::new(ip, port)
        .to_string()
        .parse()
        .map_err(|fault: AddressError| Fault::Other(fault.to_string()))
}

/// The address of this machine that a client in this process reaches the server at.
const fn loopback(listen: IpAddr) -> IpAddr {
    match listen {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    }
}

/// The address of this machine that others are likely to reach it at: that of the route to the outside. Nothing is sent.
fn reachable(listen: IpAddr) -> IpAddr {
    if !listen.is_unspecified() {
        return listen;
    }
    let route = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    });
    route.map_or(loopback(listen), |address| address.ip())
}

/// Unpredictable bytes from the operating system.
fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Fault::Other(format!(
            "the operating system gives no random bytes: {error}"
        ))),
    }
}
