//! A server's folder, opened.

use std::path::Path;

use synced_protocol::store::{StoreWrite, StoredGroup};

use crate::{
    error::{StorageError, StorageResult},
    identity::{Founding, Identity},
};

/// How the run before this one ended, where what it left can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastStop {
    /// In an orderly way, by [`Store::close`]; or there was none.
    Orderly,
    /// The process ended in the middle, and the machine did not go down since.
    Killed,
    /// The machine went down, and every write was on the disk before it counted.
    PowerLost,
}

/// A store that was opened, and what was found in it.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Who it belongs to.
    pub identity: Identity,
    /// How the last run ended.
    pub last_stop: LastStop,
    /// Every group, by its id.
    pub groups: Vec<StoredGroup>,
}

/// A server's folder, opened by this process alone.
#[derive(Debug)]
pub struct Store {}

/// Waits for the disk, from another thread than the one that writes.
#[derive(Debug, Clone)]
pub struct Syncer {}

impl Store {
    /// Makes the folder of a server that a cluster is founded with.
    ///
    /// # Errors
    /// [`StorageError::AlreadyFounded`], or what the system says.
    pub fn found(folder: &Path, _founding: &Founding) -> StorageResult<()> {
        Err(StorageError::AlreadyFounded {
            folder: folder.to_owned(),
        })
    }

    /// Makes the folder anew for another life of its server, whatever was in it. The incarnation must be a later one.
    ///
    /// # Errors
    /// What the system says.
    pub fn refound(folder: &Path, founding: &Founding) -> StorageResult<Opened> {
        Self::found(folder, founding)?;
        Self::open(folder)
    }

    /// Takes a folder up again.
    ///
    /// # Errors
    /// Every kind of [`StorageError`]; [`StorageError::asks_for_new_replica`] tells which of them [`Store::refound`] answers.
    pub fn open(folder: &Path) -> StorageResult<Opened> {
        Err(StorageError::NotFounded {
            folder: folder.to_owned(),
        })
    }

    /// Writes all of this or nothing. On return the system has it; the disk too if the write asks for that.
    ///
    /// # Errors
    /// What the system says; nothing can be written afterwards, until the folder is opened again.
    pub fn write(&mut self, write: &StoreWrite) -> StorageResult<()> {
        self.write_all(std::slice::from_ref(write))
    }

    /// Writes several at once, each of them whole or not at all, and none without those before it. If one asks for the disk,
    /// all are on it on return.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_all(&mut self, _writes: &[StoreWrite]) -> StorageResult<()> {
        Ok(())
    }

    /// Waits until everything that was written is on the disk.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn sync(&mut self) -> StorageResult<()> {
        self.syncer().sync()
    }

    /// Does what [`Store::sync`] does from any thread.
    #[must_use]
    pub fn syncer(&self) -> Syncer {
        Syncer {}
    }

    /// Ends in an orderly way: everything is on the disk, and the next start trusts it.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn close(mut self) -> StorageResult<()> {
        self.sync()
    }
}

impl Syncer {
    /// Waits until everything that was written before is on the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> StorageResult<()> {
        Ok(())
    }
}
