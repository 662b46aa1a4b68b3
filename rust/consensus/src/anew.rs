//! A log that begins anew among other replicas, with what one of the former ones still holds.

use std::sync::Arc;

use bytes::Bytes;
use synced_protocol::{
    id::{LogIndex, Term},
    store::{EntryKind, HardState, LogSnapshot, Members, RaftEntry, StoredGroup},
};

/// By how many places a log that begins anew is ahead of all that is known of the one before: that one may have been longer, and no
/// place may be told of twice with another content. More are not written in an hour, and what is lost is of the last moments.
pub const INDEX_GAP: u64 = 1 << 32;
/// By how many terms it is ahead, for the same reason.
pub const TERM_GAP: u64 = 1 << 20;

/// Where a log begins anew, and among whom.
///
/// The former replicas are not among the members, so that they neither vote nor count any more; and since each entry has another term
/// than before, no former log passes for this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anew {
    /// Who decides from here on: replicas that were never there before.
    pub members: Members,
    /// The place of the snapshot, at least [`INDEX_GAP`] beyond every place that is known of.
    pub index: LogIndex,
    /// The term of everything in the log, at least [`TERM_GAP`] beyond every term that is known of.
    pub term: Term,
}

impl Anew {
    /// What each of the members is founded with: all that `former` holds, committed or not, since whoever proposed it may have been told
    /// that it was. Changes of members have no effect any more. `parts` is what its snapshot says, as of the new place.
    #[must_use]
    pub fn begin(&self, former: &StoredGroup, parts: Vec<Bytes>) -> StoredGroup {
        let covered = former.snapshot.index.0;
        let moved = |index: LogIndex| LogIndex(self.index.0 + index.0.saturating_sub(covered));
        let entry = |entry: &RaftEntry| RaftEntry {
            index: moved(entry.index),
            term: self.term,
            kind: EntryKind::Normal,
            data: match entry.kind {
                EntryKind::Normal => entry.data.clone(),
                EntryKind::Membership => Bytes::new(),
            },
        };
        let snapshot = LogSnapshot {
            index: self.index,
            term: self.term,
            members: self.members.clone(),
            parts,
        };
        StoredGroup {
            group: former.group,
            hard_state: HardState {
                term: self.term,
                vote: None,
                committed: moved(former.hard_state.committed),
            },
            snapshot: Arc::new(snapshot),
            entries: former.entries.iter().map(entry).collect(),
        }
    }
}
