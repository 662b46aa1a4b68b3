//! Whole clusters in virtual time, from a seed: real consensus over a network and disks in memory.

#![expect(clippy::unwrap_used, clippy::panic, reason = "so a test fails")]

mod checks;
mod cluster;
mod elections;
mod faults;
mod server;
