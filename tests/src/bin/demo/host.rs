//! What the players of the demo connect to: a server, or a cluster of five of which one is killed.

use std::{net::SocketAddr, path::Path, time::Duration};

use synced_protocol::time::Micros;
use synced_tests::{
    Failure, Outcome,
    cluster::{ClusterOptions, SyncedCluster},
    relay::{Network, Relay},
    server::{ServerOptions, SyncedServer},
    steady::{Steady, Story},
};
use synced_transport::clock;

use crate::report::ServerStats;

/// Of a thousand packets, each way, to and from the last of those who play from the beginning.
const LOST_PERMILLE: u16 = 20;
/// How often the player without a headset writes who shows for how long nothing was confirmed.
const WRITE_INTERVAL: Duration = Duration::from_millis(4);

/// The game that is played, by name and version.
pub(crate) type Game = (String, String);

/// What players connect to.
pub(crate) enum Host {
    /// A server, and a bad network in front of it.
    Alone {
        server: SyncedServer,
        bad_network: Relay,
    },
    /// A cluster, and two players who show whether it keeps its word.
    Cluster {
        cluster: Box<SyncedCluster>,
        game: Game,
        steady: Option<Steady>,
        story: Option<Story>,
        kill: Option<Kill>,
    },
}

/// The end of a leader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kill {
    server: u16,
    at: Micros,
}

/// What came of the end of a leader.
#[derive(Debug)]
pub(crate) struct Failover {
    pub(crate) killed: u16,
    pub(crate) leads_now: u16,
    /// From the last confirmation before to the first after.
    pub(crate) gap: Option<Micros>,
    pub(crate) story: Story,
    pub(crate) servers: Replicas,
}

/// Whether the servers that are left have the same world.
#[derive(Debug)]
pub(crate) struct Replicas {
    pub(crate) digests: Vec<(u16, String)>,
}

impl Host {
    pub(crate) fn alone(folder: &Path, (name, version): &Game, seed: u64) -> Outcome<Self> {
        let server = SyncedServer::start(folder, &ServerOptions::new(name, version))?;
        let bad_network = Relay::start(server.address(), Network::losing(LOST_PERMILLE), seed)?;
        Ok(Self::Alone {
            server,
            bad_network,
        })
    }

    pub(crate) fn cluster(folder: &Path, (name, version): &Game) -> Outcome<Self> {
        let cluster = SyncedCluster::start(folder, &ClusterOptions::new(name, version))?;
        Ok(Self::Cluster {
            cluster: Box::new(cluster),
            game: (name.clone(), version.clone()),
            steady: None,
            story: None,
            kill: None,
        })
    }

    /// What is there, in words.
    pub(crate) fn announcement(&self) -> String {
        match self {
            Self::Alone { server, .. } => format!("A server listens at {}", server.address()),
            Self::Cluster { cluster, .. } => {
                format!("Five servers agree; players connect to {}", cluster.url())
            }
        }
    }

    /// What is special about the last of those who play from the beginning, in words.
    pub(crate) fn remark(&self, players: u32) -> String {
        match self {
            Self::Alone { .. } => format!(
                ", player-{players} over a network that loses {} of 100 packets each way",
                f64::from(LOST_PERMILLE) / 10.0
            ),
            Self::Cluster { .. } => ", and the leading server is killed in the middle".to_owned(),
        }
    }

    /// What a player connects to.
    pub(crate) fn url(&self, has_bad_network: bool) -> String {
        match self {
            Self::Alone {
                server,
                bad_network,
            } => {
                let address: SocketAddr = if has_bad_network {
                    bad_network.address()
                } else {
                    server.address()
                };
                server.url_by(address)
            }
            Self::Cluster { cluster, .. } => cluster.url().to_owned(),
        }
    }

    /// All have joined: where a leader is to be killed, two more begin to show for how long nothing is confirmed.
    pub(crate) fn begin(&mut self) -> Outcome {
        if let Self::Cluster {
            cluster,
            game: (name, version),
            steady,
            ..
        } = self
        {
            let urls = [cluster.url(), cluster.url()];
            *steady = Some(Steady::begin(urls, (name, version), WRITE_INTERVAL)?);
        }
        Ok(())
    }

    /// The middle of the play: kills who leads, where there are others.
    pub(crate) fn strike(&mut self) -> Outcome {
        let Self::Cluster { cluster, kill, .. } = self else {
            return Ok(());
        };
        let server = cluster.leader()?;
        *kill = Some(Kill {
            server,
            at: clock::now(),
        });
        cluster.kill(server)?;
        println!("  server {server} led, and was killed");
        Ok(())
    }

    /// The end of the play: what is written beside it comes to an end, so that everything comes to rest.
    pub(crate) fn calm(&mut self) -> Outcome {
        if let Self::Cluster { steady, story, .. } = self
            && let Some(steady) = steady.take()
        {
            *story = Some(steady.end()?);
        }
        Ok(())
    }

    /// Ends it, and gives what the server counted that served last.
    pub(crate) fn end(self) -> Outcome<(ServerStats, Option<Failover>)> {
        match self {
            Self::Alone { server, .. } => {
                Ok((ServerStats::parse(server.stop_with_stats()?)?, None))
            }
            Self::Cluster {
                mut cluster,
                story,
                kill,
                ..
            } => {
                let missing = || Failure::new("the play ended before a leader was killed");
                let (kill, story) = kill.zip(story).ok_or_else(missing)?;
                let leads_now = cluster.leader()?;
                let (stats, servers) = last_words(*cluster, leads_now)?;
                let failover = Failover {
                    killed: kill.server,
                    leads_now,
                    gap: story.gap_at(kill.at),
                    story,
                    servers,
                };
                Ok((stats, Some(failover)))
            }
        }
    }
}

/// Stops all servers, and reads what each wrote at its end.
fn last_words(mut cluster: SyncedCluster, leader: u16) -> Outcome<(ServerStats, Replicas)> {
    let mut running = cluster.running();
    running.sort_by_key(|server| *server == leader);
    let mut digests = Vec::new();
    for server in running {
        cluster.stop(server)?;
        let digest = cluster.stats(server)?["node"]["digest"].to_string();
        digests.push((server, digest));
    }
    Ok((
        ServerStats::parse(cluster.stats(leader)?)?,
        Replicas { digests },
    ))
}
