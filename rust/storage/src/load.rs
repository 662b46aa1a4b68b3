//! Reads everything that is in the database, and believes none of it unchecked.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bytes::Bytes;
use redb::{
    AccessGuard, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata,
};
use synced_protocol::{
    bytes_io::Reader,
    error::DecodeError,
    id::{GroupId, LogIndex},
    store::{HardState, LogSnapshot, RaftEntry, StoredGroup},
};

use crate::{
    codec::{read_entry_head, read_hard_state, read_snapshot_head},
    database::{At, Group, damaged},
    error::{StorageError, StorageResult},
    records::{ENTRIES, HEADS, Key, SETTLED, SNAPSHOTS, STORE, unseal},
    shape::Shape,
};

/// What the database holds.
pub(crate) struct Loaded {
    pub(crate) settled: u64,
    pub(crate) groups: BTreeMap<GroupId, Group>,
    pub(crate) stored: BTreeMap<GroupId, StoredGroup>,
}

pub(crate) fn load(database: &redb::Database, path: &Path) -> StorageResult<Loaded> {
    let transaction = database.begin_read().at(path)?;
    let tables = Tables::open(&transaction, path)?;
    let mut loaded = Loaded {
        settled: tables.settled()?,
        groups: BTreeMap::new(),
        stored: BTreeMap::new(),
    };
    for head in tables.heads()? {
        let id = head.id;
        let (group, stored) = tables.group(head)?;
        loaded.groups.insert(id, group);
        loaded.stored.insert(id, stored);
    }
    tables.check_nothing_else(&loaded)?;
    Ok(loaded)
}

/// A group's record in [`HEADS`].
struct Head {
    id: GroupId,
    hard_state: HardState,
    last: LogIndex,
    last_checksum: u32,
}

struct Tables<'p> {
    entries: ReadOnlyTable<(u32, u64), &'static [u8]>,
    snapshots: ReadOnlyTable<(u32, u32), &'static [u8]>,
    heads: ReadOnlyTable<u32, &'static [u8]>,
    store: ReadOnlyTable<&'static str, &'static [u8]>,
    path: &'p Path,
}

