//! One group of this server: the engine, and what it does not do by itself.

mod apply;
mod begin;
mod election;
mod flow;
mod handover;
mod lease;
mod membership;
mod patience;
mod proposals;
mod ready;
mod receive;
mod snapshots;
mod status;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use raft::{RawNode, StateRole};
use synced_protocol::{
    id::{GroupId, ReplicaId, ServerId},
    store::{LogSnapshot, MemberAddress, Members, StoreWrite, WriteId},
    time::Micros,
};

pub(crate) use self::election::loyalty;
use self::{
    election::Election,
    flow::Flow,
    handover::Handover,
    lease::Lease,
    proposals::Proposals,
    ready::Unstored,
    snapshots::{Receiving, Sending},
};
use crate::{config::Config, engine::Log, members, news::News, peers::Peers, status::Counters};

/// What a group has to do with the rest of its server.
pub(crate) struct Io<'a> {
    pub(crate) now: Micros,
    pub(crate) config: &'a Config,
    pub(crate) peers: &'a mut Peers,
    pub(crate) news: &'a mut VecDeque<(GroupId, News)>,
    pub(crate) last_write: &'a mut WriteId,
}

/// One group of this server.
pub(crate) struct Group {
    id: GroupId,
    own: ReplicaId,
    engine: RawNode<Log>,
    members: Members,
    /// Who took part from which entry on, since the snapshot.
    history: Vec<(u64, Members)>,
    /// The last entry that was told.
    applied: u64,
    unstored: VecDeque<Unstored>,
    election: Election,
    lease: Lease,
    flow: Flow,
    /// The term in which it leads, and whether that was told.
    leading: Option<Leading>,
    /// The term and the leader that were told last, unless leading was.
    told: Option<(u64, Option<ServerId>)>,
    proposals: Proposals,
    handover: Option<Handover>,
    /// Who is to vote, while an operator's change is not complete.
    wanted: Option<Vec<MemberAddress>>,
    /// Whether who is to be reached has changed since that was asked last.
    moved: bool,
    sending: BTreeMap<ReplicaId, Sending>,
    receiving: Option<Receiving>,
    /// Complete, until the engine has taken it for its own.
    restoring: Option<Arc<LogSnapshot>>,
    /// The last entry at the time when a snapshot was wanted, until it comes.
    snapshot_wanted: Option<u64>,
    counters: Counters,
    failure: Option<String>,
}

/// How this replica leads.
#[derive(Debug, Clone, Copy)]
struct Leading {
    term: u64,
    serving: bool,
}

impl Group {
    pub(crate) const fn members(&self) -> &Members {
        &self.members
    }

    /// Whether who is to be reached has changed since this was asked last.
    pub(crate) const fn take_moved(&mut self) -> bool {
        std::mem::replace(&mut self.moved, false)
    }

    /// Who is to take part beside the members.
    pub(crate) fn wanted(&self) -> &[MemberAddress] {
        self.wanted.as_deref().unwrap_or_default()
    }

    /// Whether this replica takes no part, or not yet.
    pub(crate) fn is_outside(&self) -> bool {
        !members::contains(&self.members, self.own)
    }

    /// Whether this replica leads and has told so.
    fn serves(&self) -> bool {
        self.leading.is_some_and(|leading| leading.serving)
    }

    fn leads(&self) -> bool {
        self.engine.raft.state == StateRole::Leader
    }

    fn term(&self) -> u64 {
        self.engine.raft.term
    }

    /// Who leads, as far as it is known, this server itself included.
    fn leader(&self) -> Option<ServerId> {
        if self.failure.is_some() {
            return self.told.and_then(|(_, leader)| leader);
        }
        let leader = self.engine.raft.leader_id;
        (leader != raft::INVALID_ID).then(|| ReplicaId(leader).server())
    }

    fn tell(&self, io: &mut Io<'_>, news: News) {
        io.news.push_back((self.id, news));
    }

    fn write(&self, io: &mut Io<'_>, fill: impl FnOnce(&mut StoreWrite)) -> WriteId {
        let id = WriteId(io.last_write.0 + 1);
        *io.last_write = id;
        let mut write = StoreWrite {
            id,
            group: self.id,
            durability: io.config.durability,
            snapshot: None,
            entries: Vec::new(),
            hard_state: None,
        };
        fill(&mut write);
        io.peers.write(write);
        id
    }
}
