//! A snapshot on its way, by the bulk lane, part by part.

use bytes::Bytes;
use synced_protocol::{
    bytes_io::{Reader, put_count},
    error::DecodeError,
    limits::MAX_FRAME_BYTES,
    store::Members,
};

use super::{
    membership::{put_members, read_members},
    number::{place, put_u64, term, u32},
};

/// The most parts of a snapshot.
pub(crate) const MAX_SNAPSHOT_PARTS: usize = 4_096;
/// The most bytes of a snapshot, over all parts.
pub(crate) const MAX_SNAPSHOT_BYTES: u64 = 64 * 1024 * 1024;

/// A leader offers a snapshot, at the beginning and after every break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SnapshotOffer {
    /// The leader's term.
    pub(crate) term: u64,
    pub(crate) place: SnapshotPlace,
    pub(crate) parts: u32,
    pub(crate) bytes: u64,
    pub(crate) members: Members,
}

/// Which snapshot: its last entry, and that one's term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SnapshotPlace {
    pub(crate) index: u64,
    pub(crate) term: u64,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SnapshotPart {
    pub(crate) place: SnapshotPlace,
    /// From 0.
    pub(crate) number: u32,
    pub(crate) bytes: Bytes,
}

/// How many parts a follower has, from the first on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SnapshotAnswer {
    pub(crate) place: SnapshotPlace,
    pub(crate) have: u32,
}

impl SnapshotPlace {
    fn put(self, out: &mut Vec<u8>) {
        put_u64(out, self.index);
        put_u64(out, self.term);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let index = place(reader, "index")?;
        if index == 0 {
            return Err(DecodeError::OutOfRange {
                what: "index of a snapshot",
            });
        }
        Ok(Self {
            index,
            term: term(reader)?,
        })
    }
}

fn part_number(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    let (what, limit) = ("snapshot", MAX_SNAPSHOT_PARTS);
    let number = u32(reader, what)?;
    if number as usize <= limit {
        Ok(number)
    } else {
        Err(DecodeError::TooLong { what, limit })
    }
}

impl SnapshotOffer {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.term);
        self.place.put(out);
        put_u64(out, self.parts.into());
        put_u64(out, self.bytes);
        put_members(out, &self.members);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let offer = Self {
            term: term(reader)?,
            place: SnapshotPlace::read(reader)?,
            parts: part_number(reader)?,
            bytes: place(reader, "snapshot")?,
            members: read_members(reader)?,
        };
        if offer.bytes > MAX_SNAPSHOT_BYTES || offer.place.term > offer.term {
            return Err(DecodeError::OutOfRange { what: "snapshot" });
        }
        Ok(offer)
    }
}

impl SnapshotPart {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        self.place.put(out);
        put_u64(out, self.number.into());
        put_count(out, self.bytes.len());
        out.extend_from_slice(&self.bytes);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let place = SnapshotPlace::read(reader)?;
        let number = part_number(reader)?;
        let length = reader.count("part", MAX_FRAME_BYTES)?;
        let bytes = frame.slice_ref(reader.take(length)?);
        Ok(Self {
            place,
            number,
            bytes,
        })
    }
}

impl SnapshotAnswer {
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        self.place.put(out);
        put_u64(out, self.have.into());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            place: SnapshotPlace::read(reader)?,
            have: part_number(reader)?,
        })
    }
}
