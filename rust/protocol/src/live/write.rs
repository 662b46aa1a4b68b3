//! Writing datagrams into a buffer that is used again and again.

use super::{
    BLOCK_AIM, BLOCK_INPUT, BLOCK_JOINTS, BLOCK_STAMP, Heads, KIND_DOWN, KIND_PING, KIND_PONG,
    KIND_UP, Loss, MAX_UP_DATAGRAM_BYTES, MAX_VALUE_AGE, NodeRef, Pong, RELAY_OVERHEAD_BYTES, aim,
    packed::Packed,
};
use crate::{
    bytes_io::put_count,
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId, PropertyId},
    input::{HandJoints, InputFrame, Pose, Precision, encode_batch, encode_joints},
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
    /// How exactly values are told; as they are, if not at all.
    precision: Option<Precision>,
    /// The age of the values that follow.
    age: usize,
    heads: Heads,
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
            precision: None,
            age: 0,
            heads: Heads::default(),
        }
    }
}

impl LiveWriter {
    /// Tells values of places and turns with this precision. The default tells every value just as it is.
    #[must_use]
    pub fn with_precision(precision: Option<Precision>) -> Self {
        Self {
            precision,
            ..Self::default()
        }
    }

    /// Starts a datagram, dropping what was written before.
    pub fn begin(&mut self, sequence: u32, sent_at: Micros) {
        self.sent_at = sent_at;
        self.age = 0;
        self.heads = Heads::default();
        self.out.clear();
        self.out.push(KIND_UP);
        self.out.extend_from_slice(&sequence.to_le_bytes());
        self.out.extend_from_slice(&sent_at.0.to_le_bytes());
    }

    /// Adds a batch of a node's samples, the oldest first: all of them (up to
    /// [`MAX_BATCH_FRAMES`](crate::input::MAX_BATCH_FRAMES), the newest) or none.
    pub fn input(&mut self, node: NodeId, frames: &[InputFrame], precision: Precision) -> Fit {
        if frames.is_empty() {
            return Fit::Written;
        }
        self.scratch.clear();
        encode_batch(frames, precision, self.sent_at, &mut self.scratch);
        self.block(BLOCK_INPUT, node, |out, batch| {
            put_count(out, batch.len());
            out.extend_from_slice(batch);
        })
    }

    /// Adds the value that a node's property had at `stamp`.
    pub fn value(
        &mut self,
        node: impl Into<NodeRef>,
        property: PropertyId,
        stamp: Micros,
        value: &Value,
    ) -> Fit {
        self.scratch.clear();
        let Some(packed) = self.pack(value) else {
            return Fit::TooLarge;
        };
        let (before, age, mut heads) = (self.out.len(), self.age(stamp), self.heads);
        if age != self.age {
            self.out.push(BLOCK_STAMP);
            put_count(&mut self.out, age);
        }
        heads.put(node.into(), property, packed, &mut self.out);
        self.out.extend_from_slice(&self.scratch);
        let fit = self.fit(before);
        if fit == Fit::Written {
            (self.age, self.heads) = (age, heads);
        }
        fit
    }

    /// Adds the aim pose, relative to the grip pose, that a tracked node's controller had at `stamp`.
    pub fn aim(&mut self, node: NodeId, stamp: Micros, aim: &Pose) -> Fit {
        let age = self.age(stamp);
        self.block(BLOCK_AIM, node, |out, _| {
            put_count(out, age);
            aim::put(aim, out);
        })
    }

    /// Adds the joints of a tracked node's hand.
    pub fn joints(&mut self, node: NodeId, hand: &HandJoints) -> Fit {
        let age = self.age(hand.sampled_at);
        self.scratch.clear();
        encode_joints(hand, &mut self.scratch);
        self.block(BLOCK_JOINTS, node, |out, packed| {
            put_count(out, age);
            put_count(out, packed.len());
            out.extend_from_slice(packed);
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

    fn age(&self, stamp: Micros) -> usize {
        self.sent_at.since(stamp).min(MAX_VALUE_AGE).0 as usize
    }

    fn block(&mut self, kind: u8, node: NodeId, content: impl FnOnce(&mut Vec<u8>, &[u8])) -> Fit {
        let before = self.out.len();
        self.out.push(kind);
        self.out.extend_from_slice(&node.0.to_le_bytes());
        content(&mut self.out, &self.scratch);
        self.fit(before)
    }

    /// Writes the value behind the scratch, and tells how it is packed, 0 when it is not. `None` when no datagram takes it.
    fn pack(&mut self, value: &Value) -> Option<u8> {
        let packed = |precision| Packed::of(value, precision);
        if let Some(packed) = self.precision.and_then(packed) {
            packed.put(&mut self.scratch);
            return Some(packed.code());
        }
        value.encode(&mut self.scratch);
        (self.scratch.len() <= MAX_LIVE_VALUE_BYTES).then_some(0)
    }

    /// Takes back what was written since `before`, unless the datagram holds it.
    fn fit(&mut self, before: usize) -> Fit {
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

/// A client's question for the time, and what it lost lately of the leader's live datagrams.
#[must_use]
pub fn encode_ping(sent_at: Micros, down_loss: Loss) -> [u8; 11] {
    let mut bytes = [KIND_PING; 11];
    bytes[1..9].copy_from_slice(&sent_at.0.to_le_bytes());
    bytes[9..].copy_from_slice(&down_loss.0.to_le_bytes());
    bytes
}

/// The leader's answer.
#[must_use]
pub fn encode_pong(pong: &Pong) -> [u8; 29] {
    let mut bytes = [KIND_PONG; 29];
    bytes[1..9].copy_from_slice(&pong.ping_sent_at.0.to_le_bytes());
    bytes[9..17].copy_from_slice(&pong.received_at.0.to_le_bytes());
    bytes[17..25].copy_from_slice(&pong.sent_at.0.to_le_bytes());
    bytes[25..27].copy_from_slice(&pong.up_loss.0.to_le_bytes());
    bytes[27..].copy_from_slice(&pong.peers_loss.0.to_le_bytes());
    bytes
}
