//! The tail: what is written behind all that was settled or handed over to be.

use std::collections::BTreeMap;

use synced_protocol::{
    id::GroupId,
    store::{Durability, StoreWrite},
};

use crate::{
    codec::write_bytes,
    error::{StorageError, StorageResult},
    handover::HandedOver,
    journal::{Journal, Journals, put_record},
    mark::Mark,
    shape::{Shape, group_of},
};

/// The largest write, in bytes: a snapshot of the largest world and room to spare.
pub const WRITE_BYTES_MAX: usize = 256 * 1024 * 1024;
const _: () = assert!(WRITE_BYTES_MAX < u32::MAX as usize);
/// Memory for records that is kept from one write to the next, in bytes.
const RECORDS_BYTES_KEPT_MAX: usize = 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Tail {
    journal: Journal,
    journals: Journals,
    mark: Mark,
    shapes: BTreeMap<GroupId, Shape>,
    /// The number of the last write.
    last: u64,
    /// Used again for each write.
    records: Vec<u8>,
}

impl Tail {
    /// Goes on behind the write of this number, in an empty journal, one of both.
    pub(crate) const fn new(
        journal: Journal,
        journals: Journals,
        mark: Mark,
        shapes: BTreeMap<GroupId, Shape>,
        last: u64,
    ) -> Self {
        Self {
            journal,
            journals,
            mark,
            shapes,
            last,
            records: Vec::new(),
        }
    }

    /// In bytes.
    pub(crate) const fn len(&self) -> u64 {
        self.journal.len()
    }

    pub(crate) fn journals(&self) -> Journals {
        self.journals.clone()
    }

    /// Writes these behind what was written; on an error none of them counts, and none may be tried any more.
    pub(crate) fn append(
        &mut self,
        writes: &[StoreWrite],
        durable: Durability,
    ) -> StorageResult<()> {
        let appended = self.try_append(writes, durable);
        self.records.clear();
        self.records.shrink_to(RECORDS_BYTES_KEPT_MAX);
        appended
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
            // The other too, whose writes come before these and may be on their way still.
            self.journals.sync()?;
        }
        // Only now: after a power loss the mark must not promise what the disk never got.
        self.mark.acknowledge(last)?;
        self.last = last;
        Ok(())
    }

    /// Goes on in another journal, which is empty, and gives the one up to here.
    pub(crate) fn turn(&mut self, empty: Journal) -> HandedOver {
        HandedOver {
            journal: std::mem::replace(&mut self.journal, empty),
            through: self.last,
        }
    }

    /// Marks the end of the run.
    pub(crate) fn end_run(&mut self) -> StorageResult<()> {
        self.mark.end_run()
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
