//! How a driver writes to a disk that it knows nothing of.

use synced_protocol::store::{StoreWrite, WriteId};
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
    pub(crate) fn channel() -> (Self, mpsc::UnboundedReceiver<DiskReport>) {
        // No more reports than writes are under way, and those the logic bounds.
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

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
