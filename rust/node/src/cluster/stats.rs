//! What one server knows of its cluster, for the operator.

use serde::{Deserialize, Serialize};
use synced_consensus::{GroupStatus, ReplicaStatus, Role};
use synced_protocol::id::{ReplicaId, ServerId};

use super::{config::GROUP, log::ClusterLog};
use crate::node::Node;

/// How one server of a cluster stands.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterStats {
    /// What the cluster is called.
    pub cluster: String,
    /// Which server this is.
    pub server: u16,
    /// Which of its lives.
    pub incarnation: u32,
    /// `leader`, `follower`, `candidate`, `learner` or `failed`.
    pub role: String,
    /// Why it takes no part, when it is `failed`.
    pub failure: Option<String>,
    /// The latest term that it knows.
    pub term: u64,
    /// Who leads, as far as it knows.
    pub leader: Option<u16>,
    /// The last entry of its log.
    pub last: u64,
    /// The last entry that it knows to be committed.
    pub committed: u64,
    /// The last entry that it has applied.
    pub applied: u64,
    /// The last entry that its snapshot covers.
    pub snapshot: u64,
    /// Bytes of the entries behind that.
    pub log_bytes: u64,
    /// The servers that decide.
    pub voters: Vec<u16>,
    /// The servers that only follow.
    pub learners: Vec<u16>,
    /// Whether who decides is changing.
    pub changing: bool,
    /// Times that it stood for election.
    pub elections_started: u64,
    /// Times that it was elected.
    pub elections_won: u64,
    /// Times that it ceased to lead without having been asked to.
    pub leaderships_lost: u64,
    /// Messages of other servers' consensus that meant nothing.
    pub messages_refused: u64,
    /// Snapshots sent to other servers.
    pub snapshots_sent: u64,
    /// Snapshots taken over from other servers.
    pub snapshots_received: u64,
    /// Whether it is sure of session time.
    pub time_is_sure: bool,
    /// What is wrong with its wall clock, and what to do.
    pub clock_trouble: Option<String>,
    /// What it counts of the other servers.
    pub counters: PeerCounters,
    /// The other servers.
    pub peers: Vec<PeerStats>,
}

/// What one server counts of all others.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerCounters {
    /// Messages that meant nothing.
    pub malformed: u64,
    /// Messages passed over because their time was too far ahead.
    pub stamps_refused: u64,
    /// Answers of the leader about the time that were not believed.
    pub answers_refused: u64,
    /// Whether this server disagrees with more than half of its peers about the time, and has for long.
    pub disagrees: bool,
    /// Frames about what was heard by datagram, to all peers.
    pub standby_frames_sent: u64,
}

/// Another server, as this one sees it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerStats {
    /// Which.
    pub server: u16,
    /// Where other servers reach it.
    pub peer: String,
    /// Where players reach it.
    pub players: String,
    /// Whether there is a connection.
    pub up: bool,
    /// By how much its idea of session time is ahead of this server's, in microseconds.
    pub clock_offset_us: Option<i64>,
    /// By how much its wall clock is ahead of this server's, in microseconds.
    pub wall_offset_us: Option<i64>,
    /// How long a question takes to be answered, in microseconds.
    pub delay_us: Option<u64>,
    /// How many entries of the leader's log it is not known to have. The leader alone knows.
    pub lag_entries: Option<u64>,
    /// How long ago the last heartbeat was sent that it acknowledged, in microseconds. The leader alone knows.
    pub silence_us: Option<u64>,
    /// Whether it is being sent a snapshot. The leader alone knows.
    pub in_snapshot: bool,
}

impl Node<ClusterLog> {
    /// How this server stands.
    pub(super) fn cluster_stats(&self) -> Option<ClusterStats> {
        let log = &self.log;
        let status = log.consensus.status(GROUP)?;
        let counters = status.counters;
        let members = &status.members;
        Some(ClusterStats {
            cluster: log.cluster.clone(),
            server: log.server.0,
            incarnation: status.replica.incarnation(),
            role: role(status.role).to_owned(),
            failure: status.failure.clone(),
            term: status.term.0,
            leader: status.leader.map(|leader| leader.0),
            last: status.last.0,
            committed: status.committed.0,
            applied: status.applied.0,
            snapshot: status.snapshot.0,
            log_bytes: status.log_bytes as u64,
            voters: servers(&members.voters),
            learners: servers(&members.learners),
            changing: !members.outgoing.is_empty(),
            elections_started: counters.elections_started,
            elections_won: counters.elections_won,
            leaderships_lost: counters.leaderships_lost,
            messages_refused: counters.messages_refused,
            snapshots_sent: counters.snapshots_sent,
            snapshots_received: counters.snapshots_received,
            time_is_sure: self.keeps_time,
            clock_trouble: self.clock_trouble(),
            counters: log.peers.counters,
            peers: self.peer_stats(&status),
        })
    }

    fn peer_stats(&self, status: &GroupStatus) -> Vec<PeerStats> {
        let members = status.members.addresses.iter();
        let others = members.filter(|member| member.peer.server != self.log.server);
        let stats = others.map(|member| {
            let server = member.peer.server;
            let seen = of_server(status, server);
            let peer = self.log.peers.get(server);
            let best = peer.and_then(|peer| peer.clock.best());
            PeerStats {
                server: server.0,
                peer: member.peer.address.clone(),
                players: member.players.clone(),
                up: peer.is_some(),
                clock_offset_us: best
                    .map(|best| best.offset_us.saturating_sub(self.session_offset_us)),
                wall_offset_us: best.map(|best| {
                    best.wall_offset_us
                        .saturating_sub(self.log.time.wall_offset_us)
                }),
                delay_us: best.map(|best| best.delay.0),
                lag_entries: seen.map(|seen| seen.lag_entries),
                silence_us: seen.and_then(|seen| Some(seen.silence?.0)),
                in_snapshot: seen.is_some_and(|seen| seen.in_snapshot),
            }
        });
        stats.collect()
    }
}

/// The latest of a server's lives.
fn of_server(status: &GroupStatus, server: ServerId) -> Option<&ReplicaStatus> {
    let peers = status.peers.iter();
    let lives = peers.filter(|peer| peer.replica.server() == server);
    lives.max_by_key(|peer| peer.replica)
}

fn servers(replicas: &[ReplicaId]) -> Vec<u16> {
    replicas.iter().map(|replica| replica.server().0).collect()
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::Candidate => "candidate",
        Role::Learner => "learner",
        Role::Failed => "failed",
    }
}
