//! Writes that count once the disk has them: a thread writes as many at once as wait.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
    thread::{self, JoinHandle},
};

use synced_protocol::store::StoreWrite;
use synced_storage::Store;

use super::Ended;

/// The most writes that wait for the disk. A disk that falls further behind counts as broken.
pub(super) const WAITING_WRITES_MAX: usize = 4096;
/// The most bytes that may wait for the disk when another write comes.
pub(super) const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What a write without content counts.
const WRITE_OVERHEAD_BYTES: usize = 64;

/// The writing thread, and what waits for it.
#[derive(Debug)]
pub(super) struct Queued {
    queue: SyncSender<StoreWrite>,
    waiting_bytes: Arc<AtomicUsize>,
    /// Gives the store back, unless a write failed.
    thread: JoinHandle<Option<Store>>,
}

impl Queued {
    /// Reports the last write of each batch, or that it failed.
    pub(super) fn start(store: Store, report: impl Fn(Ended) + Send + 'static) -> io::Result<Self> {
        let (queue, waiting) = mpsc::sync_channel(WAITING_WRITES_MAX);
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let writer = Writer {
            store,
            waiting,
            waiting_bytes: waiting_bytes.clone(),
        };
        let run = move || writer.run(report);
        let thread = thread::Builder::new().name("write".to_owned()).spawn(run)?;
        Ok(Self {
            queue,
            waiting_bytes,
            thread,
        })
    }

    /// Leaves a write to the thread, without waiting.
    pub(super) fn push(&self, write: StoreWrite) -> Result<(), String> {
        let bytes = bytes_of(&write);
        if self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed) > WAITING_BYTES_MAX {
            return Err(too_slow());
        }
        self.queue.try_send(write).map_err(|error| match error {
            TrySendError::Full(_) => too_slow(),
            TrySendError::Disconnected(_) => "a write failed before".to_owned(),
        })
    }

    /// Whether everything is written.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting_bytes.load(Ordering::Acquire) == 0
    }

    /// Waits until everything is written, and gives the store back, unless a write failed.
    pub(super) fn end(self) -> Option<Store> {
        drop(self.queue);
        // It has no way to panic, and the system would have said so.
        self.thread.join().ok().flatten()
    }
}

struct Writer {
    store: Store,
    waiting: Receiver<StoreWrite>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Writer {
    fn run(mut self, report: impl Fn(Ended)) -> Option<Store> {
        while let Ok(first) = self.waiting.recv() {
            let mut writes = vec![first];
            writes.extend(self.waiting.try_iter().take(WAITING_WRITES_MAX));
            let bytes = writes.iter().map(bytes_of).sum();
            let last = writes.last().map(|write| write.id).unwrap_or_default();
            if let Err(error) = self.store.write_all(&writes) {
                report(Err(error.to_string()));
                return None;
            }
            self.waiting_bytes.fetch_sub(bytes, Ordering::Release);
            report(Ok(last));
        }
        Some(self.store)
    }
}

fn too_slow() -> String {
    format!(
        "the disk is too slow: {WAITING_WRITES_MAX} writes or {WAITING_BYTES_MAX} bytes wait for it"
    )
}

/// How much a write takes, roughly; at least something.
pub(super) fn bytes_of(write: &StoreWrite) -> usize {
    let entries = write.entries.iter().map(|entry| entry.data.len());
    let parts = write.snapshot.iter().flat_map(|snapshot| &snapshot.parts);
    WRITE_OVERHEAD_BYTES + entries.chain(parts.map(|part| part.len())).sum::<usize>()
}
