//! One player's whole logic, without I/O.
//!
//! A [`Session`] is handed what happened and gives back what to send and what to tell the game; [`bridge()`] puts the game's
//! thread on one side of it and the network's on the other.
//!
//! | part | does |
//! |---|---|
//! | [`session`] | the connection's life: handshake, the world, commits, loss and return |
//! | [`command`], [`update`] | what the game asks, and what it is told |
//! | [`feed`] | what a tracked controller sends |
//! | [`mod@bridge`] | carries both between two threads without ever blocking the game's |
//! | [`reconcile`] | what is shown while own writes are undecided |
//! | [`playout`] | what is shown between the samples and values of others |
//! | [`clock`] | the leader's clock, estimated |
//! | [`stats`] | what was counted and measured |

pub mod bridge;
pub mod clock;
mod cluster;
pub mod command;
pub mod config;
mod difference;
mod downstream;
pub mod feed;
mod interests;
pub mod limits;
mod links;
mod pacing;
pub mod playout;
mod proposals;
pub mod reconcile;
mod replica;
mod retry;
mod seek;
pub mod session;
mod sizes;
pub mod stats;
pub mod update;
mod upstream;

pub use bridge::{BridgedSession, Handle, bridge};
pub use config::{LiveConfig, PlayoutConfig, RetryPolicy, SessionConfig};
pub use feed::TrackerFeed;
pub use session::Session;
