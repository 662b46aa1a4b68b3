//! The system's files and folders, with errors that say what was tried on which.

#[cfg(not(unix))]
use std::io::Seek;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::Path,
};

use crate::error::{StorageError, StorageResult};

/// Says of an error of the system what was tried, on what.
pub(crate) fn during<T>(
    result: io::Result<T>,
    doing: &'static str,
    path: &Path,
) -> StorageResult<T> {
    result.map_err(|source| StorageError::System {
        path: path.to_owned(),
        doing,
        source,
    })
}

/// Opens a file that is there, for reading and writing.
pub(crate) fn open(path: &Path) -> StorageResult<File> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    if matches!(&file, Err(error) if error.kind() == io::ErrorKind::NotFound) {
        return Err(StorageError::corrupt(path, "the file is missing"));
    }
    during(file, "open", path)
}

/// Makes an empty file in the place of whatever was there.
pub(crate) fn create(path: &Path) -> StorageResult<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    during(options.open(path), "create", path)
}

/// Writes all of this at a place in a file, in one call to the system where it takes that much at once.
#[cfg(unix)]
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

/// The same where a file has one place at a time: for files that one thread at a time writes to.
#[cfg(not(unix))]
pub(crate) fn write_at(mut file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.seek(io::SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

/// Writes a file so that after a crash it is there as a whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> StorageResult<()> {
    let new = path.with_extension("new");
    let mut file = create(&new)?;
    during(file.write_all(bytes), "write", &new)?;
    during(file.sync_all(), "write", &new)?;
    during(fs::rename(&new, path), "write", path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Waits until the disk has the names of a folder's files. Windows has no such thing, and needs none.
pub(crate) fn sync_folder(folder: &Path) -> StorageResult<()> {
    if cfg!(windows) {
        return Ok(());
    }
    let opened = during(File::open(folder), "open", folder)?;
    during(opened.sync_all(), "write", folder)
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> StorageResult<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => during(result, "delete", path),
    }
}

/// Keeps other processes out of a folder for as long as it lives; the system ends it with the process.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    pub(crate) fn take(folder: &Path) -> StorageResult<Self> {
        let path = folder.join("lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = during(options.open(&path), "open", &path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StorageError::InUse {
                folder: folder.to_owned(),
            }),
            Err(TryLockError::Error(error)) => during(Err(error), "lock", &path),
        }
    }
}
