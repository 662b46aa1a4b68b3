//! The vocabulary that every other crate shares.

pub mod bytes_io;
pub mod control;
pub mod error;
pub mod hlc;
pub mod id;
pub mod limits;
pub mod link;
pub mod message;
pub mod mutation;
pub mod time;
pub mod value;
