//! What stands in front of a live value: its node and its property, as short as the value before it allows.

use bytes::BufMut;

use super::{
    BLOCK_VALUE, BLOCK_VALUE_SAME, Block, BlockKind, NodeRef, VALUE_NODE_SHIFT, VALUE_PACKED,
    VALUE_PROPERTY,
};
use crate::{bytes_io::Reader, error::DecodeError, id::PropertyId, limits::MAX_PROPERTIES};

/// The heads of one datagram's values, one after the other. Most nodes have more than one property that moves: those behind the
/// first do not name their node again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heads {
    /// Whose value stood last, and which of its properties.
    before: Option<(NodeRef, PropertyId)>,
}

impl Heads {
    /// Writes a block as it came, the head of a value as short as what was written before it allows. So it takes no more room
    /// than it had, or than what was left out before it.
    pub fn put_block(&mut self, block: &Block<'_>, out: &mut impl BufMut) {
        let BlockKind::Value { property, .. } = block.kind else {
            out.put_slice(block.raw);
            return;
        };
        self.put(block.node, property, block.raw[0] & VALUE_PACKED, out);
        out.put_slice(&block.raw[block.head_bytes..]);
    }

    /// Writes the head of a value that is packed in the way of that number.
    pub(super) fn put(
        &mut self,
        node: NodeRef,
        property: PropertyId,
        packed: u8,
        out: &mut impl BufMut,
    ) {
        let is_same = self.before.is_some_and(|before| before.0 == node);
        let is_named = property != self.unnamed(is_same);
        let named = if is_named { VALUE_PROPERTY } else { 0 };
        if is_same {
            out.put_u8(BLOCK_VALUE_SAME | named | packed);
        } else {
            out.put_u8(BLOCK_VALUE | node.form() << VALUE_NODE_SHIFT | named | packed);
            node.put(out);
        }
        if is_named {
            out.put_u8(property.0);
        }
        self.before = Some((node, property));
    }

    /// Reads what follows a value's tag.
    pub(super) fn take(
        &mut self,
        tag: u8,
        reader: &mut Reader<'_>,
    ) -> Result<(NodeRef, PropertyId), DecodeError> {
        let is_same = tag < BLOCK_VALUE;
        let node = match self.before {
            Some((node, _)) if is_same => node,
            None if is_same => return Err(DecodeError::BadTag { what: "block", tag }),
            _ => NodeRef::take((tag & !BLOCK_VALUE) >> VALUE_NODE_SHIFT, reader)?,
        };
        let property = if tag & VALUE_PROPERTY == 0 {
            self.unnamed(is_same)
        } else {
            PropertyId(reader.u8()?)
        };
        if usize::from(property.0) >= MAX_PROPERTIES {
            return Err(DecodeError::OutOfRange { what: "property" });
        }
        self.before = Some((node, property));
        Ok((node, property))
    }

    /// The property that is meant where none is named: of the same node that behind the one before, of another the first.
    fn unnamed(self, is_same: bool) -> PropertyId {
        match self.before {
            Some((_, property)) if is_same => PropertyId(property.0.saturating_add(1)),
            _ => PropertyId(0),
        }
    }
}
