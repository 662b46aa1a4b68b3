//! Whole clusters in virtual time, from a seed: real consensus over a network and disks in memory.

#![expect(clippy::unwrap_used, clippy::panic, reason = "so a test fails")]

mod anew;
mod chaos;
mod checks;
mod cluster;
mod disk;
mod elections;
mod events;
mod failover;
mod faults;
mod handover;
mod lateness;
mod lease;
mod membership;
mod replication;
mod restart;
mod server;
mod settle;
mod snapshots;
mod versions;
