//! What many writes do all together, so that nothing that does not last is moved to the database.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use synced_protocol::{
    id::GroupId,
    store::{HardState, LogSnapshot, RaftEntry, StoreWrite},
};

use crate::shape::{Kept, Shape, group_of};

/// What writes changed of one group, in the order in which it takes effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folded {
    pub(crate) group: GroupId,
    /// Its log after the last of them.
    pub(crate) shape: Shape,
    /// The last snapshot that they bring.
    pub(crate) snapshot: Option<Arc<LogSnapshot>>,
    /// Which of the entries that were there before the first of them stay.
    pub(crate) kept: Kept,
    /// What comes behind those.
    pub(crate) entries: VecDeque<RaftEntry>,
    /// The last hard state that they bring.
    pub(crate) hard_state: Option<HardState>,
}

/// Folds writes into what they do to groups that are known so far; or says why one cannot follow.
pub(crate) fn fold(
    known: BTreeMap<GroupId, Shape>,
    writes: impl IntoIterator<Item = StoreWrite>,
) -> Result<Vec<Folded>, String> {
    let mut folding = Folding::onto(known);
    writes
        .into_iter()
        .try_for_each(|write| folding.add(write))?;
    Ok(folding.finish())
}

/// Folds writes one by one.
#[derive(Debug)]
pub(crate) struct Folding {
    /// Groups that no write was about yet.
    known: BTreeMap<GroupId, Shape>,
    changed: BTreeMap<GroupId, Folded>,
}

impl Folding {
    /// Begins with groups as they are.
    pub(crate) const fn onto(known: BTreeMap<GroupId, Shape>) -> Self {
        Self {
            known,
            changed: BTreeMap::new(),
        }
    }

    /// Takes the next write, or says why it cannot follow.
    pub(crate) fn add(&mut self, write: StoreWrite) -> Result<(), String> {
        if let Some(shape) = self.known.remove(&write.group) {
            let untouched = Folded::new(write.group, shape);
            self.changed.insert(write.group, untouched);
        }
        let begin = |snapshot: &_| Folded::new(write.group, Shape::new(snapshot));
        group_of(&mut self.changed, &write, begin)?.add(write)
    }

    /// The groups that a write was about.
    pub(crate) fn finish(self) -> Vec<Folded> {
        self.changed.into_values().collect()
    }
}

impl Folded {
    fn new(group: GroupId, shape: Shape) -> Self {
        Self {
            group,
            kept: Kept {
                from: shape.first(),
                to: shape.last().next(),
            },
            shape,
            snapshot: None,
            entries: VecDeque::new(),
            hard_state: None,
        }
    }

    fn add(&mut self, write: StoreWrite) -> Result<(), String> {
        let stays = self.shape.apply(&write)?;
        self.kept.from = self.kept.from.max(stays.from);
        self.kept.to = self.kept.to.min(stays.to).max(self.kept.from);
        self.keep(stays);
        self.entries.extend(write.entries);
        self.snapshot = write.snapshot.or_else(|| self.snapshot.take());
        self.hard_state = write.hard_state.or(self.hard_state);
        Ok(())
    }

    fn keep(&mut self, stays: Kept) {
        let below = |entry: &RaftEntry| entry.index < stays.from;
        while self.entries.front().is_some_and(below) {
            self.entries.pop_front();
        }
        let above = |entry: &RaftEntry| entry.index >= stays.to;
        while self.entries.back().is_some_and(above) {
            self.entries.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use synced_protocol::{
        id::{LogIndex, Term},
        store::{EntryKind, Members},
    };

    use super::*;

    const GROUP: GroupId = GroupId(0);

    fn snapshot(index: u64, term: u64) -> Arc<LogSnapshot> {
        Arc::new(LogSnapshot {
            index: LogIndex(index),
            term: Term(term),
            members: Members::default(),
            parts: Vec::new(),
        })
    }

    fn nothing() -> StoreWrite {
        StoreWrite {
            id: Default::default(),
            group: GROUP,
            durability: Default::default(),
            snapshot: None,
            entries: Vec::new(),
            hard_state: None,
        }
    }

    fn entries(range: std::ops::Range<u64>, term: u64) -> StoreWrite {
        let entries = range.map(|index| RaftEntry {
            index: LogIndex(index),
            term: Term(term),
            kind: EntryKind::Normal,
            data: Default::default(),
        });
        StoreWrite {
            entries: entries.collect(),
            ..nothing()
        }
    }

    fn covered(index: u64, term: u64) -> StoreWrite {
        StoreWrite {
            snapshot: Some(snapshot(index, term)),
            ..nothing()
        }
    }

    /// Folds onto a log with entries 1 to 9 of term 1: what stays of them, and the indices behind them.
    fn folded(writes: impl IntoIterator<Item = StoreWrite>) -> (std::ops::Range<u64>, Vec<u64>) {
        let mut shape = Shape::new(&snapshot(0, 0));
        shape.apply(&entries(1..10, 1)).unwrap();
        let known = BTreeMap::from([(GROUP, shape)]);
        let folded = fold(known, writes).unwrap().remove(0);
        let behind = folded.entries.iter().map(|entry| entry.index.0);
        (folded.kept.from.0..folded.kept.to.0, behind.collect())
    }

    #[test]
    fn what_a_later_snapshot_covers_is_left_out() {
        let compacted = [entries(10..15, 1), covered(12, 1), entries(15..17, 1)];
        assert_eq!(folded(compacted), (13..13, vec![13, 14, 15, 16]));
        assert_eq!(
            folded([entries(10..12, 1), covered(4, 1)]),
            (5..10, vec![10, 11])
        );
    }

    #[test]
    fn what_a_later_entry_takes_the_place_of_is_left_out() {
        let replaced = [entries(10..15, 1), entries(12..14, 2)];
        assert_eq!(folded(replaced), (1..10, vec![10, 11, 12, 13]));
        let replaced = [entries(10..15, 1), entries(7..8, 2), entries(8..9, 2)];
        assert_eq!(folded(replaced), (1..7, vec![7, 8]));
    }

    #[test]
    fn a_snapshot_of_another_history_leaves_nothing_of_before() {
        let other = [entries(10..15, 1), covered(12, 3), entries(13..14, 3)];
        assert_eq!(folded(other), (13..13, vec![13]));
        assert_eq!(folded([covered(5, 3)]), (6..6, vec![]));
    }

    #[test]
    fn a_group_without_a_write_is_left_out_and_one_without_a_snapshot_refused() {
        let known = BTreeMap::from([(GROUP, Shape::new(&snapshot(0, 0)))]);
        assert_eq!(fold(known.clone(), []), Ok(vec![]));
        let unknown = StoreWrite {
            group: GroupId(1),
            ..nothing()
        };
        assert!(fold(known, [unknown]).unwrap_err().contains("group 1"));
    }
}
