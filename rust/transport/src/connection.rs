//! One connection: its frames and datagrams in, its frames out, and why it ended.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use quinn::{ConnectionError, RecvStream, SendStream, Side, VarInt};
use synced_protocol::{
    limits::{MAX_DATAGRAM_BYTES, MAX_FRAME_BYTES},
    link::{CloseCode, CloseReason, ConnectionId},
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time,
};

use crate::{
    limits,
    link::Dropped,
    queue::SendQueue,
    reader::{self, Unreadable},
    stats::{self, TransportStats},
    text::plain,
    writer::{FrameWriter, Unwritable},
};

/// What connections tell the driver, in order for each connection.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A client's connection has the name that its logic gave it.
    Established(Option<ConnectionId>, Established),
    Unconnected(ConnectionId, CloseReason),
    Frame(ConnectionId, Bytes),
    Closed(ConnectionId, CloseReason),
}

/// A connection after its TLS handshake.
#[derive(Debug)]
pub(crate) struct Established {
    pub(crate) connection: quinn::Connection,
    /// The connection's own endpoint, where it has one.
    pub(crate) endpoint: Option<quinn::Endpoint>,
    /// The connection's place among those that a server may have.
    pub(crate) seat: Option<OwnedSemaphorePermit>,
}

/// The ways into the driver. Both are bounded: where the driver does not keep up, readers wait, and so do peers.
#[derive(Debug, Clone)]
pub(crate) struct Inboxes {
    pub(crate) arrivals: mpsc::Sender<Arrival>,
    pub(crate) datagrams: mpsc::Sender<(ConnectionId, Bytes)>,
}

/// The task of one connection. Whatever ends first ends all of it.
#[derive(Debug)]
pub(crate) struct ConnectionTask {
    pub(crate) id: ConnectionId,
    pub(crate) connection: quinn::Connection,
    pub(crate) queue: Arc<SendQueue>,
    pub(crate) inboxes: Inboxes,
    pub(crate) stats: Arc<TransportStats>,
}

impl ConnectionTask {
    /// Runs until the connection has ended and the driver has been told why, then until the peer has been told too.
    pub(crate) async fn run(
        self,
        endpoint: Option<quinn::Endpoint>,
        seat: Option<OwnedSemaphorePermit>,
    ) {
        let reason = stats::sampled(&self.connection, &self.stats, self.converse()).await;
        // Without a driver there is nobody to tell.
        let _ = self
            .inboxes
            .arrivals
            .send(Arrival::Closed(self.id, reason))
            .await;
        drop(seat);
        if let Some(endpoint) = endpoint {
            let _ = time::timeout(limits::DRAIN_TIME_MAX, endpoint.wait_idle()).await;
        }
    }

    async fn converse(&self) -> CloseReason {
        let (send, receive) = tokio::select! {
            biased;
            streams = self.open_stream() => match streams {
                Ok(streams) => streams,
                Err(error) => return self.lost(error),
            },
            // Without the stream there is nothing that could be flushed.
            code = self.queue.closing() => return self.close(code),
        };
        tokio::select! {
            biased;
            reason = self.read_datagrams() => reason,
            reason = self.read_frames(receive) => reason,
            reason = self.write_until_closed(send) => reason,
        }
    }

    async fn open_stream(&self) -> Result<(SendStream, RecvStream), ConnectionError> {
        match self.connection.side() {
            Side::Client => self.connection.open_bi().await,
            Side::Server => self.connection.accept_bi().await,
        }
    }

    async fn read_datagrams(&self) -> CloseReason {
        while let Ok(datagram) = self.connection.read_datagram().await {
            if datagram.len() > MAX_DATAGRAM_BYTES {
                return self.reject(format!(
                    "sent a datagram of {} bytes; one has at most {MAX_DATAGRAM_BYTES}",
                    datagram.len()
                ));
            }
            let _ = self.inboxes.datagrams.send((self.id, datagram)).await;
        }
        // Why the connection is lost is known once its last frame has been read.
        std::future::pending().await
    }

    async fn read_frames(&self, mut stream: RecvStream) -> CloseReason {
        let wrap = |frame| Arrival::Frame(self.id, frame);
        let inbox = &self.inboxes.arrivals;
        match reader::read_frames(&mut stream, MAX_FRAME_BYTES, inbox, wrap).await {
            Unreadable::Ended => self.await_close().await,
            Unreadable::Broken(text) => self.reject(text),
            Unreadable::Lost(error) => self.lost(error),
        }
    }

