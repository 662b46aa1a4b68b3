//! The database: everything that was settled.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use redb::{Builder, ReadableTable, Table, WriteTransaction};
use synced_protocol::{
    id::{GroupId, LogIndex},
    store::{HardState, LogSnapshot, RaftEntry, StoreWrite, StoredGroup},
};

use crate::{
    blocks::Blocks,
    codec::{put_entry_head, put_hard_state, put_snapshot_head},
    disk,
    error::{StorageError, StorageResult},
    fold::{Folded, fold},
    load::load,
    records::{ENTRIES, HEADS, Key, SETTLED, SNAPSHOTS, STORE, seal, unseal},
    shape::{Kept, Shape},
};

pub(crate) const DATABASE_FILE: &str = "log.redb";
/// What the database may keep of its file in memory, in bytes.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// What is to be known of a group to settle more of it.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) shape: Shape,
    pub(crate) hard_state: HardState,
    /// The last entry's; 0 if there is none.
    pub(crate) last_checksum: u32,
}

/// The database's file, open.
pub(crate) struct Database {
    database: redb::Database,
    path: PathBuf,
    groups: BTreeMap<GroupId, Group>,
    settled: u64,
}

impl Database {
    /// Makes a database that begins with these writes; on return the disk has it.
    pub(crate) fn create(folder: &Path, writes: &[StoreWrite]) -> StorageResult<()> {
        let path = folder.join(DATABASE_FILE);
        let file = disk::create(&path)?;
        let database = open_blocks(file, &path)?;
        let mut empty = Self {
            database,
            path,
            groups: BTreeMap::new(),
            settled: 0,
        };
        let folded = fold(BTreeMap::new(), writes.iter().cloned());
        empty.settle(0, &folded.map_err(|what| StorageError::Refused { what })?)
    }

    /// Opens it and checks every record.
    pub(crate) fn open(folder: &Path) -> StorageResult<(Self, BTreeMap<GroupId, StoredGroup>)> {
        let path = folder.join(DATABASE_FILE);
        let file = disk::open(&path)?;
        if disk::during(file.metadata(), "read", &path)?.len() == 0 {
            return Err(StorageError::corrupt(&path, "it ends at offset 0"));
        }
        let database = open_blocks(file, &path)?;
        let loaded = load(&database, &path)?;
        let opened = Self {
            database,
            path,
            groups: loaded.groups,
            settled: loaded.settled,
        };
        Ok((opened, loaded.stored))
    }

    /// The number of the last write that is in it.
    pub(crate) const fn settled(&self) -> u64 {
        self.settled
    }

    pub(crate) fn shapes(&self) -> BTreeMap<GroupId, Shape> {
        let shape = |(id, group): (&GroupId, &Group)| (*id, group.shape.clone());
        self.groups.iter().map(shape).collect()
    }

    /// For tests that damage it.
    #[cfg(test)]
    pub(crate) const fn raw(&self) -> &redb::Database {
        &self.database
    }

    /// Takes in what all writes up to the one of this number do, and waits for the disk. All of it or, on an error, nothing.
    pub(crate) fn settle(&mut self, through: u64, folded: &[Folded]) -> StorageResult<()> {
        let mut transaction = self.database.begin_write().at(&self.path)?;
        // With one phase, damage of the newest commit would be taken for a crash, and the one before it be used.
        transaction.set_two_phase_commit(true);
        let changed = self.settle_in(&transaction, through, folded)?;
        transaction.commit().at(&self.path)?;
        self.groups.extend(changed);
        self.settled = through;
        Ok(())
    }

