//! The seam to consensus: where entries are ordered, and when they are committed.

use std::collections::VecDeque;

use synced_protocol::{
    id::LogIndex,
    message::{Commit, LogEntry},
};

/// An ordered log of which a prefix is committed: kept by enough nodes that it is never lost.
pub trait Log {
    /// Adds an entry to the end and returns its place there.
    fn append(&mut self, entry: LogEntry) -> LogIndex;

    /// The next committed entry, in order, each once. Nothing is published before it comes from here.
    fn poll_committed(&mut self) -> Option<Commit>;
}

/// The log of a node that is alone: what is appended is committed.
#[derive(Debug, Default)]
pub struct SoloLog {
    last: LogIndex,
    committed: VecDeque<Commit>,
}

impl Log for SoloLog {
    fn append(&mut self, entry: LogEntry) -> LogIndex {
        self.last = self.last.next();
        let log_index = self.last;
        self.committed.push_back(Commit { log_index, entry });
        log_index
    }

    fn poll_committed(&mut self) -> Option<Commit> {
        self.committed.pop_front()
    }
}
