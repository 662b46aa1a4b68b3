//! The datagrams of the live lane.
//!
//! [`wire`](crate::wire#datagrams) has their layout. Here is how they are written, block by block into a buffer that is used
//! again and again, and read without a copy.
//!
//! The leader relays blocks without opening their content up again: it leaves out what the player may not write, and puts
//! its own stamp in front. The smallest part that it leaves out is one value.

mod aim;
mod heads;
mod loss;
mod node_ref;
mod packed;
mod read;
mod write;

pub use heads::Heads;
pub use loss::Loss;
pub use node_ref::NodeRef;
pub use read::{Block, BlockKind, Blocks, Datagram, Live, Pong};
pub use write::{Fit, LiveWriter, encode_ping, encode_pong, relay_header};

use crate::time::Micros;

/// The oldest stamp of a live value, an aim or a hand's joints, before its datagram is sent.
pub const MAX_VALUE_AGE: Micros = Micros((1 << 21) - 1);
/// What the leader's stamp adds to a player's datagram.
pub const RELAY_OVERHEAD_BYTES: usize = 12;
/// The largest datagram that a player sends, so that the leader's stamp still fits.
pub const MAX_UP_DATAGRAM_BYTES: usize = crate::limits::MAX_DATAGRAM_BYTES - RELAY_OVERHEAD_BYTES;

const KIND_UP: u8 = 1;
const KIND_DOWN: u8 = 2;
const KIND_PING: u8 = 3;
const KIND_PONG: u8 = 4;
const _: () = assert!(VALUE_NODE_SHIFT + node_ref::FORM_BITS == BLOCK_VALUE.trailing_zeros());

const BLOCK_INPUT: u8 = 1;
const BLOCK_STAMP: u8 = 2;
const BLOCK_AIM: u8 = 3;
const BLOCK_JOINTS: u8 = 4;
/// From here on, up to the next 32: values of the same node as the value before.
const BLOCK_VALUE_SAME: u8 = 0x40;
/// The first that is none of those.
const BLOCK_VALUE_SAME_END: u8 = BLOCK_VALUE_SAME + 2 * VALUE_PROPERTY;
/// All from here on are values that name their node: what else the bits say stands below.
const BLOCK_VALUE: u8 = 0x80;
/// In a value's tag: how its node is named.
const VALUE_NODE_SHIFT: u32 = 5;
/// In a value's tag: whether its property is named; otherwise it is the node's first, or that behind the one before.
const VALUE_PROPERTY: u8 = 0x10;
/// In a value's tag: how it is packed, if it is.
const VALUE_PACKED: u8 = 0x0f;
