//! What a folder still holds when its server may not go on with it.

use std::path::Path;

use synced_protocol::{id::ReplicaId, store::StoredGroup};

use crate::{
    aside::{aside_of, latest_incarnation, says_something},
    database::Database,
    disk::FolderLock,
    error::{StorageError, StorageResult},
    fold::fold,
    identity::Identity,
    journal::JOURNAL_FILES,
    mark::{Mark, this_boot},
    opening::judge,
    reading::{Contents, nothing, read as read_journal},
    replay::{apply, replay, whatever_follows},
    store::LastStop,
};

/// What was found in a folder, whether or not its server may go on as the same replica. The folder is in use for as long as this lives.
#[derive(Debug)]
pub struct Salvage {
    /// Whose it was: the replica that these are the memory of.
    pub identity: Identity,
    /// The latest life of the server that the folder knows of.
    pub incarnation_max: u32,
    /// How that replica's last run ended, if [`Store::open`](crate::Store::open) would trust what it left; else why it would not.
    pub standing: StorageResult<LastStop>,
    /// Every group, by its id: as it was settled last, and whatever follows that in the journals without a gap, which goes at least as
    /// far as what was synced last.
    pub groups: Vec<StoredGroup>,
    _lock: FolderLock,
}

impl Salvage {
    /// Whether there is more than a founding.
    #[must_use]
    pub fn says_something(&self) -> bool {
        says_something(&self.groups)
    }

    /// Whose memory it is.
    #[must_use]
    pub const fn replica(&self) -> ReplicaId {
        self.identity.replica()
    }

    pub(crate) fn of(folder: &Path) -> StorageResult<Self> {
        if !folder.is_dir() {
            return Err(not_founded(folder));
        }
        let lock = FolderLock::take(folder)?;
        let (held, standing) = match (read(folder), read(&aside_of(folder))) {
            (Ok(held), Err(_)) => standing_of(folder, held),
            (Ok(held), Ok(_)) if says_something(&held.groups) => standing_of(folder, held),
            (Ok(_), Ok(before)) => (before, Err(memory_lost(folder))),
            (Err(error), Ok(before)) => (before, Err(error)),
            (Err(error), Err(_)) => return Err(error),
        };
        Ok(Self {
            incarnation_max: latest_incarnation(folder).unwrap_or_default(),
            identity: held.identity,
            standing,
            groups: held.groups,
            _lock: lock,
        })
    }
}

/// What the files of a folder say.
pub(crate) struct Held {
    pub(crate) identity: Identity,
    pub(crate) groups: Vec<StoredGroup>,
    settled: u64,
    journals: [Contents; 2],
}

/// Reads a folder that somebody has locked. What the disk did not get of the journals is missing; what is wrong with anything else is an
/// error.
pub(crate) fn read(folder: &Path) -> StorageResult<Held> {
    let identity = Identity::read(folder)?.ok_or_else(|| not_founded(folder))?;
    let (database, mut stored) = Database::open(folder)?;
    let [first, second] = JOURNAL_FILES.map(|name| folder.join(name));
    let journals = [read_journal(&first)?, read_journal(&second)?];
    let beyond = whatever_follows(&journals, database.settled());
    let folded = fold(database.shapes(), beyond);
    let folded = folded.map_err(|what| StorageError::corrupt(&first, what))?;
    apply(&mut stored, &folded);
    Ok(Held {
        identity,
        groups: stored.into_values().collect(),
        settled: database.settled(),
        journals,
    })
}

fn standing_of(folder: &Path, mut held: Held) -> (Held, StorageResult<LastStop>) {
    let journals = std::mem::replace(&mut held.journals, nothing());
    let standing = Mark::open(folder).and_then(|mark| {
        let stop = judge(folder, &held.identity, &mark, &this_boot())?;
        replay(journals, held.settled, mark.state().acknowledged)?;
        Ok(stop)
    });
    (held, standing)
}

fn memory_lost(folder: &Path) -> StorageError {
    StorageError::MemoryLost {
        folder: folder.to_owned(),
    }
}

fn not_founded(folder: &Path) -> StorageError {
    StorageError::NotFounded {
        folder: folder.to_owned(),
    }
}
