//! How a group stands, for operators and tests.

use synced_protocol::{
    id::{LogIndex, ReplicaId, ServerId, Term},
    store::Members,
    time::Micros,
};

/// What a replica does in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Leads.
    Leader,
    /// Follows and votes.
    Follower,
    /// Stands for election.
    Candidate,
    /// Follows and does not vote.
    Learner,
    /// Takes no part any more, since its disk failed.
    Failed,
}

/// How one group of this server stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupStatus {
    /// Who this is.
    pub replica: ReplicaId,
    /// What it does.
    pub role: Role,
    /// The latest term that it knows.
    pub term: Term,
    /// For whom it voted in that term.
    pub vote: Option<ReplicaId>,
    /// Who leads, itself included.
    pub leader: Option<ServerId>,
    /// The last entry of its log.
    pub last: LogIndex,
    /// The last entry that it knows to be committed.
    pub committed: LogIndex,
    /// The last entry that was told as news.
    pub applied: LogIndex,
    /// The last entry that its snapshot covers.
    pub snapshot: LogIndex,
    /// Bytes of the entries behind that.
    pub log_bytes: usize,
    /// Who takes part.
    pub members: Members,
    /// Every other replica, as a leader sees it; empty for others.
    pub peers: Vec<ReplicaStatus>,
    /// Since when leading or failing to, what this replica counted.
    pub counters: Counters,
    /// Why it takes no part, when it is [`Role::Failed`].
    pub failure: Option<String>,
}

/// Another replica, as the leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// Which.
    pub replica: ReplicaId,
    /// Whether it votes.
    pub voter: bool,
    /// The last entry that it is known to have.
    pub matched: LogIndex,
    /// How many entries of the leader's log it is not known to have.
    pub lag_entries: u64,
    /// Whether it is being sent a snapshot.
    pub in_snapshot: bool,
    /// How long ago the last heartbeat that it acknowledged was sent.
    pub silence: Option<Micros>,
}

/// What a replica counts of one group, from its start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Times that it stood for election, pre-votes included.
    pub elections_started: u64,
    /// Times that it won.
    pub elections_won: u64,
    /// Times that it ceased to lead without having been asked to, and without having failed.
    pub leaderships_lost: u64,
    /// Votes that it did not even consider, since the leader had been heard of too lately.
    pub votes_withheld: u64,
    /// Messages that were no messages of the protocol, or could not come from a sane peer.
    pub messages_refused: u64,
    /// Messages that were for another life of this server, or from one that is over.
    pub messages_astray: u64,
    /// Snapshots of the state that were too large to be taken.
    pub snapshots_refused: u64,
    /// Snapshots that were sent to another replica, complete.
    pub snapshots_sent: u64,
    /// Snapshots that were received, complete.
    pub snapshots_received: u64,
}
