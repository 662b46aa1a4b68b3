//! The log in memory, as the engine reads it.
//!
//! Everything that a disk holds of a group is here as well, and the tail of what a snapshot covers besides, so that a follower that
//! lags a little needs no snapshot.

use std::{cell::Cell, collections::VecDeque, sync::Arc};

use raft::{
    Error, GetEntriesContext, RaftState, Result, Storage, StorageError,
    eraftpb::{ConfState, Entry, EntryType, HardState, Snapshot},
};
use synced_protocol::{
    id::ReplicaId,
    store::{LogSnapshot, Members},
};

use crate::members::contains;

/// What an entry takes up beside its content, in bytes, roughly.
const ENTRY_OVERHEAD_BYTES: usize = 128;

/// How much more is kept of what a snapshot covers for followers that are being caught up.
const LAG_FACTOR: usize = 4;

/// The log of one group.
#[derive(Debug)]
pub(crate) struct Log {
    /// Follow on `start` without gaps.
    entries: VecDeque<Entry>,
    /// Place and term of the entry before the first; never behind the snapshot.
    start: (u64, u64),
    snapshot: Arc<LogSnapshot>,
    hard_state: HardState,
    bytes: usize,
    /// Of the entries that the snapshot does not cover.
    bytes_uncovered: usize,
    /// Whether a follower needs a snapshot that is newer than this one.
    wanted: Cell<bool>,
}

fn size(entry: &Entry) -> usize {
    entry.data.len() + entry.context.len() + ENTRY_OVERHEAD_BYTES
}

impl Log {
    /// Begins with a snapshot and what follows it.
    pub(crate) fn new(
        snapshot: Arc<LogSnapshot>,
        entries: Vec<Entry>,
        hard_state: HardState,
    ) -> Self {
        let bytes = entries.iter().map(size).sum();
        Self {
            entries: entries.into(),
            start: (snapshot.index.0, snapshot.term.0),
            snapshot,
            hard_state,
            bytes,
            bytes_uncovered: bytes,
            wanted: Cell::new(false),
        }
    }

    pub(crate) const fn snapshot(&self) -> &Arc<LogSnapshot> {
        &self.snapshot
    }

    /// Bytes of the entries that the snapshot does not cover.
    pub(crate) const fn bytes_uncovered(&self) -> usize {
        self.bytes_uncovered
    }

    /// Whether a follower has needed a newer snapshot since this was asked last.
    pub(crate) fn take_wanted(&self) -> bool {
        self.wanted.take()
    }

    fn last(&self) -> u64 {
        self.start.0 + self.entries.len() as u64
    }

    fn at(&self, index: u64) -> Option<&Entry> {
        let place = index.checked_sub(self.start.0 + 1)?;
        self.entries.get(usize::try_from(place).ok()?)
    }

    /// The term of an entry that is here, or just before the first.
    pub(crate) fn term_of(&self, index: u64) -> Option<u64> {
        if index == self.start.0 {
            return Some(self.start.1);
        }
        self.at(index).map(|entry| entry.term)
    }

    /// Appends entries that follow on each other; the first takes the place of whatever is here from its index on.
    pub(crate) fn append(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        while self.last() >= first.index && !self.entries.is_empty() {
            self.drop_last();
        }
        for entry in entries {
            let size = size(entry);
            self.bytes += size;
            self.bytes_uncovered += size;
            self.entries.push_back(kept(entry));
        }
    }

    fn drop_last(&mut self) {
        if let Some(entry) = self.entries.pop_back() {
            let size = size(&entry);
            self.bytes = self.bytes.saturating_sub(size);
            self.bytes_uncovered = self.bytes_uncovered.saturating_sub(size);
        }
    }

    /// Takes over a snapshot from the leader, in place of everything.
    pub(crate) fn restore(&mut self, snapshot: Arc<LogSnapshot>) {
        *self = Self::new(snapshot, Vec::new(), std::mem::take(&mut self.hard_state));
    }

