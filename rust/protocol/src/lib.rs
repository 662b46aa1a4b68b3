//! The vocabulary that every other crate shares.

pub mod limits;
pub mod link;
pub mod time;
