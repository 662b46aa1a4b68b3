//! A server's folder, founded and opened.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use synced_protocol::{
    id::{GroupId, LogIndex, Term},
    store::{Durability, LogSnapshot, Members, StoreWrite, StoredGroup, WriteId},
};

use crate::{
    database::{DATABASE_FILE, Database},
    disk::{FolderLock, during, remove, sync_folder},
    error::{StorageError, StorageResult},
    identity::{Founding, IDENTITY_FILE, Identity},
    journal::{self, JOURNAL_FILES, Journal},
    keeper::{Base, Keeper, Shared},
    mark::{Mark, this_boot},
    replay::{apply, replay},
    tail::Tail,
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
    shared: Arc<Shared>,
    durability: Durability,
}

impl Store {
    /// Makes the folder of a server that a cluster is founded with, and the folders above it.
    ///
    /// # Errors
    /// [`StorageError::AlreadyFounded`], [`StorageError::InUse`], or what the system says.
    pub fn found(folder: &Path, founding: &Founding) -> StorageResult<()> {
        during(fs::create_dir_all(folder), "create", folder)?;
        let _lock = FolderLock::take(folder)?;
        if Identity::read(folder)?.is_some() {
            return Err(StorageError::AlreadyFounded {
                folder: folder.to_owned(),
            });
        }
        make(folder, founding)
    }

    /// Makes the folder anew for another life of its server, whatever was in it, and opens it. An incarnation that is not later
    /// than that of before is replaced by the next one, as [`Opened::identity`] says.
    ///
    /// # Errors
    /// [`StorageError::InUse`], or what the system says.
    pub fn refound(folder: &Path, founding: &Founding) -> StorageResult<Opened> {
        during(fs::create_dir_all(folder), "create", folder)?;
        let lock = FolderLock::take(folder)?;
        let mut founding = founding.clone();
        // What cannot be read was some other life, whose seconds have passed.
        if let Ok(Some(before)) = Identity::read(folder) {
            let next = before.incarnation.saturating_add(1);
            founding.identity.incarnation = founding.identity.incarnation.max(next);
        }
        remove(&folder.join(IDENTITY_FILE))?;
        sync_folder(folder)?;
        make(folder, &founding)?;
        take_up(folder, founding.identity, lock, &this_boot())
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
    /// that. Waits for the disk as well when so much was written that [`JOURNAL_BYTES_MAX`](crate::JOURNAL_BYTES_MAX) is reached
    /// before a [`Keeper`] has settled it.
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
        let asks = |write: &StoreWrite| write.durability == Durability::Disk;
        let durability = if writes.iter().any(asks) {
            Durability::Disk
        } else {
            self.durability
        };
        if self.shared.tail().is_full() {
            self.keeper().settle()?;
        }
        self.shared.tail().append(writes, durability)
    }

    /// Settles what is written, from this thread or another; to be called from time to time.
    #[must_use]
    pub fn keeper(&self) -> Keeper {
        Keeper::new(self.shared.clone())
    }

    /// Ends in an orderly way: everything is on the disk, and the next start trusts it even after the machine went down.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn close(self) -> StorageResult<()> {
        self.keeper().settle()?;
        self.shared.tail().end_run()
    }
}

/// Writes every file of a folder, the identity last.
fn make(folder: &Path, founding: &Founding) -> StorageResult<()> {
    remove(&folder.join(DATABASE_FILE))?;
    for name in JOURNAL_FILES {
        Journal::create(&folder.join(name))?;
    }
    Mark::create(folder)?;
    let groups = founding.groups.iter();
    let writes: Vec<StoreWrite> = groups.map(|(id, members)| begin(*id, members)).collect();
    Database::create(folder, &writes)?;
    sync_folder(folder)?;
    founding.identity.write(folder)
}

/// The first write of a group.
fn begin(group: GroupId, members: &Members) -> StoreWrite {
    StoreWrite {
        id: WriteId(0),
        group,
        durability: Durability::Disk,
        snapshot: Some(Arc::new(LogSnapshot {
            index: LogIndex::ZERO,
            term: Term(0),
            members: members.clone(),
            parts: Vec::new(),
        })),
        entries: Vec::new(),
        hard_state: None,
    }
}

