//! A journal, read record by record.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use bytes::{Bytes, BytesMut};
use synced_protocol::{bytes_io::Reader, error::DecodeError, store::StoreWrite};

use crate::{
    codec::read_write,
    disk::{during, open},
    error::StorageResult,
    journal::{HEAD_BYTES, checksum},
};

/// How much of a journal is in memory at a time, in bytes, where no record is longer.
const CHUNK_BYTES: usize = 64 * 1024;

/// What is in a journal, up to its end or to the first record that is not whole.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) path: PathBuf,
    pub(crate) records: Vec<(u64, StoreWrite)>,
    /// Where the reading stopped, in bytes from the start.
    pub(crate) end: u64,
    /// Whether that is where the file ends.
    pub(crate) whole: bool,
}

/// Reads a journal. It takes as much memory as the file.
pub(crate) fn read(path: &Path) -> StorageResult<Contents> {
    let mut reading = Reading::of(path)?;
    let mut records = Vec::new();
    while let Some(record) = reading.next()? {
        records.push(record);
    }
    Ok(Contents {
        path: path.to_owned(),
        records,
        end: reading.end,
        whole: reading.is_whole(),
    })
}

/// Journals with nothing in them.
pub(crate) fn nothing() -> [Contents; 2] {
    [(); 2].map(|()| Contents {
        path: PathBuf::new(),
        records: Vec::new(),
        end: 0,
        whole: true,
    })
}

/// Reads a journal that nobody writes to. The content of what it gives is a slice of the part that it came from, which stays in memory
/// until the last one is dropped.
#[derive(Debug)]
pub(crate) struct Reading<'p> {
    path: &'p Path,
    file: File,
    len: u64,
    /// Where the last whole record ends.
    end: u64,
    /// What was read behind that.
    chunk: Bytes,
}

impl<'p> Reading<'p> {
    pub(crate) fn of(path: &'p Path) -> StorageResult<Self> {
        let file = open(path)?;
        let len = during(file.metadata(), "read", path)?.len();
        Ok(Self {
            path,
            file,
            len,
            end: 0,
            chunk: Bytes::new(),
        })
    }

    /// Where the last whole record ends, in bytes from the start.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// Whether that is where the file ends.
    pub(crate) const fn is_whole(&self) -> bool {
        self.end == self.len
    }

    /// The next record's number and write; nothing at the end or if it is not whole.
    pub(crate) fn next(&mut self) -> StorageResult<Option<(u64, StoreWrite)>> {
        let head = self.at_least(HEAD_BYTES)?;
        let Ok(content_bytes) = Reader::new(head).u32().map(u64::from) else {
            return Ok(None);
        };
        let record_bytes = HEAD_BYTES as u64 + content_bytes;
        if record_bytes > self.len - self.end {
            return Ok(None);
        }
        let record_bytes = usize::try_from(record_bytes).unwrap_or(usize::MAX);
        self.at_least(record_bytes)?;
        let record = self.chunk.slice(..record_bytes.min(self.chunk.len()));
        let Ok(read) = read_record(&record) else {
            return Ok(None);
        };
        self.chunk = self.chunk.split_off(record_bytes);
        self.end += record_bytes as u64;
        Ok(Some(read))
    }

    /// Has so many bytes in the chunk, or all that are left.
    fn at_least(&mut self, wanted: usize) -> StorageResult<&[u8]> {
        if self.chunk.len() < wanted {
            let left = self.len - self.end;
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            let mut longer = BytesMut::zeroed(wanted.max(CHUNK_BYTES).min(left));
            let (known, rest) = longer.split_at_mut(self.chunk.len());
            known.copy_from_slice(&self.chunk);
            during(self.file.read_exact(rest), "read", self.path)?;
            self.chunk = longer.freeze();
        }
        Ok(&self.chunk)
    }
}

fn read_record(record: &Bytes) -> Result<(u64, StoreWrite), DecodeError> {
    let mut reader = Reader::new(record);
    let len = reader.u32()?;
    let expected = reader.u32()?;
    if checksum(len, reader.rest()) != expected {
        return Err(DecodeError::BadMessage);
    }
    let number = reader.u64()?;
    Ok((number, read_write(&record.slice_ref(reader.rest()))?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use synced_protocol::{
        id::{LogIndex, Term},
        store::{EntryKind, RaftEntry},
    };

    use super::*;
    use crate::journal::put_record;

    fn write(index: u64, bytes: usize) -> StoreWrite {
        StoreWrite {
            id: Default::default(),
            group: Default::default(),
            durability: Default::default(),
            snapshot: None,
            entries: vec![RaftEntry {
                index: LogIndex(index),
                term: Term(1),
                kind: EntryKind::Normal,
                data: vec![index as u8; bytes].into(),
            }],
            hard_state: None,
        }
    }

    /// A journal of records that are shorter, as long as and longer than what is read at a time.
    fn journal(path: &Path) -> Vec<(u64, StoreWrite)> {
        let sizes = [
            9,
            CHUNK_BYTES - 60,
            0,
            CHUNK_BYTES,
            1,
            3 * CHUNK_BYTES + 7,
            2,
        ];
        let writes = (1..).zip(sizes).cycle().take(30);
        let writes: Vec<_> = writes.map(|(n, bytes)| (n, write(n, bytes))).collect();
        let mut bytes = Vec::new();
        for (number, write) in &writes {
            put_record(&mut bytes, *number, write);
        }
        fs::write(path, bytes).unwrap();
        writes
    }

    #[test]
    fn records_of_any_length_are_read_and_one_that_is_cut_off_ends_the_journal() {
        let path = std::env::temp_dir().join(format!("synced-reading-{}", std::process::id()));
        let writes = journal(&path);
        let contents = read(&path).unwrap();
        assert_eq!((&contents.records, contents.whole), (&writes, true));
        let file = File::options().write(true).open(&path).unwrap();
        let mut last = Vec::new();
        put_record(&mut last, writes[29].0, &writes[29].1);
        for cut in [
            1,
            last.len() as u64 - HEAD_BYTES as u64,
            last.len() as u64 - 1,
        ] {
            file.set_len(contents.end - cut).unwrap();
            let torn = read(&path).unwrap();
            assert_eq!((&torn.records[..], torn.whole), (&writes[..29], false));
            assert_eq!(torn.end, contents.end - last.len() as u64);
        }
        fs::remove_file(&path).unwrap();
    }
}
