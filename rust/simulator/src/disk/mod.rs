//! A server's disk: what the system was handed, what of it would survive a loss of power, and what a server finds there when it
//! opens its store. Writes take effect wholly or not at all, and in order, as the store promises.

mod image;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, fmt};

use synced_protocol::{
    id::GroupId,
    store::{StoreWrite, StoredGroup, WriteId},
};

use self::image::apply;
pub use self::image::{GroupImage, Image};

/// The disk of one server, over all of its lives until it is emptied.
#[derive(Debug, Clone)]
pub struct Disk {
    /// With every write that was handed over.
    latest: Image,
    /// With those alone that are beyond the reach of a loss of power.
    durable: Image,
    unsynced: VecDeque<StoreWrite>,
    last: WriteId,
    is_full: bool,
}

/// Why a write was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteError {
    /// There is no room; nothing after it is tried.
    Full,
    /// The logic asks for something that makes no sense: our own mistake.
    Wrong(String),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("no space left on the disk"),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

impl Disk {
    /// A disk with groups that were just founded, durably.
    #[must_use]
    pub fn new(groups: Vec<StoredGroup>) -> Self {
        let image: Image = groups
            .into_iter()
            .map(|group| (group.group, GroupImage::new(group)))
            .collect();
        Self {
            durable: image.clone(),
            latest: image,
            unsynced: VecDeque::new(),
            last: WriteId(0),
            is_full: false,
        }
    }

    /// Hands a write to the system.
    ///
    /// # Errors
    /// [`WriteError::Full`] while the disk is full; [`WriteError::Wrong`] when the write leaves a gap or is not the next.
    pub fn write(&mut self, write: StoreWrite) -> Result<(), WriteError> {
        if self.is_full {
            return Err(WriteError::Full);
        }
        if write.id.0 != self.last.0 + 1 {
            let (last, id) = (self.last.0, write.id.0);
            return Err(WriteError::Wrong(format!(
                "write {id} follows write {last}"
            )));
        }
        self.last = write.id;
        apply(&mut self.latest, &write).map_err(WriteError::Wrong)?;
        self.unsynced.push_back(write);
        Ok(())
    }

    /// The last write that was handed over in this life.
    #[must_use]
    pub const fn last(&self) -> WriteId {
        self.last
    }

    /// Writes up to this one survive a loss of power from now on.
    pub fn sync(&mut self, until: WriteId) {
        self.sync_each(until, |_| {});
    }

    /// The same, and tells which these are.
    pub fn sync_each(&mut self, until: WriteId, mut tell: impl FnMut(&StoreWrite)) {
        while self.unsynced.front().is_some_and(|write| write.id <= until) {
            if let Some(write) = self.unsynced.pop_front() {
                tell(&write);
                // It was applied to the latest image without an error, in the same order.
                let _ = apply(&mut self.durable, &write);
            }
        }
    }

    /// How many writes a loss of power could take.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    /// The process ends, and with it those of the last writes that nobody else had: all but the first `kept` of those that are
    /// not durable.
    pub fn lose(&mut self, kept: usize) {
        self.unsynced.truncate(kept);
        if let Some(last) = self.unsynced.back().map(|write| write.id) {
            self.sync(last);
        }
        self.latest = self.durable.clone();
    }

    /// A new life of the process begins, which counts its writes from 1; what was handed over before is durable or will be.
    pub fn open(&mut self) -> Vec<StoredGroup> {
        self.sync_all();
        self.last = WriteId(0);
        self.is_full = false;
        let groups = self.latest.iter();
        groups.map(|(group, image)| image.found(*group)).collect()
    }

    /// Everything that was handed over survives a loss of power from now on.
    pub fn sync_all(&mut self) {
        self.sync(self.last);
    }

    /// Whether writes fail.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Writes fail from now on.
    pub const fn fill(&mut self) {
        self.is_full = true;
    }

    /// One group's storage, with every write.
    #[must_use]
    pub fn group(&self, group: GroupId) -> Option<&GroupImage> {
        self.latest.get(&group)
    }

    /// The same storage without the vote: what a disk that forgets it would give back.
    pub fn forget_votes(&mut self) {
        for image in self.latest.values_mut().chain(self.durable.values_mut()) {
            image.hard_state.vote = None;
        }
    }
}
