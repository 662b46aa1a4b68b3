//! Settling: what was written moves from a journal to the database, and the disk has it.

use std::sync::Arc;

use crate::{
    database::Database,
    disk::FolderLock,
    error::{StorageError, StorageResult},
    failure::Failure,
    fold::Folding,
    handover::{HandedOver, Taker},
    journal::Journal,
    reading::Reading,
};

/// Settles what a [`Store`](crate::Store) hands over, in a thread of its own, for which no write waits before
/// [`JOURNAL_BYTES_MAX`](crate::JOURNAL_BYTES_MAX) is reached. The folder is in use for as long as it lives.
#[derive(Debug)]
pub struct Keeper {
    database: Database,
    taker: Taker,
    failure: Arc<Failure>,
    _lock: Arc<FolderLock>,
}

impl Keeper {
    pub(crate) const fn new(
        database: Database,
        taker: Taker,
        failure: Arc<Failure>,
        lock: Arc<FolderLock>,
    ) -> Self {
        Self {
            database,
            taker,
            failure,
            _lock: lock,
        }
    }

    /// Settles whatever is handed over until the store is closed or dropped.
    ///
    /// # Errors
    /// What the system says. The store has failed then: nothing is lost, and nothing can be written.
    pub fn run(mut self) -> StorageResult<()> {
        while let Some(handed_over) = self.taker.wait() {
            self.settle(handed_over)?;
        }
        Ok(())
    }

    /// Settles what was handed over, if anything was.
    pub(crate) fn settle_if_any(&mut self) -> StorageResult<()> {
        let handed_over = self.taker.take();
        handed_over.map_or(Ok(()), |handed_over| self.settle(handed_over))
    }

    fn settle(&mut self, handed_over: HandedOver) -> StorageResult<()> {
        let settled = self.try_settle(handed_over);
        let journal = settled.inspect_err(|error| self.failure.tell(error))?;
        self.taker.give_back(journal);
        Ok(())
    }

    /// Reads from the journal, not from memory: so the side that writes keeps nothing for this one, which would give it back to the
    /// allocator of the other, behind the allocator's lock.
    fn try_settle(&mut self, handed_over: HandedOver) -> StorageResult<Journal> {
        let HandedOver {
            mut journal,
            through,
        } = handed_over;
        let mut reading = Reading::of(journal.path())?;
        let mut folding = Folding::onto(self.database.shapes());
        let mut last = None;
        while let Some((number, write)) = reading.next()? {
            let folded = folding.add(write);
            folded.map_err(|what| StorageError::Refused { what })?;
            last = Some(number);
        }
        if last != Some(through) || !reading.is_whole() {
            let what = format!("what was written ends at offset {}", reading.end());
            return Err(StorageError::corrupt(journal.path(), what));
        }
        let folded = folding.finish();
        self.database.settle(through, &folded)?;
        journal.clear()?;
        Ok(journal)
    }
}
