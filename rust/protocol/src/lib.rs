//! The vocabulary that every other crate shares, and its bytes.
//!
//! - What is said: [`message`], [`mutation`] and [`value`] on the confirmed lane, [`live`] and [`input`] on the live one.
//! - How it looks: [`wire`] is the whole protocol on one page. [`control`] and [`live`] write and read it.
//! - How logic and transport meet: [`link`]; how a server of a cluster meets the others and its disk: [`peer`], [`store`],
//!   [`replica`].
//! - What keeps both in bounds: [`limits`]. Every decoder takes any bytes and gives a value or a
//!   [`DecodeError`](error::DecodeError), and allocates at most a small multiple of what it was given.
//!
//! Nothing here does I/O or asks what time it is.
//!
//! ```
//! use synced_protocol::{
//!     control,
//!     id::{ClientSeq, NodeId, PropertyId},
//!     message::ClientMessage,
//!     mutation::Mutation,
//!     value::Value,
//! };
//!
//! let paint = Mutation::SetProperties {
//!     node: NodeId::derived(NodeId::ROOT, "Main/Cup"),
//!     properties: vec![(PropertyId(0), Value::Color([1.0, 0.5, 0.0, 1.0]))],
//! };
//! let proposal = ClientMessage::Propose { seq: ClientSeq(1), transaction: paint.into() };
//! let frame = control::encode(&proposal)?;
//! assert_eq!(control::decode(&frame), Ok(proposal));
//! # Ok::<(), synced_protocol::error::DecodeError>(())
//! ```

pub mod bits;
mod bounded;
pub mod bytes_io;
pub mod control;
pub mod error;
pub mod hlc;
pub mod id;
pub mod input;
pub mod limits;
pub mod link;
pub mod live;
pub mod message;
pub mod mutation;
pub mod peer;
pub mod replica;
pub mod stage;
pub mod store;
pub mod time;
pub mod value;

#[doc = include_str!("wire.md")]
pub mod wire {}
