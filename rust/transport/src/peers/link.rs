//! The driver's end of a connection with another server.

use std::sync::Arc;

use bytes::Bytes;
use quinn::Connection;
use synced_protocol::link::CloseCode;

use crate::{
    connection, limits,
    link::Dropped,
    queue::{Overflow, SendQueue},
};

/// What the driver can do with one connection, none of which waits.
#[derive(Debug)]
pub(crate) struct PeerLink {
    pub(super) serial: u64,
    connection: Connection,
    ordered: Arc<SendQueue>,
    bulk: Arc<SendQueue>,
}

impl PeerLink {
    pub(super) fn new(serial: u64, connection: Connection) -> Self {
        let queue = || Arc::new(SendQueue::new(limits::PEER_QUEUE_BYTES_MAX));
        Self {
            serial,
            connection,
            ordered: queue(),
            bulk: queue(),
        }
    }

    pub(super) fn queues(&self) -> [Arc<SendQueue>; 2] {
        [self.ordered.clone(), self.bulk.clone()]
    }

    pub(super) fn send_frame(&self, frame: Bytes) -> Result<(), Overflow> {
        self.ordered.push(frame)
    }

    pub(super) fn send_bulk(&self, frame: Bytes) -> Result<(), Overflow> {
        self.bulk.push(frame)
    }

    pub(super) fn send_datagram(&self, datagram: Bytes) -> Result<(), Dropped> {
        connection::send_datagram(&self.connection, datagram)
    }

    /// Ends the connection once the frames before have been delivered.
    pub(super) fn close(&self, code: CloseCode) {
        self.ordered.close(code);
        self.bulk.close(code);
    }

    /// Ends the connection now.
    pub(super) fn cut(&self, code: CloseCode) {
        self.close(code);
        connection::close(&self.connection, code);
    }
}
