//! A server's folder, founded and opened.

use std::{fs, path::Path, sync::Arc};

use synced_protocol::store::{Durability, StoreWrite, StoredGroup};

use crate::{
    aside,
    database::Database,
    disk::{FolderLock, during, remove, sync_folder},
    error::{StorageError, StorageResult},
    failure::Failure,
    handover::way,
    identity::{Founding, IDENTITY_FILE, Identity},
    journal::Journal,
    keeper::Keeper,
    mark::this_boot,
    opening::{begin, begin_with, make, take_up},
    salvage::Salvage,
    syncer::Syncer,
    tail::Tail,
    turns::{SETTLED_BYTES, Turns},
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
pub struct Store {
    tail: Tail,
    turns: Turns,
    durability: Durability,
    failure: Arc<Failure>,
    _lock: Arc<FolderLock>,
}

impl Store {
    /// Goes on behind what is in the database, with an empty journal to write to and another to take its turn.
    pub(crate) fn new(
        durability: Durability,
        database: Database,
        tail: Tail,
        spare: Journal,
        failure: Failure,
        lock: FolderLock,
    ) -> Self {
        let (failure, lock) = (Arc::new(failure), Arc::new(lock));
        let (giver, taker) = way();
        let keeper = Keeper::new(database, taker, Arc::clone(&failure), Arc::clone(&lock));
        Self {
            tail,
            turns: Turns::new(spare, giver, keeper, Arc::clone(&failure)),
            durability,
            failure,
            _lock: lock,
        }
    }

    /// Makes the folder of a server that a cluster is founded with, and the folders above it.
    ///
    /// # Errors
    /// [`StorageError::AlreadyFounded`], [`StorageError::InUse`], or what the system says.
    pub fn found(folder: &Path, founding: &Founding) -> StorageResult<()> {
        Self::found_by(folder, &founding.identity, &begin(&founding.groups))
    }

    /// As [`Store::found`], of a replica that begins with what others held.
    ///
    /// # Errors
    /// As there, and [`StorageError::Refused`] for entries that do not follow on each other.
    pub fn found_with(
        folder: &Path,
        identity: &Identity,
        groups: &[StoredGroup],
    ) -> StorageResult<()> {
        Self::found_by(folder, identity, &begin_with(groups))
    }

    fn found_by(folder: &Path, identity: &Identity, groups: &[StoreWrite]) -> StorageResult<()> {
        during(fs::create_dir_all(folder), "create", folder)?;
        let _lock = FolderLock::take(folder)?;
        if Identity::read(folder)?.is_some() {
            return Err(StorageError::AlreadyFounded {
                folder: folder.to_owned(),
            });
        }
        make(folder, identity, groups)
    }

    /// Makes the folder anew for another life of its server, and opens it. An incarnation that is not later than that of before is
    /// replaced by the next one, as [`Opened::identity`] says. What was in the folder is put aside within it, for [`Store::salvage`], until
    /// the new life is opened with something that it has got from others.
    ///
    /// # Errors
    /// [`StorageError::InUse`], or what the system says.
    pub fn refound(folder: &Path, founding: &Founding) -> StorageResult<Opened> {
        during(fs::create_dir_all(folder), "create", folder)?;
        let lock = FolderLock::take(folder)?;
        let mut founding = founding.clone();
        let before = aside::latest_incarnation(folder);
        let next = before.map_or(0, |before| before.saturating_add(1));
        founding.identity.incarnation = founding.identity.incarnation.max(next);
        aside::put_aside(folder)?;
        remove(&folder.join(IDENTITY_FILE))?;
        sync_folder(folder)?;
        make(folder, &founding.identity, &begin(&founding.groups))?;
        take_up(folder, founding.identity, lock, &this_boot())
    }

    /// Reads what a folder holds without trusting that it is all that was acknowledged, which after a power loss it may not be: for when
    /// no server of a cluster has more. It takes as much memory as [`Store::open`].
    ///
    /// # Errors
    /// [`StorageError::NotFounded`], [`StorageError::InUse`], damage that no power loss leaves, or what the system says.
    pub fn salvage(folder: &Path) -> StorageResult<Salvage> {
        Salvage::of(folder)
    }

    /// Takes a folder up again. It takes as much memory as the log and the snapshots in it.
    ///
    /// On a full disk it opens what is there, and the first write fails.
    ///
    /// # Errors
    /// Every kind of [`StorageError`]; [`StorageError::asks_for_new_replica`] tells which of them [`Store::refound`] answers.
    pub fn open(folder: &Path) -> StorageResult<Opened> {
        Self::open_in_boot(folder, &this_boot())
    }

    pub(crate) fn open_in_boot(folder: &Path, boot: &str) -> StorageResult<Opened> {
        let not_founded = || StorageError::NotFounded {
            folder: folder.to_owned(),
        };
        if !folder.join(IDENTITY_FILE).exists() {
            return Err(not_founded());
        }
        let lock = FolderLock::take(folder)?;
        let identity = Identity::read(folder)?.ok_or_else(not_founded)?;
        take_up(folder, identity, lock, boot)
    }

    /// When its writes count as done, as it was founded. A single write may ask for more.
    #[must_use]
    pub const fn durability(&self) -> Durability {
        self.durability
    }

    /// Writes all of this or nothing. On return the system has it; the disk too if the write or the store's identity asks for
    /// that. If [`Store::would_wait`] says so, it waits for the disk as well.
    ///
    /// # Errors
    /// What the system says, or [`StorageError::Refused`]. After any error the store has failed, until it is opened again.
    pub fn write(&mut self, write: &StoreWrite) -> StorageResult<()> {
        self.write_all(std::slice::from_ref(write))
    }

    /// Writes several at once, each of them whole or not at all, and none without those before it. If one asks for the disk, all
    /// are on it on return.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_all(&mut self, writes: &[StoreWrite]) -> StorageResult<()> {
        self.failure.check()?;
        self.turns.make_room(&mut self.tail)?;
        let asks = |write: &StoreWrite| write.durability == Durability::Disk;
        let durability = if writes.iter().any(asks) {
            Durability::Disk
        } else {
            self.durability
        };
        let appended = self.tail.append(writes, durability);
        appended.inspect_err(|error| self.failure.tell(error))?;
        let is_behind_snapshot = writes.iter().any(|write| write.snapshot.is_some());
        let long = SETTLED_BYTES * if is_behind_snapshot { 1 } else { 2 };
        self.turns.hand_over_if_longer(&mut self.tail, long);
        Ok(())
    }

    /// Whether the next write waits until what was written is settled: [`JOURNAL_BYTES_MAX`](crate::JOURNAL_BYTES_MAX) is reached, and
    /// no [`Keeper`] kept pace.
    pub fn would_wait(&mut self) -> bool {
        self.turns.would_wait(&self.tail)
    }

    /// Who settles in a thread of its own what is written from now on; once. As long as nobody asks, the store settles by itself where
    /// it must.
    pub const fn take_keeper(&mut self) -> Option<Keeper> {
        self.turns.take_keeper()
    }

    /// Who syncs what is written, from any thread; to be called from time to time where writes do not ask for the disk.
    #[must_use]
    pub fn syncer(&self) -> Syncer {
        Syncer::new(self.tail.journals(), Arc::clone(&self.failure))
    }

    /// Gives what was written to the [`Keeper`] now instead of when it is much, if it runs elsewhere and is done with what it has. Does not
    /// wait.
    pub fn hand_over(&mut self) {
        self.turns.hand_over_if_longer(&mut self.tail, 0);
    }

    /// Moves everything that was written into the database, and waits until the disk has it.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn settle(&mut self) -> StorageResult<()> {
        self.turns.settle(&mut self.tail)
    }

    /// Ends in an orderly way: everything is on the disk, and the next start trusts it even after the machine went down.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn close(mut self) -> StorageResult<()> {
        self.settle()?;
        self.tail.end_run()
    }
}
