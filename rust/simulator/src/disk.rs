//! A server's disk: what the system was handed, what of it would survive a loss of power, and what a server finds there when it
//! opens its store. Writes take effect wholly or not at all, and in order, as the store promises.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Arc,
};

use synced_protocol::{
    id::{GroupId, LogIndex},
    store::{HardState, LogSnapshot, RaftEntry, StoreWrite, StoredGroup, WriteId},
};

/// The disk of one server, over all of its lives until it is emptied.
#[derive(Debug, Clone)]
pub struct Disk {
    /// With every write that was handed over.
    latest: Image,
    /// With those alone that are beyond the reach of a loss of power.
    durable: Image,
    unsynced: VecDeque<StoreWrite>,
    last: WriteId,
    is_full: bool,
}

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

/// Why a write was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteError {
    /// There is no room; nothing after it is tried.
    Full,
    /// The logic asks for something that makes no sense: our own mistake.
    Wrong(String),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("no space left on the disk"),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// The most entries that are remembered beside the log.
const COVERED_MAX: usize = 1_024;

impl Disk {
    /// A disk with groups that were just founded, durably.
    #[must_use]
    pub fn new(groups: Vec<StoredGroup>) -> Self {
        let image: Image = groups
            .into_iter()
            .map(|group| (group.group, GroupImage::new(group)))
            .collect();
        Self {
            durable: image.clone(),
            latest: image,
            unsynced: VecDeque::new(),
            last: WriteId(0),
            is_full: false,
        }
    }

    /// Hands a write to the system.
    ///
    /// # Errors
    /// [`WriteError::Full`] while the disk is full; [`WriteError::Wrong`] when the write leaves a gap or is not the next.
    pub fn write(&mut self, write: StoreWrite) -> Result<(), WriteError> {
        if self.is_full {
            return Err(WriteError::Full);
        }
        if write.id.0 != self.last.0 + 1 {
            let (last, id) = (self.last.0, write.id.0);
            return Err(WriteError::Wrong(format!(
                "write {id} follows write {last}"
            )));
        }
        self.last = write.id;
        apply(&mut self.latest, &write).map_err(WriteError::Wrong)?;
        self.unsynced.push_back(write);
        Ok(())
    }

    /// The last write that was handed over in this life.
    #[must_use]
    pub const fn last(&self) -> WriteId {
        self.last
    }

    /// Writes up to this one survive a loss of power from now on.
    pub fn sync(&mut self, until: WriteId) {
        self.sync_each(until, |_| {});
    }

    /// The same, and tells which these are.
    pub fn sync_each(&mut self, until: WriteId, mut tell: impl FnMut(&StoreWrite)) {
        while self.unsynced.front().is_some_and(|write| write.id <= until) {
            if let Some(write) = self.unsynced.pop_front() {
                tell(&write);
                // It was applied to the latest image without an error, in the same order.
                let _ = apply(&mut self.durable, &write);
            }
        }
    }

    /// How many writes a loss of power could take.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    /// The process ends, and with it those of the last writes that nobody else had: all but the first `kept` of those that are
    /// not durable.
    pub fn lose(&mut self, kept: usize) {
        self.unsynced.truncate(kept);
        if let Some(last) = self.unsynced.back().map(|write| write.id) {
            self.sync(last);
        }
        self.latest = self.durable.clone();
    }

    /// A new life of the process begins, which counts its writes from 1; what was handed over before is durable or will be.
    pub fn open(&mut self) -> Vec<StoredGroup> {
        self.sync_all();
        self.last = WriteId(0);
        self.is_full = false;
        let groups = self.latest.iter();
        groups.map(|(group, image)| image.found(*group)).collect()
    }

    /// Everything that was handed over survives a loss of power from now on.
    pub fn sync_all(&mut self) {
        self.sync(self.last);
    }

    /// Whether writes fail.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Writes fail from now on.
    pub const fn fill(&mut self) {
        self.is_full = true;
    }

    /// One group's storage, with every write.
    #[must_use]
    pub fn group(&self, group: GroupId) -> Option<&GroupImage> {
        self.latest.get(&group)
    }

    /// The same storage without the vote: what a disk that forgets it would give back.
    pub fn forget_votes(&mut self) {
        for image in self.latest.values_mut().chain(self.durable.values_mut()) {
            image.hard_state.vote = None;
        }
    }

