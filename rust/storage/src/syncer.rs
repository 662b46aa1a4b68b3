//! Syncing: what was written to the system gets to the disk.

use std::sync::Arc;

use crate::{error::StorageResult, failure::Failure, journal::Journals};

/// Has the disk take what a [`Store`](crate::Store) has written, from any thread, for which no write waits. What was synced last is there
/// after a power loss, for [`Store::salvage`](crate::Store::salvage).
#[derive(Debug, Clone)]
pub struct Syncer {
    journals: Journals,
    failure: Arc<Failure>,
}

impl Syncer {
    pub(crate) const fn new(journals: Journals, failure: Arc<Failure>) -> Self {
        Self { journals, failure }
    }

    /// Waits until the disk has everything that was written before; for nothing if it has.
    ///
    /// # Errors
    /// What the system says, or that the store has failed. Nothing can be written then.
    pub fn sync(&self) -> StorageResult<()> {
        self.failure.check()?;
        let synced = self.journals.sync();
        synced.inspect_err(|error| self.failure.tell(error))
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::journal::Journal;

    /// Takes whatever is written to it, and has no disk that could have it.
    const UNSYNCABLE: &str = "/dev/null";

    #[test]
    fn a_disk_that_does_not_take_what_was_written_fails_the_store_and_is_asked_only_after_a_write()
    {
        let open = || Journal::open(Path::new(UNSYNCABLE)).unwrap();
        for written in [0, 1] {
            let mut journals = [open(), open()];
            let failure = Arc::new(Failure::none_in(Path::new("a folder")));
            let files = Journals::of(journals.each_ref());
            let syncer = Syncer::new(files, Arc::clone(&failure));
            syncer.sync().unwrap();
            journals[written].append(b"a record").unwrap();
            let refused = syncer.sync().unwrap_err();
            assert!(refused.to_string().contains(UNSYNCABLE), "{refused}");
            assert!(failure.check().is_err());
        }
    }
}
