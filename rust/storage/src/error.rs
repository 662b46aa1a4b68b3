//! What can go wrong, and what the operator can do about it.

use std::{
    error, fmt, io,
    path::{Path, PathBuf},
};

/// A result of this crate.
pub type StorageResult<T> = Result<T, StorageError>;

/// What went wrong with a server's folder. Its text names the file and says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum StorageError {
    /// The folder holds no store: it was never founded, or what was in it is lost.
    NotFounded {
        /// The folder.
        folder: PathBuf,
    },
    /// The machine went down while the server relied on its memory: what it acknowledged last may be lost.
    MemoryLost {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds a store, and must not be founded again.
    AlreadyFounded {
        /// The folder.
        folder: PathBuf,
    },
    /// Another process has the folder.
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A file is not as it was written.
    Corrupt {
        /// The file.
        file: PathBuf,
        /// What is wrong, and at which offset or record.
        what: String,
    },
    /// The system refused: the disk is full, a permission is missing, the device fails.
    System {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// What was to be written cannot follow on what is stored: a fault of this program.
    Refused {
        /// Why.
        what: String,
    },
    /// A write failed before, and none is tried since.
    Failed {
        /// The folder.
        folder: PathBuf,
        /// Why the write failed.
        reason: String,
    },
}

impl StorageError {
    /// Whether the server may go on by itself under a new incarnation, with [`Store::refound`](crate::Store::refound). Else it
    /// is for the operator to decide.
    #[must_use]
    pub const fn asks_for_new_replica(&self) -> bool {
        matches!(self, Self::NotFounded { .. } | Self::MemoryLost { .. })
    }

    pub(crate) fn corrupt(file: &Path, what: impl Into<String>) -> Self {
        Self::Corrupt {
            file: file.to_owned(),
            what: what.into(),
        }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFounded { folder } => write!(
                f,
                "{} holds no server's data: found it with `synced cluster init`, or let the server come back as a new \
                 replica",
                folder.display()
            ),
            Self::MemoryLost { folder } => write!(
                f,
                "the machine went down while the server with the data in {} was running: what it acknowledged last may be \
                 lost, so it must come back as a new replica; if that happened to more than half of the servers at once, stop all of \
                 them and run `synced cluster recover`",
                folder.display()
            ),
            Self::AlreadyFounded { folder } => write!(
                f,
                "{} holds a server's data already: name another folder, or delete this one first",
                folder.display()
            ),
            Self::InUse { folder } => write!(
                f,
                "another process uses {}: stop that server first, or name another folder",
                folder.display()
            ),
            Self::Corrupt { file, what } => write!(
                f,
                "{} is damaged: {what}; check the disk, then delete the folder, so that the server comes back as a new \
                 replica and gets everything from the others",
                file.display()
            ),
            Self::System {
                path,
                doing,
                source,
            } => {
                let advice = advice(source.kind());
                write!(f, "cannot {doing} {}: {source}{advice}", path.display())
            }
            Self::Refused { what } => write!(
                f,
                "{what}: a fault of this program; the store stays as it was, please report this"
            ),
            Self::Failed { folder, reason } => write!(
                f,
                "nothing is written to {} any more since a write failed: {reason}",
                folder.display()
            ),
        }
    }
}

const fn advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space there, then start the server again"
        }
        io::ErrorKind::FileTooLarge => {
            "; allow larger files there (ulimit -f), then start the server again"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; let the server's user write there, then start the server again"
        }
        _ => "; check the disk, then start the server again",
    }
}

impl error::Error for StorageError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::System { source, .. } => Some(source),
            _ => None,
        }
    }
}
