//! What a server of a cluster runs with beside what every server does.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use synced_protocol::{
    id::ServerId,
    peer::PeerAddress,
    store::{Durability, MemberAddress},
    time::Micros,
};
use synced_transport::cluster::ClusterId;

use crate::{
    checks,
    exit::Failure,
    layer::{variable_of, wrong},
    servers::{ServerList, server_id},
    settings::ClusterSettings,
};

/// The secret by which any server of a cluster knows players again, in the folder of each.
pub(crate) const RESUME_KEY_FILE: &str = "resume.key";

/// What a server of a cluster needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterConfig {
    pub(crate) id: ClusterId,
    pub(crate) me: MemberAddress,
    /// Servers that the cluster was founded with, or some that are there now.
    pub(crate) servers: Vec<MemberAddress>,
    pub(crate) peer_listen: SocketAddr,
    pub(crate) identity_dir: PathBuf,
    pub(crate) store_dir: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) tick: Micros,
    pub(crate) heartbeat_ticks: u32,
    pub(crate) election_ticks: u32,
    pub(crate) clock_offset_max: Micros,
}

impl ClusterConfig {
    /// `None` for a server that is alone: of those settings that make one of a cluster, it has none.
    ///
    /// # Errors
    /// What is missing or wrong, and what to write instead.
    pub(crate) fn resolve(
        s: ClusterSettings,
        listen: SocketAddr,
        data_dir: &Path,
    ) -> Result<Option<Self>, Failure> {
        if s.id.is_none() && s.server.is_none() && s.servers.is_none() {
            return Ok(None);
        }
        let servers = required(s.servers.clone(), "servers")?;
        checks::servers(&servers.0)
            .map_err(|what| wrong(format_args!("cluster.servers: {what}")))?;
        let peer_listen = required(s.peer_listen, "peer_listen")?.0;
        ports_are_two(listen, peer_listen)?;
        let election_ticks = election_ticks(&s)?;
        Ok(Some(Self {
            me: me(&s, &servers)?,
            id: required(s.id, "id")?.0,
            servers: servers.0,
            peer_listen,
            identity_dir: required(s.identity_dir, "identity_dir")?.0,
            store_dir: data_dir.to_owned(),
            durability: required(s.durability, "durability")?.0,
            tick: Micros(required(s.tick_us, "tick_us")?.0.into()),
            heartbeat_ticks: required(s.heartbeat_ticks, "heartbeat_ticks")?.0,
            election_ticks,
            clock_offset_max: Micros::from_millis(
                required(s.clock_offset_ms_max, "clock_offset_ms_max")?
                    .0
                    .into(),
            ),
        }))
    }

    /// The other servers that this one knows before it has heard of any.
    pub(crate) fn others(&self) -> impl Iterator<Item = &MemberAddress> {
        let me = self.me.peer.server;
        self.servers
            .iter()
            .filter(move |member| member.peer.server != me)
    }
}

fn me(s: &ClusterSettings, servers: &ServerList) -> Result<MemberAddress, Failure> {
    let server = server_id(required(s.server, "server")?);
    let listed = servers.of(server);
    let peer = s.peer_address.clone().map(|address| address.0);
    let players = s.players_address.clone().map(|address| address.0);
    let peer = peer.or_else(|| listed.map(|member| member.peer.address.clone()));
    let players = players.or_else(|| listed.map(|member| member.players.clone()));
    let (Some(address), Some(players)) = (peer, players) else {
        return Err(unlisted(server, servers));
    };
    Ok(MemberAddress {
        peer: PeerAddress { server, address },
        players,
    })
}

fn unlisted(server: ServerId, servers: &ServerList) -> Failure {
    let numbers: Vec<_> = servers
        .0
        .iter()
        .map(|member| member.peer.server.0.to_string())
        .collect();
    wrong(format_args!(
        "cluster.server: {server} is not in cluster.servers, which has {}: write one of these, or, for a server that joined \
         later, where it is reached as cluster.peer_address and cluster.players_address",
        numbers.join(", ")
    ))
}

/// A follower must be able to miss a heartbeat.
fn election_ticks(s: &ClusterSettings) -> Result<u32, Failure> {
    let heartbeat = required(s.heartbeat_ticks, "heartbeat_ticks")?.0;
    let election = required(s.election_ticks, "election_ticks")?.0;
    let least = 3 * heartbeat;
    if election < least {
        return Err(wrong(format_args!(
            "cluster.election_ticks: {election} is too short with heartbeats every {heartbeat}, since a late one would end a \
             leadership: write at least {least}"
        )));
    }
    Ok(election)
}

