//! A process is killed in the middle, again and again: everything of which it was told that it was written is there.

#![expect(clippy::unwrap_used, reason = "so a test fails")]

mod common;

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use common::{Folder, History, founding};
use synced_protocol::{
    id::LogIndex,
    store::{Durability, HardState, StoreWrite, StoredGroup},
};
use synced_storage::Store;

/// Tells the child which folder is its own.
const FOLDER_VARIABLE: &str = "SYNCED_STORAGE_TEST_FOLDER";
const SEED: u64 = 11;

/// The histories of parent and child are the same. How far the child came, its writes tell: each carries its number.
fn number_of(groups: &[StoredGroup]) -> u64 {
    let numbers = groups.iter().map(|group| group.hard_state.committed.0);
    numbers.max().unwrap()
}

fn numbered(history: &mut History, number: u64) -> StoreWrite {
    let hard_state = Some(HardState {
        committed: LogIndex(number),
        ..HardState::default()
    });
    StoreWrite {
        hard_state,
        ..history.next()
    }
}

#[test]
#[ignore = "runs as the child of the other test"]
fn child() {
    let folder = env::var_os(FOLDER_VARIABLE).unwrap();
    let opened = Store::open(Path::new(&folder)).unwrap();
    let mut store = opened.store;
    let done = number_of(&opened.groups);
    let mut history = History::new(SEED);
    (0..done).for_each(|_| drop(history.next()));
    let (keeper, syncer) = (store.take_keeper().unwrap(), store.syncer());
    thread::spawn(move || keeper.run().unwrap());
    thread::spawn(move || {
        loop {
            syncer.sync().unwrap();
            thread::sleep(Duration::from_millis(2));
        }
    });
    let mut out = std::io::stdout();
    for number in done + 1.. {
        store.write(&numbered(&mut history, number)).unwrap();
        if number % 8 == 0 {
            store.hand_over();
        }
        out.write_all(format!("wrote {number}\n").as_bytes())
            .unwrap();
    }
}

fn spawn(folder: &Folder) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(FOLDER_VARIABLE, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lets the child write this often, kills it, and gives the last number of which it was told before.
fn write_and_kill(folder: &Folder, writes: u64) -> u64 {
    let mut child = spawn(folder);
    let out = BufReader::new(child.stdout.take().unwrap());
    let lines = out.lines().map_while(Result::ok);
    let mut told = lines.filter_map(|line| line.strip_prefix("wrote ")?.parse().ok());
    let mut last = told.nth(usize::try_from(writes).unwrap()).unwrap();
    child.kill().unwrap();
    if let Some(later) = told.last() {
        last = later;
    }
    child.wait().unwrap();
    last
}

/// Kills the child at any moment, be it while it opens the folder.
fn kill_soon(folder: &Folder, after: Duration) {
    let mut child = spawn(folder);
    thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Checks what is found, and gives how far it goes.
fn check(folder: &Folder, history: &mut History, done: u64) -> u64 {
    let opened = Store::open(folder.path()).unwrap();
    let found = number_of(&opened.groups);
    (done..found).for_each(|_| drop(history.next()));
    assert!(without_hard_states(opened.groups) == without_hard_states(history.state()));
    found
}

fn kill_again_and_again(durability: Durability, kills: u64) {
    let folder = Folder::on_disk("killed");
    Store::found(folder.path(), &founding(durability)).unwrap();
    let mut random = History::new(12);
    let mut history = History::new(SEED);
    let mut done = 0;
    for _ in 0..kills {
        let told = write_and_kill(&folder, random.random(1..60));
        let found = check(&folder, &mut history, done);
        assert!(told <= found && found <= told + 1, "{told} {found}");
        done = found;
    }
}

fn without_hard_states(mut groups: Vec<StoredGroup>) -> Vec<StoredGroup> {
    for group in &mut groups {
        group.hard_state = HardState::default();
    }
    groups
}

#[test]
fn a_kill_at_any_moment_leaves_a_folder_that_opens_with_no_less_than_before() {
    let folder = Folder::on_disk("killed-soon");
    Store::found(folder.path(), &founding(Durability::Memory)).unwrap();
    let mut history = History::new(SEED);
    let mut done = 0;
    let mut kills = 0;
    // On a slow machine it takes longer until the child writes at all.
    while kills < 40 || done == 0 {
        kill_soon(&folder, Duration::from_micros(500 * kills));
        let found = check(&folder, &mut history, done);
        assert!(found >= done);
        done = found;
        kills += 1;
    }
}

#[test]
fn what_was_written_survives_the_kill_of_its_process() {
    kill_again_and_again(Durability::Memory, 25);
}

#[test]
fn what_was_written_to_the_disk_survives_the_kill_of_its_process() {
    kill_again_and_again(Durability::Disk, 10);
}
