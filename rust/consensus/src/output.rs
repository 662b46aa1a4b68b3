//! What a consensus asks its driver to do.

use bytes::Bytes;
use synced_protocol::{
    id::ServerId,
    limits::{MAX_DATAGRAM_BYTES, MAX_FRAME_BYTES, MAX_PEER_FRAME_BYTES},
    peer::PeerAddress,
    store::StoreWrite,
};

/// What whoever wraps these messages may put before each, in bytes.
const ENVELOPE_BYTES: usize = 16;
/// The largest message by [`Lane::Frame`] and [`Lane::Bulk`], in bytes.
pub const MAX_MESSAGE_BYTES: usize = MAX_PEER_FRAME_BYTES - ENVELOPE_BYTES;
/// The largest message by [`Lane::Datagram`], in bytes.
pub const MAX_BEAT_BYTES: usize = MAX_DATAGRAM_BYTES - ENVELOPE_BYTES;

// An entry as large as any, and what is told about it, fit one message.
const _: () = assert!(MAX_FRAME_BYTES + 1024 <= MAX_MESSAGE_BYTES);

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send to another server; without a connection it is dropped.
    Send {
        /// To whom.
        to: ServerId,
        /// How.
        lane: Lane,
        /// At most [`MAX_MESSAGE_BYTES`](crate::MAX_MESSAGE_BYTES), as a datagram at most
        /// [`MAX_BEAT_BYTES`](crate::MAX_BEAT_BYTES).
        bytes: Bytes,
    },
    /// Write to the disk, in order; [`Consensus::stored`](crate::Consensus::stored) is the answer.
    Store(StoreWrite),
    /// Keep up connections with these servers, and with no others.
    Connect {
        /// Every other server that takes part, or is to.
        peers: Vec<PeerAddress>,
    },
}

/// How something travels to another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// In order, ahead of bulk.
    Frame,
    /// In order by itself, behind the other.
    Bulk,
    /// Maybe lost, doubled or late.
    Datagram,
}
