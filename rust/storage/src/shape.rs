//! Which entries a group's log holds, without what is in them: enough to know what a write does to it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use synced_protocol::{
    id::{GroupId, LogIndex, Term},
    store::{LogSnapshot, RaftEntry, StoreWrite},
};

/// Where a group's log begins and ends, and the term of each entry between.
///
/// Invariants: `runs` rise in index and term, begin right behind the snapshot unless the log is empty, and end at `last`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    snapshot_index: LogIndex,
    snapshot_term: Term,
    /// The first entry of each run of entries of the same term.
    runs: Vec<(LogIndex, Term)>,
    last: LogIndex,
}

/// Which of the entries that were stored stay: from the first up to, but not including, the second. Those that a write brings come
/// behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) from: LogIndex,
    pub(crate) to: LogIndex,
}

/// What is known of the group that a write is about. A group begins with a write that brings a snapshot.
pub(crate) fn group_of<'a, G>(
    groups: &'a mut BTreeMap<GroupId, G>,
    write: &StoreWrite,
    begin: impl FnOnce(&Arc<LogSnapshot>) -> G,
) -> Result<&'a mut G, String> {
    match (groups.entry(write.group), &write.snapshot) {
        (Entry::Occupied(group), _) => Ok(group.into_mut()),
        (Entry::Vacant(place), Some(snapshot)) => Ok(place.insert(begin(snapshot))),
        (Entry::Vacant(_), None) => Err(format!("{} begins without a snapshot", write.group)),
    }
}

impl Shape {
    /// An empty log behind a snapshot.
    pub(crate) fn new(snapshot: &Arc<LogSnapshot>) -> Self {
        Self {
            snapshot_index: snapshot.index,
            snapshot_term: snapshot.term,
            runs: Vec::new(),
            last: snapshot.index,
        }
    }

    pub(crate) const fn first(&self) -> LogIndex {
        self.snapshot_index.next()
    }

    pub(crate) const fn last(&self) -> LogIndex {
        self.last
    }

    /// Takes up what a write changes, and says what it leaves of what was there; or says why it cannot follow.
    pub(crate) fn apply(&mut self, write: &StoreWrite) -> Result<Kept, String> {
        if let Some(snapshot) = &write.snapshot {
            self.take_snapshot(snapshot)?;
        }
        let from = self.first();
        let mut to = self.last.next();
        if let Some(first) = write.entries.first() {
            self.cut_from(first.index)?;
            to = first.index;
        }
        for entry in &write.entries {
            self.push(entry)?;
        }
        Ok(Kept { from, to })
    }

    /// What follows a snapshot stays only if the log agrees with the snapshot at its index: else it is another history (Raft,
    /// figure 13, steps 6 and 7).
    fn take_snapshot(&mut self, snapshot: &Arc<LogSnapshot>) -> Result<(), String> {
        if snapshot.index < self.snapshot_index {
            return Err(format!(
                "a snapshot at {} is older than the one at {}",
                snapshot.index, self.snapshot_index
            ));
        }
        if self.term_at(snapshot.index) != Some(snapshot.term) {
            *self = Self::new(snapshot);
            return Ok(());
        }
        let first = snapshot.index.next();
        let term = self.term_at(first);
        self.runs.retain(|(start, _)| *start > first);
        if let Some(term) = term {
            self.runs.insert(0, (first, term));
        }
        self.snapshot_index = snapshot.index;
        self.snapshot_term = snapshot.term;
        Ok(())
    }

    fn cut_from(&mut self, index: LogIndex) -> Result<(), String> {
        if index < self.first() || index > self.last.next() {
            return Err(format!(
                "an entry at {index} cannot follow a log from {} to {}",
                self.first(),
                self.last
            ));
        }
        self.runs.retain(|(start, _)| *start < index);
        self.last = LogIndex(index.0 - 1);
        Ok(())
    }

    pub(crate) fn push(&mut self, entry: &RaftEntry) -> Result<(), String> {
        let term_before = self
            .runs
            .last()
            .map_or(self.snapshot_term, |(_, term)| *term);
        if entry.index != self.last.next() || entry.term < term_before {
            return Err(format!(
                "an entry at {} of {} cannot follow one at {} of {term_before}",
                entry.index, entry.term, self.last
            ));
        }
        if self.runs.is_empty() || entry.term > term_before {
            self.runs.push((entry.index, entry.term));
        }
        self.last = entry.index;
        Ok(())
    }

