//! The database's file: blocks, each with a checksum, so that damage is found where it is read and named by its offset, before it
//! reaches a tree.
//!
//! A block of [`BLOCK_BYTES`] stands before the checksum of its number and its content. One that is all zeros was never written.
//! The first block is the database's header, and the only one that is written over in place. Its checksum stands in the same
//! sector, so that no power loss can part the two; what is behind them stays zero.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use redb::StorageBackend;

/// The database's pages are as long or a multiple, and begin where a block does.
const BLOCK_BYTES: usize = 4096;
const CHECKSUM_BYTES: usize = 4;
const STRIDE: usize = BLOCK_BYTES + CHECKSUM_BYTES;
/// What a disk writes as a whole or not at all.
const SECTOR_BYTES: usize = 512;
/// How much of the first block may be used.
const HEADER_BYTES: usize = SECTOR_BYTES - CHECKSUM_BYTES;

/// The file as the database sees it: without checksums.
#[derive(Debug)]
pub(crate) struct Blocks {
    file: Mutex<File>,
}

impl StorageBackend for Blocks {
    fn len(&self) -> io::Result<u64> {
        let stored = self.file().metadata()?.len();
        Ok(stored / STRIDE as u64 * BLOCK_BYTES as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset.saturating_add(out.len() as u64) > self.len()? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let first = offset / BLOCK_BYTES as u64;
        let skipped = within_block(offset);
        let mut blocks = self.read_stored(first, (skipped + out.len()).div_ceil(BLOCK_BYTES))?;
        let mut contents = Vec::with_capacity(blocks.len());
        for (number, block) in (first..).zip(blocks.chunks_exact_mut(STRIDE)) {
            contents.extend_from_slice(open_block(number, block)?);
        }
        out.copy_from_slice(&contents[skipped..skipped + out.len()]);
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
        if first == 0 {
            return self.write_header(within_block(offset), data);
        }
        if within_block(offset) != 0 || !data.len().is_multiple_of(BLOCK_BYTES) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut stored = Vec::with_capacity(data.len() / BLOCK_BYTES * STRIDE);
        for (number, block) in (first..).zip(data.chunks_exact(BLOCK_BYTES)) {
            stored.extend_from_slice(block);
            stored.extend_from_slice(&checksum(number, block));
        }
        self.write_stored(first * STRIDE as u64, &stored)
    }
}

impl Blocks {
    pub(crate) const fn new(file: File) -> Self {
        Self {
            file: Mutex::new(file),
        }
    }

    /// Nothing is done while it is locked that could leave it in between.
    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads blocks with their checksums.
    fn read_stored(&self, first: u64, count: usize) -> io::Result<Vec<u8>> {
        let mut stored = vec![0; count * STRIDE];
        let mut file = self.file();
        file.seek(SeekFrom::Start(first * STRIDE as u64))?;
        file.read_exact(&mut stored)?;
        Ok(stored)
    }

    fn write_stored(&self, offset: u64, stored: &[u8]) -> io::Result<()> {
        let mut file = self.file();
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(stored)
    }

    /// Writes over a part of the header; the sector is written as a whole.
    fn write_header(&self, offset: usize, data: &[u8]) -> io::Result<()> {
        let end = offset + data.len();
        let used = HEADER_BYTES.saturating_sub(offset).min(data.len());
        if end > BLOCK_BYTES || !is_zero(&data[used..]) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut block = self.read_stored(0, 1)?;
        open_block(0, &mut block)?;
        block[offset..offset + used].copy_from_slice(&data[..used]);
        let checksum = checksum(0, &block[..HEADER_BYTES]);
        block[HEADER_BYTES..SECTOR_BYTES].copy_from_slice(&checksum);
        self.write_stored(0, &block[..SECTOR_BYTES])
    }
}

/// The content of a stored block, if it is sound.
fn open_block(number: u64, stored: &mut [u8]) -> io::Result<&[u8]> {
    let covered = covered(number);
    let (content, rest) = stored.split_at(covered);
    let (expected, rest) = rest.split_at(CHECKSUM_BYTES);
    let sound = expected == checksum(number, content) && is_zero(rest);
    if !sound && !is_zero(stored) {
        let offset = number * STRIDE as u64;
        let what = format!("the block at offset {offset} does not match its checksum");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    stored[covered..].fill(0);
    Ok(&stored[..BLOCK_BYTES])
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// How much of a block its checksum is about; it stands right behind.
const fn covered(number: u64) -> usize {
    if number == 0 {
        HEADER_BYTES
    } else {
        BLOCK_BYTES
    }
}

#[expect(clippy::cast_possible_truncation, reason = "below BLOCK_BYTES")]
const fn within_block(offset: u64) -> usize {
    (offset % BLOCK_BYTES as u64) as usize
}

fn checksum(number: u64, block: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(block);
    hasher.finalize().to_le_bytes()
}
