//! The datagrams of the live lane.
//!
//! Numbers are little-endian. The first byte tells the kind:
//!
//! | kind | layout |
//! |---|---|
//! | 1 live, from a player | sequence `u32`, `sent_at` `u64` in session microseconds, blocks |
//! | 2 live, from the leader | player `u32`, HLC `u64`, then all of the player's datagram but its kind |
//! | 3 ping | the client's local time `u64` |
//! | 4 pong | the ping's time `u64`, session time of its arrival `u64` and of this answer `u64` |
//!
//! | block | layout |
//! |---|---|
//! | 1 input | node `u64`, length in LEB128, a batch as [`input`](crate::input) lays it out |
//! | 2 value | node `u64`, property `u8`, age before `sent_at` in microseconds, LEB128 below 2^21, a [`Value`] |
//!
//! The leader relays blocks without opening their content up again: it leaves out what the player may not write, and puts
//! its own stamp in front.

mod read;
mod write;

pub use read::{Block, BlockKind, Blocks, Datagram, Live, Pong};
pub use write::{Fit, LiveWriter, encode_ping, encode_pong, relay_header};

use crate::time::Micros;

/// The oldest stamp of a live value, before its datagram is sent.
pub const MAX_VALUE_AGE: Micros = Micros((1 << 21) - 1);
/// What the leader's stamp adds to a player's datagram.
pub const RELAY_OVERHEAD_BYTES: usize = 12;
/// The largest datagram that a player sends, so that the leader's stamp still fits.
pub const MAX_UP_DATAGRAM_BYTES: usize = crate::limits::MAX_DATAGRAM_BYTES - RELAY_OVERHEAD_BYTES;

const KIND_UP: u8 = 1;
const KIND_DOWN: u8 = 2;
const KIND_PING: u8 = 3;
const KIND_PONG: u8 = 4;
const BLOCK_INPUT: u8 = 1;
const BLOCK_VALUE: u8 = 2;
