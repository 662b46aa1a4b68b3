//! Heartbeats: those of every group to one server share a datagram.

use synced_protocol::{
    bytes_io::{Reader, put_count},
    error::DecodeError,
    id::GroupId,
    time::Micros,
};

use super::number::{place, put_u64, term, u32};

/// The most groups of one datagram.
pub(crate) const MAX_BEATS: usize = 256;
/// The most that one group takes up.
pub(crate) const BEAT_BYTES_MAX: usize = 5 + 9 + 9;

/// One group's heartbeat, or the answer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beat {
    pub(crate) group: GroupId,
    pub(crate) term: u64,
    /// The last entry known to be committed: to the leader, as far as the follower has it, or to the follower.
    pub(crate) committed: u64,
}

/// The heartbeats of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beats {
    /// When they were sent, by the clock of the leader. An answer says it back.
    pub(crate) sent_at: Micros,
    pub(crate) beats: Vec<Beat>,
}

impl Beats {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sent_at.0.to_le_bytes());
        put_count(out, self.beats.len());
        for beat in &self.beats {
            for number in [u64::from(beat.group.0), beat.term, beat.committed] {
                put_u64(out, number);
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let sent_at = Micros(reader.u64()?);
        let count = reader.count("heartbeats", MAX_BEATS)?;
        let beats = (0..count)
            .map(|_| Beat::read(reader))
            .collect::<Result<_, _>>()?;
        Ok(Self { sent_at, beats })
    }
}

impl Beat {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            group: GroupId(u32(reader, "group")?),
            term: term(reader)?,
            committed: place(reader, "index")?,
        })
    }
}
