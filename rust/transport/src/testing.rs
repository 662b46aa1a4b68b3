//! What the tests of this crate share.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
};

use synced_protocol::{
    link::{Event, Logic, Output},
    time::Micros,
};

/// A logic that does one thing at first and then shows its events.
pub(crate) struct Onlooker {
    pub(crate) first: Option<Output>,
    pub(crate) events: mpsc::Sender<Event>,
}

impl Logic for Onlooker {
    fn handle(&mut self, _: Micros, event: Event) {
        let _ = self.events.send(event);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.first.take()
    }

    fn poll_deadline(&self) -> Option<Micros> {
        None
    }

    fn is_finished(&self) -> bool {
        false
    }
}

/// A new folder, removed in the end.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("synced-transport-{}-{count}", process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