impl<'p> Tables<'p> {
    fn open(transaction: &ReadTransaction, path: &'p Path) -> StorageResult<Self> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES).at(path)?,
            snapshots: transaction.open_table(SNAPSHOTS).at(path)?,
            heads: transaction.open_table(HEADS).at(path)?,
            store: transaction.open_table(STORE).at(path)?,
            path,
        })
    }

    fn settled(&self) -> StorageResult<u64> {
        let record = self.store.get(SETTLED).at(self.path)?;
        let record = record.ok_or_else(|| self.missing(Key::Settled))?;
        self.decode(Key::Settled, &record, |reader| reader.u64())
    }

    fn heads(&self) -> StorageResult<Vec<Head>> {
        let mut heads = Vec::new();
        for found in self.heads.iter().at(self.path)? {
            let (id, record) = found.at(self.path)?;
            let id = GroupId(id.value());
            heads.push(self.decode(Key::Head(id), &record, |reader| {
                Ok(Head {
                    id,
                    hard_state: read_hard_state(reader)?,
                    last: LogIndex(reader.u64()?),
                    last_checksum: reader.u32()?,
                })
            })?);
        }
        Ok(heads)
    }

    fn group(&self, head: Head) -> StorageResult<(Group, StoredGroup)> {
        let snapshot = Arc::new(self.snapshot(head.id)?);
        let mut shape = Shape::new(&snapshot);
        let entries = self.entries(&head, &mut shape)?;
        let group = Group {
            shape,
            hard_state: head.hard_state,
            last_checksum: head.last_checksum,
        };
        let stored = StoredGroup {
            group: head.id,
            hard_state: head.hard_state,
            snapshot,
            entries,
        };
        Ok((group, stored))
    }

    fn snapshot(&self, group: GroupId) -> StorageResult<LogSnapshot> {
        let head = Key::Snapshot(group, 0);
        let record = self.snapshots.get((group.0, 0)).at(self.path)?;
        let record = record.ok_or_else(|| self.missing(head))?;
        let (mut snapshot, parts) = self.decode(head, &record, read_snapshot_head)?;
        for number in 1..=parts {
            let key = Key::Snapshot(group, number);
            let record = self.snapshots.get((group.0, number)).at(self.path)?;
            let record = record.ok_or_else(|| self.missing(key))?;
            let (index, part) = self.decode(key, &record, |reader| {
                Ok((reader.u64()?, take_rest(reader)))
            })?;
            if index != snapshot.index.0 {
                return Err(self.wrong(key, "is of another snapshot"));
            }
            snapshot.parts.push(part);
        }
        Ok(snapshot)
    }

    /// Each entry must hold the checksum of the one before it, and the last one that of the head.
    fn entries(&self, head: &Head, shape: &mut Shape) -> StorageResult<Vec<RaftEntry>> {
        let mut entries = Vec::new();
        let mut last_checksum = None;
        let all = (head.id.0, 0)..=(head.id.0, u64::MAX);
        for found in self.entries.range(all).at(self.path)? {
            let (place, record) = found.at(self.path)?;
            let index = LogIndex(place.value().1);
            let key = Key::Entry(head.id, index.0);
            let (checksum, content) =
                unseal(key, record.value()).ok_or_else(|| damaged(self.path, key))?;
            let (before, entry) =
                read_entry(index, content).map_err(|error| self.wrong(key, error))?;
            if last_checksum.is_some_and(|last| last != before) {
                return Err(self.wrong(key, "does not follow on the entry before it"));
            }
            shape.push(&entry).map_err(|what| self.wrong(key, what))?;
            entries.push(entry);
            last_checksum = Some(checksum);
        }
        if shape.last() != head.last || last_checksum.unwrap_or(0) != head.last_checksum {
            let last = Key::Entry(head.id, head.last.0);
            return Err(self.wrong(last, "is not the last one, as it should be"));
        }
        Ok(entries)
    }

    fn check_nothing_else(&self, loaded: &Loaded) -> StorageResult<()> {
        let groups = || loaded.stored.values();
        let entries: usize = groups().map(|group| group.entries.len()).sum();
        let records = groups().map(|group| 1 + group.snapshot.parts.len());
        let found = (
            self.entries.len().at(self.path)?,
            self.snapshots.len().at(self.path)?,
            self.store.len().at(self.path)?,
        );
        if found != (entries as u64, records.sum::<usize>() as u64, 1) {
            let what = "it holds records that belong to nothing";
            return Err(StorageError::corrupt(self.path, what));
        }
        Ok(())
    }

    fn decode<T>(
        &self,
        key: Key,
        record: &AccessGuard<'_, &'static [u8]>,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, DecodeError>,
    ) -> StorageResult<T> {
        let unsealed = unseal(key, record.value());
        let (_, content) = unsealed.ok_or_else(|| damaged(self.path, key))?;
        let mut reader = Reader::new(content);
        let value = read(&mut reader).and_then(|value| reader.finish().map(|()| value));
        value.map_err(|error| self.wrong(key, error))
    }

    fn missing(&self, key: Key) -> StorageError {
        self.wrong(key, "is missing")
    }

    fn wrong(&self, key: Key, what: impl std::fmt::Display) -> StorageError {
        StorageError::corrupt(self.path, format!("{key}: {what}"))
    }
}

/// Reads an entry and the checksum of the one before it.
fn read_entry(index: LogIndex, content: &[u8]) -> Result<(u32, RaftEntry), DecodeError> {
    let mut reader = Reader::new(content);
    let before = reader.u32()?;
    let (term, kind) = read_entry_head(&mut reader)?;
    let entry = RaftEntry {
        index,
        term,
        kind,
        data: take_rest(&mut reader),
    };
    Ok((before, entry))
}

fn take_rest(reader: &mut Reader<'_>) -> Bytes {
    let rest = reader.rest();
    *reader = Reader::new(&[]);
    Bytes::copy_from_slice(rest)
}

#[cfg(test)]
mod tests;
