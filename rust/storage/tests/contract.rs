//! What a store promises while nothing breaks.

#![expect(clippy::unwrap_used, reason = "so a test fails")]

mod common;

use std::{fs, sync::Arc, thread};

use common::{Folder, GROUPS, History, entry, found_in, founding, nothing};
use synced_protocol::{
    id::{LogIndex, ReplicaId, ServerId},
    store::{Durability, LogSnapshot, StoreWrite},
};
use synced_storage::{JOURNAL_BYTES_MAX, LastStop, Opened, StorageError, Store, WRITE_BYTES_MAX};

fn opened(folder: &Folder, durability: Durability) -> Opened {
    Store::found(folder.path(), &founding(durability)).unwrap();
    Store::open(folder.path()).unwrap()
}

#[test]
fn a_founded_folder_holds_its_members_at_index_zero_and_comes_back_as_itself() {
    let folder = Folder::on_disk("founded");
    let opened = opened(&folder, Durability::Memory);
    assert_eq!(opened.groups, History::new(0).state());
    assert_eq!(opened.last_stop, LastStop::Orderly);
    assert_eq!(opened.identity, founding(Durability::Memory).identity);
    assert_eq!(opened.identity.replica(), ReplicaId::new(ServerId(3), 0));
}

#[test]
fn every_history_reads_back_whether_it_was_settled_closed_or_broken_off() {
    for seed in 0..40 {
        let folder = Folder::in_memory("histories");
        let durability = [Durability::Memory, Durability::Disk][usize::from(seed % 4 == 0)];
        let mut store = opened(&folder, durability).store;
        let mut history = History::new(seed);
        for _ in 0..history.random(1..120) {
            store.write(&history.next()).unwrap();
            if history.random(0..20) == 0 {
                store.settle().unwrap();
            }
            if history.random(0..30) == 0 {
                drop(store);
                let opened = Store::open(folder.path()).unwrap();
                assert_eq!(opened.groups, history.state(), "seed {seed}");
                assert_eq!(opened.last_stop, LastStop::Killed);
                store = opened.store;
            }
        }
        store.close().unwrap();
        let opened = Store::open(folder.path()).unwrap();
        assert_eq!(opened.groups, history.state(), "seed {seed}");
        assert_eq!(opened.last_stop, LastStop::Orderly);
    }
}

#[test]
fn writes_and_settling_go_on_side_by_side() {
    let folder = Folder::in_memory("side-by-side");
    let mut store = opened(&folder, Durability::Memory).store;
    let mut history = History::new(5);
    let (keeper, syncer) = (store.take_keeper().unwrap(), store.syncer());
    let settling = thread::spawn(move || keeper.run());
    let syncing = thread::spawn(move || (0..200).try_for_each(|_| syncer.sync()));
    for round in 1..=1500 {
        store.write(&history.next()).unwrap();
        if round % 10 == 0 {
            store.hand_over();
        }
    }
    syncing.join().unwrap().unwrap();
    drop(store);
    settling.join().unwrap().unwrap();
    assert_eq!(found_in(folder.path()), history.state());
}

#[test]
fn a_second_user_of_a_folder_is_turned_away_until_the_first_is_gone() {
    let folder = Folder::on_disk("locked");
    let first = opened(&folder, Durability::Memory);
    let second = Store::open(folder.path()).unwrap_err();
    assert!(matches!(second, StorageError::InUse { .. }), "{second}");
    assert!(second.to_string().contains("another process uses"));
    let refounding = Store::refound(folder.path(), &founding(Durability::Memory));
    assert!(matches!(refounding, Err(StorageError::InUse { .. })));
    drop(first);
    Store::open(folder.path()).unwrap();
}

#[test]
fn a_folder_is_founded_once_and_asks_for_a_new_replica_when_it_was_never() {
    let folder = Folder::on_disk("once");
    let empty = Store::open(folder.path()).unwrap_err();
    assert!(matches!(empty, StorageError::NotFounded { .. }));
    assert!(empty.asks_for_new_replica());
    Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
    let again = Store::found(folder.path(), &founding(Durability::Memory)).unwrap_err();
    assert!(matches!(again, StorageError::AlreadyFounded { .. }));
    assert!(!again.asks_for_new_replica());
}

