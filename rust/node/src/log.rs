//! The seam to consensus: where entries are ordered, when they are committed, and who leads.

use std::collections::VecDeque;

use bytes::Bytes;
use synced_protocol::{
    id::{LogIndex, ServerId, Term},
    message::{Commit, Leader, LogEntry},
    replica::ReplicaError,
    time::Micros,
};

use crate::{cluster::ClusterStats, node::Node};

/// An ordered log of which a prefix is committed: kept by enough servers that it is never lost. One server at a time leads:
/// it alone adds to the log, and players are served by it.
///
/// Without more words, a log is one whose server leads from the start, always.
pub trait Log: Sized {
    /// Adds an entry to the end and returns its place there, which is final unless the lead is lost.
    ///
    /// # Errors
    /// The entry itself, when it cannot be added now: too much is on its way to be committed, or another server is about to
    /// lead.
    fn append(&mut self, entry: LogEntry) -> Result<LogIndex, LogEntry>;

    /// What happened to the log, in order, each once. Nothing is published before it comes from here as committed.
    fn poll(&mut self) -> Option<News>;

    /// Whether this server leads before there is any news.
    fn leads_from_the_start(&self) -> bool {
        true
    }

    /// Whether this server leads and no other can at this moment: what it knows is then the newest that there is.
    fn holds_lease(&self, _now: Micros) -> bool {
        true
    }

    /// Who leads, as players are told.
    fn leader(&self) -> Leader {
        Leader::alone()
    }

    /// The answer to [`News::SnapshotWanted`], some time after it.
    fn snapshot(&mut self, _parts: Vec<Bytes>) {}

    /// Begins to hand the lead over to another server; returns whether there is one.
    fn hand_over(&mut self) -> bool {
        false
    }

    /// How the cluster stands, where there is one.
    fn stats(_node: &Node<Self>) -> Option<ClusterStats> {
        None
    }

    /// Whether players may be told what time it is.
    fn tells_time(_node: &Node<Self>) -> bool {
        true
    }

    /// What comes before anything that happens at a time.
    fn begin(_node: &mut Node<Self>, _now: Micros) {}

    /// What is to be done with time, once everything that has arrived was handed in.
    fn advance(_node: &mut Node<Self>, _now: Micros) {}

    /// What is to be done when this server leads from now on, or does not any more.
    fn take_role(_node: &mut Node<Self>, _now: Micros) {}

    /// When [`Log::advance`] is wanted at the latest.
    fn poll_deadline(&self) -> Option<Micros> {
        None
    }
}

/// What happened to a log.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// The next entry is committed.
    Committed(Commit),
    /// Everything is to be replaced by what these parts say.
    Restored {
        /// As [`Log::snapshot`] was given them.
        parts: Vec<Bytes>,
    },
    /// This server leads from here on: every entry that was committed before has been told.
    Leading {
        /// Its time of office.
        term: Term,
    },
    /// This server does not lead, or follows another leader than before. What was appended and not told as committed may be
    /// lost.
    Following {
        /// The time of office.
        term: Term,
        /// Who leads, if that is known.
        leader: Option<ServerId>,
    },
    /// The next entry is committed, and only a later program can read it.
    Unreadable(ReplicaError),
    /// Who takes part has changed.
    MembersChanged,
    /// The log has become long: [`Log::snapshot`] is to be given everything as it is after the news so far, soon.
    SnapshotWanted,
}

/// The log of a node that is alone: what is appended is committed.
#[derive(Debug, Default)]
pub struct SoloLog {
    last: LogIndex,
    committed: VecDeque<Commit>,
}

impl Log for SoloLog {
    fn append(&mut self, entry: LogEntry) -> Result<LogIndex, LogEntry> {
        self.last = self.last.next();
        let log_index = self.last;
        self.committed.push_back(Commit { log_index, entry });
        Ok(log_index)
    }

    fn poll(&mut self) -> Option<News> {
        self.committed.pop_front().map(News::Committed)
    }
}
