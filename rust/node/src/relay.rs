//! Datagrams as they are sent on.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use synced_protocol::{
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId},
    live::{Block, Heads, Live, MAX_UP_DATAGRAM_BYTES, RELAY_OVERHEAD_BYTES, relay_header},
};

use crate::interest::Unwanted;

/// Datagrams are put together in chunks of this size; a chunk lives until the last of its datagrams is sent.
const CHUNK_BYTES: usize = 64 * 1024;

/// Puts together one datagram after the other, several to one allocation.
#[derive(Debug, Default)]
pub(crate) struct Relayed {
    buffer: BytesMut,
    header_bytes: usize,
    /// Whose each block is, and where it stands in the datagram. Nobody's are the stamps of those that follow.
    blocks: Vec<(Option<NodeId>, Range<usize>)>,
    /// The stamp that was written last.
    stamp_block: Range<usize>,
    heads: Heads,
}

impl Relayed {
    /// Begins a datagram; what is left of one that was not finished is dropped.
    pub(crate) fn begin(&mut self, player: PlayerId, hlc: HlcTimestamp, live: &Live<'_>) {
        self.blocks.clear();
        self.make_room();
        self.buffer.extend_from_slice(&relay_header(player, hlc));
        self.buffer.extend_from_slice(&live.sequence.to_le_bytes());
        self.buffer.extend_from_slice(&live.sent_at.0.to_le_bytes());
        self.header_bytes = self.buffer.len();
        self.stamp_block = 0..0;
        self.heads = Heads::default();
    }

    pub(crate) fn add(&mut self, node: NodeId, block: &Block<'_>) {
        let needs_stamp = !block.stamp_block.is_empty()
            && block.stamp_block != &self.buffer[self.stamp_block.clone()];
        if needs_stamp {
            let start = self.buffer.len();
            self.buffer.extend_from_slice(block.stamp_block);
            self.stamp_block = self.note_block(None, start);
        }
        let start = self.buffer.len();
        self.heads.put_block(block, &mut self.buffer);
        self.note_block(Some(node), start);
    }

    /// The datagram, if it has any blocks.
    pub(crate) fn finish(&mut self) -> Option<Bytes> {
        (!self.blocks.is_empty()).then(|| self.buffer.split().freeze())
    }

    /// What a player wants of the datagram that was finished last: as a rule itself, without a copy.
    pub(crate) fn wanted(&mut self, datagram: &Bytes, unwanted: &Unwanted) -> Option<Bytes> {
        let is_unwanted =
            |(node, _): &(Option<NodeId>, _)| node.is_some_and(|node| unwanted.contains(node));
        if unwanted.is_empty() || !self.blocks.iter().any(is_unwanted) {
            return Some(datagram.clone());
        }
        let mut nodes = self.blocks.iter().filter(|(node, _)| node.is_some());
        if nodes.all(is_unwanted) {
            return None;
        }
        self.make_room();
        self.buffer
            .extend_from_slice(&datagram[..self.header_bytes]);
        for (_, range) in self.blocks.iter().filter(|block| !is_unwanted(block)) {
            self.buffer.extend_from_slice(&datagram[range.clone()]);
        }
        Some(self.buffer.split().freeze())
    }

    /// A block was written from there on.
    fn note_block(&mut self, node: Option<NodeId>, start: usize) -> Range<usize> {
        let range = start..self.buffer.len();
        self.blocks.push((node, range.clone()));
        range
    }

    fn make_room(&mut self) {
        self.buffer.clear();
        if self.buffer.capacity() < MAX_UP_DATAGRAM_BYTES + RELAY_OVERHEAD_BYTES {
            self.buffer.reserve(CHUNK_BYTES);
        }
    }
}
