//! Settling: what was written moves from the journal to the database, and the disk has it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    database::Database, disk::FolderLock, error::StorageResult, journal::Journal, tail::Tail,
};

/// What the store and its keepers share. Whoever locks both, locks the base first.
#[derive(Debug)]
pub(crate) struct Shared {
    tail: Mutex<Tail>,
    base: Mutex<Base>,
    _lock: FolderLock,
}

/// The database and the journal that is not written to; between two settlings that one is empty.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) database: Database,
    pub(crate) idle: Journal,
}

impl Shared {
    pub(crate) const fn new(tail: Tail, base: Base, lock: FolderLock) -> Self {
        Self {
            tail: Mutex::new(tail),
            base: Mutex::new(base),
            _lock: lock,
        }
    }

    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Settles what a [`Store`](crate::Store) has written, from any thread: writes hardly wait for it. The folder is in use for as long
/// as one of them lives.
#[derive(Debug, Clone)]
pub struct Keeper {
    shared: Arc<Shared>,
}

impl Keeper {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Moves everything that was written before into the database, and waits until the disk has it. Does nothing if there is
    /// nothing.
    ///
    /// # Errors
    /// What the system says. The store has failed then: nothing is lost, and nothing can be written.
    pub fn settle(&self) -> StorageResult<()> {
        let base = self.shared.base.lock();
        let mut base = base.unwrap_or_else(PoisonError::into_inner);
        let taken = self.shared.tail().take(&mut base.idle)?;
        let Some((writes, through)) = taken else {
            return Ok(());
        };
        let settled = base.database.settle(through, &writes);
        settled
            .and_then(|()| base.idle.clear())
            .inspect_err(|error| self.shared.tail().fail(error))
    }
}
