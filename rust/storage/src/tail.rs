//! The tail: what was written since the database was last settled.

use std::{collections::BTreeMap, path::PathBuf};

use synced_protocol::{
    id::GroupId,
    store::{Durability, StoreWrite},
};

use crate::{
    codec::write_bytes,
    error::{StorageError, StorageResult},
    journal::{Journal, put_record},
    mark::Mark,
    shape::{Shape, group_of},
};

/// How long a journal may become, in bytes, before a write waits for the disk. It may pass this by one batch.
pub const JOURNAL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The largest write, in bytes: a snapshot of the largest world and room to spare.
pub const WRITE_BYTES_MAX: usize = 256 * 1024 * 1024;
const _: () = assert!(WRITE_BYTES_MAX < u32::MAX as usize);
/// Memory for records that is kept from one write to the next, in bytes.
const RECORDS_BYTES_KEPT_MAX: usize = 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Tail {
    folder: PathBuf,
    journal: Journal,
    mark: Mark,
    shapes: BTreeMap<GroupId, Shape>,
    /// The number of the last write.
    last: u64,
    /// What is in the journal, to be settled.
    pending: Vec<StoreWrite>,
    /// Used again for each write.
    records: Vec<u8>,
    failed: Option<String>,
}

impl Tail {
    pub(crate) const fn new(
        folder: PathBuf,
        journal: Journal,
        mark: Mark,
        shapes: BTreeMap<GroupId, Shape>,
        last: u64,
    ) -> Self {
        Self {
            folder,
            journal,
            mark,
            shapes,
            last,
            pending: Vec::new(),
            records: Vec::new(),
            failed: None,
        }
    }

    /// Whether the journal is so long that it must be settled first.
    pub(crate) const fn is_full(&self) -> bool {
        self.journal.len() >= JOURNAL_BYTES_MAX
    }

    /// Writes these behind what was written; on an error none of them counts, and none will be tried any more.
    pub(crate) fn append(
        &mut self,
        writes: &[StoreWrite],
        durable: Durability,
    ) -> StorageResult<()> {
        self.check()?;
        let appended = self.try_append(writes, durable);
        self.records.clear();
        self.records.shrink_to(RECORDS_BYTES_KEPT_MAX);
        appended.inspect_err(|error| self.fail(error))
    }

    fn try_append(&mut self, writes: &[StoreWrite], durable: Durability) -> StorageResult<()> {
        let refused = |what| StorageError::Refused { what };
        let mut last = self.last;
        for write in writes {
            check_size(write)?;
            let shape = group_of(&mut self.shapes, write, Shape::new).map_err(refused)?;
            shape.apply(write).map_err(refused)?;
            last += 1;
            put_record(&mut self.records, last, write);
        }
        self.journal.append(&self.records)?;
        if durable == Durability::Disk {
            self.journal.sync()?;
        }
        // Only now: after a power loss the mark must not promise what the disk never got.
        self.mark.acknowledge(last)?;
        self.last = last;
        self.pending.extend_from_slice(writes);
        Ok(())
    }

    /// What is to be settled and the number of its last write; the next writes go to the other journal, which takes this one's
    /// place. `None` if there is nothing.
    pub(crate) fn take(
        &mut self,
        idle: &mut Journal,
    ) -> StorageResult<Option<(Vec<StoreWrite>, u64)>> {
        self.check()?;
        if self.pending.is_empty() {
            return Ok(None);
        }
        std::mem::swap(&mut self.journal, idle);
        Ok(Some((std::mem::take(&mut self.pending), self.last)))
    }

    /// Empties the journal of what another run left in it.
    pub(crate) fn clear_journal(&mut self) -> StorageResult<()> {
        self.journal.clear()
    }

    /// Marks the end of the run.
    pub(crate) fn end_run(&mut self) -> StorageResult<()> {
        self.check()?;
        self.mark.end_run()
    }

    pub(crate) fn fail(&mut self, error: &StorageError) {
        self.failed = Some(error.to_string());
    }

    fn check(&self) -> StorageResult<()> {
        match &self.failed {
            None => Ok(()),
            Some(reason) => Err(StorageError::Failed {
                folder: self.folder.clone(),
                reason: reason.clone(),
            }),
        }
    }
}

fn check_size(write: &StoreWrite) -> StorageResult<()> {
    let bytes = write_bytes(write);
    if bytes <= WRITE_BYTES_MAX {
        return Ok(());
    }
    Err(StorageError::Refused {
        what: format!("a write of {bytes} bytes is beyond the limit of {WRITE_BYTES_MAX}"),
    })
}
