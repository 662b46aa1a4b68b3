//! Records that are sound by themselves, and wrong where they are: as after a write that never reached the disk.

use std::{env, fs, path::PathBuf};

use redb::WriteTransaction;
use synced_protocol::{
    id::Term,
    store::{EntryKind, Members, StoreWrite},
};

use super::*;
use crate::{database::Database, fold::fold};

const GROUP: GroupId = GroupId(4);

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    /// A database with a snapshot in two parts at index 10, and entries 11 to 15.
    fn new(name: &str) -> Self {
        let name = format!("synced-load-{name}-{}", std::process::id());
        let folder = Self(env::temp_dir().join(name));
        fs::create_dir_all(&folder.0).unwrap();
        Database::create(&folder.0, &[write(10, 11..16, "first")]).unwrap();
        folder
    }

    fn settle(&self, write: StoreWrite) {
        let (mut database, _) = Database::open(&self.0).unwrap();
        let folded = fold(database.shapes(), [write]).unwrap();
        database.settle(1, &folded).unwrap();
    }

    fn change(&self, change: impl FnOnce(&WriteTransaction)) {
        let (database, _) = Database::open(&self.0).unwrap();
        let transaction = database.raw().begin_write().unwrap();
        change(&transaction);
        transaction.commit().unwrap();
    }

    fn entry(&self, index: u64) -> Vec<u8> {
        let (database, _) = Database::open(&self.0).unwrap();
        let transaction = database.raw().begin_read().unwrap();
        let entries = transaction.open_table(ENTRIES).unwrap();
        let record = entries.get((GROUP.0, index)).unwrap().unwrap();
        record.value().to_vec()
    }

    fn put_entry(&self, index: u64, record: &[u8]) {
        self.change(|transaction| {
            let mut entries = transaction.open_table(ENTRIES).unwrap();
            entries.insert((GROUP.0, index), record).unwrap();
        });
    }

    fn error(&self) -> String {
        Database::open(&self.0).unwrap_err().to_string()
    }
}

/// A write whose contents all say the same.
fn write(snapshot: u64, entries: std::ops::Range<u64>, content: &'static str) -> StoreWrite {
    let entries = entries.map(|index| RaftEntry {
        index: LogIndex(index),
        term: Term(2),
        kind: EntryKind::Normal,
        data: content.into(),
    });
    StoreWrite {
        id: Default::default(),
        group: GROUP,
        durability: Default::default(),
        snapshot: Some(Arc::new(LogSnapshot {
            index: LogIndex(snapshot),
            term: Term(2),
            members: Members::default(),
            parts: vec![content.into(); 2],
        })),
        entries: entries.collect(),
        hard_state: None,
    }
}

#[test]
fn a_missing_entry_is_found() {
    for index in [12, 15] {
        let folder = Folder::new("gap");
        folder.change(|transaction| {
            let mut entries = transaction.open_table(ENTRIES).unwrap();
            entries.remove((GROUP.0, index)).unwrap();
        });
        let error = folder.error();
        assert!(error.contains("log.redb"), "{error}");
        assert!(
            error.contains(&format!("log index {}", index + u64::from(index == 12))),
            "{error}"
        );
    }
}

#[test]
fn an_entry_of_before_in_the_place_of_a_later_one_is_found() {
    let folder = Folder::new("stale");
    let stale = folder.entry(13);
    folder.settle(StoreWrite {
        snapshot: None,
        ..write(10, 13..16, "later")
    });
    folder.put_entry(13, &stale);
    let error = folder.error();
    assert!(error.contains("log index 14"), "{error}");
    assert!(error.contains("does not follow"), "{error}");
}

#[test]
fn a_last_entry_of_before_is_found() {
    let folder = Folder::new("stale-last");
    let stale = folder.entry(15);
    folder.settle(StoreWrite {
        snapshot: None,
        ..write(10, 15..16, "later")
    });
    folder.put_entry(15, &stale);
    assert!(folder.error().contains("log index 15"));
}

#[test]
fn an_entry_in_the_place_of_another_is_found() {
    let folder = Folder::new("swapped");
    folder.put_entry(13, &folder.entry(14));
    let error = folder.error();
    assert!(
        error.contains("log index 13 of group 4 does not match"),
        "{error}"
    );
}

#[test]
fn a_part_of_another_snapshot_is_found() {
    let folder = Folder::new("parts");
    let part = |folder: &Folder| {
        let (database, _) = Database::open(&folder.0).unwrap();
        let transaction = database.raw().begin_read().unwrap();
        let snapshots = transaction.open_table(SNAPSHOTS).unwrap();
        let record = snapshots.get((GROUP.0, 2)).unwrap().unwrap();
        record.value().to_vec()
    };
    let stale = part(&folder);
    folder.settle(write(12, 16..16, "later"));
    folder.change(|transaction| {
        let mut snapshots = transaction.open_table(SNAPSHOTS).unwrap();
        snapshots.insert((GROUP.0, 2), stale.as_slice()).unwrap();
    });
    assert!(
        folder
            .error()
            .contains("part 2 of the snapshot of group 4: is of another")
    );
}

#[test]
fn a_missing_part_of_a_snapshot_is_found() {
    let folder = Folder::new("missing-part");
    folder.change(|transaction| {
        let mut snapshots = transaction.open_table(SNAPSHOTS).unwrap();
        snapshots.remove((GROUP.0, 2)).unwrap();
    });
    assert!(
        folder
            .error()
            .contains("part 2 of the snapshot of group 4: is missing")
    );
}

#[test]
fn records_of_a_group_that_is_gone_are_found() {
    let folder = Folder::new("orphans");
    folder.change(|transaction| {
        let mut heads = transaction.open_table(HEADS).unwrap();
        heads.remove(GROUP.0).unwrap();
    });
    assert!(folder.error().contains("belong to nothing"));
}
