//! What a disk keeps and what it loses.

use std::sync::Arc;

use bytes::Bytes;
use synced_protocol::{
    id::{LogIndex, Term},
    store::{Durability, EntryKind, HardState, LogSnapshot, Members, RaftEntry},
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
