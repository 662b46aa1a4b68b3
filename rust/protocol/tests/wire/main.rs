//! The bytes of protocol version 1, written down independently of the code: by hand and from the page [`synced_protocol::wire`].
//!
//! Whoever makes one of these fail has made a new version of the protocol.

#![expect(clippy::panic, clippy::unwrap_used, reason = "so a test fails")]

mod batches;
mod datagrams;
mod golden;
mod handshake;
mod hostile;
mod ids;
mod joints;
mod messages;
mod mutations;
mod page;
mod rejections;
mod replicas;
mod steady;
mod values;
