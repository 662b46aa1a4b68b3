//! The vocabulary that every other crate shares.

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
pub mod stage;
pub mod time;
pub mod value;
