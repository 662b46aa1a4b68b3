//! Measures a store: `cargo run --release -p synced-storage --example measure_store -- [FOLDER]`.
//!
//! A write of a 2 KB entry with a store that is settled every 100 ms beside it, the same on the disk, the opening of a folder with
//! 100,000 entries, and the space that it takes before and after compaction. The folder is made and deleted.

#![expect(clippy::unwrap_used, reason = "a tool for who works on the store")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hdrhistogram::Histogram;
use synced_protocol::{
    id::{GroupId, LogIndex, ServerId, Term},
    store::{
        Durability, EntryKind, HardState, LogSnapshot, Members, RaftEntry, StoreWrite, WriteId,
    },
};
use synced_storage::{Founding, Identity, Store};

const ENTRY_BYTES: usize = 2048;
const PACED_WRITES: u64 = 5_000;
const PACE: Duration = Duration::from_millis(2);
const DISK_WRITES: u64 = 500;
const ENTRIES: u64 = 100_000;
const SETTLE_INTERVAL: Duration = Duration::from_millis(100);

fn main() {
    let folder = std::env::args().nth(1);
    let folder = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("synced-measure-{}", std::process::id()));
    paced(&folder);
    on_disk(&folder);
    long(&folder);
    fs::remove_dir_all(&folder).unwrap();
}

fn founded(folder: &Path, durability: Durability) -> Store {
    let identity = Identity {
        cluster: "measured".to_owned(),
        server: ServerId(1),
        incarnation: 0,
        durability,
    };
    let groups = vec![(GroupId(0), Members::default())];
    let _ = fs::remove_dir_all(folder);
    Store::found(folder, &Founding { identity, groups }).unwrap();
    Store::open(folder).unwrap().store
}

/// As a follower writes: an entry and a hard state.
fn append(index: u64, data: &Bytes) -> StoreWrite {
    StoreWrite {
        id: WriteId(index),
        group: GroupId(0),
        durability: Durability::Memory,
        snapshot: None,
        entries: vec![RaftEntry {
            index: LogIndex(index),
            term: Term(1),
            kind: EntryKind::Normal,
            data: data.clone(),
        }],
        hard_state: Some(HardState {
            committed: LogIndex(index),
            ..HardState::default()
        }),
    }
}

fn data() -> Bytes {
    let noise = (0..ENTRY_BYTES).map(|place| (place * place / 7) as u8);
    noise.collect()
}

fn paced(folder: &Path) {
    let mut store = founded(folder, Durability::Memory);
    let (keeper, data) = (store.keeper(), data());
    let settling = thread::spawn(move || {
        let mut times = histogram();
        for _ in 0..PACED_WRITES * 2 / 100 {
            let start = Instant::now();
            keeper.settle().unwrap();
            record(&mut times, start);
            thread::sleep(SETTLE_INTERVAL);
        }
        times
    });
    let mut times = histogram();
    for index in 1..=PACED_WRITES {
        let write = append(index, &data);
        let start = Instant::now();
        store.write(&write).unwrap();
        record(&mut times, start);
        thread::sleep(PACE);
    }
    say("write to the system, 500 a second", &times);
    say(
        "settling beside it, every 100 ms",
        &settling.join().unwrap(),
    );
    store.close().unwrap();
}

fn on_disk(folder: &Path) {
    let mut store = founded(folder, Durability::Disk);
    let (mut times, data) = (histogram(), data());
    for index in 1..=DISK_WRITES {
        let start = Instant::now();
        store.write(&append(index, &data)).unwrap();
        record(&mut times, start);
    }
    say("write to the disk", &times);
    store.close().unwrap();
}

fn long(folder: &Path) {
    let mut store = founded(folder, Durability::Memory);
    let (mut times, data) = (histogram(), data());
    let start = Instant::now();
    for index in 1..=ENTRIES {
        let start = Instant::now();
        store.write(&append(index, &data)).unwrap();
        record(&mut times, start);
    }
    println!("{ENTRIES} entries without pause: {:?}", start.elapsed());
    say("each of them", &times);
    drop(store);
    let store = opened("killed, a journal full", folder);
    drop(store);
    let store = opened("killed, all settled", folder);
    space("with all entries", folder);
    store.close().unwrap();
    let mut store = opened("stopped", folder);
    store.write(&compaction()).unwrap();
    store.keeper().settle().unwrap();
    space("compacted", folder);
    for index in ENTRIES + 1..=2 * ENTRIES {
        store.write(&append(index, &data)).unwrap();
    }
    store.close().unwrap();
    space("with as many new entries", folder);
}

fn compaction() -> StoreWrite {
    StoreWrite {
        snapshot: Some(Arc::new(LogSnapshot {
            index: LogIndex(ENTRIES - 1000),
            term: Term(1),
            members: Members::default(),
            parts: vec![data()],
        })),
        entries: Vec::new(),
        ..append(1, &Bytes::new())
    }
}

fn opened(how: &str, folder: &Path) -> Store {
    let start = Instant::now();
    let opened = Store::open(folder).unwrap();
    let entries = opened.groups[0].entries.len();
    println!("open, {how}, {entries} entries: {:?}", start.elapsed());
    opened.store
}

fn space(when: &str, folder: &Path) {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let bytes: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
    println!("space {when}: {} MiB", bytes / 1024 / 1024);
}

/// In nanoseconds.
fn histogram() -> Histogram<u64> {
    Histogram::new(3).unwrap()
}

fn record(times: &mut Histogram<u64>, start: Instant) {
    let elapsed = u64::try_from(start.elapsed().as_nanos()).unwrap();
    times.record(elapsed).unwrap();
}

fn say(what: &str, times: &Histogram<u64>) {
    let at = |quantile| times.value_at_quantile(quantile) as f64 / 1000.0;
    println!(
        "{what}: p50 {:.1}, p99 {:.1}, max {:.1} us",
        at(0.5),
        at(0.99),
        times.max() as f64 / 1000.0
    );
}