fn ports_are_two(players: SocketAddr, peers: SocketAddr) -> Result<(), Failure> {
    let overlap =
        players.ip() == peers.ip() || players.ip().is_unspecified() || peers.ip().is_unspecified();
    if players.port() == 0 || players.port() != peers.port() || !overlap {
        return Ok(());
    }
    let other = players.port().checked_add(100).unwrap_or(4970);
    Err(wrong(format_args!(
        "listen and cluster.peer_listen are both UDP port {}: players and servers need a port each, so write for example \
         peer_listen = \"{}:{other}\"",
        players.port(),
        peers.ip()
    )))
}

fn required<T>(value: Option<T>, key: &str) -> Result<T, Failure> {
    value.ok_or_else(|| {
        wrong(format_args!(
            "cluster.{key} is not given, and a server of a cluster needs it; set {key} in the section [cluster] of the \
             configuration file, or {}",
            variable_of("CLUSTER_", key)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    const THREE: &str = "servers = [\"1 a:1 a:2\", \"2 b:1 b:2\", \"3 c:1 c:2\"]\n";

    fn resolve(section: &str) -> Result<Option<ClusterConfig>, Failure> {
        let settings = Settings::parse(&format!("[cluster]\n{section}"), "x").unwrap();
        let settings = settings.over(Settings::defaults().unwrap());
        let listen = settings.listen.unwrap().0;
        ClusterConfig::resolve(settings.cluster, listen, Path::new("data"))
    }

    fn error(section: &str) -> String {
        resolve(section).unwrap_err().to_string()
    }

    #[test]
    fn a_server_without_the_section_is_alone() {
        assert_eq!(resolve("").unwrap(), None);
    }

    #[test]
    fn a_server_finds_itself_in_the_list() {
        let config = resolve(&format!("id = \"x\"\nserver = 2\n{THREE}"))
            .unwrap()
            .unwrap();
        assert_eq!(
            (config.me.peer.address.as_str(), config.me.players.as_str()),
            ("b:1", "b:2")
        );
        let others: Vec<_> = config.others().map(|member| member.peer.server.0).collect();
        assert_eq!(others, [1, 3]);
    }

    #[test]
    fn a_server_that_joined_later_says_where_it_is() {
        let section = format!("id = \"x\"\nserver = 6\n{THREE}");
        let missing = error(&section);
        for part in ["server 6 is not in", "1, 2, 3", "peer_address"] {
            assert!(missing.contains(part), "{missing}");
        }
        let section = format!("{section}peer_address = \"f:1\"\nplayers_address = \"f:2\"");
        let config = resolve(&section).unwrap().unwrap();
        assert_eq!(
            config.me.peer,
            PeerAddress {
                server: ServerId(6),
                address: "f:1".to_owned()
            }
        );
        assert_eq!(config.others().count(), 3);
    }

    #[test]
    fn what_is_missing_is_named() {
        for (section, key) in [
            ("id = \"x\"\nserver = 1", "cluster.servers"),
            (&format!("id = \"x\"\n{THREE}"), "cluster.server "),
            (&format!("server = 1\n{THREE}"), "cluster.id"),
        ] {
            let error = error(section);
            assert!(
                error.contains(key) && error.contains("SYNCED_CLUSTER_"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_list_that_cannot_be_is_told_what_could() {
        let even = error("server = 1\nservers = [\"1 a:1 a:2\", \"2 b:1 b:2\"]");
        assert!(
            even.contains("cluster.servers: ") && even.contains("write 1 or 3"),
            "{even}"
        );
    }

    #[test]
    fn players_and_servers_need_two_ports() {
        let section = format!("id = \"x\"\nserver = 1\npeer_listen = \"127.0.0.1:4870\"\n{THREE}");
        let error = error(&section);
        for part in ["both UDP port 4870", "peer_listen = \"127.0.0.1:4970\""] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn an_election_waits_for_more_than_one_heartbeat() {
        let section = format!("id = \"x\"\nserver = 1\nheartbeat_ticks = 3\n{THREE}");
        let error = error(&section);
        assert!(error.contains("write at least 9"), "{error}");
    }
}
