//! Who writes: the driver what takes microseconds, a thread what may take longer, and always in the order in which it came.

use std::io;

use synced_protocol::store::{Durability, StoreWrite};
use synced_storage::{JOURNAL_BYTES_MAX, Store};
use synced_transport::Written;

use super::{
    Report,
    queued::{Queued, bytes_of},
};

/// The largest write that the driver hands over itself, in bytes: some tenths of a millisecond, as long as a tick may be late.
pub(super) const INLINE_BYTES_MAX: usize = 256 * 1024;

/// A store that is written to.
#[derive(Debug)]
pub(super) struct Writing {
    /// While the driver writes.
    inline: Option<Store>,
    queued: Queued,
    /// Whether a write may count once the system has it.
    in_memory: bool,
}

impl Writing {
    pub(super) fn start(store: Store, report: Report) -> io::Result<Self> {
        let writing = Self {
            inline: None,
            queued: Queued::start(report)?,
            in_memory: store.durability() == Durability::Memory,
        };
        writing.queued.give(store);
        Ok(writing)
    }

    pub(super) fn write(&mut self, write: StoreWrite) -> Result<Written, String> {
        self.choose(&write);
        let Some(store) = &mut self.inline else {
            return self.queued.push(write).map(|()| Written::Later);
        };
        let written = store.write(&write);
        written.map_err(|error| error.to_string())?;
        Ok(Written::Already)
    }

    /// Has the right one write next: the driver only what is small, when the thread is done and nothing need be waited for.
    fn choose(&mut self, write: &StoreWrite) {
        if self.in_memory && self.inline.is_none() {
            self.inline = self.queued.take_back();
        }
        let is_large = bytes_of(write) > INLINE_BYTES_MAX;
        let waits_for_disk = write.durability == Durability::Disk;
        let is_slow = |store: &mut Store| is_large || waits_for_disk || waits(store);
        if let Some(store) = self.inline.take_if(is_slow) {
            self.queued.give(store);
        }
    }

    /// Waits until everything is written, and gives the store back, unless a write failed in the thread.
    pub(super) fn end(self) -> Option<Store> {
        self.inline.or_else(|| self.queued.end())
    }
}

fn waits(store: &mut Store) -> bool {
    let waits = store.would_wait();
    if waits {
        tracing::warn!(
            "the disk is too slow, or the processor too busy to keep it going: {JOURNAL_BYTES_MAX} bytes were written while as \
             many before them are not settled; writes wait for that"
        );
    }
    waits
}
