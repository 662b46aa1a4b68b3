//! What passes between the logic of one server of a cluster and the driver that carries its words to the other servers, its
//! writes to the disk, and an operator's requests to it.
//!
//! It lies beside [`link`](crate::link), which is about players. A driver that has both hands every event to the logic, then
//! takes everything from [`Logic::poll_output`] and from [`PeerLogic::poll_peer_output`], then sleeps as [`Logic`] says.

use bytes::Bytes;

use crate::{
    id::ServerId,
    link::Logic,
    store::{StoreWrite, WriteId},
    time::Micros,
};

/// An operator's request, named by the driver; never reused within one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Something that happened to a server of a cluster beside its players.
#[derive(Debug, Clone)]
pub enum PeerEvent {
    /// A connection with another server is up, and its certificate proved which one it is. There is one at a time: where one
    /// was up before, it is replaced, and what was on its way by it may be lost.
    Up {
        /// The other server.
        server: ServerId,
    },
    /// The connection is gone.
    Down {
        /// The other server.
        server: ServerId,
    },
    /// A frame by the ordered lane of the connection that is up.
    Frame {
        /// From whom.
        server: ServerId,
        /// The frame, at most [`MAX_PEER_FRAME_BYTES`](crate::limits::MAX_PEER_FRAME_BYTES).
        bytes: Bytes,
    },
    /// A frame by the bulk lane, which is ordered by itself and gives way to the other.
    Bulk {
        /// From whom.
        server: ServerId,
        /// The frame, as long as the others may be.
        bytes: Bytes,
    },
    /// A datagram, which may be lost, doubled or late.
    Datagram {
        /// From whom.
        server: ServerId,
        /// At most [`MAX_DATAGRAM_BYTES`](crate::limits::MAX_DATAGRAM_BYTES).
        bytes: Bytes,
    },
    /// An operator asks for something; exactly one [`PeerOutput::Respond`] is the answer.
    Request {
        /// Which request.
        request: RequestId,
        /// What is asked, as JSON.
        bytes: Bytes,
    },
    /// Everything up to this write is as durable as was asked.
    Stored {
        /// The last write of which that is so.
        write: WriteId,
    },
    /// A write failed, and none after it will be tried: the disk is full or broken.
    StoreFailed {
        /// What the system said, and about which file.
        reason: String,
    },
}

/// Something to be done, asked by a server of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerOutput {
    /// Keep up connections with these servers, and with no others.
    Connect {
        /// Every other server that is to be known, with the address at which its peers reach it.
        peers: Vec<PeerAddress>,
    },
    /// Send a frame by the ordered lane; without a connection it is dropped.
    Frame {
        /// To whom.
        server: ServerId,
        /// At most [`MAX_PEER_FRAME_BYTES`](crate::limits::MAX_PEER_FRAME_BYTES).
        bytes: Bytes,
    },
    /// Send a frame by the bulk lane; without a connection it is dropped.
    Bulk {
        /// To whom.
        server: ServerId,
        /// As long as the others may be.
        bytes: Bytes,
    },
    /// Send a datagram; dropped where the path is full.
    Datagram {
        /// To whom.
        server: ServerId,
        /// At most [`MAX_DATAGRAM_BYTES`](crate::limits::MAX_DATAGRAM_BYTES).
        bytes: Bytes,
    },
    /// Answer an operator.
    Respond {
        /// Which request.
        request: RequestId,
        /// The answer, as JSON.
        bytes: Bytes,
    },
    /// Write to the disk, in order.
    Store(StoreWrite),
}

/// Where other servers reach a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct PeerAddress {
    /// Which server.
    pub server: ServerId,
    /// `host:port`.
    pub address: String,
}

/// The logic of a server that is one of a cluster.
pub trait PeerLogic: Logic {
    /// Takes one event at local time `now`.
    fn handle_peer(&mut self, now: Micros, event: PeerEvent);

    /// The next thing to do, or `None` when all is done for now. A write is asked for before whatever waits for it is sent, but
    /// only [`PeerEvent::Stored`] says that it is done.
    fn poll_peer_output(&mut self) -> Option<PeerOutput>;
}
