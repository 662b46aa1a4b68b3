//! Measures a store: `cargo run --release -p synced-storage --example measure_store -- [FOLDER]`.
//!
//! A write of a 2 KB entry with a store that is settled and synced beside it, what these two cost, the same on the disk, the opening of a folder with
//! 100,000 entries, and the space that it takes before and after compaction. The folder is made and deleted.

#![expect(clippy::unwrap_used, reason = "a tool for who works on the store")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
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
const SATURATED_WRITES: u64 = 62_000;
const SATURATED_BURST: u64 = 14;
const COMPACTED_ENTRIES: u64 = 4096;
const DISK_WRITES: u64 = 500;
const ENTRIES: u64 = 100_000;
const SYNC_INTERVAL: Duration = Duration::from_millis(100);

fn main() {
    let folder = std::env::args().nth(1);
    let folder = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("synced-measure-{}", std::process::id()));
    saturated(&folder);
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

/// As a follower under full load, with a snapshot behind each [`COMPACTED_ENTRIES`], and what it costs to settle it.
fn saturated(folder: &Path) {
    let mut store = founded(folder, Durability::Memory);
    let keeper = store.take_keeper().unwrap();
    let settling = thread::spawn(move || {
        keeper.run().unwrap();
        thread_cpu()
    });
    let syncing = Syncing::start(&store);
    let (mut times, data) = (histogram(), data());
    for index in 1..=SATURATED_WRITES {
        let write = append(index, &data);
        let start = Instant::now();
        store.write(&write).unwrap();
        record(&mut times, start);
        if index % COMPACTED_ENTRIES == 0 {
            store.write(&compaction(index)).unwrap();
        }
        if index % SATURATED_BURST == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    say("write to the system, full load", &times);
    let synced = syncing.stop();
    drop(store);
    let settled = settling.join().unwrap();
    let written = SATURATED_WRITES * ENTRY_BYTES as u64 / 1_000_000;
    let a_megabyte = |cpu: Duration| cpu.as_micros() / u128::from(written);
    println!(
        "CPU for each MB written: {} us to settle it, {} us to sync it",
        a_megabyte(settled),
        a_megabyte(synced)
    );
    opened("killed under full load", folder).close().unwrap();
}

fn paced(folder: &Path) {
    let mut store = founded(folder, Durability::Memory);
    let keeper = store.take_keeper().unwrap();
    let settling = thread::spawn(move || keeper.run().unwrap());
    let (syncing, data) = (Syncing::start(&store), data());
    let mut times = histogram();
    for index in 1..=PACED_WRITES {
        let write = append(index, &data);
        let start = Instant::now();
        store.write(&write).unwrap();
        record(&mut times, start);
        thread::sleep(PACE);
    }
    say("write to the system, 500 a second", &times);
    syncing.stop();
    store.close().unwrap();
    settling.join().unwrap();
}

/// A thread that syncs from time to time.
struct Syncing {
    stop: Sender<()>,
    thread: JoinHandle<Duration>,
}

impl Syncing {
    fn start(store: &Store) -> Self {
        let ((stop, stopped), syncer) = (mpsc::channel(), store.syncer());
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(SYNC_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                syncer.sync().unwrap();
            }
            thread_cpu()
        });
        Self { stop, thread }
    }

    /// How long it ran on a processor.
    fn stop(self) -> Duration {
        drop(self.stop);
        self.thread.join().unwrap()
    }
}

/// How long the calling thread ran on a processor; nothing where the system does not say.
fn thread_cpu() -> Duration {
    let times = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ran = times.split(' ').next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(ran.unwrap_or_default())
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
    store.write(&compaction(ENTRIES - 1000)).unwrap();
    store.settle().unwrap();
    space("compacted", folder);
    for index in ENTRIES + 1..=2 * ENTRIES {
        store.write(&append(index, &data)).unwrap();
    }
    store.close().unwrap();
    space("with as many new entries", folder);
}

fn compaction(index: u64) -> StoreWrite {
    StoreWrite {
        snapshot: Some(Arc::new(LogSnapshot {
            index: LogIndex(index),
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
