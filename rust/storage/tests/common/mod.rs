//! What the tests share: folders, and histories of writes with the state after each.

#![expect(clippy::unwrap_used, reason = "so a test fails")]
#![allow(dead_code, reason = "each test uses some of it")]

use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use synced_protocol::{
    id::{GroupId, LogIndex, ReplicaId, ServerId, Term, mix},
    peer::PeerAddress,
    store::{
        Durability, EntryKind, HardState, LogSnapshot, MemberAddress, Members, RaftEntry,
        StoreWrite, StoredGroup, WriteId,
    },
};
use synced_storage::{Founding, Identity, Store};

pub(crate) const GROUPS: [GroupId; 2] = [GroupId(0), GroupId(7)];

/// A folder of its own in memory or on disk, gone when the test is over.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Where the disk is meant to take part.
    pub(crate) fn on_disk(name: &str) -> Self {
        Self::below(&std::env::temp_dir(), name)
    }

    /// Where thousands of stores are opened, each of which waits for the disk.
    pub(crate) fn in_memory(name: &str) -> Self {
        let shared_memory = Path::new("/dev/shm");
        if shared_memory.is_dir() {
            Self::below(shared_memory, name)
        } else {
            Self::on_disk(name)
        }
    }

    fn below(parent: &Path, name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("synced-storage-{name}-{}-{count}", std::process::id());
        let folder = parent.join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Every file with what is in it, as a process that is killed now would leave it.
    pub(crate) fn image(&self) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap());
        let named = files.map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read(file.path()).unwrap())
        });
        named.collect()
    }

    /// Replaces all files.
    pub(crate) fn restore(&self, image: &BTreeMap<String, Vec<u8>>) {
        fs::remove_dir_all(&self.0).unwrap();
        fs::create_dir_all(&self.0).unwrap();
        for (name, bytes) in image {
            fs::write(self.0.join(name), bytes).unwrap();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn founding(durability: Durability) -> Founding {
    Founding {
        identity: Identity {
            cluster: "a cluster".to_owned(),
            server: ServerId(3),
            incarnation: 0,
            durability,
        },
        groups: GROUPS.map(|group| (group, members(group.0.into()))).into(),
    }
}

pub(crate) fn members(seed: u64) -> Members {
    let server = ServerId(3);
    Members {
        voters: (1..=5).map(|id| ReplicaId::new(ServerId(id), 0)).collect(),
        learners: vec![ReplicaId(seed)],
        addresses: vec![MemberAddress {
            peer: PeerAddress {
                server,
                address: "localhost:4871".to_owned(),
            },
            players: "localhost:4870".to_owned(),
        }],
        ..Members::default()
    }
}

pub(crate) fn entry(index: u64, term: u64, data: impl Into<Bytes>) -> RaftEntry {
    RaftEntry {
        index: LogIndex(index),
        term: Term(term),
        kind: EntryKind::Normal,
        data: data.into(),
    }
}

/// A write of nothing.
pub(crate) fn nothing(group: GroupId) -> StoreWrite {
    StoreWrite {
        id: WriteId(1),
        group,
        durability: Durability::Memory,
        snapshot: None,
        entries: Vec::new(),
        hard_state: None,
    }
}

/// Opens a folder and gives just what was found.
pub(crate) fn found_in(folder: &Path) -> Vec<StoredGroup> {
    Store::open(folder).unwrap().groups
}

/// Random writes that may follow on each other, and the state after each: a model as simple as can be.
#[derive(Clone)]
pub(crate) struct History {
    seed: u64,
    groups: BTreeMap<GroupId, Model>,
}

#[derive(Clone)]
struct Model {
    snapshot: Arc<LogSnapshot>,
    entries: BTreeMap<u64, RaftEntry>,
    hard_state: HardState,
}

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        let begin = |group: GroupId| Model {
            snapshot: Arc::new(LogSnapshot {
                index: LogIndex(0),
                term: Term(0),
                members: members(group.0.into()),
                parts: Vec::new(),
            }),
            entries: BTreeMap::new(),
            hard_state: HardState::default(),
        };
        Self {
            seed,
            groups: GROUPS.map(|group| (group, begin(group))).into(),
        }
    }

    /// What a store should hold.
    pub(crate) fn state(&self) -> Vec<StoredGroup> {
        let stored = |(group, model): (&GroupId, &Model)| StoredGroup {
            group: *group,
            hard_state: model.hard_state,
            snapshot: model.snapshot.clone(),
            entries: model.entries.values().cloned().collect(),
        };
        self.groups.iter().map(stored).collect()
    }

    pub(crate) fn random(&mut self, range: Range<u64>) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        range.start + mix(self.seed) % (range.end - range.start)
    }

    /// The next write: mostly more entries, at times in the place of others, a compaction, or a snapshot of somebody else's.
    pub(crate) fn next(&mut self) -> StoreWrite {
        let mut write = nothing(GROUPS[usize::from(self.random(0..4) == 0)]);
        let model = self.groups[&write.group].clone();
        let last = model.last();
        match self.random(0..16) {
            0 => {
                let index = self.random(model.snapshot.index.0 + 1..last + 20);
                write.snapshot = Some(self.snapshot(index, model.highest_term() + 1));
            }
            1 if last > model.snapshot.index.0 => {
                let index = self.random(model.snapshot.index.0 + 1..last + 1);
                write.snapshot = Some(self.snapshot(index, model.entries[&index].term.0));
            }
            2 => write.hard_state = Some(self.hard_state()),
            choice => {
                let back = if choice == 3 { self.random(0..8) } else { 0 };
                let first = (last + 1 - back.min(last)).max(model.snapshot.index.0 + 1);
                let term = model.highest_term() + u64::from(choice == 3);
                write.entries = (first..first + self.random(1..4))
                    .map(|index| self.entry(index, term))
                    .collect();
                write.hard_state = (choice < 8).then(|| self.hard_state());
            }
        }
        self.apply(&write);
        write
    }

    fn snapshot(&mut self, index: u64, term: u64) -> Arc<LogSnapshot> {
        let parts = 0..self.random(0..4);
        Arc::new(LogSnapshot {
            index: LogIndex(index),
            term: Term(term),
            members: members(index),
            parts: parts.map(|_| self.bytes(0..3000)).collect(),
        })
    }

    fn entry(&mut self, index: u64, term: u64) -> RaftEntry {
        let mut entry = entry(index, term, self.bytes(0..700));
        if self.random(0..9) == 0 {
            entry.kind = EntryKind::Membership;
        }
        entry
    }

    fn hard_state(&mut self) -> HardState {
        let vote = self.random(0..6);
        HardState {
            term: Term(self.random(1..1000)),
            vote: (vote > 0).then_some(ReplicaId(vote << 32)),
            committed: LogIndex(self.random(0..1000)),
        }
    }

    fn bytes(&mut self, len: Range<u64>) -> Bytes {
        let len = self.random(len);
        (0..len).map(|_| self.random(0..256) as u8).collect()
    }

    /// Raft's rules for a follower's log, in the paper's words: figures 2 and 13.
    fn apply(&mut self, write: &StoreWrite) {
        let model = self.groups.get_mut(&write.group).unwrap();
        if let Some(snapshot) = &write.snapshot {
            let at = model.entries.get(&snapshot.index.0);
            if at.is_some_and(|entry| entry.term == snapshot.term) {
                model.entries = model.entries.split_off(&(snapshot.index.0 + 1));
            } else {
                model.entries.clear();
            }
            model.snapshot = snapshot.clone();
        }
        if let Some(first) = write.entries.first() {
            model.entries.split_off(&first.index.0);
        }
        let entries = write.entries.iter().cloned();
        model
            .entries
            .extend(entries.map(|entry| (entry.index.0, entry)));
        model.hard_state = write.hard_state.unwrap_or(model.hard_state);
    }
}

impl Model {
    fn last(&self) -> u64 {
        let last = self.entries.keys().last();
        last.copied().unwrap_or(self.snapshot.index.0)
    }

    fn highest_term(&self) -> u64 {
        let last = self.entries.values().last();
        last.map_or(self.snapshot.term.0, |entry| entry.term.0)
            .max(1)
    }
}
