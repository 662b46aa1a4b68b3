//! How a write looks in a journal, and its parts in the database.
//!
//! All numbers are little-endian. Bytes stand behind their length in 32 bits. A reader allocates no more than it was given.

use std::sync::Arc;

use bytes::Bytes;
use synced_protocol::{
    bytes_io::Reader,
    error::DecodeError,
    id::{GroupId, LogIndex, ReplicaId, Term},
    store::{EntryKind, HardState, LogSnapshot, Members, RaftEntry, StoreWrite},
};

const HAS_SNAPSHOT: u8 = 1;
const HAS_HARD_STATE: u8 = 2;

/// An estimate from above of what [`put_write`] appends, in bytes.
pub(crate) fn write_bytes(write: &StoreWrite) -> usize {
    let parts = write.snapshot.iter().flat_map(|snapshot| &snapshot.parts);
    let parts: usize = parts.map(|part| 4 + part.len()).sum();
    let entries: usize = write.entries.iter().map(|e| 13 + e.data.len()).sum();
    1024 * 16 + parts + entries
}

/// Appends what a write changes; its number and durability are not kept.
pub(crate) fn put_write(out: &mut Vec<u8>, write: &StoreWrite) {
    let mut holds = 0;
    if write.snapshot.is_some() {
        holds |= HAS_SNAPSHOT;
    }
    if write.hard_state.is_some() {
        holds |= HAS_HARD_STATE;
    }
    out.extend_from_slice(&write.group.0.to_le_bytes());
    out.push(holds);
    if let Some(snapshot) = &write.snapshot {
        put_snapshot_head(out, snapshot);
        for part in &snapshot.parts {
            put_bytes(out, part);
        }
    }
    if let Some(hard_state) = &write.hard_state {
        put_hard_state(out, hard_state);
    }
    let first = write.entries.first().map_or(0, |entry| entry.index.0);
    out.extend_from_slice(&first.to_le_bytes());
    for entry in &write.entries {
        put_entry_head(out, entry);
        put_bytes(out, &entry.data);
    }
}

/// Reads what [`put_write`] wrote, of which entries and parts remain slices.
pub(crate) fn read_write(bytes: &Bytes) -> Result<StoreWrite, DecodeError> {
    let mut reader = Reader::new(bytes);
    let group = GroupId(reader.u32()?);
    let holds = reader.u8()?;
    if holds & !(HAS_SNAPSHOT | HAS_HARD_STATE) != 0 {
        return Err(DecodeError::BadTag {
            what: "write",
            tag: holds,
        });
    }
    let snapshot = (holds & HAS_SNAPSHOT != 0)
        .then(|| read_snapshot(bytes, &mut reader))
        .transpose()?;
    let hard_state = (holds & HAS_HARD_STATE != 0)
        .then(|| read_hard_state(&mut reader))
        .transpose()?;
    Ok(StoreWrite {
        id: Default::default(),
        group,
        durability: Default::default(),
        snapshot: snapshot.map(Arc::new),
        entries: read_entries(bytes, &mut reader)?,
        hard_state,
    })
}

fn read_snapshot(bytes: &Bytes, reader: &mut Reader<'_>) -> Result<LogSnapshot, DecodeError> {
    let (mut snapshot, parts) = read_snapshot_head(reader)?;
    for _ in 0..parts {
        snapshot.parts.push(bytes.slice_ref(take_bytes(reader)?));
    }
    Ok(snapshot)
}

fn read_entries(bytes: &Bytes, reader: &mut Reader<'_>) -> Result<Vec<RaftEntry>, DecodeError> {
    let mut index = LogIndex(reader.u64()?);
    let mut entries = Vec::new();
    while !reader.rest().is_empty() {
        let (term, kind) = read_entry_head(reader)?;
        let data = bytes.slice_ref(take_bytes(reader)?);
        entries.push(RaftEntry {
            index,
            term,
            kind,
            data,
        });
        index = index.next();
    }
    Ok(entries)
}

/// Appends a snapshot without its parts, but with their number.
pub(crate) fn put_snapshot_head(out: &mut Vec<u8>, snapshot: &LogSnapshot) {
    out.extend_from_slice(&snapshot.index.0.to_le_bytes());
    out.extend_from_slice(&snapshot.term.0.to_le_bytes());
    put_bytes(
        out,
        serde_json::json!(snapshot.members).to_string().as_bytes(),
    );
    put_len(out, snapshot.parts.len());
}

/// Reads a snapshot without its parts, and their number.
pub(crate) fn read_snapshot_head(
    reader: &mut Reader<'_>,
) -> Result<(LogSnapshot, u32), DecodeError> {
    let index = LogIndex(reader.u64()?);
    let term = Term(reader.u64()?);
    let members = take_bytes(reader)?;
    let members: Members = serde_json::from_slice(members).map_err(|_| DecodeError::BadMessage)?;
    let snapshot = LogSnapshot {
        index,
        term,
        members,
        parts: Vec::new(),
    };
    Ok((snapshot, reader.u32()?))
}

pub(crate) fn put_hard_state(out: &mut Vec<u8>, hard_state: &HardState) {
    out.extend_from_slice(&hard_state.term.0.to_le_bytes());
    out.push(u8::from(hard_state.vote.is_some()));
    let vote = hard_state.vote.map_or(0, |replica| replica.0);
    out.extend_from_slice(&vote.to_le_bytes());
    out.extend_from_slice(&hard_state.committed.0.to_le_bytes());
}

pub(crate) fn read_hard_state(reader: &mut Reader<'_>) -> Result<HardState, DecodeError> {
    let term = Term(reader.u64()?);
    let voted = reader.u8()? != 0;
    let replica = ReplicaId(reader.u64()?);
    Ok(HardState {
        term,
        vote: voted.then_some(replica),
        committed: LogIndex(reader.u64()?),
    })
}

/// Appends an entry's term and kind.
pub(crate) fn put_entry_head(out: &mut Vec<u8>, entry: &RaftEntry) {
    out.extend_from_slice(&entry.term.0.to_le_bytes());
    out.push(match entry.kind {
        EntryKind::Normal => 0,
        EntryKind::Membership => 1,
    });
}

pub(crate) fn read_entry_head(reader: &mut Reader<'_>) -> Result<(Term, EntryKind), DecodeError> {
    let term = Term(reader.u64()?);
    let kind = match reader.u8()? {
        0 => EntryKind::Normal,
        1 => EntryKind::Membership,
        tag => {
            return Err(DecodeError::BadTag { what: "entry", tag });
        }
    };
    Ok((term, kind))
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// A write as a whole is bounded well below what 32 bits count.
#[expect(clippy::cast_possible_truncation, reason = "see WRITE_BYTES_MAX")]
fn put_len(out: &mut Vec<u8>, len: usize) {
    out.extend_from_slice(&(len as u32).to_le_bytes());
}

fn take_bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let len = reader.u32()?;
    reader.take(usize::try_from(len).map_err(|_| DecodeError::Truncated)?)
}
