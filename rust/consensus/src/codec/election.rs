//! What candidates and voters of a group say.

use synced_protocol::{bytes_io::Reader, error::DecodeError};

use super::number::{place, put_u64, term};

const PRE: u8 = 1;
const FORCED: u8 = 2;
const REFUSED: u8 = 4;

/// A candidate asks for a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VoteRequest {
    /// Whether it only asks whether it would be granted.
    pub(crate) pre: bool,
    /// Whether the leader has asked it to take over.
    pub(crate) forced: bool,
    pub(crate) term: u64,
    /// Place and term of its last entry.
    pub(crate) last: (u64, u64),
    /// Place and term of the last entry that it knows to be committed.
    pub(crate) committed: (u64, u64),
}

/// A voter's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VoteAnswer {
    pub(crate) pre: bool,
    pub(crate) refused: bool,
    pub(crate) term: u64,
    /// Place and term of the last entry that it knows to be committed, when it refuses.
    pub(crate) committed: (u64, u64),
}

fn flags(reader: &mut Reader<'_>, known: u8) -> Result<u8, DecodeError> {
    let flags = reader.u8()?;
    if flags & !known == 0 {
        Ok(flags)
    } else {
        Err(DecodeError::BadTag {
            what: "vote",
            tag: flags,
        })
    }
}

fn pair(reader: &mut Reader<'_>) -> Result<(u64, u64), DecodeError> {
    Ok((place(reader, "index")?, place(reader, "term")?))
}

impl VoteRequest {
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        out.push(if self.pre { PRE } else { 0 } | if self.forced { FORCED } else { 0 });
        let (last, committed) = (self.last, self.committed);
        for number in [self.term, last.0, last.1, committed.0, committed.1] {
            put_u64(out, number);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let flags = flags(reader, PRE | FORCED)?;
        Ok(Self {
            pre: flags & PRE != 0,
            forced: flags & FORCED != 0,
            term: term(reader)?,
            last: pair(reader)?,
            committed: pair(reader)?,
        })
    }
}

impl VoteAnswer {
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        out.push(if self.pre { PRE } else { 0 } | if self.refused { REFUSED } else { 0 });
        for number in [self.term, self.committed.0, self.committed.1] {
            put_u64(out, number);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let flags = flags(reader, PRE | REFUSED)?;
        Ok(Self {
            pre: flags & PRE != 0,
            refused: flags & REFUSED != 0,
            term: term(reader)?,
            committed: pair(reader)?,
        })
    }
}
