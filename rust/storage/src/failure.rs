//! That a store has failed, as every thread that has a part in it knows without waiting for another.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::error::{StorageError, StorageResult};

/// Why nothing is written to a folder any more, once something went wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    folder: PathBuf,
    reason: OnceLock<String>,
}

impl Failure {
    pub(crate) fn none_in(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            reason: OnceLock::new(),
        }
    }

    /// What went wrong first is the reason.
    pub(crate) fn tell(&self, error: &StorageError) {
        self.reason.get_or_init(|| error.to_string());
    }

    pub(crate) fn check(&self) -> StorageResult<()> {
        self.reason
            .get()
            .map_or(Ok(()), |reason| Err(self.error(reason.clone())))
    }

    /// That the other side is gone, and why if it said so.
    pub(crate) fn abandoned(&self) -> StorageError {
        let reason = self.reason.get().cloned();
        self.error(reason.unwrap_or_else(|| "nobody settles it any more".to_owned()))
    }

    fn error(&self, reason: String) -> StorageError {
        StorageError::Failed {
            folder: self.folder.clone(),
            reason,
        }
    }
}
