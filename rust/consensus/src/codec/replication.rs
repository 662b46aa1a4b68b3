//! What the leader of a group and its followers say about the log.

use bytes::Bytes;
use synced_protocol::{
    bytes_io::{Reader, put_count},
    error::DecodeError,
    id::{LogIndex, Term},
    limits::MAX_FRAME_BYTES,
    store::{EntryKind, RaftEntry},
};

use super::{
    membership::MembershipChange,
    number::{flag, place, put_u64, term},
};

/// The most entries of one append.
pub(crate) const MAX_APPEND_ENTRIES: usize = 32 * 1024;
/// The least that an entry takes up.
const ENTRY_BYTES_MIN: usize = 3;
/// The largest data of an entry: a frame, or a change of members.
const MAX_ENTRY_BYTES: usize = MAX_FRAME_BYTES;

/// A leader's entries for a follower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Append {
    pub(crate) term: u64,
    /// Place and term of the entry before the first. There is always one: the founding.
    pub(crate) previous: (u64, u64),
    pub(crate) committed: u64,
    pub(crate) entries: Vec<RaftEntry>,
}

/// A follower's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AppendAnswer {
    pub(crate) term: u64,
    /// The last entry that it has of the leader's, or the one that it did not find.
    pub(crate) index: u64,
    pub(crate) committed: u64,
    /// Where to go on, and the term there, when it did not find it.
    pub(crate) refused: Option<(u64, u64)>,
}

impl Append {
    pub(crate) fn read(reader: &mut Reader<'_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let sent_in = term(reader)?;
        let previous = (place(reader, "index")?, term(reader)?);
        if previous.1 > sent_in {
            return Err(DecodeError::OutOfRange { what: "term" });
        }
        let committed = place(reader, "index")?;
        let count = reader.count("entries", MAX_APPEND_ENTRIES)?;
        let mut entries = Vec::with_capacity(count.min(reader.rest().len() / ENTRY_BYTES_MIN));
        let mut last = previous;
        for _ in 0..count {
            let entry = read_entry(reader, frame, last, sent_in)?;
            last = (entry.index.0, entry.term.0);
            entries.push(entry);
        }
        Ok(Self {
            term: sent_in,
            previous,
            committed,
            entries,
        })
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        for number in [self.term, self.previous.0, self.previous.1, self.committed] {
            put_u64(out, number);
        }
        put_count(out, self.entries.len());
        for entry in &self.entries {
            put_entry(out, entry);
        }
    }
}

/// Writes one entry; its place follows from those before.
fn put_entry(out: &mut Vec<u8>, entry: &RaftEntry) {
    out.push(match entry.kind {
        EntryKind::Normal => 0,
        EntryKind::Membership => 1,
    });
    put_u64(out, entry.term.0);
    put_count(out, entry.data.len());
    out.extend_from_slice(&entry.data);
}

fn read_entry(
    reader: &mut Reader<'_>,
    frame: &Bytes,
    (index, previous_term): (u64, u64),
    sent_in: u64,
) -> Result<RaftEntry, DecodeError> {
    let kind = match reader.u8()? {
        0 => EntryKind::Normal,
        1 => EntryKind::Membership,
        tag => {
            return Err(DecodeError::BadTag {
                what: "log entry",
                tag,
            });
        }
    };
    let term = place(reader, "term")?;
    if term < previous_term || term == 0 || term > sent_in {
        return Err(DecodeError::OutOfRange {
            what: "term of an entry",
        });
    }
    let length = reader.count("entry", MAX_ENTRY_BYTES)?;
    let data = frame.slice_ref(reader.take(length)?);
    if kind == EntryKind::Membership {
        MembershipChange::decode(&data)?;
    }
    let index = LogIndex(index).next();
    Ok(RaftEntry {
        index,
        term: Term(term),
        kind,
        data,
    })
}

impl AppendAnswer {
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        for number in [self.term, self.index, self.committed] {
            put_u64(out, number);
        }
        out.push(u8::from(self.refused.is_some()));
        if let Some((hint, hint_term)) = self.refused {
            put_u64(out, hint);
            put_u64(out, hint_term);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            term: term(reader)?,
            index: place(reader, "index")?,
            committed: place(reader, "index")?,
            refused: if flag(reader, "answer")? {
                Some((place(reader, "index")?, place(reader, "term")?))
            } else {
                None
            },
        })
    }
}