    fn term_at(&self, index: LogIndex) -> Option<Term> {
        if index == self.snapshot_index {
            return Some(self.snapshot_term);
        }
        if index < self.snapshot_index || index > self.last {
            return None;
        }
        let run = self.runs.iter().rev().find(|(start, _)| *start <= index);
        run.map(|(_, term)| *term)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use synced_protocol::store::{EntryKind, Members};

    use super::*;

    fn snapshot(index: u64, term: u64) -> Arc<LogSnapshot> {
        Arc::new(LogSnapshot {
            index: LogIndex(index),
            term: Term(term),
            members: Members::default(),
            parts: Vec::new(),
        })
    }

    fn write(snapshot: Option<Arc<LogSnapshot>>, first: u64, terms: &[u64]) -> StoreWrite {
        let entries = (first..).zip(terms).map(|(index, term)| RaftEntry {
            index: LogIndex(index),
            term: Term(*term),
            kind: EntryKind::Normal,
            data: Bytes::new(),
        });
        StoreWrite {
            id: Default::default(),
            group: Default::default(),
            durability: Default::default(),
            snapshot,
            entries: entries.collect(),
            hard_state: None,
        }
    }

    /// A log with entries 1 to 6 of terms 1, 1, 2, 2, 4, 4.
    fn shape() -> Shape {
        let mut shape = Shape::new(&snapshot(0, 0));
        shape.apply(&write(None, 1, &[1, 1, 2, 2, 4, 4])).unwrap();
        shape
    }

    fn kept(from: u64, to: u64) -> Kept {
        Kept {
            from: LogIndex(from),
            to: LogIndex(to),
        }
    }

    fn terms(shape: &Shape) -> Vec<u64> {
        let indices = shape.first().0..=shape.last().0;
        let term = |index| shape.term_at(LogIndex(index)).unwrap().0;
        indices.map(term).collect()
    }

    #[test]
    fn an_entry_takes_the_place_of_all_from_its_index_on() {
        let mut shape = shape();
        assert_eq!(shape.apply(&write(None, 4, &[3, 5])), Ok(kept(1, 4)));
        assert_eq!(terms(&shape), [1, 1, 2, 3, 5]);
    }

    #[test]
    fn a_snapshot_that_the_log_agrees_with_leaves_what_follows_it() {
        let mut shape = shape();
        let compaction = write(Some(snapshot(3, 2)), 0, &[]);
        assert_eq!(shape.apply(&compaction), Ok(kept(4, 7)));
        assert_eq!(terms(&shape), [2, 4, 4]);
        assert_eq!(shape.apply(&compaction), Ok(kept(4, 7)));
    }

    #[test]
    fn a_snapshot_of_another_history_leaves_nothing() {
        let mut shape = shape();
        let restored = write(Some(snapshot(3, 3)), 0, &[]);
        assert_eq!(shape.apply(&restored), Ok(kept(4, 4)));
        assert_eq!(terms(&shape), [0; 0]);
    }

    #[test]
    fn a_snapshot_beyond_the_log_leaves_nothing_and_entries_follow_it() {
        let mut shape = shape();
        let restored = write(Some(snapshot(20, 5)), 21, &[5, 6]);
        assert_eq!(shape.apply(&restored), Ok(kept(21, 21)));
        assert_eq!(terms(&shape), [5, 6]);
    }

    #[test]
    fn what_would_leave_a_gap_or_go_back_is_refused() {
        let mut compacted = shape();
        let at_three = write(Some(snapshot(3, 2)), 0, &[]);
        compacted.apply(&at_three).unwrap();
        for (what, wrong) in [
            ("a gap", write(None, 8, &[4])),
            ("below the snapshot", write(None, 3, &[4])),
            ("an earlier term", write(None, 7, &[3])),
            ("a falling term", write(None, 7, &[6, 5])),
            ("an older snapshot", write(Some(snapshot(2, 1)), 0, &[])),
        ] {
            assert!(compacted.clone().apply(&wrong).is_err(), "{what}");
        }
    }
}