    /// Gives the groups that it changed.
    fn settle_in(
        &self,
        transaction: &WriteTransaction,
        through: u64,
        folded: &[Folded],
    ) -> StorageResult<Vec<(GroupId, Group)>> {
        let mut tables = Tables::open(transaction, &self.path)?;
        let mut changed = Vec::new();
        for folded in folded {
            let group = tables.apply(self.groups.get(&folded.group), folded)?;
            tables.put_head(folded.group, &group)?;
            changed.push((folded.group, group));
        }
        tables.put_settled(through)?;
        Ok(changed)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("path", &self.path)
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}

fn open_blocks(file: File, path: &Path) -> StorageResult<redb::Database> {
    Builder::new()
        .set_cache_size(CACHE_BYTES)
        .create_with_backend(Blocks::new(file))
        .at(path)
}

/// The tables in one transaction.
struct Tables<'t> {
    entries: Table<'t, (u32, u64), &'static [u8]>,
    snapshots: Table<'t, (u32, u32), &'static [u8]>,
    heads: Table<'t, u32, &'static [u8]>,
    store: Table<'t, &'static str, &'static [u8]>,
    path: &'t Path,
    /// Used again for each record.
    record: Vec<u8>,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction, path: &'t Path) -> StorageResult<Self> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES).at(path)?,
            snapshots: transaction.open_table(SNAPSHOTS).at(path)?,
            heads: transaction.open_table(HEADS).at(path)?,
            store: transaction.open_table(STORE).at(path)?,
            path,
            record: Vec::new(),
        })
    }

    /// Gives the group as it is then.
    fn apply(&mut self, before: Option<&Group>, folded: &Folded) -> StorageResult<Group> {
        if let Some(snapshot) = &folded.snapshot {
            self.put_snapshot(folded.group, snapshot)?;
        }
        let mut group = Group {
            shape: folded.shape.clone(),
            hard_state: HardState::default(),
            last_checksum: 0,
        };
        if let Some(before) = before {
            group.hard_state = before.hard_state;
            group.last_checksum = self.keep(before, folded)?;
        }
        for entry in &folded.entries {
            group.last_checksum = self.put_entry(folded.group, entry, group.last_checksum)?;
        }
        group.hard_state = folded.hard_state.unwrap_or(group.hard_state);
        Ok(group)
    }

    /// Removes what does not stay, and gives the checksum of the last entry that does, or 0 if none does.
    fn keep(&mut self, before: &Group, folded: &Folded) -> StorageResult<u32> {
        let (group, kept) = (folded.group, folded.kept);
        if kept.from > before.shape.first() {
            self.remove(group, LogIndex::ZERO, kept.from)?;
        }
        if kept.to <= before.shape.last() {
            self.remove(group, kept.to, LogIndex(u64::MAX))?;
            return self.checksum_before(group, kept);
        }
        let is_left = kept.from < kept.to;
        Ok(if is_left { before.last_checksum } else { 0 })
    }

    /// Removes the entries from one index up to, but not including, another.
    fn remove(&mut self, group: GroupId, from: LogIndex, to: LogIndex) -> StorageResult<()> {
        let range = (group.0, from.0)..(group.0, to.0);
        self.entries.retain_in(range, |_, _| false).at(self.path)
    }

    /// The checksum of the last entry that is kept, or 0 if none is.
    fn checksum_before(&self, group: GroupId, kept: Kept) -> StorageResult<u32> {
        if kept.from == kept.to {
            return Ok(0);
        }
        let key = Key::Entry(group, kept.to.0 - 1);
        let record = self.entries.get((group.0, kept.to.0 - 1)).at(self.path)?;
        let checksum = record.and_then(|record| Some(unseal(key, record.value())?.0));
        checksum.ok_or_else(|| damaged(self.path, key))
    }

    /// Gives the entry's checksum.
    fn put_entry(&mut self, group: GroupId, entry: &RaftEntry, before: u32) -> StorageResult<u32> {
        let key = Key::Entry(group, entry.index.0);
        let checksum = seal(&mut self.record, key, |out| {
            out.extend_from_slice(&before.to_le_bytes());
            put_entry_head(out, entry);
            out.extend_from_slice(&entry.data);
        });
        let place = (group.0, entry.index.0);
        let inserted = self.entries.insert(place, self.record.as_slice());
        inserted.at(self.path)?;
        Ok(checksum)
    }

    fn put_snapshot(&mut self, group: GroupId, snapshot: &LogSnapshot) -> StorageResult<()> {
        let all = (group.0, 0)..=(group.0, u32::MAX);
        let removed = self.snapshots.retain_in(all, |_, _| false);
        removed.at(self.path)?;
        self.put_snapshot_record(group, 0, |out| put_snapshot_head(out, snapshot))?;
        for (number, part) in (1..).zip(&snapshot.parts) {
            self.put_snapshot_record(group, number, |out| {
                // A part of another snapshot must not pass for one of this.
                out.extend_from_slice(&snapshot.index.0.to_le_bytes());
                out.extend_from_slice(part);
            })?;
        }
        Ok(())
    }

    fn put_snapshot_record(
        &mut self,
        group: GroupId,
        number: u32,
        content: impl FnOnce(&mut Vec<u8>),
    ) -> StorageResult<()> {
        let key = Key::Snapshot(group, number);
        seal(&mut self.record, key, content);
        let place = (group.0, number);
        let inserted = self.snapshots.insert(place, self.record.as_slice());
        inserted.map(drop).at(self.path)
    }

    fn put_head(&mut self, id: GroupId, group: &Group) -> StorageResult<()> {
        seal(&mut self.record, Key::Head(id), |out| {
            put_hard_state(out, &group.hard_state);
            out.extend_from_slice(&group.shape.last().0.to_le_bytes());
            out.extend_from_slice(&group.last_checksum.to_le_bytes());
        });
        let inserted = self.heads.insert(id.0, self.record.as_slice());
        inserted.map(drop).at(self.path)
    }

    fn put_settled(&mut self, through: u64) -> StorageResult<()> {
        seal(&mut self.record, Key::Settled, |out| {
            out.extend_from_slice(&through.to_le_bytes());
        });
        let inserted = self.store.insert(SETTLED, self.record.as_slice());
        inserted.map(drop).at(self.path)
    }
}

/// A record that is not as it was written.
pub(crate) fn damaged(path: &Path, key: Key) -> StorageError {
    StorageError::corrupt(path, format!("{key} does not match its checksum"))
}

/// Says of an error of the database which file it is about, and whether that file or the system is at fault.
pub(crate) trait At<T> {
    fn at(self, path: &Path) -> StorageResult<T>;
}

impl<T, E: Into<redb::Error>> At<T> for Result<T, E> {
    fn at(self, path: &Path) -> StorageResult<T> {
        self.map_err(|error| match error.into() {
            redb::Error::Io(source) if !is_about_content(&source) => StorageError::System {
                path: path.to_owned(),
                doing: "use",
                source,
            },
            redb::Error::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                StorageError::corrupt(path, "it ends before what it refers to")
            }
            redb::Error::Io(source) => StorageError::corrupt(path, source.to_string()),
            error => StorageError::corrupt(path, error.to_string()),
        })
    }
}

fn is_about_content(error: &io::Error) -> bool {
    let kind = error.kind();
    kind == io::ErrorKind::InvalidData || kind == io::ErrorKind::UnexpectedEof
}
