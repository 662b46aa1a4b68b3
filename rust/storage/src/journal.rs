//! A journal: writes one behind the other, each with its number and checksum.
//!
//! A record is its content's length (32 bits), the checksum of all else (32 bits), its number (64 bits) and its content, as
//! [`codec`](crate::codec) writes it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use synced_protocol::store::StoreWrite;

use crate::{
    codec::put_write,
    disk::{create, during, open, write_at},
    error::StorageResult,
};

pub(crate) const JOURNAL_FILES: [&str; 2] = ["journal-a", "journal-b"];
const LEN_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 4;
/// What stands before a record's content.
pub(crate) const HEAD_BYTES: usize = LEN_BYTES + CHECKSUM_BYTES + 8;

/// A journal, open for more. One thread at a time has it.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Arc<JournalFile>,
    len: u64,
}

/// A journal's file, and how much of it the disk has; any thread may have a part in it.
#[derive(Debug)]
struct JournalFile {
    file: File,
    path: PathBuf,
    /// How much was ever appended, in bytes.
    appended: AtomicU64,
    /// How much of that needs no sync any more.
    synced: AtomicU64,
}

impl Journal {
    pub(crate) fn create(path: &Path) -> StorageResult<()> {
        create(path).map(drop)
    }

    /// Opens a journal to append to it, once it is cleared; until then what is in it is there for [`read`](crate::reading::read).
    pub(crate) fn open(path: &Path) -> StorageResult<Self> {
        let file = open(path)?;
        let len = during(file.metadata(), "open", path)?.len();
        let file = JournalFile {
            file,
            path: path.to_owned(),
            appended: AtomicU64::new(0),
            synced: AtomicU64::new(0),
        };
        Ok(Self {
            file: Arc::new(file),
            len,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.file.path
    }

    /// In bytes.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Hands whole records to the system.
    pub(crate) fn append(&mut self, records: &[u8]) -> StorageResult<()> {
        let JournalFile { file, path, .. } = &*self.file;
        during(write_at(file, records, self.len), "write", path)?;
        self.len += records.len() as u64;
        let bytes = records.len() as u64;
        self.file.appended.fetch_add(bytes, Ordering::Release);
        Ok(())
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) -> StorageResult<()> {
        let JournalFile { file, path, .. } = &*self.file;
        during(file.set_len(0), "empty", path)?;
        self.len = 0;
        self.file.needs_no_sync();
        Ok(())
    }
}

impl JournalFile {
    fn sync(&self) -> StorageResult<()> {
        let appended = self.appended.load(Ordering::Acquire);
        if self.synced.load(Ordering::Acquire) < appended {
            during(self.file.sync_data(), "write", &self.path)?;
            self.synced.fetch_max(appended, Ordering::Release);
        }
        Ok(())
    }

    fn needs_no_sync(&self) {
        let appended = self.appended.load(Ordering::Acquire);
        self.synced.fetch_max(appended, Ordering::Release);
    }
}

/// The files of both journals, whoever has them.
#[derive(Debug, Clone)]
pub(crate) struct Journals([Arc<JournalFile>; 2]);

impl Journals {
    pub(crate) fn of(journals: [&Journal; 2]) -> Self {
        Self(journals.map(|journal| Arc::clone(&journal.file)))
    }

    /// Waits until the disk has all that was appended before, but for what was settled since.
    pub(crate) fn sync(&self) -> StorageResult<()> {
        self.0.iter().try_for_each(|file| file.sync())
    }
}

/// Appends a record to `out`.
pub(crate) fn put_record(out: &mut Vec<u8>, number: u64, write: &StoreWrite) {
    let start = out.len();
    out.extend_from_slice(&[0; LEN_BYTES + CHECKSUM_BYTES]);
    out.extend_from_slice(&number.to_le_bytes());
    put_write(out, write);
    let record = &mut out[start..];
    #[expect(clippy::cast_possible_truncation, reason = "see WRITE_BYTES_MAX")]
    let len = (record.len() - HEAD_BYTES) as u32;
    record[..LEN_BYTES].copy_from_slice(&len.to_le_bytes());
    let checksum = checksum(len, &record[LEN_BYTES + CHECKSUM_BYTES..]);
    record[LEN_BYTES..LEN_BYTES + CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
}

/// Of a record's length, number and content.
pub(crate) fn checksum(len: u32, rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&len.to_le_bytes());
    hasher.update(rest);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_sync_covers_what_was_appended_before_it_and_what_is_cleared_needs_none() {
        let path = std::env::temp_dir().join(format!("synced-journal-{}", std::process::id()));
        Journal::create(&path).unwrap();
        let mut journal = Journal::open(&path).unwrap();
        let unsynced = |journal: &Journal| {
            let JournalFile {
                appended, synced, ..
            } = &*journal.file;
            appended.load(Ordering::Relaxed) - synced.load(Ordering::Relaxed)
        };
        journal.append(b"five!").unwrap();
        assert_eq!(unsynced(&journal), 5);
        journal.file.sync().unwrap();
        assert_eq!(unsynced(&journal), 0);
        journal.append(b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"five!three");
        journal.clear().unwrap();
        assert_eq!(unsynced(&journal), 0);
        journal.append(b"anew").unwrap();
        assert_eq!((unsynced(&journal), journal.len()), (4, 4));
        assert_eq!(fs::read(&path).unwrap(), b"anew");
        fs::remove_file(&path).unwrap();
    }
}
