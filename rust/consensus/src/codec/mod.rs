//! The layout of everything that consensus sends from server to server.
//!
//! The page `wire.md` beside this file says it byte for byte. Decoding is total: any bytes give a value or an error, and at most some
//! twenty times their own length is allocated.

mod beat;
mod election;
mod header;
mod membership;
mod number;
mod replication;
mod snapshot;
mod versions;

use bytes::Bytes;
use synced_protocol::{bytes_io::Reader, error::DecodeError, id::GroupId, time::Micros};

pub(crate) use beat::{BEAT_BYTES_MAX, Beat, Beats, MAX_BEATS};
pub(crate) use election::{VoteAnswer, VoteRequest};
pub(crate) use header::{Beginning, Header, Hello};
pub(crate) use membership::{MAX_REPLICAS, MembershipChange, Step, put_addresses, read_addresses};
pub(crate) use number::{NUMBER_MAX, put_u64};
pub(crate) use replication::{Append, AppendAnswer};
pub(crate) use snapshot::{
    MAX_SNAPSHOT_BYTES, MAX_SNAPSHOT_PARTS, SnapshotAnswer, SnapshotOffer, SnapshotPart,
    SnapshotPlace,
};
pub use versions::{PEER_VERSION, PEER_VERSION_MIN, PeerVersions};

#[cfg(test)]
pub(crate) mod tests;

/// One message between two servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// About one group.
    Group(GroupId, GroupMessage),
    /// Heartbeats of groups that the sender leads.
    Beats(Beats),
    /// Answers to heartbeats, with the time that they had, and for how long from now on the sender elects nobody else.
    BeatAnswers(Micros, Beats),
}

/// One message about one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupMessage {
    Append(Append),
    AppendAnswer(AppendAnswer),
    VoteRequest(VoteRequest),
    VoteAnswer(VoteAnswer),
    /// The leader of this term asks for an election at once.
    TakeOver {
        term: u64,
    },
    SnapshotOffer(SnapshotOffer),
    SnapshotPart(SnapshotPart),
    SnapshotAnswer(SnapshotAnswer),
}

pub(crate) mod tag {
    //! How messages begin. A number is never given to another message.
    pub(crate) const APPEND: u8 = 1;
    pub(crate) const APPEND_ANSWER: u8 = 2;
    pub(crate) const VOTE_REQUEST: u8 = 3;
    pub(crate) const VOTE_ANSWER: u8 = 4;
    pub(crate) const TAKE_OVER: u8 = 5;
    pub(crate) const BEATS: u8 = 6;
    pub(crate) const BEAT_ANSWERS: u8 = 7;
    pub(crate) const SNAPSHOT_OFFER: u8 = 8;
    pub(crate) const SNAPSHOT_PART: u8 = 9;
    pub(crate) const SNAPSHOT_ANSWER: u8 = 10;
}

impl Message {
    /// The next message of a frame, whose bytes the reader reads.
    pub(crate) fn read(reader: &mut Reader<'_>, frame: &Bytes) -> Result<Self, DecodeError> {
        match reader.u8()? {
            tag::BEATS => Beats::read(reader).map(Self::Beats),
            tag::BEAT_ANSWERS => {
                let promise = Micros(number::place(reader, "promise")?);
                Beats::read(reader).map(|beats| Self::BeatAnswers(promise, beats))
            }
            tag => {
                let group = GroupId(number::u32(reader, "group")?);
                GroupMessage::read(tag, reader, frame).map(|message| Self::Group(group, message))
            }
        }
    }

    /// Appends the message to a frame.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Group(group, message) => message.put(*group, out),
            Self::Beats(beats) => {
                out.push(tag::BEATS);
                beats.put(out);
            }
            Self::BeatAnswers(promise, beats) => {
                out.push(tag::BEAT_ANSWERS);
                put_u64(out, promise.0);
                beats.put(out);
            }
        }
    }
}

impl GroupMessage {
    fn read(tag: u8, reader: &mut Reader<'_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(match tag {
            tag::APPEND => Self::Append(Append::read(reader, frame)?),
            tag::APPEND_ANSWER => Self::AppendAnswer(AppendAnswer::read(reader)?),
            tag::VOTE_REQUEST => Self::VoteRequest(VoteRequest::read(reader)?),
            tag::VOTE_ANSWER => Self::VoteAnswer(VoteAnswer::read(reader)?),
            tag::TAKE_OVER => Self::TakeOver {
                term: number::term(reader)?,
            },
            tag::SNAPSHOT_OFFER => Self::SnapshotOffer(SnapshotOffer::read(reader)?),
            tag::SNAPSHOT_PART => Self::SnapshotPart(SnapshotPart::read(reader, frame)?),
            tag::SNAPSHOT_ANSWER => Self::SnapshotAnswer(SnapshotAnswer::read(reader)?),
            tag => {
                return Err(DecodeError::BadTag {
                    what: "message between servers",
                    tag,
                });
            }
        })
    }

    /// Appends the message to a frame.
    pub(crate) fn put(&self, group: GroupId, out: &mut Vec<u8>) {
        out.push(self.tag());
        put_u64(out, group.0.into());
        match self {
            Self::Append(append) => append.put(out),
            Self::AppendAnswer(answer) => answer.put(out),
            Self::VoteRequest(request) => request.put(out),
            Self::VoteAnswer(answer) => answer.put(out),
            Self::TakeOver { term } => put_u64(out, *term),
            Self::SnapshotOffer(offer) => offer.put(out),
            Self::SnapshotPart(part) => part.put(out),
            Self::SnapshotAnswer(answer) => answer.put(out),
        }
    }

    const fn tag(&self) -> u8 {
        match self {
            Self::Append(_) => tag::APPEND,
            Self::AppendAnswer(_) => tag::APPEND_ANSWER,
            Self::VoteRequest(_) => tag::VOTE_REQUEST,
            Self::VoteAnswer(_) => tag::VOTE_ANSWER,
            Self::TakeOver { .. } => tag::TAKE_OVER,
            Self::SnapshotOffer(_) => tag::SNAPSHOT_OFFER,
            Self::SnapshotPart(_) => tag::SNAPSHOT_PART,
            Self::SnapshotAnswer(_) => tag::SNAPSHOT_ANSWER,
        }
    }
}
