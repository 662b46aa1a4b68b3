//! A server of a cluster from start to stop.

use std::{fs, thread};

use synced_consensus::Config as ConsensusConfig;
use synced_node::{ClusterConfig as NodeClusterConfig, Node};
use synced_transport::{
    ClusterEndpoint, Fingerprint, Identity, PeerConfig, ServerAddress, Waker, clock,
    cluster::{Credentials, Holder, SERVER_FILES},
};
use tokio::runtime::Runtime;

use crate::{
    cluster::invite_url,
    cluster_config::{ClusterConfig, RESUME_KEY_FILE},
    config::{Certificate, Config},
    disk::StoreDisk,
    exit::{Exit, Failure},
    memory, names,
    running::{Meters, Running},
    serve::{of_transport, players, unforeseen},
    stats_file::StatsFile,
    stops::Stops,
    watch::{Board, Watched},
};

/// A leader gives up when it has heard from too few for so many times as long as a follower waits for it.
const QUORUM_SILENCE_ELECTIONS: u32 = 4;

/// Runs until a signal asks to stop; a leader then hands over first.
///
/// # Errors
/// When the configuration does not fit what is there, or the system does not give what is needed.
pub(crate) fn serve(
    config: Config,
    cluster: ClusterConfig,
    runtime: &Runtime,
    stops: Stops,
    stats_file: Option<StatsFile>,
) -> Result<(), Failure> {
    let credentials = credentials(&cluster)?;
    let secret = secret(&cluster)?;
    let endpoint = bind(&config, &cluster, credentials.clone())?;
    let opened = memory::open(&cluster, clock::unix_now())?;
    let node = NodeClusterConfig {
        max_offset: cluster.clock_offset_max,
        ..NodeClusterConfig::new(cluster.id.as_str(), consensus(&cluster, &opened.identity))
    };
    let node = Node::clustered(config.node, node, opened.groups, secret, clock::now());
    let node = node.map_err(|error| Failure::new(Exit::Storage, error))?;
    let (board, waker) = (Board::default(), Waker::new());
    let watched = Watched::new(node, board.clone());
    let meters = Meters {
        players: endpoint.players().stats(),
        peers: Some(endpoint.peer_stats()),
    };
    meters.write(stats_file.as_ref(), &watched.report())?;
    let invitation = invitation(&cluster, credentials.authority_fingerprint())?;
    let (local, fingerprint) = (
        endpoint.players().local_addr(),
        endpoint.players().fingerprint(),
    );
    tracing::info!(
        "{} of cluster {} hears the others at {}",
        cluster.me.peer.server,
        cluster.id,
        endpoint.peer_addr()
    );
    let handle = endpoint.spawn(watched, StoreDisk::new(opened.store), waker.clone());
    let running = Running {
        handle: handle.map_err(of_transport)?,
        board,
        waker,
        meters,
        stats_file,
    };
    running.say_where(local, fingerprint, &invitation)?;
    look_names_up(&cluster)?;
    running.until_stopped(runtime, stops)
}

/// One URL for all servers that are known at the start, this one included.
fn invitation(cluster: &ClusterConfig, authority: Fingerprint) -> Result<ServerAddress, Failure> {
    let others = cluster.others().map(|member| member.players.as_str());
    invite_url(
        [cluster.me.players.as_str()].into_iter().chain(others),
        authority,
    )
}

/// In a thread of its own, since an answer may take long; nobody waits for it.
fn look_names_up(cluster: &ClusterConfig) -> Result<(), Failure> {
    let others: Vec<_> = cluster.others().cloned().collect();
    let look_up = move || {
        for complaint in names::unresolved(others.iter()) {
            tracing::error!("cluster.servers: {complaint}");
        }
    };
    let thread = thread::Builder::new().name("synced-names".to_owned());
    thread.spawn(look_up).map(drop).map_err(unforeseen)
}

fn credentials(cluster: &ClusterConfig) -> Result<Credentials, Failure> {
    let credentials =
        Credentials::load(&cluster.identity_dir, SERVER_FILES).map_err(of_transport)?;
    let (holder, of) = (credentials.holder(), credentials.cluster());
    if holder == Holder::Server(cluster.me.peer.server) && *of == cluster.id {
        return Ok(credentials);
    }
    Err(Failure::new(
        Exit::Identity,
        format_args!(
            "the certificate in {} is that of {holder} of cluster {of}, and the configuration is that of {} of cluster {}: set \
             cluster.identity_dir to this server's own folder",
            cluster.identity_dir.display(),
            cluster.me.peer.server,
            cluster.id
        ),
    ))
}

/// From it come the tokens by which players come back, so all servers must have the same.
fn secret(cluster: &ClusterConfig) -> Result<[u8; 32], Failure> {
    let file = cluster.identity_dir.join(RESUME_KEY_FILE);
    let failure = |what: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Identity,
            format_args!(
                "{}: {what}; copy it from the folder of another server of the cluster",
                file.display()
            ),
        )
    };
    let bytes =
        fs::read(&file).map_err(|error| failure(&format_args!("cannot be read: {error}")))?;
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        failure(&format_args!("holds {} bytes instead of 32", bytes.len()))
    })
}

fn bind(
    config: &Config,
    cluster: &ClusterConfig,
    credentials: Credentials,
) -> Result<ClusterEndpoint, Failure> {
    let identity = match &config.certificate {
        Certificate::Kept(_) => credentials.identity().clone(),
        Certificate::Given(chain, key) => Identity::load(chain, key).map_err(of_transport)?,
    };
    let peers = PeerConfig {
        segmentation_offload: config.segmentation_offload,
        ..PeerConfig::new(cluster.peer_listen, credentials)
    };
    ClusterEndpoint::bind(players(config, identity), peers).map_err(of_transport)
}

fn consensus(cluster: &ClusterConfig, identity: &synced_storage::Identity) -> ConsensusConfig {
    ConsensusConfig {
        tick: cluster.tick,
        heartbeat_ticks: cluster.heartbeat_ticks,
        election_ticks: cluster.election_ticks,
        quorum_silence_ticks: QUORUM_SILENCE_ELECTIONS * cluster.election_ticks,
        durability: cluster.durability,
        ..ConsensusConfig::new(identity.replica())
    }
}

#[cfg(test)]
mod tests {
    use synced_protocol::id::{ReplicaId, ServerId};

    use super::*;
    use crate::settings::Settings;

    #[test]
    fn the_default_file_says_the_defaults_of_the_code() {
        let section = "[cluster]\nid = \"x\"\nserver = 1\nservers = [\"1 a:1 a:2\"]";
        let settings = Settings::parse(section, "x").unwrap();
        let settings = settings.over(Settings::defaults().unwrap());
        let (listen, data_dir) = (settings.listen.unwrap().0, settings.data_dir.unwrap().0);
        let cluster = ClusterConfig::resolve(settings.cluster, listen, &data_dir);
        let cluster = cluster.unwrap().unwrap();
        let identity = synced_storage::Identity {
            cluster: "x".to_owned(),
            server: ServerId(1),
            incarnation: 0,
            durability: cluster.durability,
        };
        let code = ConsensusConfig::new(ReplicaId::new(ServerId(1), 0));
        let max_offset = NodeClusterConfig::new("x", code.clone()).max_offset;
        assert_eq!(consensus(&cluster, &identity), code);
        assert_eq!(cluster.clock_offset_max, max_offset);
        assert_eq!(listen.port(), synced_transport::DEFAULT_PORT);
    }
}
