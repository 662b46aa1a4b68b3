//! Writing datagrams into a buffer that is used again and again.

use super::{
    BLOCK_INPUT, BLOCK_VALUE, KIND_DOWN, KIND_PING, KIND_PONG, KIND_UP, MAX_UP_DATAGRAM_BYTES,
    MAX_VALUE_AGE, Pong, RELAY_OVERHEAD_BYTES,
};
use crate::{
    bytes_io::put_count,
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId, PropertyId},
    input::{InputFrame, encode_batch},
    limits::{MAX_DATAGRAM_BYTES, MAX_LIVE_VALUE_BYTES},
    time::Micros,
    value::Value,
};

const HEADER_BYTES: usize = 1 + 4 + 8;

/// Fills one upstream datagram with blocks. Allocates only while it warms up.
#[derive(Debug)]
pub struct LiveWriter {
    out: Vec<u8>,
    scratch: Vec<u8>,
    sent_at: Micros,
}

/// Whether a block is in the datagram now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Fit {
    /// It is.
    Written,
    /// The datagram is too full; the next one will take it.
    Full,
    /// No datagram could take it.
    TooLarge,
}

impl Default for LiveWriter {
    fn default() -> Self {
        Self {
            out: Vec::with_capacity(MAX_DATAGRAM_BYTES),
            scratch: Vec::with_capacity(MAX_DATAGRAM_BYTES),
            sent_at: Micros::ZERO,
        }
    }
}

impl LiveWriter {
    /// Starts a datagram, dropping what was written before.
    pub fn begin(&mut self, sequence: u32, sent_at: Micros) {
        self.sent_at = sent_at;
        self.out.clear();
        self.out.push(KIND_UP);
        self.out.extend_from_slice(&sequence.to_le_bytes());
        self.out.extend_from_slice(&sent_at.0.to_le_bytes());
    }

    /// Adds a batch of a node's samples, at least one and the oldest first; leaves out the oldest when not all fit.
    pub fn input(&mut self, node: NodeId, mut frames: &[InputFrame]) -> Fit {
        while !frames.is_empty() {
            self.scratch.clear();
            encode_batch(frames, self.sent_at, &mut self.scratch);
            let fit = self.block(BLOCK_INPUT, node, |out, batch| {
                put_count(out, batch.len());
                out.extend_from_slice(batch);
            });
            if fit == Fit::Written {
                return fit;
            }
            frames = &frames[frames.len().div_ceil(2)..];
        }
        Fit::Full
    }

    /// Adds the value that a node's property had at `stamp`.
    pub fn value(
        &mut self,
        node: NodeId,
        property: PropertyId,
        stamp: Micros,
        value: &Value,
    ) -> Fit {
        self.scratch.clear();
        value.encode(&mut self.scratch);
        if self.scratch.len() > MAX_LIVE_VALUE_BYTES {
            return Fit::TooLarge;
        }
        let age = self.sent_at.since(stamp).min(MAX_VALUE_AGE);
        self.block(BLOCK_VALUE, node, |out, value| {
            out.push(property.0);
            put_count(out, age.0 as usize);
            out.extend_from_slice(value);
        })
    }

    /// Whether no block was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.len() <= HEADER_BYTES
    }

    /// The datagram.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    fn block(&mut self, kind: u8, node: NodeId, content: impl FnOnce(&mut Vec<u8>, &[u8])) -> Fit {
        let before = self.out.len();
        self.out.push(kind);
        self.out.extend_from_slice(&node.0.to_le_bytes());
        content(&mut self.out, &self.scratch);
        if self.out.len() <= MAX_UP_DATAGRAM_BYTES {
            return Fit::Written;
        }
        self.out.truncate(before);
        Fit::Full
    }
}

/// The bytes that take the place of the kind byte when the leader relays a player's datagram.
#[must_use]
pub fn relay_header(player: PlayerId, hlc: HlcTimestamp) -> [u8; 1 + RELAY_OVERHEAD_BYTES] {
    let mut header = [KIND_DOWN; 1 + RELAY_OVERHEAD_BYTES];
    header[1..5].copy_from_slice(&player.0.to_le_bytes());
    header[5..].copy_from_slice(&hlc.0.to_le_bytes());
    header
}

/// A client's question for the time.
#[must_use]
pub fn encode_ping(sent_at: Micros) -> [u8; 9] {
    let mut bytes = [KIND_PING; 9];
    bytes[1..].copy_from_slice(&sent_at.0.to_le_bytes());
    bytes
}

/// The leader's answer.
#[must_use]
pub fn encode_pong(pong: &Pong) -> [u8; 25] {
    let mut bytes = [KIND_PONG; 25];
    bytes[1..9].copy_from_slice(&pong.ping_sent_at.0.to_le_bytes());
    bytes[9..17].copy_from_slice(&pong.received_at.0.to_le_bytes());
    bytes[17..].copy_from_slice(&pong.sent_at.0.to_le_bytes());
    bytes
}