    /// A peer that closes ends its stream first, and the connection once it knows that all has arrived.
    async fn await_close(&self) -> CloseReason {
        let time_max = limits::CLOSE_FLUSH_TIME_MAX + limits::IDLE_TIMEOUT;
        match time::timeout(time_max, self.connection.closed()).await {
            Ok(error) => self.lost(error),
            Err(_) => self.reject("ended its stream but not the connection".to_owned()),
        }
    }

    async fn write_until_closed(&self, stream: SendStream) -> CloseReason {
        let mut writer = FrameWriter::new(&self.queue, stream, limits::SEND_STALL_TIME_MAX);
        let out_of_time = async {
            self.queue.closing().await;
            time::sleep(limits::CLOSE_FLUSH_TIME_MAX).await;
        };
        let written = tokio::select! {
            biased;
            written = writer.run() => written,
            () = out_of_time => Ok(()),
        };
        match written {
            Ok(()) => self.close(self.queue.close_code().unwrap_or(CloseCode::Done)),
            Err(Unwritable::Refused) => self.reject("refuses to read its stream".to_owned()),
            Err(Unwritable::Stalled) => self.close(CloseCode::TooSlow),
            Err(Unwritable::Lost) => std::future::pending().await,
        }
    }

    fn close(&self, code: CloseCode) -> CloseReason {
        close(&self.connection, code);
        CloseReason::ByUs(code)
    }

    fn reject(&self, text: String) -> CloseReason {
        close(&self.connection, CloseCode::Malformed);
        CloseReason::Broken(text)
    }

    fn lost(&self, error: ConnectionError) -> CloseReason {
        match error {
            ConnectionError::LocallyClosed => {
                CloseReason::ByUs(self.queue.close_code().unwrap_or(CloseCode::Done))
            }
            error => ended_by_peer(error),
        }
    }
}

/// Ends a connection now; what has not been sent is lost.
pub(crate) fn close(connection: &quinn::Connection, code: CloseCode) {
    connection.close(VarInt::from_u32(code.code()), code.to_string().as_bytes());
}

/// Newest wins: when the path is full, the oldest datagrams that wait make way.
pub(crate) fn send_datagram(
    connection: &quinn::Connection,
    datagram: Bytes,
) -> Result<(), Dropped> {
    let room = connection.datagram_send_buffer_space() >= datagram.len();
    match connection.send_datagram(datagram) {
        Ok(()) if room => Ok(()),
        _ => Err(Dropped),
    }
}

/// Ends an endpoint and what connections it has left.
pub(crate) fn close_endpoint(endpoint: &quinn::Endpoint, code: CloseCode) {
    endpoint.close(VarInt::from_u32(code.code()), code.to_string().as_bytes());
}

/// The peer's address as people know it, also where an IPv6 socket names an IPv4 peer in its own way.
pub(crate) fn remote(connection: &quinn::Connection) -> SocketAddr {
    let address = connection.remote_address();
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Ends a connection whose peer cannot take the largest datagram of the live lane.
///
/// # Errors
/// Why it was ended.
pub(crate) fn require_datagrams(connection: &quinn::Connection) -> Result<(), CloseReason> {
    match connection.max_datagram_size() {
        Some(bytes) if bytes >= MAX_DATAGRAM_BYTES => Ok(()),
        possible => {
            close(connection, CloseCode::Malformed);
            let possible = possible.unwrap_or(0);
            Err(CloseReason::Broken(format!(
                "takes datagrams of {possible} bytes; {MAX_DATAGRAM_BYTES} are needed"
            )))
        }
    }
}

/// Why an established connection ended, when this side did not end it.
fn ended_by_peer(error: ConnectionError) -> CloseReason {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            CloseReason::ByPeer(close_code(close.error_code))
        }
        ConnectionError::TimedOut => CloseReason::TimedOut,
        ConnectionError::Reset => CloseReason::Unreachable(
            "it no longer knows this connection, as after a restart".to_owned(),
        ),
        error => CloseReason::Broken(plain(error)),
    }
}

fn close_code(code: VarInt) -> CloseCode {
    CloseCode::from_code(u32::try_from(code.into_inner()).unwrap_or(u32::MAX))
}
