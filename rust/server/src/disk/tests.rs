use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread,
};

use synced_protocol::{
    id::{GroupId, LogIndex, ServerId, Term},
    store::{EntryKind, Members, RaftEntry},
};
use synced_storage::{Founding, Identity, LastStop};

use super::{
    queued::{WAITING_BYTES_MAX, WAITING_WRITES_MAX},
    writing::INLINE_BYTES_MAX,
    *,
};

struct Folder(PathBuf);

impl Folder {
    fn founded(name: &str, durability: Durability) -> Self {
        let name = format!("synced-disk-{name}-{}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        let identity = Identity {
            cluster: "a cluster".to_owned(),
            server: ServerId(1),
            incarnation: 0,
            durability,
        };
        let groups = vec![(GroupId(0), Members::default())];
        Store::found(&folder.0, &Founding { identity, groups }).unwrap();
        folder
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn disk(&self) -> StoreDisk {
        StoreDisk::new(Store::open(self.path()).unwrap().store)
    }

    /// A disk that was begun, and what it reports.
    fn begun(&self) -> (StoreDisk, Receiver<Ended>) {
        let (reports, reported) = mpsc::channel();
        let mut disk = self.disk();
        disk.start(move |ended| drop(reports.send(ended)));
        (disk, reported)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn append(index: u64, bytes: usize) -> StoreWrite {
    StoreWrite {
        id: WriteId(index),
        group: GroupId(0),
        durability: Durability::Memory,
        snapshot: None,
        entries: vec![RaftEntry {
            index: LogIndex(index),
            term: Term(1),
            kind: EntryKind::Normal,
            data: vec![1; bytes].into(),
        }],
        hard_state: None,
    }
}

/// How many entries there are, and how the run before ended.
fn found(folder: &Folder) -> (usize, LastStop) {
    let opened = Store::open(folder.path()).unwrap();
    (opened.groups[0].entries.len(), opened.last_stop)
}

#[test]
fn in_memory_a_write_is_done_at_once_and_the_end_is_orderly() {
    let folder = Folder::founded("inline", Durability::Memory);
    let (mut disk, reported) = folder.begun();
    for index in 1..=50 {
        assert_eq!(disk.write(append(index, 100)), Ok(Written::Already));
    }
    disk.end();
    assert_eq!(reported.try_iter().count(), 0);
    assert_eq!(found(&folder), (50, LastStop::Orderly));
}

#[test]
fn a_large_write_does_not_hold_up_the_driver_and_what_follows_stays_behind_it() {
    let folder = Folder::founded("large", Durability::Memory);
    let (mut disk, reported) = folder.begun();
    assert_eq!(disk.write(append(1, 100)), Ok(Written::Already));
    assert_eq!(disk.write(append(2, INLINE_BYTES_MAX)), Ok(Written::Later));
    // Whoever writes these, they come behind.
    let mut queued = WriteId(2);
    for index in 3..=20 {
        if disk.write(append(index, 100)) == Ok(Written::Later) {
            queued = WriteId(index);
        }
    }
    while reported.recv().unwrap().unwrap() != queued {}
    assert_eq!(disk.write(append(21, 100)), Ok(Written::Already));
    disk.end();
    assert_eq!(found(&folder), (21, LastStop::Orderly));
}

#[test]
fn a_large_write_that_fails_is_reported_and_nothing_is_written_after_it() {
    let folder = Folder::founded("large-failing", Durability::Memory);
    let (mut disk, reported) = folder.begun();
    assert_eq!(disk.write(append(7, INLINE_BYTES_MAX)), Ok(Written::Later));
    assert!(
        reported
            .recv()
            .unwrap()
            .unwrap_err()
            .contains("log index 7")
    );
    drop(disk.write(append(1, 100)));
    disk.end();
    assert_eq!(found(&folder), (0, LastStop::Killed));
}

#[test]
fn while_the_disk_settles_nothing_a_thread_waits_and_the_driver_does_not() {
    let folder = Folder::founded("unsettled", Durability::Memory);
    let mut store = Store::open(folder.path()).unwrap().store;
    let keeper = store.take_keeper().unwrap();
    let (reports, reported) = mpsc::channel();
    let report = Report(Arc::new(move |ended| drop(reports.send(ended))));
    let mut writing = Writing::start(store, report).unwrap();
    let mut indices = 1..;
    let mut write = || writing.write(append(indices.next().unwrap(), 200_000));
    while write() == Ok(Written::Already) {}
    for _ in 0..50 {
        assert_eq!(write(), Ok(Written::Later));
    }
    assert_eq!(reported.try_iter().count(), 0);
    let settling = thread::spawn(move || keeper.run());
    let until = WriteId(indices.start - 1);
    while reported.recv().unwrap().unwrap() != until {}
    let mut write = || writing.write(append(indices.next().unwrap(), 100));
    assert_eq!(write(), Ok(Written::Already));
    close(writing.end().unwrap());
    settling.join().unwrap().unwrap();
    let written = usize::try_from(indices.start - 1).unwrap();
    assert_eq!(found(&folder), (written, LastStop::Orderly));
}

#[test]
fn on_disk_writes_are_reported_in_order_and_none_is_left_out_at_the_end() {
    let folder = Folder::founded("queued", Durability::Disk);
    let (mut disk, reported) = folder.begun();
    for index in 1..=200 {
        assert_eq!(disk.write(append(index, 100)), Ok(Written::Later));
    }
    disk.end();
    let reported: Vec<u64> = reported.iter().map(|ended| ended.unwrap().0).collect();
    assert!(reported.is_sorted());
    assert_eq!(reported.last(), Some(&200));
    assert_eq!(found(&folder), (200, LastStop::Orderly));
}

#[test]
fn what_was_reported_is_there_although_the_server_never_came_to_its_end() {
    let folder = Folder::founded("broken-off", Durability::Disk);
    let (mut disk, reported) = folder.begun();
    disk.write(append(1, 100)).unwrap();
    assert_eq!(reported.recv().unwrap(), Ok(WriteId(1)));
    let copy = Folder(folder.path().with_extension("copy"));
    fs::create_dir_all(copy.path()).unwrap();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    assert_eq!(found(&copy), (1, LastStop::Killed));
    disk.end();
}

#[test]
fn a_write_that_fails_is_reported_and_nothing_is_written_after_it() {
    for durability in [Durability::Memory, Durability::Disk] {
        let folder = Folder::founded("failing", durability);
        let (mut disk, reported) = folder.begun();
        let gap = disk.write(append(7, 100));
        let failed = match durability {
            Durability::Memory => gap.map(|_| ()),
            Durability::Disk => reported.recv().unwrap().map(|_| ()),
        };
        assert!(failed.unwrap_err().contains("log index 7"));
        drop(disk.write(append(1, 100)));
        disk.end();
        assert_eq!(found(&folder), (0, LastStop::Killed));
    }
}

#[test]
fn what_fails_in_the_background_is_reported_although_no_write_follows() {
    let folder = Folder::founded("background", Durability::Memory);
    let (mut disk, reported) = folder.begun();
    // The store has failed; that a thread beside it meets it next stands for any error of its own.
    disk.write(append(7, 100)).unwrap_err();
    let reason = reported.recv().unwrap().unwrap_err();
    assert!(reason.contains("log index 7"), "{reason}");
    disk.end();
}

#[test]
fn a_disk_that_falls_behind_counts_as_broken_before_memory_runs_out() {
    let folder = Folder::founded("slow", Durability::Disk);
    let (sender, never) = mpsc::channel::<()>();
    let mut disk = folder.disk();
    let never = Arc::new(Mutex::new(never));
    // The first report never comes back, as if the disk took forever.
    disk.start(move |_| {
        let _ = never.lock().unwrap().recv();
    });
    let many = (1..).map(|index| disk.write(append(index, 10)));
    let accepted = many.take_while(Result::is_ok).count();
    assert!(accepted >= WAITING_WRITES_MAX);
    assert!(accepted <= 2 * WAITING_WRITES_MAX + 1, "{accepted}");
    drop(sender);
    disk.end();
}

#[test]
fn the_bytes_that_wait_for_the_disk_are_bounded() {
    let folder = Folder::founded("heavy", Durability::Disk);
    let (sender, never) = mpsc::channel::<()>();
    let never = Arc::new(Mutex::new(never));
    let mut disk = folder.disk();
    disk.start(move |_| {
        let _ = never.lock().unwrap().recv();
    });
    let mib = 1024 * 1024;
    let many = (1..).map(|index| disk.write(append(index, mib)));
    let accepted = many.take_while(Result::is_ok).count();
    assert!(accepted >= WAITING_BYTES_MAX / mib, "{accepted}");
    assert!(accepted <= 2 * WAITING_BYTES_MAX / mib + 2, "{accepted}");
    drop(sender);
    disk.end();
}
