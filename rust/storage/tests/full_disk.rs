//! A disk that is full, for real: a small file system in memory, mounted for a child process alone.
//!
//! It needs `unshare` and the right to make user namespaces. Where these are missing the test says so and is passed over, except in
//! continuous integration (CI is set).

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "so a test fails")]

mod common;

use std::{env, path::Path, process::Command};

use common::{Folder, GROUPS, History, entry, founding, nothing};
use synced_protocol::store::{Durability, StoreWrite, StoredGroup};
use synced_storage::{LastStop, StorageError, StorageResult, Store};

/// Tells the child where its file system is mounted.
const FOLDER_VARIABLE: &str = "SYNCED_STORAGE_TEST_DISK";
/// Runs the rest of its arguments with 8 MiB of disk mounted at its first.
const MOUNT: &str = "mount -t tmpfs -o size=8m none \"$0\" && exec \"$@\"";

fn in_small_disk(child: &str) {
    let folder = Folder::on_disk("small-disk");
    let unshared = ["--user", "--map-root-user", "--mount"];
    let possible = Command::new("unshare").args(unshared).arg("true").status();
    if !possible.is_ok_and(|status| status.success()) {
        assert!(env::var_os("CI").is_none(), "unshare is needed");
        println!("NOT RUN: no file system can be mounted here");
        return;
    }
    let status = Command::new("unshare")
        .args(unshared)
        .args(["sh", "-c", MOUNT])
        .arg(folder.path())
        .arg(env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture"])
        .env(FOLDER_VARIABLE, folder.path())
        .status();
    assert!(status.unwrap().success());
}

fn disk() -> std::path::PathBuf {
    env::var_os(FOLDER_VARIABLE).unwrap().into()
}

/// Appends entries until an error, and gives that with how many were written.
fn fill(store: &mut Store, from: u64) -> (u64, StorageError) {
    let append = |store: &mut Store, index| -> StorageResult<()> {
        let entries = vec![entry(index, 1, vec![3; 20_000])];
        store.write(&StoreWrite {
            entries,
            ..nothing(GROUPS[0])
        })
    };
    for index in from + 1.. {
        if let Err(error) = append(store, index) {
            return (index - 1, error);
        }
    }
    unreachable!("no disk is endless")
}

fn assert_says_what_to_do(error: &StorageError) {
    let text = error.to_string();
    assert!(matches!(error, StorageError::System { .. }), "{text}");
    assert!(text.contains("No space left"), "{text}");
    assert!(text.contains("free some space"), "{text}");
    assert!(text.contains(disk().to_str().unwrap()), "{text}");
}

fn last(groups: &[StoredGroup]) -> u64 {
    groups[0].entries.last().unwrap().index.0
}

/// Whatever is full: what was acknowledged is there, also when it is opened while the disk is still full, and when there is space
/// again, writing goes on.
fn check_what_is_left(folder: &Path, ballast: &Path, written: u64) {
    let mut opened = Store::open(folder).unwrap();
    assert_eq!(last(&opened.groups), written);
    assert_eq!(opened.last_stop, LastStop::Killed);
    let error = opened.store.write(&nothing(GROUPS[0])).err();
    let closed = opened.store.close();
    assert_eq!(error.is_some(), closed.is_err());
    std::fs::remove_file(ballast).unwrap();
    let mut opened = Store::open(folder).unwrap();
    assert_eq!(last(&opened.groups), written);
    let next = vec![entry(written + 1, 1, "there is room again")];
    let entries = StoreWrite {
        entries: next,
        ..nothing(GROUPS[0])
    };
    opened.store.write(&entries).unwrap();
    opened.store.close().unwrap();
    assert_eq!(last(&Store::open(folder).unwrap().groups), written + 1);
}

fn found(folder: &Path) -> Store {
    Store::found(folder, &founding(Durability::Memory)).unwrap();
    Store::open(folder).unwrap().store
}

#[test]
#[ignore = "runs with a small disk"]
fn journal_is_full() {
    let (folder, ballast) = (disk().join("data"), disk().join("ballast"));
    let mut store = found(&folder);
    // What is in the journal will need as much space again in the database.
    std::fs::write(&ballast, vec![1; 5 * 1024 * 1024]).unwrap();
    let (written, error) = fill(&mut store, 0);
    assert_says_what_to_do(&error);
    assert!(written > 10);
    let (again, error) = fill(&mut store, written);
    assert_eq!(again, written);
    assert!(matches!(error, StorageError::Failed { .. }), "{error}");
    assert!(error.to_string().contains("No space left"), "{error}");
    drop(store);
    check_what_is_left(&folder, &ballast, written);
}

#[test]
#[ignore = "runs with a small disk"]
fn database_is_full() {
    let (folder, ballast) = (disk().join("data"), disk().join("ballast"));
    let mut store = found(&folder);
    std::fs::write(&ballast, vec![1; 1024 * 1024]).unwrap();
    let mut written = 0;
    let error = loop {
        let mut history = History::new(written);
        let entries = vec![entry(
            written + 1,
            1,
            vec![history.random(0..9) as u8; 9000],
        )];
        let write = StoreWrite {
            entries,
            ..nothing(GROUPS[0])
        };
        if let Err(error) = store.write(&write) {
            break error;
        }
        written += 1;
        if let Err(error) = store.settle() {
            break error;
        }
    };
    assert_says_what_to_do(&error);
    assert!(written > 10);
    drop(store);
    check_what_is_left(&folder, &ballast, written);
}

#[test]
fn with_a_full_disk_for_the_journal_the_error_is_clear_and_what_was_written_stays() {
    in_small_disk("journal_is_full");
}

#[test]
fn with_a_full_disk_for_the_database_the_error_is_clear_and_what_was_written_stays() {
    in_small_disk("database_is_full");
}
