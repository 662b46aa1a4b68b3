//! A server from start to stop.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
};

use ring::rand::{SecureRandom as _, SystemRandom};
use synced_node::Node;
use synced_transport::{
    Identity, ServerAddress, ServerConfig, ServerEndpoint, TransportError, Waker,
};
use tokio::runtime::{self, Runtime};

use crate::{
    clustered,
    config::{Certificate, Config},
    exit::{Exit, Failure},
    layer::wrong,
    running::{Meters, Running},
    stats_file::StatsFile,
    stops::Stops,
    watch::{Board, Watched},
};

/// Runs until a signal asks to stop.
pub(crate) fn serve(config: Config, until_input_ends: bool) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(unforeseen)?;
    // Before anything is told, so that no early signal is missed.
    let stops = {
        let _within = runtime.enter();
        Stops::listen(until_input_ends).map_err(unforeseen)?
    };
    let stats_file = config.stats_file.as_deref().map(StatsFile::new);
    match config.cluster.clone() {
        None => alone(config, &runtime, stops, stats_file),
        Some(cluster) => clustered::serve(config, cluster, &runtime, stops, stats_file),
    }
}

fn alone(
    config: Config,
    runtime: &Runtime,
    stops: Stops,
    stats_file: Option<StatsFile>,
) -> Result<(), Failure> {
    let endpoint =
        ServerEndpoint::bind(players(&config, identity(&config)?)).map_err(of_transport)?;
    let invitation = invitation(&config, &endpoint)?;
    let (board, waker) = (Board::default(), Waker::new());
    let node = Node::new(config.node, secret_seed()?);
    let watched = Watched::new(node, board.clone());
    let meters = Meters {
        players: endpoint.stats(),
        peers: None,
    };
    meters.write(stats_file.as_ref(), &watched.report())?;
    let (local, fingerprint) = (endpoint.local_addr(), endpoint.fingerprint());
    let handle = endpoint
        .spawn(watched, waker.clone())
        .map_err(of_transport)?;
    let running = Running {
        handle,
        board,
        waker,
        meters,
        stats_file,
    };
    running.say_where(local, fingerprint, &invitation)?;
    running.until_stopped(runtime, stops)
}

fn identity(config: &Config) -> Result<Identity, Failure> {
    let identity = match &config.certificate {
        Certificate::Kept(folder) => Identity::load_or_create(folder),
        Certificate::Given(chain, key) => Identity::load(chain, key),
    };
    identity.map_err(of_transport)
}

/// The port for players.
pub(crate) fn players(config: &Config, identity: Identity) -> ServerConfig {
    ServerConfig {
        connections_max: config.connections_max,
        segmentation_offload: config.segmentation_offload,
        ..ServerConfig::new(config.listen, identity)
    }
}

/// The URL that players connect to.
fn invitation(config: &Config, endpoint: &ServerEndpoint) -> Result<ServerAddress, Failure> {
    let local = endpoint.local_addr();
    let host = config
        .public_host
        .clone()
        .unwrap_or_else(|| reachable_host(local).to_string());
    let place = if host.contains(':') {
        format!("[{host}]:{}", local.port())
    } else {
        format!("{host}:{}", local.port())
    };
    let address: ServerAddress = place
        .parse()
        .map_err(|error| wrong(format_args!("public_host: {error}")))?;
    Ok(address.pinned(endpoint.fingerprint()))
}

/// An address of this machine that others may reach: the one listened on or, if that is all of them, the one that the
/// system would send from. Nothing is sent to find it out.
fn reachable_host(listening: SocketAddr) -> IpAddr {
    const ELSEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9); // of the block of RFC 5737, which is nobody's
    if !listening.ip().is_unspecified() {
        return listening.ip();
    }
    let outward = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect(ELSEWHERE)?;
        socket.local_addr()
    };
    outward().map_or(Ipv4Addr::LOCALHOST.into(), |address: SocketAddr| {
        address.ip()
    })
}

fn secret_seed() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    let filled = SystemRandom::new().fill(&mut seed);
    filled.map_err(|_| Failure::new(Exit::Unforeseen, "the system gives no randomness"))?;
    Ok(seed)
}

pub(crate) fn of_transport(error: TransportError) -> Failure {
    let exit = match error {
        TransportError::Bind { .. } => Exit::Address,
        TransportError::File { .. } | TransportError::NotAServer => Exit::Identity,
        _ => Exit::Unforeseen,
    };
    Failure::new(exit, error)
}

pub(crate) fn unforeseen(error: impl fmt::Display) -> Failure {
    Failure::new(Exit::Unforeseen, error)
}
