//! A journal: writes one behind the other, each with its number and checksum.
//!
//! A record is its content's length (32 bits), the checksum of all else (32 bits), its number (64 bits) and its content, as
//! [`codec`](crate::codec) writes it.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use synced_protocol::{bytes_io::Reader, error::DecodeError, store::StoreWrite};

use crate::{
    codec::{put_write, read_write},
    disk::{create, during, open},
    error::StorageResult,
};

pub(crate) const JOURNAL_FILES: [&str; 2] = ["journal-a", "journal-b"];
const LEN_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 4;
const HEAD_BYTES: usize = LEN_BYTES + CHECKSUM_BYTES + 8;

/// A journal's file, open for more.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    len: u64,
}

impl Journal {
    pub(crate) fn create(path: &Path) -> StorageResult<()> {
        create(path).map(drop)
    }

    /// Opens a journal to append to it; what is in it stays, to be read by [`read`], until it is cleared.
    pub(crate) fn open(path: &Path) -> StorageResult<Self> {
        let mut file = open(path)?;
        let len = during(file.seek(SeekFrom::End(0)), "open", path)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            len,
        })
    }

    /// In bytes.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Hands whole records to the system.
    pub(crate) fn append(&mut self, records: &[u8]) -> StorageResult<()> {
        during(self.file.write_all(records), "write", &self.path)?;
        self.len += records.len() as u64;
        Ok(())
    }

    /// Waits for the disk.
    pub(crate) fn sync(&self) -> StorageResult<()> {
        during(self.file.sync_data(), "write", &self.path)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) -> StorageResult<()> {
        during(self.file.set_len(0), "empty", &self.path)?;
        during(self.file.rewind(), "empty", &self.path)?;
        self.len = 0;
        Ok(())
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

fn checksum(len: u32, rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&len.to_le_bytes());
    hasher.update(rest);
    hasher.finalize()
}

/// What is in a journal, up to its end or to the first record that is not whole.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) path: PathBuf,
    pub(crate) records: Vec<(u64, StoreWrite)>,
    /// Where the reading stopped, in bytes from the start.
    pub(crate) end: usize,
    /// Whether that is where the file ends.
    pub(crate) whole: bool,
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

/// Reads a journal. It takes as much memory as the file, and as what is in it.
pub(crate) fn read(path: &Path) -> StorageResult<Contents> {
    drop(open(path)?);
    let bytes = during(fs::read(path), "read", path)?;
    let mut reader = Reader::new(&bytes);
    let mut contents = Contents {
        path: path.to_owned(),
        records: Vec::new(),
        end: 0,
        whole: false,
    };
    while !reader.rest().is_empty() {
        let Ok(record) = read_record(&mut reader) else {
            return Ok(contents);
        };
        contents.records.push(record);
        contents.end = bytes.len() - reader.rest().len();
    }
    contents.whole = true;
    Ok(contents)
}

fn read_record(reader: &mut Reader<'_>) -> Result<(u64, StoreWrite), DecodeError> {
    let len = reader.u32()?;
    let expected = reader.u32()?;
    let content_bytes = usize::try_from(len).map_err(|_| DecodeError::Truncated)?;
    let rest = reader.take(8_usize.saturating_add(content_bytes))?;
    if checksum(len, rest) != expected {
        return Err(DecodeError::BadMessage);
    }
    let mut rest = Reader::new(rest);
    let number = rest.u64()?;
    Ok((number, read_write(rest.rest())?))
}