#[test]
fn a_folder_that_is_made_anew_forgets_everything_and_is_a_later_replica() {
    let folder = Folder::on_disk("anew");
    let mut store = opened(&folder, Durability::Memory).store;
    let mut history = History::new(1);
    (0..20).for_each(|_| store.write(&history.next()).unwrap());
    drop(store);
    let mut later = founding(Durability::Memory);
    later.identity.incarnation = 1_800_000_000;
    let opened = Store::refound(folder.path(), &later).unwrap();
    assert_eq!(opened.identity.incarnation, 1_800_000_000);
    assert_eq!(opened.groups, History::new(0).state());
    drop(opened);
    // A clock that went back must not bring an old replica to life.
    later.identity.incarnation = 5;
    let opened = Store::refound(folder.path(), &later).unwrap();
    assert_eq!(opened.identity.incarnation, 1_800_000_001);
}

#[test]
fn a_folder_that_was_founded_halfway_counts_as_never_founded() {
    let folder = Folder::on_disk("halfway");
    Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
    fs::remove_file(folder.path().join("identity")).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(error.asks_for_new_replica(), "{error}");
    Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
    Store::open(folder.path()).unwrap();
}

#[test]
fn what_cannot_follow_is_refused_and_nothing_is_written_after_it() {
    let folder = Folder::on_disk("refused");
    let mut store = opened(&folder, Durability::Memory).store;
    let gap = StoreWrite {
        entries: vec![entry(2, 1, "too far")],
        ..nothing(GROUPS[0])
    };
    let refused = store.write(&gap).unwrap_err();
    assert!(matches!(refused, StorageError::Refused { .. }), "{refused}");
    let later = store.write(&nothing(GROUPS[0])).unwrap_err();
    assert!(matches!(later, StorageError::Failed { .. }), "{later}");
    assert!(later.to_string().contains("log index 2"), "{later}");
    drop(store);
    assert_eq!(found_in(folder.path()), History::new(0).state());
}

/// A write of one snapshot whose parts have this many bytes together.
fn large(bytes: usize) -> StoreWrite {
    let part = bytes::Bytes::from(vec![7; 1024 * 1024]);
    StoreWrite {
        snapshot: Some(Arc::new(LogSnapshot {
            parts: vec![part; bytes.div_ceil(1024 * 1024)],
            index: LogIndex(9),
            ..LogSnapshot::clone(&History::new(0).state()[0].snapshot)
        })),
        ..nothing(GROUPS[0])
    }
}

#[test]
fn a_write_beyond_the_limit_is_refused() {
    let folder = Folder::on_disk("too-large");
    let mut store = opened(&folder, Durability::Memory).store;
    let refused = store.write(&large(WRITE_BYTES_MAX)).unwrap_err();
    assert!(matches!(refused, StorageError::Refused { .. }), "{refused}");
}

#[test]
fn a_journal_that_nobody_settles_stays_within_its_limit() {
    let folder = Folder::in_memory("long");
    let mut store = opened(&folder, Durability::Memory).store;
    let bytes = usize::try_from(JOURNAL_BYTES_MAX).unwrap() / 4;
    let mut longest = 0;
    for _ in 0..10 {
        store.write(&large(bytes)).unwrap();
        let journals = ["journal-a", "journal-b"].map(|name| folder.path().join(name));
        let lengths = journals.map(|path| fs::metadata(path).unwrap().len());
        longest = longest.max(lengths[0] + lengths[1]);
    }
    assert!(longest >= JOURNAL_BYTES_MAX);
    assert!(longest < JOURNAL_BYTES_MAX + 2 * bytes as u64, "{longest}");
}

#[test]
fn space_is_used_again_after_compaction() {
    let folder = Folder::in_memory("space");
    let mut store = opened(&folder, Durability::Memory).store;
    let mut sizes = Vec::new();
    for round in 0..30 {
        let first = round * 500 + 1;
        for index in first..first + 500 {
            let entries = vec![entry(index, 1, vec![1; 2048])];
            store
                .write(&StoreWrite {
                    entries,
                    ..nothing(GROUPS[0])
                })
                .unwrap();
        }
        let snapshot = LogSnapshot {
            index: LogIndex(first + 400),
            term: synced_protocol::id::Term(1),
            ..LogSnapshot::clone(&History::new(0).state()[0].snapshot)
        };
        let snapshot = Some(Arc::new(snapshot));
        store
            .write(&StoreWrite {
                snapshot,
                ..nothing(GROUPS[0])
            })
            .unwrap();
        store.settle().unwrap();
        sizes.push(fs::metadata(folder.path().join("log.redb")).unwrap().len());
    }
    // 30,000 KB went through it; at most some 1,200 KB are there at a time.
    assert!(sizes[29] <= 8 * 1024 * 1024, "{sizes:?}");
    assert_eq!(found_in_after(store, &folder), 99);
}

fn found_in_after(store: Store, folder: &Folder) -> usize {
    drop(store);
    found_in(folder.path())[0].entries.len()
}
