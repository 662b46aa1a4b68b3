//! What a server keeps on disk for the consensus, as logic and storage name it.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    id::{GroupId, LogIndex, ReplicaId, Term},
    peer::PeerAddress,
};

/// A write, numbered by the logic from 1 without gaps.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// When a write counts as done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Once the system has it: it survives the end of the process, not that of the machine.
    #[default]
    Memory,
    /// Once the disk has it.
    Disk,
}

/// What changes of one group's storage, all at once or not at all. Its parts take effect in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreWrite {
    /// Its number.
    pub id: WriteId,
    /// Whose storage.
    pub group: GroupId,
    /// When it counts as done.
    pub durability: Durability,
    /// Replaces the snapshot; every entry up to its index goes.
    pub snapshot: Option<Arc<LogSnapshot>>,
    /// Follow on each other; the first takes the place of whatever is stored from its index on.
    pub entries: Vec<RaftEntry>,
    /// Replaces the hard state.
    pub hard_state: Option<HardState>,
}

/// What a replica must never forget, and how far it knows the log to be committed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct HardState {
    /// The latest term that it has heard of.
    pub term: Term,
    /// For whom it voted in that term.
    pub vote: Option<ReplicaId>,
    /// The last entry that it knows to be committed.
    pub committed: LogIndex,
}

/// An entry of the consensus log. Some hold nothing for the world, so that the places of those that do have gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaftEntry {
    /// Its place.
    pub index: LogIndex,
    /// The term in which a leader proposed it.
    pub term: Term,
    /// What it is for.
    pub kind: EntryKind,
    /// Its content.
    pub data: Bytes,
}

/// What an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// The world; without content, it only marks the beginning of a term.
    Normal,
    /// Who takes part.
    Membership,
}

/// Everything that a log says up to one place, in fewer words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSnapshot {
    /// The last entry that it covers.
    pub index: LogIndex,
    /// That entry's term.
    pub term: Term,
    /// Who took part there.
    pub members: Members,
    /// The world and the sessions there, as the node wrote them; any number of parts, each at most
    /// [`MAX_FRAME_BYTES`](crate::limits::MAX_FRAME_BYTES).
    pub parts: Vec<Bytes>,
}

/// Who takes part in a group. While a change is under way both lists of voters must agree on everything.
#[derive(Debug, Default, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Members {
    /// Those who decide.
    pub voters: Vec<ReplicaId>,
    /// Those who decided before, while a change is under way.
    pub outgoing: Vec<ReplicaId>,
    /// Those who follow and do not decide.
    pub learners: Vec<ReplicaId>,
    /// Voters that become learners when the change is complete.
    pub learners_next: Vec<ReplicaId>,
    /// Whether the change completes by itself.
    pub auto_leave: bool,
    /// Where each server is, those in the lists and no others.
    pub addresses: Vec<MemberAddress>,
}

/// Where a server of the cluster is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MemberAddress {
    /// For the other servers.
    pub peer: PeerAddress,
    /// For players, `host:port`.
    pub players: String,
}

/// What was found of one group on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredGroup {
    /// Which group.
    pub group: GroupId,
    /// Its hard state.
    pub hard_state: HardState,
    /// Where its log begins. A group that was just founded has one at index 0 with its members and no parts.
    pub snapshot: Arc<LogSnapshot>,
    /// What follows the snapshot, without gaps.
    pub entries: Vec<RaftEntry>,
}
