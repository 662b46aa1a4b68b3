//! What a group's consensus tells those who build on it.

use bytes::Bytes;
use synced_protocol::{
    id::{LogIndex, ServerId, Term},
    store::Members,
};

/// Something that is now certain, or who leads. In order: what comes later holds after what came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// An entry is committed. Only entries with content, each once, in the order of the log.
    Committed {
        /// Its place.
        index: LogIndex,
        /// The term in which it was proposed.
        term: Term,
        /// What was proposed.
        data: Bytes,
    },
    /// Replace the state by what this snapshot says: it stands for every entry up to its index.
    Restored {
        /// The last entry that it covers.
        index: LogIndex,
        /// As they were given to [`Consensus::snapshot`](crate::Consensus::snapshot).
        parts: Vec<Bytes>,
    },
    /// This server leads, and everything that any leader before it committed has been told: serve from here.
    Leading {
        /// The term of its leadership.
        term: Term,
    },
    /// This server does not lead, or does not serve yet. What it had proposed and was not told as committed may be lost.
    Following {
        /// The latest term that it knows.
        term: Term,
        /// Who leads in it, as far as it is known; never this server.
        leader: Option<ServerId>,
    },
    /// Who takes part has changed.
    MembersChanged(Members),
    /// A snapshot of the state as of the last news told is wanted, by [`Consensus::snapshot`](crate::Consensus::snapshot).
    SnapshotWanted,
}
