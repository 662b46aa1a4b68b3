//! A server from start to stop.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use ring::rand::{SecureRandom as _, SystemRandom};
use synced_node::Node;
use synced_transport::{
    Handle, Identity, ServerAddress, ServerConfig, ServerEndpoint, TransportError, Waker,
};
use tokio::{runtime, time};

use crate::{
    config::{Certificate, Config},
    exit::{Exit, Failure},
    output,
    signals::Signals,
    stats_file::StatsFile,
    watch::{Board, Watched},
};

/// How often statistics are written, and the network thread is looked after.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Runs until a signal asks to stop.
pub(crate) fn serve(config: Config) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(unforeseen)?;
    let endpoint = bind(&config)?;
    let invitation = invitation(&config, &endpoint)?;
    let stats_file = config.stats_file.as_deref().map(StatsFile::new);
    let board = Board::default();
    let node = Node::new(config.node, secret_seed()?);
    let watched = Watched::new(node, board.clone());
    let counters = endpoint.stats();
    if let Some(file) = &stats_file {
        file.write(&watched.report(), counters.counters())?;
    }
    let signals = {
        let _within = runtime.enter();
        Signals::listen().map_err(unforeseen)?
    };
    let (local, fingerprint) = (endpoint.local_addr(), endpoint.fingerprint());
    let handle = endpoint
        .spawn(watched, Waker::new())
        .map_err(of_transport)?;
    output::say(&format!(
        "listening on {local} fingerprint sha256={fingerprint}\ninvite {invitation}\n"
    ))?;
    runtime.block_on(look_after(&handle, &board, stats_file.as_ref(), signals));
    let watched = handle.join().map_err(of_transport)?;
    if let Some(file) = &stats_file {
        file.write(&watched.report(), counters.counters())?;
    }
    tracing::info!("stopped");
    Ok(())
}

fn bind(config: &Config) -> Result<ServerEndpoint, Failure> {
    let identity = match &config.certificate {
        Certificate::Kept(folder) => Identity::load_or_create(folder),
        Certificate::Given(chain, key) => Identity::load(chain, key),
    };
    let server = ServerConfig {
        connections_max: config.connections_max,
        segmentation_offload: config.segmentation_offload,
        ..ServerConfig::new(config.listen, identity.map_err(of_transport)?)
    };
    ServerEndpoint::bind(server).map_err(of_transport)
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
        .map_err(|error| Failure::new(Exit::Configuration, format!("public_host: {error}")))?;
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

/// Waits for a signal, or for the network thread to end by itself.
async fn look_after(
    handle: &Handle<Watched>,
    board: &Board,
    stats_file: Option<&StatsFile>,
    mut signals: Signals,
) {
    let counters = handle.stats();
    let mut looks = time::interval(LOOK_INTERVAL);
    while !handle.is_finished() {
        tokio::select! {
            signal = signals.next() => {
                tracing::info!("{signal}: stopping");
                return;
            }
            _ = looks.tick() => {}
        }
        let written = stats_file.map(|file| file.write(&board.read(), counters.counters()));
        if let Some(Err(failure)) = written {
            tracing::warn!("{failure}");
        }
    }
}

fn of_transport(error: TransportError) -> Failure {
    let exit = match error {
        TransportError::Bind { .. } => Exit::Address,
        TransportError::File { .. } => Exit::Identity,
        _ => Exit::Unforeseen,
    };
    Failure::new(exit, error)
}

fn unforeseen(error: io::Error) -> Failure {
    Failure::new(Exit::Unforeseen, error)
}
