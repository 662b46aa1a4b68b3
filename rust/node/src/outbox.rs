//! What waits for the driver.

use std::collections::VecDeque;

use bytes::Bytes;
use synced_protocol::link::{CloseCode, ConnectionId, Output};

use crate::stats::Sent;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    outputs: VecDeque<Output>,
    sent: Sent,
}

impl Outbox {
    pub(crate) fn frame(&mut self, connection: ConnectionId, bytes: Bytes) {
        self.sent.frames += 1;
        self.sent.frame_bytes += bytes.len() as u64;
        self.outputs.push_back(Output::Frame { connection, bytes });
    }

    pub(crate) fn datagram(&mut self, connection: ConnectionId, bytes: Bytes) {
        self.sent.datagrams += 1;
        self.sent.datagram_bytes += bytes.len() as u64;
        self.outputs
            .push_back(Output::Datagram { connection, bytes });
    }

    pub(crate) fn close(&mut self, connection: ConnectionId, code: CloseCode) {
        self.outputs.push_back(Output::Close { connection, code });
    }

    pub(crate) fn pop(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) const fn sent(&self) -> Sent {
        self.sent
    }
}
