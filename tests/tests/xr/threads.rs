//! The threads of a player's process, as the system knows them.

use std::{fs, path::PathBuf};

use synced_tests::{Failure, Outcome};

/// What the thread that samples the OpenXR session is called.
pub(crate) const CAPTURE: &str = "synced-openxr";

/// A running thread.
pub(crate) struct Thread(PathBuf);

impl Thread {
    /// The threads of this name in a process.
    pub(crate) fn named(name: &str, process: u32) -> Outcome<Vec<Self>> {
        let tasks = PathBuf::from(format!("/proc/{process}/task"));
        let listed = fs::read_dir(&tasks).map_err(Failure::of("the threads of a process"))?;
        let folders = listed.filter_map(|task| Some(task.ok()?.path()));
        let is_named = |folder: &PathBuf| {
            fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
        };
        Ok(folders.filter(is_named).map(Self).collect())
    }

    /// How long it has run on a processor, in seconds.
    pub(crate) fn busy_seconds(&self) -> Outcome<f64> {
        let path = self.0.join("schedstat");
        let text = fs::read_to_string(&path).map_err(Failure::of(path.display()))?;
        let nanoseconds = text
            .split_whitespace()
            .next()
            .and_then(|word| word.parse::<f64>().ok());
        nanoseconds
            .map(|nanoseconds| nanoseconds / 1e9)
            .ok_or_else(|| Failure::new(format!("{}: {text}", path.display())))
    }
}