    /// The same storage without what the log has from `index` on, durably: what a disk that lies would give back.
    pub fn forget_entries(&mut self, index: LogIndex) {
        self.unsynced.clear();
        for image in self.latest.values_mut().chain(self.durable.values_mut()) {
            image.truncate(index);
            image.hard_state.committed = image.hard_state.committed.min(image.last());
        }
    }
}

impl GroupImage {
    fn new(group: StoredGroup) -> Self {
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

    fn found(&self, group: GroupId) -> StoredGroup {
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

fn apply(image: &mut Image, write: &StoreWrite) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use synced_protocol::{
        id::Term,
        store::{Durability, EntryKind, Members},
    };

    use super::*;

    const GROUP: GroupId = GroupId(0);

    fn founded() -> Disk {
        Disk::new(vec![StoredGroup {
            group: GROUP,
            hard_state: HardState::default(),
            snapshot: snapshot(0),
            entries: Vec::new(),
        }])
    }

    fn snapshot(index: u64) -> Arc<LogSnapshot> {
        Arc::new(LogSnapshot {
            index: LogIndex(index),
            term: Term(1),
            members: Members::default(),
            parts: Vec::new(),
        })
    }

    fn entries(indices: std::ops::RangeInclusive<u64>, term: u64) -> Vec<RaftEntry> {
        indices
            .map(|index| RaftEntry {
                index: LogIndex(index),
                term: Term(term),
                kind: EntryKind::Normal,
                data: Bytes::new(),
            })
            .collect()
    }

    fn write(id: u64, entries: Vec<RaftEntry>, cut: Option<u64>) -> StoreWrite {
        StoreWrite {
            id: WriteId(id),
            group: GROUP,
            durability: Durability::Memory,
            snapshot: cut.map(snapshot),
            entries,
            hard_state: Some(HardState {
                term: Term(id),
                ..HardState::default()
            }),
        }
    }

    fn stands(disk: &Disk) -> (u64, u64, u64) {
        let image = disk.group(GROUP).unwrap();
        let first = image.snapshot.index.0 + 1;
        (first, image.last().0, image.hard_state.term.0)
    }

    #[test]
    fn entries_take_the_place_of_what_was_there_from_their_index_on() {
        let mut disk = founded();
        disk.write(write(1, entries(1..=5, 1), None)).unwrap();
        disk.write(write(2, entries(3..=4, 2), None)).unwrap();
        assert_eq!(stands(&disk), (1, 4, 2));
        let term = |index| {
            disk.group(GROUP)
                .unwrap()
                .entry(LogIndex(index))
                .unwrap()
                .term
        };
        assert_eq!([term(2), term(3)], [Term(1), Term(2)]);
    }

    #[test]
    fn a_snapshot_takes_away_what_it_covers_and_nothing_else() {
        let mut disk = founded();
        disk.write(write(1, entries(1..=5, 1), None)).unwrap();
        disk.write(write(2, Vec::new(), Some(3))).unwrap();
        assert_eq!(stands(&disk), (4, 5, 2));
        disk.write(write(3, Vec::new(), Some(9))).unwrap();
        assert_eq!(stands(&disk), (10, 9, 3));
    }

    #[test]
    fn a_loss_of_power_takes_the_last_writes_that_were_not_synced_and_whole_ones() {
        let mut disk = founded();
        for id in 1..=4 {
            disk.write(write(id, entries(id..=id, 1), None)).unwrap();
        }
        disk.sync(WriteId(1));
        assert_eq!(disk.unsynced(), 3);
        disk.lose(1);
        assert_eq!(stands(&disk), (1, 2, 2));
    }

    #[test]
    fn a_new_life_finds_everything_and_counts_its_writes_anew() {
        let mut disk = founded();
        disk.write(write(1, entries(1..=2, 1), None)).unwrap();
        let found = disk.open();
        assert_eq!(found[0].entries.len(), 2);
        assert!(disk.write(write(1, entries(3..=3, 1), None)).is_ok());
        disk.lose(0);
        assert_eq!(stands(&disk).1, 2);
    }

    #[test]
    fn writes_that_make_no_sense_are_told_from_a_full_disk() {
        let mut disk = founded();
        let gap = disk.write(write(1, entries(2..=2, 1), None));
        assert!(matches!(gap, Err(WriteError::Wrong(_))), "{gap:?}");
        let number = disk.write(write(3, Vec::new(), None));
        assert!(matches!(number, Err(WriteError::Wrong(_))), "{number:?}");
        disk.fill();
        assert_eq!(
            disk.write(write(2, Vec::new(), None)),
            Err(WriteError::Full)
        );
    }
}
