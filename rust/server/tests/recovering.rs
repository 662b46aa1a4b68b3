//! Beginning anew with what folders hold: which log is taken, what is told of each, and what cannot be.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use support::{error_text, folder, run, synced};
use synced_protocol::{
    id::{GroupId, LogIndex, ReplicaId, ServerId, Term},
    store::{Durability, EntryKind, HardState, LogSnapshot, Members, RaftEntry, StoredGroup},
};
use synced_storage::{Identity, Store};

const RECOVER: [&str; 4] = ["cluster", "recover", "--directory", "cups"];
/// A place that no log comes to before the first recovery.
const FAR: u64 = 1 << 32;

/// A cluster of five servers, none of which ever ran.
fn cluster(test: &str) -> PathBuf {
    let folder = folder(test);
    let init = [
        "cluster",
        "init",
        "--directory",
        "cups",
        "--game",
        "Cups",
        "--id",
        "cups",
    ];
    let output = run(&mut synced(&folder, &init));
    assert!(output.status.success(), "{}", error_text(&output));
    folder
}

fn data(folder: &Path, server: u16) -> PathBuf {
    folder.join(format!("cups/server-{server}/data"))
}

/// A log of entries of these terms, each of which says its place.
fn log(terms: &[u64], committed: u64) -> StoredGroup {
    let founders = (1..=5).map(|server| ReplicaId::new(ServerId(server), 0));
    let snapshot = LogSnapshot {
        index: LogIndex(1),
        term: Term(1),
        members: Members {
            voters: founders.collect(),
            ..Members::default()
        },
        parts: Vec::new(),
    };
    let entry = |(index, term): (u64, &u64)| RaftEntry {
        index: LogIndex(index),
        term: Term(*term),
        kind: EntryKind::Normal,
        data: format!("{index} of {term}").into(),
    };
    StoredGroup {
        group: GroupId(0),
        hard_state: HardState {
            term: Term(terms.last().copied().unwrap_or(1)),
            vote: None,
            committed: LogIndex(committed),
        },
        snapshot: Arc::new(snapshot),
        entries: (2..).zip(terms).map(entry).collect(),
    }
}

fn holds(folder: &Path, server: u16, incarnation: u32, group: &StoredGroup) {
    let data = data(folder, server);
    let _ = fs::remove_dir_all(&data);
    let identity = Identity {
        cluster: "cups".to_owned(),
        server: ServerId(server),
        incarnation,
        durability: Durability::Memory,
    };
    Store::found_with(&data, &identity, std::slice::from_ref(group)).unwrap();
}

