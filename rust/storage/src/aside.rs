//! What a folder held before it was made anew. Where a server lost its memory alone that is of no use; where all did at once, it is all
//! that is left of the cluster.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use synced_protocol::store::StoredGroup;

use crate::{
    database::DATABASE_FILE,
    disk::{during, sync_folder},
    error::StorageResult,
    identity::{IDENTITY_FILE, Identity},
    journal::JOURNAL_FILES,
    salvage::read,
};

const ASIDE_FOLDER: &str = "before";

pub(crate) fn aside_of(folder: &Path) -> PathBuf {
    folder.join(ASIDE_FOLDER)
}

/// Whether there is anything but a founding.
pub(crate) fn says_something<'a>(groups: impl IntoIterator<Item = &'a StoredGroup>) -> bool {
    let mut groups = groups.into_iter();
    groups.any(|group| group.snapshot.index.0 > 0 || !group.entries.is_empty())
}

/// Puts what a folder holds aside, in place of what was put aside before. If it says nothing, as that of a replica that was still to
/// get everything, or cannot be read, that stays instead.
pub(crate) fn put_aside(folder: &Path) -> StorageResult<()> {
    let aside = aside_of(folder);
    // The identity moves last; without it, what is there is a move that was broken off.
    let was_broken_off = aside.is_dir() && !aside.join(IDENTITY_FILE).exists();
    if !was_broken_off {
        if !read(folder).is_ok_and(|held| says_something(&held.groups)) {
            return Ok(());
        }
        forget(folder)?;
        during(fs::create_dir(&aside), "create", &aside)?;
    }
    for name in JOURNAL_FILES.into_iter().chain([DATABASE_FILE]) {
        move_if_there(&folder.join(name), &aside.join(name))?;
    }
    sync_folder(&aside)?;
    move_if_there(&folder.join(IDENTITY_FILE), &aside.join(IDENTITY_FILE))?;
    sync_folder(&aside)?;
    sync_folder(folder)
}

/// Removes what was put aside, if anything was.
pub(crate) fn forget(folder: &Path) -> StorageResult<()> {
    let aside = aside_of(folder);
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => during(result, "delete", &aside),
    }
}

/// The latest life that a folder knows of; what cannot be read was some other life, whose seconds have passed.
pub(crate) fn latest_incarnation(folder: &Path) -> Option<u32> {
    let folders = [folder.to_owned(), aside_of(folder)];
    let read = |folder: &PathBuf| Identity::read(folder).ok().flatten();
    folders
        .iter()
        .filter_map(read)
        .map(|identity| identity.incarnation)
        .max()
}

fn move_if_there(from: &Path, to: &Path) -> StorageResult<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => during(result, "move", from),
    }
}
