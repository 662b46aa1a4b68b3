//! How a folder comes to be, and how it is read again.

use std::{path::Path, sync::Arc};

use synced_protocol::{
    id::{GroupId, LogIndex, Term},
    store::{Durability, LogSnapshot, Members, StoreWrite, StoredGroup, WriteId},
};

use crate::{
    aside,
    database::{DATABASE_FILE, Database},
    disk::{FolderLock, remove, sync_folder},
    error::{StorageError, StorageResult},
    failure::Failure,
    fold::{Folded, fold},
    identity::Identity,
    journal::{JOURNAL_FILES, Journal, Journals},
    mark::Mark,
    reading::read,
    replay::{apply, replay},
    store::{LastStop, Opened, Store},
    tail::Tail,
};

/// Writes every file of a folder, the identity last.
pub(crate) fn make(folder: &Path, identity: &Identity, groups: &[StoreWrite]) -> StorageResult<()> {
    remove(&folder.join(DATABASE_FILE))?;
    for name in JOURNAL_FILES {
        Journal::create(&folder.join(name))?;
    }
    Mark::create(folder)?;
    Database::create(folder, groups)?;
    sync_folder(folder)?;
    identity.write(folder)
}

/// The first write of each group that a cluster is founded with.
pub(crate) fn begin(groups: &[(GroupId, Members)]) -> Vec<StoreWrite> {
    let begin = |(group, members): &(GroupId, Members)| StoreWrite {
        id: WriteId(0),
        group: *group,
        durability: Durability::Disk,
        snapshot: Some(Arc::new(LogSnapshot {
            index: LogIndex::ZERO,
            term: Term(0),
            members: members.clone(),
            parts: Vec::new(),
        })),
        entries: Vec::new(),
        hard_state: None,
    };
    groups.iter().map(begin).collect()
}

/// The first write of each group that begins with what another replica held.
pub(crate) fn begin_with(groups: &[StoredGroup]) -> Vec<StoreWrite> {
    let begin = |stored: &StoredGroup| StoreWrite {
        id: WriteId(0),
        group: stored.group,
        durability: Durability::Disk,
        snapshot: Some(stored.snapshot.clone()),
        entries: stored.entries.clone(),
        hard_state: Some(stored.hard_state),
    };
    groups.iter().map(begin).collect()
}

/// Reads every file of a folder, and begins a run.
pub(crate) fn take_up(
    folder: &Path,
    identity: Identity,
    lock: FolderLock,
    boot: &str,
) -> StorageResult<Opened> {
    let mut mark = Mark::open(folder)?;
    let last_stop = judge(folder, &identity, &mark, boot)?;
    let (mut database, mut stored) = Database::open(folder)?;
    let paths = JOURNAL_FILES.map(|name| folder.join(name));
    let journals = [read(&paths[0])?, read(&paths[1])?];
    let acknowledged = mark.state().acknowledged;
    let beyond = replay(journals, database.settled(), acknowledged)?;
    let mut shapes = database.shapes();
    let folded = fold(database.shapes(), beyond.writes);
    let folded = folded.map_err(|what| StorageError::corrupt(&paths[0], what))?;
    apply(&mut stored, &folded);
    let changed = folded.iter();
    shapes.extend(changed.map(|folded| (folded.group, folded.shape.clone())));
    if aside::says_something(stored.values()) {
        // It has everything from the others now. What cannot be removed takes up space, and no more.
        let _ = aside::forget(folder);
    }
    mark.begin_run(boot)?;
    let mut journals = [Journal::open(&paths[0])?, Journal::open(&paths[1])?];
    let failure = Failure::none_in(folder);
    // What was found is found: if the disk is too full for more, that is an error for who writes.
    if let Err(error) = settle(&mut database, &mut journals, beyond.last, &folded) {
        failure.tell(&error);
    }
    let files = Journals::of(journals.each_ref());
    let [first, spare] = journals;
    let tail = Tail::new(first, files, mark, shapes, beyond.last);
    let store = Store::new(identity.durability, database, tail, spare, failure, lock);
    Ok(Opened {
        store,
        identity,
        last_stop,
        groups: stored.into_values().collect(),
    })
}

/// Whether what the last run left can be trusted.
pub(crate) fn judge(
    folder: &Path,
    identity: &Identity,
    mark: &Mark,
    boot: &str,
) -> StorageResult<LastStop> {
    match (mark.state().running, identity.durability) {
        (false, _) => Ok(LastStop::Orderly),
        (true, _) if mark.state().is_of(boot) => Ok(LastStop::Killed),
        (true, Durability::Disk) => Ok(LastStop::PowerLost),
        (true, Durability::Memory) => Err(StorageError::MemoryLost {
            folder: folder.to_owned(),
        }),
    }
}

/// Moves what the journals hold into the database and empties them.
fn settle(
    database: &mut Database,
    journals: &mut [Journal; 2],
    last: u64,
    folded: &[Folded],
) -> StorageResult<()> {
    if !folded.is_empty() {
        database.settle(last, folded)?;
    }
    journals.iter_mut().try_for_each(Journal::clear)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use synced_protocol::id::ServerId;

    use super::*;
    use crate::identity::Founding;

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
