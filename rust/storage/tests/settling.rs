//! What goes on beside the writes: settling, syncing, and what happens to writes when these stand still or fail.

#![expect(clippy::unwrap_used, reason = "so a test fails")]

mod common;

use std::{fs, sync::Arc, thread};

use common::{Folder, GROUPS, History, entry, found_in, founding, members, nothing};
use synced_protocol::{
    id::{LogIndex, Term},
    store::{Durability, LogSnapshot, StoreWrite},
};
use synced_storage::{JOURNAL_BYTES_MAX, Keeper, SETTLED_BYTES, StorageError, Store};

const JOURNALS: [&str; 2] = ["journal-a", "journal-b"];
/// What an entry of these tests holds, in bytes.
const ENTRY_BYTES: usize = 256 * 1024;

/// A store that somebody else settles.
fn kept(folder: &Folder) -> (Store, Keeper) {
    Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
    let mut store = Store::open(folder.path()).unwrap().store;
    let keeper = store.take_keeper().unwrap();
    assert!(store.take_keeper().is_none());
    (store, keeper)
}

fn append(index: u64) -> StoreWrite {
    StoreWrite {
        entries: vec![entry(index, 1, vec![index as u8; ENTRY_BYTES])],
        ..nothing(GROUPS[0])
    }
}

/// Covers all entries up to one.
fn compaction(index: u64) -> StoreWrite {
    StoreWrite {
        snapshot: Some(Arc::new(LogSnapshot {
            index: LogIndex(index),
            term: Term(1),
            members: members(0),
            parts: Vec::new(),
        })),
        ..nothing(GROUPS[0])
    }
}

fn journal_bytes(folder: &Folder) -> [u64; 2] {
    JOURNALS.map(|name| fs::metadata(folder.path().join(name)).unwrap().len())
}

/// Writes for as long as no write waits, and gives the last index.
fn write_until_it_would_wait(store: &mut Store) -> u64 {
    let mut indices = 1..;
    while !store.would_wait() {
        store.write(&append(indices.next().unwrap())).unwrap();
    }
    indices.start - 1
}

#[test]
fn writes_go_on_while_the_settling_side_stands_still_up_to_the_limit_and_all_of_them_are_there() {
    let folder = Folder::in_memory("standstill");
    let (mut store, keeper) = kept(&folder);
    let written = write_until_it_would_wait(&mut store);
    let [handed_over, current] = journal_bytes(&folder);
    assert!((2 * SETTLED_BYTES..JOURNAL_BYTES_MAX).contains(&handed_over));
    assert!((JOURNAL_BYTES_MAX..JOURNAL_BYTES_MAX + SETTLED_BYTES).contains(&current));
    drop(keeper);
    let alone = store.write(&append(written + 1)).unwrap_err();
    assert!(alone.to_string().contains("nobody settles"), "{alone}");
    drop(store);
    let groups = found_in(folder.path());
    assert_eq!(groups[0].entries.len() as u64, written);
    assert!(
        groups[0]
            .entries
            .iter()
            .all(|e| e.data[0] == e.index.0 as u8)
    );
}

#[test]
fn a_write_at_the_limit_waits_for_the_settling_side_and_then_goes_on() {
    let folder = Folder::in_memory("limit");
    let (mut store, keeper) = kept(&folder);
    let written = write_until_it_would_wait(&mut store);
    let settling = thread::spawn(move || keeper.run());
    store.write(&append(written + 1)).unwrap();
    assert!(!store.would_wait());
    store.close().unwrap();
    settling.join().unwrap().unwrap();
    assert_eq!(journal_bytes(&folder), [0, 0]);
    let entries = &found_in(folder.path())[0].entries;
    assert_eq!(entries.len() as u64, written + 1);
}

#[test]
fn a_long_journal_is_handed_over_behind_the_next_snapshot() {
    let folder = Folder::in_memory("behind-snapshot");
    let (mut store, _keeper) = kept(&folder);
    let entries = SETTLED_BYTES / ENTRY_BYTES as u64;
    store.write(&append(1)).unwrap();
    store.write(&compaction(1)).unwrap();
    (2..=entries).for_each(|index| store.write(&append(index)).unwrap());
    assert_eq!(journal_bytes(&folder)[1], 0);
    store.write(&compaction(entries)).unwrap();
    store.write(&append(entries + 1)).unwrap();
    assert!(journal_bytes(&folder)[1] > 0);
}

#[test]
fn settling_that_fails_fails_the_next_write_and_every_later_one() {
    let folder = Folder::in_memory("failing");
    let (mut store, keeper) = kept(&folder);
    let syncer = store.syncer();
    (1..4).for_each(|index| store.write(&append(index)).unwrap());
    store.hand_over();
    store.write(&append(4)).unwrap();
    let journal = folder.path().join(JOURNALS[0]);
    let mut bytes = fs::read(&journal).unwrap();
    bytes[ENTRY_BYTES + 1000] ^= 1;
    fs::write(&journal, bytes).unwrap();
    let settling = thread::spawn(move || keeper.run());
    let damaged = settling.join().unwrap().unwrap_err();
    assert!(matches!(damaged, StorageError::Corrupt { .. }), "{damaged}");
    for _ in 0..2 {
        let failed = store.write(&append(5)).unwrap_err();
        assert!(matches!(failed, StorageError::Failed { .. }), "{failed}");
        assert!(failed.to_string().contains("journal-a"), "{failed}");
    }
    assert!(matches!(syncer.sync(), Err(StorageError::Failed { .. })));
    assert!(matches!(store.close(), Err(StorageError::Failed { .. })));
}

#[test]
fn settling_many_writes_together_gives_what_settling_them_one_by_one_gives() {
    for seed in 0..60 {
        let folders = [Folder::in_memory("single"), Folder::in_memory("folded")];
        let mut history = History::new(seed);
        let [mut single, mut folded] = folders.each_ref().map(|folder| {
            Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
            Store::open(folder.path()).unwrap().store
        });
        for _ in 0..history.random(1..6) {
            for _ in 0..history.random(1..60) {
                let write = history.next();
                single.write(&write).unwrap();
                single.settle().unwrap();
                folded.write(&write).unwrap();
            }
            folded.settle().unwrap();
        }
        drop((single, folded));
        for folder in folders {
            // All that is found is in the database.
            assert_eq!(journal_bytes(&folder), [0, 0]);
            assert!(found_in(folder.path()) == history.state(), "seed {seed}");
        }
    }
}

#[test]
fn what_a_snapshot_of_the_same_journal_covers_never_gets_to_the_database() {
    let folder = Folder::in_memory("covered");
    Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
    let mut store = Store::open(folder.path()).unwrap().store;
    for (index, name) in (1..).zip(["covered", "also covered", "kept", "replaced"]) {
        let entries = vec![entry(index, 1, name.repeat(9))];
        store
            .write(&StoreWrite {
                entries,
                ..nothing(GROUPS[0])
            })
            .unwrap();
    }
    let entries = vec![entry(4, 2, "last".repeat(9))];
    store
        .write(&StoreWrite {
            entries,
            ..nothing(GROUPS[0])
        })
        .unwrap();
    store.write(&compaction(2)).unwrap();
    store.settle().unwrap();
    let database = &folder.image()["log.redb"];
    let holds = |name: &str| {
        database
            .windows(name.len())
            .any(|part| part == name.as_bytes())
    };
    for (name, is_there) in [
        ("covered", false),
        ("replaced", false),
        ("kept", true),
        ("last", true),
    ] {
        assert_eq!(holds(name), is_there, "{name}");
    }
}
