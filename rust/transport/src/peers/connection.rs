//! One connection with another server: frames and datagrams in, frames out, and why it ended.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use quinn::{Connection, ConnectionError, RecvStream, SendStream};
use synced_protocol::{
    id::ServerId,
    limits::{MAX_DATAGRAM_BYTES, MAX_PEER_FRAME_BYTES},
    link::CloseCode,
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time,
};

use super::{lanes::Lanes, refusals};
use crate::{
    connection::close,
    limits,
    queue::SendQueue,
    reader::{self, Unreadable},
    stats::{self, TransportStats},
    writer::{FrameWriter, Unwritable},
};

/// What peers and operators tell the driver.
#[derive(Debug)]
pub(crate) enum PeerArrival {
    Up(Newcomer),
    Frame(ServerId, u64, Bytes),
    Down(ServerId, u64, String),
    /// Has a place among the connections that may be accepted.
    Operator(Connection, OwnedSemaphorePermit),
    /// The answer goes to the sender.
    Request(Bytes, oneshot::Sender<Bytes>),
}

/// A connection with a server that has proved which one it is.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) server: ServerId,
    pub(crate) connection: Connection,
    pub(crate) lanes: Lanes,
    /// Its place among those that may be accepted.
    pub(crate) seat: Option<OwnedSemaphorePermit>,
}

/// A datagram or a bulk frame, and by which connection it came.
pub(crate) type FromPeer = (ServerId, u64, Bytes);

/// The ways into the driver. All are bounded: where the driver does not keep up, readers wait, and so do peers.
#[derive(Debug, Clone)]
pub(crate) struct PeerInboxes {
    pub(crate) arrivals: mpsc::Sender<PeerArrival>,
    pub(crate) datagrams: mpsc::Sender<FromPeer>,
    pub(crate) bulk: mpsc::Sender<FromPeer>,
}

/// The task of one connection. Whatever ends first ends all of it.
#[derive(Debug)]
pub(crate) struct PeerTask {
    pub(crate) server: ServerId,
    /// Tells the connections with one server apart.
    pub(crate) serial: u64,
    pub(crate) connection: Connection,
    /// Of the ordered lane and of the bulk lane.
    pub(crate) queues: [Arc<SendQueue>; 2],
    pub(crate) inboxes: PeerInboxes,
    pub(crate) stats: Arc<TransportStats>,
}

impl PeerTask {
    /// Runs until the connection has ended and the driver has been told why.
    pub(crate) async fn run(self, lanes: Lanes, seat: Option<OwnedSemaphorePermit>) {
        let conversation = self.converse(lanes);
        let reason = stats::sampled(&self.connection, &self.stats, conversation).await;
        let down = PeerArrival::Down(self.server, self.serial, reason);
        // Without a driver there is nobody to tell.
        let _ = self.inboxes.arrivals.send(down).await;
        drop(seat);
    }

    async fn converse(&self, Lanes { ordered, bulk }: Lanes) -> String {
        tokio::select! {
            biased;
            reason = self.read_datagrams() => reason,
            reason = self.read_lanes(ordered.receive, bulk.receive) => reason,
            reason = self.write_until_closed(ordered.send, bulk.send) => reason,
        }
    }

    /// Reads both lanes to their ends: when one has ended the connection, frames that came before may still wait in the other.
    async fn read_lanes(&self, ordered: RecvStream, bulk: RecvStream) -> String {
        let first = OnceLock::new();
        let note = |reason| drop(first.set(reason));
        tokio::join!(async { note(self.read_ordered(ordered).await) }, async {
            note(self.read_bulk(bulk).await)
        },);
        first.into_inner().unwrap_or_default()
    }

    async fn read_datagrams(&self) -> String {
        while let Ok(datagram) = self.connection.read_datagram().await {
            if datagram.len() > MAX_DATAGRAM_BYTES {
                return self.reject(format!("sent a datagram of {} bytes", datagram.len()));
            }
            let from = (self.server, self.serial, datagram);
            let _ = self.inboxes.datagrams.send(from).await;
        }
        // Why the connection is lost is known once its last frame has been read.
        std::future::pending().await
    }

    async fn read_ordered(&self, mut stream: RecvStream) -> String {
        let wrap = |frame| PeerArrival::Frame(self.server, self.serial, frame);
        let inbox = &self.inboxes.arrivals;
        self.ended(reader::read_frames(&mut stream, MAX_PEER_FRAME_BYTES, inbox, wrap).await)
            .await
    }

    async fn read_bulk(&self, mut stream: RecvStream) -> String {
        let wrap = |frame| (self.server, self.serial, frame);
        let inbox = &self.inboxes.bulk;
        self.ended(reader::read_frames(&mut stream, MAX_PEER_FRAME_BYTES, inbox, wrap).await)
            .await
    }

    async fn ended(&self, end: Unreadable) -> String {
        match end {
            Unreadable::Ended => self.await_close().await,
            Unreadable::Broken(text) => self.reject(text),
            Unreadable::Lost(error) => self.lost(&error),
        }
    }

    /// A peer that closes ends its streams first, and the connection once it knows that all has arrived.
    async fn await_close(&self) -> String {
        let time_max = limits::PEER_FLUSH_TIME_MAX + limits::PEER_IDLE_TIMEOUT;
        match time::timeout(time_max, self.connection.closed()).await {
            Ok(error) => self.lost(&error),
            Err(_) => self.reject("ended a stream but not the connection".to_owned()),
        }
    }

    async fn write_until_closed(&self, frames: SendStream, bulk: SendStream) -> String {
        let [ordered_queue, bulk_queue] = &self.queues;
        let stall = limits::PEER_STALL_TIME_MAX;
        let (mut ordered, mut bulk) = (
            FrameWriter::new(ordered_queue, frames, stall),
            FrameWriter::new(bulk_queue, bulk, stall),
        );
        let out_of_time = async {
            ordered_queue.closing().await;
            time::sleep(limits::PEER_FLUSH_TIME_MAX).await;
        };
        let written = tokio::select! {
            biased;
            written = async { tokio::try_join!(ordered.run(), bulk.run()) } => written.map(drop),
            () = out_of_time => Ok(()),
        };
        match written {
            Ok(()) => self.close(ordered_queue.close_code().unwrap_or(CloseCode::Done)),
            Err(Unwritable::Refused) => self.reject("refuses to read a stream".to_owned()),
            Err(Unwritable::Stalled) => self.close(CloseCode::TooSlow),
            Err(Unwritable::Lost) => std::future::pending().await,
        }
    }

    fn close(&self, code: CloseCode) -> String {
        close(&self.connection, code);
        format!("closed by this side: {code}")
    }

    fn reject(&self, text: String) -> String {
        close(&self.connection, CloseCode::Malformed);
        format!("the other side {text}")
    }

    fn lost(&self, error: &ConnectionError) -> String {
        match (error, self.queues[0].close_code()) {
            (ConnectionError::LocallyClosed, Some(code)) => format!("closed by this side: {code}"),
            (ConnectionError::TimedOut, _) => "nothing was heard for the idle timeout".to_owned(),
            (ConnectionError::Reset, _) => "the other side was restarted".to_owned(),
            _ => refusals::in_words(error),
        }
    }
}
