//! Writes that may take long: a thread writes as many at once as wait.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
    thread::{self, JoinHandle},
};

use synced_protocol::store::StoreWrite;
use synced_storage::Store;

use super::Report;

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
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

/// Whoever has the store writes. The thread takes it only while there are writes for it, so that whoever finds none waiting finds this
/// unlocked.
#[derive(Debug, Default)]
struct Shared {
    store: Mutex<Option<Store>>,
    waiting_bytes: AtomicUsize,
}

impl Queued {
    /// A thread without a store; it reports the last write of each batch, or that it failed, by which the store is lost.
    pub(super) fn start(report: Report) -> io::Result<Self> {
        let (queue, waiting) = mpsc::sync_channel(WAITING_WRITES_MAX);
        let shared = Arc::new(Shared::default());
        let run = {
            let shared = Arc::clone(&shared);
            move || shared.write(&waiting, &report)
        };
        let thread = thread::Builder::new().name("write".to_owned()).spawn(run)?;
        Ok(Self {
            queue,
            shared,
            thread,
        })
    }

    /// Leaves the store to the thread; nothing was pushed since it was taken back.
    pub(super) fn give(&self, store: Store) {
        *self.shared.store() = Some(store);
    }

    /// Takes the store back if everything is written.
    pub(super) fn take_back(&self) -> Option<Store> {
        if self.shared.waiting_bytes.load(Ordering::Acquire) > 0 {
            return None;
        }
        self.shared.store().take()
    }

    /// Leaves a write to the thread, without waiting.
    pub(super) fn push(&self, write: StoreWrite) -> Result<(), String> {
        let bytes = bytes_of(&write);
        if self
            .shared
            .waiting_bytes
            .fetch_add(bytes, Ordering::Relaxed)
            > WAITING_BYTES_MAX
        {
            return Err(too_slow());
        }
        self.queue.try_send(write).map_err(|error| match error {
            TrySendError::Full(_) => too_slow(),
            TrySendError::Disconnected(_) => "a write failed before".to_owned(),
        })
    }

    /// Waits until everything is written, and gives the store back, unless a write failed or it was taken back.
    pub(super) fn end(self) -> Option<Store> {
        drop(self.queue);
        // It has no way to panic, and the system would have said so.
        let _ = self.thread.join();
        self.shared.store().take()
    }
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Option<Store>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, waiting: &Receiver<StoreWrite>, report: &Report) {
        while let Ok(first) = waiting.recv() {
            let mut writes = vec![first];
            writes.extend(waiting.try_iter().take(WAITING_WRITES_MAX));
            let Some(mut store) = self.store().take() else {
                return;
            };
            if let Err(error) = store.write_all(&writes) {
                return report.tell(Err(error.to_string()));
            }
            *self.store() = Some(store);
            let bytes = writes.iter().map(bytes_of).sum();
            self.waiting_bytes.fetch_sub(bytes, Ordering::Release);
            report.tell(Ok(writes.last().map(|write| write.id).unwrap_or_default()));
        }
    }
}

fn too_slow() -> String {
    format!(
        "{WAITING_WRITES_MAX} writes or {WAITING_BYTES_MAX} bytes wait for the disk: give this server a faster one, or more of a \
         processor"
    )
}

/// How much a write takes, roughly; at least something.
pub(super) fn bytes_of(write: &StoreWrite) -> usize {
    let entries = write.entries.iter().map(|entry| entry.data.len());
    let parts = write.snapshot.iter().flat_map(|snapshot| &snapshot.parts);
    WRITE_OVERHEAD_BYTES + entries.chain(parts.map(|part| part.len())).sum::<usize>()
}