fn take_up(
    folder: &Path,
    identity: Identity,
    lock: FolderLock,
    boot: &str,
) -> StorageResult<Opened> {
    let mut mark = Mark::open(folder)?;
    let last_stop = judge(folder, &identity, &mark, boot)?;
    let (mut database, mut stored) = Database::open(folder)?;
    let [a, b] = JOURNAL_FILES.map(|name| folder.join(name));
    let contents = [journal::read(&a)?, journal::read(&b)?];
    let mut journals = [Journal::open(&a)?, Journal::open(&b)?];
    let acknowledged = mark.state().acknowledged;
    let (writes, last) = replay(contents, database.settled(), acknowledged)?;
    let mut shapes = database.shapes();
    apply(&mut stored, &mut shapes, &writes).map_err(|what| StorageError::corrupt(&a, what))?;
    mark.begin_run(boot)?;
    let cleared = clear(&mut database, &mut journals, &writes, last);
    let [journal, idle] = journals;
    let mut tail = Tail::new(folder.to_owned(), journal, mark, shapes, last);
    if let Err(error) = cleared {
        tail.fail(&error);
    }
    let shared = Shared::new(tail, Base { database, idle }, lock);
    Ok(Opened {
        store: Store {
            shared: Arc::new(shared),
            durability: identity.durability,
        },
        identity,
        last_stop,
        groups: by_id(stored),
    })
}

/// Whether what the last run left can be trusted.
fn judge(folder: &Path, identity: &Identity, mark: &Mark, boot: &str) -> StorageResult<LastStop> {
    match (mark.state().running, identity.durability) {
        (false, _) => Ok(LastStop::Orderly),
        (true, _) if mark.state().is_of(boot) => Ok(LastStop::Killed),
        (true, Durability::Disk) => Ok(LastStop::PowerLost),
        (true, Durability::Memory) => Err(StorageError::MemoryLost {
            folder: folder.to_owned(),
        }),
    }
}

/// Settles what the journals hold and empties them.
fn clear(
    database: &mut Database,
    journals: &mut [Journal; 2],
    writes: &[StoreWrite],
    last: u64,
) -> StorageResult<()> {
    if !writes.is_empty() {
        database.settle(last, writes)?;
    }
    journals.iter_mut().try_for_each(Journal::clear)
}

fn by_id(stored: BTreeMap<GroupId, StoredGroup>) -> Vec<StoredGroup> {
    stored.into_values().collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use synced_protocol::id::ServerId;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        /// A folder that was opened once in the boot "first", and whose process was killed then.
        fn killed_in_first_boot(name: &str, durability: Durability) -> Self {
            let name = format!("synced-boots-{name}-{}", std::process::id());
            let folder = Self(std::env::temp_dir().join(name));
            let identity = Identity {
                cluster: "a cluster".to_owned(),
                server: ServerId(1),
                incarnation: 0,
                durability,
            };
            let groups = vec![(GroupId(0), Members::default())];
            Store::found(&folder.0, &Founding { identity, groups }).unwrap();
            drop(folder.open_in("first").unwrap());
            folder
        }

        fn open_in(&self, boot: &str) -> StorageResult<Opened> {
            Store::open_in_boot(&self.0, boot)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn in_memory_a_kill_is_trusted_and_a_power_loss_is_not() {
        let folder = Folder::killed_in_first_boot("memory", Durability::Memory);
        let again = folder.open_in("first").unwrap();
        assert_eq!(again.last_stop, LastStop::Killed);
        drop(again);
        let after_reboot = folder.open_in("second").unwrap_err();
        assert!(matches!(after_reboot, StorageError::MemoryLost { .. }));
        assert!(after_reboot.asks_for_new_replica());
    }

    #[test]
    fn on_disk_a_power_loss_is_trusted_too() {
        let folder = Folder::killed_in_first_boot("disk", Durability::Disk);
        let after_reboot = folder.open_in("second").unwrap();
        assert_eq!(after_reboot.last_stop, LastStop::PowerLost);
    }

    #[test]
    fn an_orderly_stop_is_trusted_after_a_reboot() {
        let folder = Folder::killed_in_first_boot("orderly", Durability::Memory);
        folder.open_in("first").unwrap().store.close().unwrap();
        let after_reboot = folder.open_in("second").unwrap();
        assert_eq!(after_reboot.last_stop, LastStop::Orderly);
        drop(after_reboot);
        assert!(folder.open_in("third").is_err());
    }

    #[test]
    fn a_system_that_does_not_name_its_boots_trusts_orderly_stops_alone() {
        let folder = Folder::killed_in_first_boot("nameless", Durability::Memory);
        folder.open_in("first").unwrap().store.close().unwrap();
        let opened = folder.open_in("").unwrap();
        assert_eq!(opened.last_stop, LastStop::Orderly);
        drop(opened);
        assert!(folder.open_in("").unwrap_err().asks_for_new_replica());
    }
}
