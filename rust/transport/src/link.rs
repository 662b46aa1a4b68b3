//! The driver's end of one connection.

use std::sync::Arc;

use bytes::Bytes;
use synced_protocol::link::CloseCode;

use crate::{
    connection,
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
            queue: Arc::default(),
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

    /// Newest wins: when the path is full, the oldest datagrams that wait make way.
    pub(crate) fn send_datagram(&self, datagram: Bytes) -> Result<(), Dropped> {
        let room = self.connection.datagram_send_buffer_space() >= datagram.len();
        match self.connection.send_datagram(datagram) {
            Ok(()) if room => Ok(()),
            _ => Err(Dropped),
        }
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