    /// Takes a snapshot of this replica's own state. Of the entries that it covers, at most `kept_max` bytes stay, or
    /// [`LAG_FACTOR`] times as many where a follower is still to get those behind `needed`.
    pub(crate) fn cover(&mut self, snapshot: Arc<LogSnapshot>, kept_max: usize, needed: u64) {
        let covered = snapshot.index.0;
        self.snapshot = snapshot;
        self.wanted.set(false);
        let uncovered = self
            .entries
            .iter()
            .rev()
            .take_while(|entry| entry.index > covered);
        self.bytes_uncovered = uncovered.map(size).sum();
        let lagged_max = kept_max.saturating_mul(LAG_FACTOR);
        let too_long = |log: &Self| {
            let bytes = log.bytes - log.bytes_uncovered;
            bytes > lagged_max || (bytes > kept_max && log.start.0 < needed)
        };
        while self.start.0 < covered && too_long(self) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes = self.bytes.saturating_sub(size(&entry));
            self.start = (entry.index, entry.term);
        }
    }
}

/// An entry without what only the engine's own codec would want of it.
fn kept(entry: &Entry) -> Entry {
    let mut kept = entry.clone();
    if kept.get_entry_type() != EntryType::EntryNormal {
        kept.data.clear();
    }
    kept
}

/// The engine's members for ours.
pub(crate) fn conf_state(members: &Members) -> ConfState {
    let list = |replicas: &[ReplicaId]| replicas.iter().map(|replica| replica.0).collect();
    ConfState {
        voters: list(&members.voters),
        voters_outgoing: list(&members.outgoing),
        learners: list(&members.learners),
        learners_next: list(&members.learners_next),
        auto_leave: members.auto_leave,
        ..ConfState::default()
    }
}

/// The name by which the engine knows a snapshot.
pub(crate) fn snapshot_metadata(snapshot: &LogSnapshot) -> Snapshot {
    let mut out = Snapshot::default();
    let metadata = out.mut_metadata();
    metadata.index = snapshot.index.0;
    metadata.term = snapshot.term.0;
    metadata.set_conf_state(conf_state(&snapshot.members));
    out
}

impl Storage for Log {
    fn initial_state(&self) -> Result<RaftState> {
        Ok(RaftState::new(
            self.hard_state.clone(),
            conf_state(&self.snapshot.members),
        ))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> Result<Vec<Entry>> {
        if low <= self.start.0 {
            return Err(Error::Store(StorageError::Compacted));
        }
        if high > self.last() + 1 {
            return Err(Error::Store(StorageError::Unavailable));
        }
        let limit = max_size.into().unwrap_or(u64::MAX);
        let mut taken = 0_u64;
        let fits = |entry: &&Entry| {
            let first = taken == 0;
            taken += size(entry) as u64;
            first || taken <= limit
        };
        let skipped = (low - self.start.0 - 1) as usize;
        let entries = self
            .entries
            .iter()
            .skip(skipped)
            .take((high - low) as usize);
        Ok(entries.take_while(fits).cloned().collect())
    }

    fn term(&self, index: u64) -> Result<u64> {
        let gone = if index < self.start.0 {
            StorageError::Compacted
        } else {
            StorageError::Unavailable
        };
        self.term_of(index).ok_or(Error::Store(gone))
    }

    fn first_index(&self) -> Result<u64> {
        Ok(self.start.0 + 1)
    }

    fn last_index(&self) -> Result<u64> {
        Ok(self.last())
    }

    fn snapshot(&self, request_index: u64, to: u64) -> Result<Snapshot> {
        let known = contains(&self.snapshot.members, ReplicaId(to));
        if known && self.snapshot.index.0 >= request_index.max(1) {
            return Ok(snapshot_metadata(&self.snapshot));
        }
        self.wanted.set(true);
        Err(Error::Store(StorageError::SnapshotTemporarilyUnavailable))
    }
}
