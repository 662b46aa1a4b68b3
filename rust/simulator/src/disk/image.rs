//! What is stored: each group's hard state, snapshot and log.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use synced_protocol::{
    id::{GroupId, LogIndex},
    store::{HardState, LogSnapshot, RaftEntry, StoreWrite, StoredGroup},
};

/// Every group's storage.
pub type Image = BTreeMap<GroupId, GroupImage>;

/// One group's storage.
#[derive(Debug, Clone)]
pub struct GroupImage {
    /// What a server must never forget.
    pub hard_state: HardState,
    /// Where the log begins.
    pub snapshot: Arc<LogSnapshot>,
    /// What the snapshot took the place of, for those who check what was applied.
    covered: VecDeque<RaftEntry>,
    entries: VecDeque<RaftEntry>,
}

/// The most entries that are remembered beside the log.
const COVERED_MAX: usize = 1_024;

impl GroupImage {
    pub(super) fn new(group: StoredGroup) -> Self {
        Self {
            hard_state: group.hard_state,
            snapshot: group.snapshot,
            covered: VecDeque::new(),
            entries: group.entries.into(),
        }
    }

    /// The entry at an index, if the log still has it or had it before its snapshot.
    #[must_use]
    pub fn entry(&self, index: LogIndex) -> Option<&RaftEntry> {
        let place = index.0.checked_sub(self.first_known().0)?;
        let place = usize::try_from(place).ok()?;
        let behind = self.covered.len();
        self.covered
            .get(place)
            .or_else(|| self.entries.get(place.checked_sub(behind)?))
    }

    /// The first index of which the entry is known.
    #[must_use]
    pub fn first_known(&self) -> LogIndex {
        LogIndex(self.snapshot.index.0 + 1 - self.covered.len() as u64)
    }

    /// The last index.
    #[must_use]
    pub fn last(&self) -> LogIndex {
        LogIndex(self.snapshot.index.0 + self.entries.len() as u64)
    }

    /// The last entry's term.
    #[must_use]
    pub fn last_term(&self) -> u64 {
        self.entries
            .back()
            .map_or(self.snapshot.term.0, |entry| entry.term.0)
    }

    fn truncate(&mut self, from: LogIndex) {
        let kept = from.0.saturating_sub(self.snapshot.index.0 + 1);
        self.entries
            .truncate(usize::try_from(kept).unwrap_or(usize::MAX));
    }

    pub(super) fn found(&self, group: GroupId) -> StoredGroup {
        StoredGroup {
            group,
            hard_state: self.hard_state,
            snapshot: self.snapshot.clone(),
            entries: self.entries.iter().cloned().collect(),
        }
    }

    fn replace_snapshot(&mut self, snapshot: &Arc<LogSnapshot>) {
        let covers_own = self
            .entry(snapshot.index)
            .is_some_and(|entry| entry.term == snapshot.term);
        let count = snapshot.index.0.saturating_sub(self.snapshot.index.0);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let covered = self.entries.drain(..count.min(self.entries.len()));
        self.covered.extend(covered);
        if !covers_own {
            self.covered.clear();
        }
        let too_many = self.covered.len().saturating_sub(COVERED_MAX);
        self.covered.drain(..too_many);
        self.snapshot = snapshot.clone();
    }

    fn append(&mut self, entries: &[RaftEntry]) -> Result<(), String> {
        let Some(first) = entries.first() else {
            return Ok(());
        };
        if first.index <= self.snapshot.index || first.index > self.last().next() {
            let (first, last) = (first.index, self.last());
            return Err(format!("a write at {first} into a log that ends at {last}"));
        }
        self.truncate(first.index);
        for entry in entries {
            if entry.index != self.last().next() {
                return Err(format!(
                    "a write whose entries have a gap before {}",
                    entry.index
                ));
            }
            self.entries.push_back(entry.clone());
        }
        Ok(())
    }
}

/// Does a write. The text says what of it makes no sense.
pub(super) fn apply(image: &mut Image, write: &StoreWrite) -> Result<(), String> {
    let group = write.group;
    let image = image
        .get_mut(&group)
        .ok_or_else(|| format!("a write to {group}, which was never founded"))?;
    if let Some(snapshot) = &write.snapshot {
        image.replace_snapshot(snapshot);
    }
    image.append(&write.entries)?;
    if let Some(hard_state) = write.hard_state {
        if hard_state.term < image.hard_state.term {
            return Err(format!("a write that goes back to {}", hard_state.term));
        }
        image.hard_state = hard_state;
    }
    Ok(())
}