fn recover(folder: &Path) -> String {
    let output = run(synced(folder, &RECOVER).arg("--force"));
    assert!(output.status.success(), "{}", error_text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn fails(folder: &Path, more: &[&str], code: i32) -> String {
    let output = run(synced(folder, &RECOVER).args(more));
    let text = error_text(&output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// What every server holds afterwards, each as a replica of its own.
fn held_by_all(folder: &Path) -> (u32, StoredGroup) {
    let opened = (1..=5).map(|server| {
        let opened = Store::open(&data(folder, server)).unwrap();
        assert_eq!(opened.identity.server, ServerId(server));
        let [group] = &opened.groups[..] else {
            panic!("{:?}", opened.groups);
        };
        (opened.identity.incarnation, group.clone())
    });
    let mut all: Vec<_> = opened.collect();
    all.dedup();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn contents(group: &StoredGroup) -> Vec<&[u8]> {
    group.entries.iter().map(|entry| &entry.data[..]).collect()
}

#[test]
fn all_begin_with_the_log_of_the_latest_term_and_of_those_the_longest() {
    let folder = cluster("longest");
    holds(&folder, 1, 0, &log(&[1, 1, 1, 1, 1, 1], 5));
    holds(&folder, 2, 0, &log(&[1, 1, 3], 3));
    holds(&folder, 3, 7, &log(&[1, 1, 3, 3], 2));
    let said = recover(&folder);
    for part in [
        "server 1 came to log index 7 of term 1, and knew of log index 5 as committed",
        "server 4 holds nothing",
        "recovered from server 3",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    let (incarnation, group) = held_by_all(&folder);
    assert!(incarnation > 7);
    let expected = ["2 of 1", "3 of 1", "4 of 3", "5 of 3"].map(str::as_bytes);
    assert_eq!(contents(&group), expected);
    let covered = group.snapshot.index;
    assert!(covered.0 > FAR);
    assert!(
        group
            .entries
            .iter()
            .all(|entry| entry.term == group.snapshot.term)
    );
    assert!(group.hard_state.term > Term(3) && group.hard_state.vote.is_none());
    assert_eq!(
        group.hard_state.committed,
        LogIndex(covered.0 + 4),
        "all that anybody knew of, and that is there"
    );
    let voters = &group.snapshot.members.voters;
    let expected = (1..=5).map(|server| ReplicaId::new(ServerId(server), incarnation));
    assert!(voters.iter().copied().eq(expected), "{voters:?}");
    assert_eq!(group.snapshot.members.addresses.len(), 5);
}

#[test]
fn a_folder_that_is_damaged_is_left_out_and_named_and_kept() {
    let folder = cluster("damaged");
    holds(&folder, 1, 0, &log(&[1, 1], 3));
    holds(&folder, 2, 0, &log(&[1, 1, 1, 1], 3));
    let file = data(&folder, 2).join("log.redb");
    let mut bytes = fs::read(&file).unwrap();
    bytes[4_096..].fill(0x5a);
    fs::write(&file, &bytes).unwrap();
    let said = recover(&folder);
    assert!(said.contains("server 2 is left out"), "{said}");
    assert!(said.contains("server-2/data/log.redb is damaged"), "{said}");
    assert!(said.contains("recovered from server 1"), "{said}");
    assert_eq!(held_by_all(&folder).1.entries.len(), 2);
    let kept = folder.join("cups/server-2/data.before-recover-1/log.redb");
    assert_eq!(fs::read(kept).unwrap(), bytes);
}

#[test]
fn what_was_recovered_can_be_recovered_again_and_is_later_each_time() {
    let folder = cluster("again");
    holds(&folder, 1, 4_000_000_000, &log(&[1, 1], 3));
    recover(&folder);
    let first = held_by_all(&folder);
    assert_eq!(
        first.0, 4_000_000_001,
        "a clock that is behind makes no former life again"
    );
    let said = recover(&folder);
    assert!(said.contains("data.before-recover-2"), "{said}");
    let second = held_by_all(&folder);
    assert!(second.0 > first.0);
    assert!(second.1.snapshot.index > first.1.snapshot.index);
    assert!(second.1.snapshot.term > first.1.snapshot.term);
    assert_eq!(contents(&second.1), contents(&first.1));
}

#[test]
fn a_cluster_that_can_lead_as_it_is_is_not_touched() {
    let folder = cluster("not-needed");
    let said = fails(&folder, &[], 9);
    assert!(
        said.contains("5 of 5 servers") && said.contains("--force"),
        "{said}"
    );
    for server in 1..=2 {
        fs::remove_dir_all(data(&folder, server)).unwrap();
    }
    assert!(fails(&folder, &[], 9).contains("server 3, server 4, server 5"));
    fs::remove_dir_all(data(&folder, 3)).unwrap();
    assert!(fails(&folder, &[], 7).contains("no folder holds anything"));
    assert!(!folder.join("cups/server-4/data.before-recover-1").exists());
}

#[test]
fn the_folders_of_more_than_half_must_be_here_and_the_rest_is_told_what_to_do() {
    let folder = cluster("elsewhere");
    holds(&folder, 1, 0, &log(&[1, 1], 3));
    for server in 4..=5 {
        fs::remove_dir_all(folder.join(format!("cups/server-{server}"))).unwrap();
    }
    let said = recover(&folder);
    assert!(said.contains("server 5 has no folder here"), "{said}");
    assert!(
        said.contains("Remove the data of server 4, server 5 where they run"),
        "{said}"
    );
    fs::remove_dir_all(folder.join("cups/server-3")).unwrap();
    let said = fails(&folder, &["--force"], 7);
    assert!(
        said.contains("server 3, server 4, server 5 have no folder here"),
        "{said}"
    );
}

#[test]
fn nothing_is_done_while_a_server_has_its_folder_open_or_a_folder_is_anothers() {
    let folder = cluster("in-use");
    holds(&folder, 1, 0, &log(&[1, 1], 3));
    let opened = Store::open(&data(&folder, 1)).unwrap();
    let said = fails(&folder, &["--force"], 7);
    assert!(
        said.contains("server 1 runs") && said.contains("must be stopped"),
        "{said}"
    );
    drop(opened);
    fs::remove_dir_all(data(&folder, 2)).unwrap();
    fs::rename(data(&folder, 1), data(&folder, 2)).unwrap();
    let said = fails(&folder, &["--force"], 7);
    assert!(
        said.contains("belongs to server 1 of cluster cups"),
        "{said}"
    );
}

#[test]
fn an_attempt_that_was_broken_off_is_completed_by_the_next() {
    let folder = cluster("broken-off");
    holds(&folder, 1, 0, &log(&[1, 1], 3));
    recover(&folder);
    // As if it had ended after the old folders were moved and two of the new ones had taken their places.
    for server in 3..=5 {
        let data = data(&folder, server);
        fs::rename(&data, data.with_extension("recovered")).unwrap();
    }
    let said = fails(&folder, &[], 9);
    assert!(said.contains("5 of 5 servers"), "{said}");
    let (_, group) = held_by_all(&folder);
    assert!(group.snapshot.index.0 > FAR);
}
