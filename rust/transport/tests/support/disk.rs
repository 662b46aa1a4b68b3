//! A disk that keeps all in memory, and fails as the test likes.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use synced_protocol::store::StoreWrite;
use synced_transport::{Disk, DiskReports, Written};

/// How a [`MemoryDisk`] writes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    #[default]
    AtOnce,
    /// By another thread, a little later.
    Later,
    /// Not at all: it is full.
    Full,
    /// Another thread finds it full.
    FullLater,
}

/// What a disk was given, also after its end.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) writes: Vec<StoreWrite>,
    pub(crate) ended: bool,
}

/// A disk that keeps all in memory.
#[derive(Default)]
pub(crate) struct MemoryDisk {
    pub(crate) pace: Pace,
    pub(crate) kept: Arc<Mutex<Kept>>,
    reports: Option<DiskReports>,
}

impl MemoryDisk {
    pub(crate) fn at(pace: Pace) -> Self {
        Self {
            pace,
            ..Self::default()
        }
    }
}

impl Disk for MemoryDisk {
    fn begin(&mut self, reports: DiskReports) {
        self.reports = Some(reports);
    }

    fn write(&mut self, write: StoreWrite) -> Result<Written, String> {
        let (id, reports) = (write.id, self.reports.clone().unwrap());
        if self.pace != Pace::Full {
            self.kept.lock().unwrap().writes.push(write);
        }
        match self.pace {
            Pace::AtOnce => return Ok(Written::Already),
            Pace::Full => return Err("data/log: no space left".to_owned()),
            Pace::Later => drop(thread::spawn(move || reports.stored(id))),
            Pace::FullLater => {
                drop(thread::spawn(move || {
                    reports.failed("data/log: no space left".to_owned())
                }));
            }
        }
        Ok(Written::Later)
    }

    fn end(&mut self) {
        self.kept.lock().unwrap().ended = true;
    }
}
