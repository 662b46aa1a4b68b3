//! The log of one server of a cluster.

use bytes::Bytes;
use synced_consensus::{Consensus, News as Told, ProposeError, Role};
use synced_protocol::{
    id::{LogIndex, ServerId, Term},
    message::{Commit, Leader, LogEntry, ServerEntry},
    replica::{self, ReplicaError},
    store::Members,
    time::Micros,
};

use super::{config::GROUP, peers::Peers, stats::ClusterStats, time::ClusterTime};
use crate::{
    log::{Log, News},
    node::Node,
};

/// A log that the servers of a cluster agree about, and what one of them knows of the others.
#[derive(Debug)]
pub struct ClusterLog {
    pub(super) consensus: Consensus,
    pub(super) server: ServerId,
    pub(super) cluster: String,
    pub(super) members: Members,
    pub(super) term: Term,
    pub(super) leader: Option<ServerId>,
    pub(super) peers: Peers,
    pub(super) time: ClusterTime,
    /// The place of the last news.
    last_told: LogIndex,
    /// Where the snapshot is to be taken that was asked for last.
    snapshot_at: LogIndex,
}

impl ClusterLog {
    pub(super) fn new(consensus: Consensus, cluster: String, time: ClusterTime) -> Self {
        let server = consensus.config().replica.server();
        let status = consensus.status(GROUP);
        Self {
            server,
            cluster,
            members: status.map(|status| status.members).unwrap_or_default(),
            term: Term::default(),
            leader: None,
            peers: Peers::default(),
            time,
            last_told: LogIndex::ZERO,
            snapshot_at: LogIndex::ZERO,
            consensus,
        }
    }

    /// What the servers agree by, to be looked at.
    #[must_use]
    pub const fn consensus(&self) -> &Consensus {
        &self.consensus
    }

    /// Whether the consensus still takes this server for the leader.
    pub(super) fn leads(&self) -> bool {
        let status = self.consensus.status(GROUP);
        status.is_some_and(|status| status.role == Role::Leader)
    }

    fn take(&mut self, told: Told) -> Option<News> {
        match told {
            Told::Committed { index, data, .. } => {
                self.last_told = index;
                self.committed(index, &data)
            }
            Told::Restored { index, parts } => {
                self.last_told = index;
                Some(News::Restored { parts })
            }
            Told::Leading { term } => {
                (self.term, self.leader) = (term, Some(self.server));
                Some(News::Leading { term })
            }
            Told::Following { term, leader } => {
                (self.term, self.leader) = (term, leader);
                Some(News::Following { term, leader })
            }
            Told::MembersChanged(members) => {
                self.members = members;
                Some(News::MembersChanged)
            }
            Told::SnapshotWanted => {
                self.snapshot_at = self.last_told;
                Some(News::SnapshotWanted)
            }
        }
    }

    /// What no server can read changes nothing on any of them; what only a later program can read, this one cannot go past.
    fn committed(&self, log_index: LogIndex, data: &[u8]) -> Option<News> {
        match replica::decode::<LogEntry>(data) {
            Ok(entry) => Some(News::Committed(Commit { log_index, entry })),
            Err(error @ ReplicaError::OtherVersion(_)) => Some(News::Unreadable(error)),
            Err(error @ ReplicaError::Broken(_)) => {
                tracing::error!("the entry at {log_index} means nothing: {error}");
                None
            }
        }
    }

    /// The voters as players reach them, the likeliest next leader first: by rank, those out of reach behind the others and
    /// the leader at the end.
    fn voters(&self) -> Vec<ServerEntry> {
        let mut voters: Vec<ServerId> = self.members.voters.iter().map(|v| v.server()).collect();
        voters.sort_unstable();
        voters.dedup();
        let is_up = |server| server == self.server || self.peers.is_up(server);
        voters.sort_by_key(|&server| (Some(server) == self.leader, !is_up(server)));
        let entry = |server| {
            let mut members = self.members.addresses.iter();
            let member = members.find(|member| member.peer.server == server)?;
            let address = member.players.clone();
            Some(ServerEntry { server, address })
        };
        voters.into_iter().filter_map(entry).collect()
    }
}

impl Log for ClusterLog {
    fn append(&mut self, entry: LogEntry) -> Result<LogIndex, LogEntry> {
        let Ok(data) = replica::encode(&entry) else {
            tracing::error!("an entry is too large for the log");
            return Err(entry);
        };
        let proposed = self.consensus.propose(GROUP, data);
        if let Err(error @ ProposeError::Size) = &proposed {
            tracing::error!("the log does not take an entry: {error}");
        }
        proposed.map_err(|_| entry)
    }

    fn poll(&mut self) -> Option<News> {
        loop {
            let (group, told) = self.consensus.poll_news()?;
            if group == GROUP
                && let Some(news) = self.take(told)
            {
                return Some(news);
            }
        }
    }

    fn leads_from_the_start(&self) -> bool {
        false
    }

    fn holds_lease(&self, now: Micros) -> bool {
        self.consensus.holds_lease(GROUP, now)
    }

    fn leader(&self) -> Leader {
        Leader {
            from: self.server,
            term: self.term,
            leader: self.leader,
            servers: self.voters(),
        }
    }

    fn snapshot(&mut self, parts: Vec<Bytes>) {
        self.consensus.snapshot(GROUP, self.snapshot_at, parts);
    }

    fn hand_over(&mut self) -> bool {
        self.consensus.transfer(GROUP, None).is_ok()
    }

    fn stats(node: &Node<Self>) -> Option<ClusterStats> {
        node.cluster_stats()
    }

    fn tells_time(node: &Node<Self>) -> bool {
        node.keeps_time
    }

    fn begin(node: &mut Node<Self>, now: Micros) {
        node.notice_time(now);
    }

    fn take_role(node: &mut Node<Self>, now: Micros) {
        node.begin_standby();
        node.agree_on_time(now);
    }

    fn advance(node: &mut Node<Self>, now: Micros) {
        node.log.consensus.advance(now);
        node.ask_the_time(now);
        node.tell_standbys(now);
    }

    fn poll_deadline(&self) -> Option<Micros> {
        let deadlines = [self.consensus.poll_deadline(), self.peers.deadline()];
        deadlines.into_iter().flatten().min()
    }
}
