//! How a driver writes to a disk that it knows nothing of.

use synced_protocol::{
    peer::PeerEvent,
    store::{StoreWrite, WriteId},
};
use tokio::sync::mpsc;

/// Where a server of a cluster keeps what its consensus must not forget.
///
/// The driver calls it from its own thread, so a write that may take long belongs to another one.
pub trait Disk {
    /// Called once, before any write: whoever ends writes later says so through `reports`.
    fn begin(&mut self, reports: DiskReports);

    /// Takes a write after all that came before it.
    ///
    /// # Errors
    /// What the system said, and about which file. The logic is told, and no write follows.
    fn write(&mut self, write: StoreWrite) -> Result<Written, String>;

    /// Called once, after the last write and when nothing more can be sent: waits for what is still being written.
    fn end(&mut self);
}

/// Whether a write is as durable as it asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is, and everything before it.
    Already,
    /// [`DiskReports`] will tell.
    Later,
}

/// How another thread tells a driver of writes that did not end at once. Clones lead to the same driver.
#[derive(Debug, Clone)]
pub struct DiskReports(mpsc::UnboundedSender<DiskReport>);

/// What became of writes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DiskReport {
    Stored(WriteId),
    Failed(String),
}

impl DiskReports {
    /// Every write up to this one is as durable as it asked to be.
    pub fn stored(&self, write: WriteId) {
        // A driver that has ended needs no answer.
        let _ = self.0.send(DiskReport::Stored(write));
    }

    /// A write failed, and none after it has been tried; `reason` says what the system said, and about which file.
    pub fn failed(&self, reason: String) {
        let _ = self.0.send(DiskReport::Failed(reason));
    }
}

/// The driver's end of a disk, which is not written to any more once a write has failed.
#[derive(Debug)]
pub(crate) struct Store<D> {
    disk: D,
    failed: bool,
    reports: mpsc::UnboundedReceiver<DiskReport>,
}

impl<D: Disk> Store<D> {
    pub(crate) fn new(mut disk: D) -> Self {
        // No more reports than writes are under way, and those the logic bounds.
        let (sender, reports) = mpsc::unbounded_channel();
        disk.begin(DiskReports(sender));
        Self {
            disk,
            failed: false,
            reports,
        }
    }

    /// What the logic is to be told at once.
    pub(crate) fn write(&mut self, write: StoreWrite) -> Option<PeerEvent> {
        if self.failed {
            return None;
        }
        let id = write.id;
        match self.disk.write(write) {
            Ok(Written::Already) => Some(PeerEvent::Stored { write: id }),
            Ok(Written::Later) => None,
            Err(reason) => self.told(DiskReport::Failed(reason)),
        }
    }

    /// Waits for the next report; `None` when there cannot be any more. May be cancelled without loss.
    pub(crate) async fn report(&mut self) -> Option<DiskReport> {
        self.reports.recv().await
    }

    /// A report that is there.
    pub(crate) fn reported(&mut self) -> Option<DiskReport> {
        self.reports.try_recv().ok()
    }

    /// What the logic is to be told of a report: of failures the first alone.
    pub(crate) fn told(&mut self, report: DiskReport) -> Option<PeerEvent> {
        match report {
            DiskReport::Stored(write) => Some(PeerEvent::Stored { write }),
            DiskReport::Failed(reason) => {
                let first = !std::mem::replace(&mut self.failed, true);
                first.then_some(PeerEvent::StoreFailed { reason })
            }
        }
    }

    pub(crate) fn end(&mut self) {
        self.disk.end();
    }
}
