//! The database's file: blocks, each with a checksum, so that damage is found where it is read and named by its offset.
//!
//! A block of [`BLOCK_BYTES`] stands before the checksum of its number and its content. One that is all zeros was never written.
//! The first block is the database's own header, which it writes over in place and checks by itself; a checksum beside it could be
//! torn off it by a power loss.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use redb::StorageBackend;

/// The database's pages are as long or a multiple, and begin where a block does.
const BLOCK_BYTES: usize = 4096;
const CHECKSUM_BYTES: usize = 4;
const STRIDE: usize = BLOCK_BYTES + CHECKSUM_BYTES;

#[derive(Debug)]
pub(crate) struct Blocks {
    path: PathBuf,
    file: Mutex<File>,
}

impl Blocks {
    pub(crate) fn new(file: File, path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: Mutex::new(file),
        }
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads blocks as they are in the file, checksums and all.
    fn read_stored(&self, first: u64, count: usize) -> io::Result<Vec<u8>> {
        let mut stored = vec![0; count * STRIDE];
        let mut file = self.file();
        file.seek(SeekFrom::Start(first * STRIDE as u64))?;
        file.read_exact(&mut stored)?;
        Ok(stored)
    }

    fn damaged(&self, block: u64) -> io::Error {
        let offset = block * STRIDE as u64;
        let mut what = String::new();
        let _ = write!(
            what,
            "the block at offset {offset} of {} does not match its checksum",
            self.path.display()
        );
        io::Error::new(io::ErrorKind::InvalidData, what)
    }
}

impl StorageBackend for Blocks {
    fn len(&self) -> io::Result<u64> {
        let stored = self.file().metadata()?.len();
        Ok(stored / STRIDE as u64 * BLOCK_BYTES as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset + out.len() as u64 > self.len()? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let first = offset / BLOCK_BYTES as u64;
        let skipped = within_block(offset);
        let count = (skipped + out.len()).div_ceil(BLOCK_BYTES);
        let stored = self.read_stored(first, count)?;
        for (number, block) in (first..).zip(stored.chunks_exact(STRIDE)) {
            if !is_sound(number, block) {
                return Err(self.damaged(number));
            }
        }
        let contents = stored.chunks_exact(STRIDE).flat_map(|b| &b[..BLOCK_BYTES]);
        for (to, from) in out.iter_mut().zip(contents.skip(skipped)) {
            *to = *from;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let blocks = len.div_ceil(BLOCK_BYTES as u64);
        self.file().set_len(blocks * STRIDE as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file().sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let first = offset / BLOCK_BYTES as u64;
        if first == 0 && within_block(offset) + data.len() <= BLOCK_BYTES {
            return self.write_stored(offset, data);
        }
        if within_block(offset) != 0 || !data.len().is_multiple_of(BLOCK_BYTES) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut stored = Vec::with_capacity(data.len() / BLOCK_BYTES * STRIDE);
        for (number, block) in (first..).zip(data.chunks_exact(BLOCK_BYTES)) {
            stored.extend_from_slice(block);
            stored.extend_from_slice(&checksum(number, block).to_le_bytes());
        }
        self.write_stored(first * STRIDE as u64, &stored)
    }
}

impl Blocks {
    fn write_stored(&self, offset: u64, stored: &[u8]) -> io::Result<()> {
        let mut file = self.file();
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(stored)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "below BLOCK_BYTES")]
const fn within_block(offset: u64) -> usize {
    (offset % BLOCK_BYTES as u64) as usize
}

fn checksum(number: u64, block: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(block);
    hasher.finalize()
}

fn is_sound(number: u64, stored: &[u8]) -> bool {
    let (block, expected) = stored.split_at(BLOCK_BYTES);
    number == 0
        || expected == checksum(number, block).to_le_bytes()
        || stored.iter().all(|byte| *byte == 0)
}
