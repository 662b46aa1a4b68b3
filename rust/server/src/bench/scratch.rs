//! Where a measurement keeps its files.

use std::{env, fs, path::PathBuf, process};

use crate::exit::{Exit, Failure};

/// A folder that goes when this is dropped.
pub(super) struct Scratch {
    pub(super) path: PathBuf,
}

impl Scratch {
    /// A new one, among the system's for such files.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn new() -> Result<Self, Failure> {
        let path = env::temp_dir().join(format!("synced-bench-{}", process::id()));
        let made = fs::create_dir_all(&path);
        made.map_err(|error| {
            let text = format!("{}: cannot be made: {error}", path.display());
            Failure::new(Exit::Storage, text)
        })?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is for whoever looks into that folder.
        let _ = fs::remove_dir_all(&self.path);
    }
}
