//! The mark: how far writes were acknowledged, and whether a run is under way.
//!
//! It is written over in place, within one sector, so that it needs no space on a full disk and is never half old.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use synced_protocol::bytes_io::Reader;

use crate::{
    disk::{create, during, open, write_at},
    error::{StorageError, StorageResult},
};

const MARK_FILE: &str = "mark";
const MAGIC: [u8; 4] = *b"SNm1";
/// The longest name of a boot that is kept, in bytes; a longer one is cut off.
const BOOT_BYTES_MAX: usize = 64;
const BYTES: usize = 4 + 8 + 1 + BOOT_BYTES_MAX + 4;
const _: () = assert!(BYTES <= 512, "the mark must fit a sector");

/// What the mark says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MarkState {
    /// The number of the last write that was acknowledged.
    pub(crate) acknowledged: u64,
    /// Whether a run is under way.
    pub(crate) running: bool,
    /// The boot of the machine in which the last run began, or nothing where the system does not name its boots.
    pub(crate) boot: [u8; BOOT_BYTES_MAX],
}

impl MarkState {
    /// The mark of a folder that was never run.
    pub(crate) const NEW: Self = Self {
        acknowledged: 0,
        running: false,
        boot: [0; BOOT_BYTES_MAX],
    };

    /// Whether the last run began in the boot of this name.
    pub(crate) fn is_of(&self, boot: &str) -> bool {
        !boot.is_empty() && self.boot == boot_bytes(boot)
    }

    fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let (content, checksum) = bytes.split_at_mut(BYTES - 4);
        content[..4].copy_from_slice(&MAGIC);
        content[4..12].copy_from_slice(&self.acknowledged.to_le_bytes());
        content[12] = u8::from(self.running);
        content[13..].copy_from_slice(&self.boot);
        checksum.copy_from_slice(&crc32fast::hash(content).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, checksum) = bytes.split_last_chunk()?;
        if bytes.len() != BYTES || crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let mut reader = Reader::new(content.strip_prefix(&MAGIC)?);
        Some(Self {
            acknowledged: reader.u64().ok()?,
            running: reader.u8().ok()? != 0,
            boot: reader.array().ok()?,
        })
    }
}

/// The mark's file.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
    path: PathBuf,
    state: MarkState,
}

impl Mark {
    pub(crate) fn create(folder: &Path) -> StorageResult<()> {
        let path = folder.join(MARK_FILE);
        let mut file = create(&path)?;
        during(file.write_all(&MarkState::NEW.encode()), "write", &path)?;
        during(file.sync_all(), "write", &path)
    }

    pub(crate) fn open(folder: &Path) -> StorageResult<Self> {
        let path = folder.join(MARK_FILE);
        let file = open(&path)?;
        let bytes = during(fs::read(&path), "read", &path)?;
        let state = MarkState::decode(&bytes).ok_or_else(|| {
            let what = "the record at offset 0 does not match its checksum";
            StorageError::corrupt(&path, what)
        })?;
        Ok(Self { file, path, state })
    }

    pub(crate) const fn state(&self) -> &MarkState {
        &self.state
    }

    /// Says that a run begins; on return the disk has it, so that after a power loss the run is known of.
    pub(crate) fn begin_run(&mut self, boot: &str) -> StorageResult<()> {
        self.state.running = true;
        self.state.boot = boot_bytes(boot);
        self.write()?;
        self.sync()
    }

    /// Says that the run ended in order; on return the disk has it.
    pub(crate) fn end_run(&mut self) -> StorageResult<()> {
        self.state.running = false;
        self.write()?;
        self.sync()
    }

    /// Says how far writes are acknowledged; the system has it on return.
    pub(crate) fn acknowledge(&mut self, through: u64) -> StorageResult<()> {
        self.state.acknowledged = through;
        self.write()
    }

    fn write(&self) -> StorageResult<()> {
        let written = write_at(&self.file, &self.state.encode(), 0);
        during(written, "write", &self.path)
    }

    fn sync(&self) -> StorageResult<()> {
        during(self.file.sync_data(), "write", &self.path)
    }
}

/// What the system calls the time since the machine was started, or nothing where it has no name for it.
pub(crate) fn this_boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

fn boot_bytes(boot: &str) -> [u8; BOOT_BYTES_MAX] {
    let mut bytes = [0; BOOT_BYTES_MAX];
    let kept = boot.len().min(BOOT_BYTES_MAX);
    bytes[..kept].copy_from_slice(&boot.as_bytes()[..kept]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_no_flipped_bit_goes_unnoticed() {
        let state = MarkState {
            acknowledged: 77,
            running: true,
            boot: boot_bytes("a boot"),
        };
        let bytes = state.encode();
        assert_eq!(MarkState::decode(&bytes), Some(state));
        for bit in 0..8 * BYTES {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(MarkState::decode(&damaged), None, "bit {bit}");
        }
    }

    #[test]
    fn a_machine_that_does_not_name_its_boots_is_never_in_the_same_one() {
        let nameless = MarkState::NEW;
        assert!(!nameless.is_of(""));
        assert!(!nameless.is_of("a boot"));
    }

    #[test]
    fn the_name_of_a_boot_is_cut_off_at_its_limit() {
        let long = "x".repeat(BOOT_BYTES_MAX + 1);
        assert_eq!(boot_bytes(&long), [b'x'; BOOT_BYTES_MAX]);
    }
}
