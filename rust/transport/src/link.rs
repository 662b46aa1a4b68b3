//! The driver's end of one connection.

use std::sync::Arc;

use bytes::Bytes;
use synced_protocol::link::CloseCode;

use crate::{
    connection,
    limits::SEND_QUEUE_BYTES_MAX,
    queue::{Overflow, SendQueue},
};

/// What the driver can do with one connection, none of which waits.
#[derive(Debug)]
pub(crate) struct Link {
    connection: quinn::Connection,
    queue: Arc<SendQueue>,
}

/// A datagram was not sent, or an older one made way for it.
#[derive(Debug)]
pub(crate) struct Dropped;

impl Link {
    pub(crate) fn new(connection: quinn::Connection) -> Self {
        Self {
            connection,
            queue: Arc::new(SendQueue::new(SEND_QUEUE_BYTES_MAX)),
        }
    }

    pub(crate) fn queue(&self) -> Arc<SendQueue> {
        self.queue.clone()
    }

    /// Whether the logic still takes part: it has not asked to close.
    pub(crate) fn is_open(&self) -> bool {
        self.queue.close_code().is_none()
    }

    pub(crate) fn send_frame(&self, frame: Bytes) -> Result<(), Overflow> {
        self.queue.push(frame)
    }

    pub(crate) fn send_datagram(&self, datagram: Bytes) -> Result<(), Dropped> {
        connection::send_datagram(&self.connection, datagram)
    }

    /// Ends the connection once the frames before have been delivered.
    pub(crate) fn close(&self, code: CloseCode) {
        self.queue.close(code);
    }

    /// Ends the connection now.
    pub(crate) fn cut(&self, code: CloseCode) {
        self.queue.close(code);
        connection::close(&self.connection, code);
    }
}
