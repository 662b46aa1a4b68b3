//! The replicated tree as a deterministic state machine.
//!
//! Everyone who holds the world (the leader, a follower, a client) applies the same log entries in the same order with
//! [`World::apply`] and so comes to the same world, which [`World::digest`] shows. Whether an entry may change the world is
//! decided here and nowhere else, at the place in the log where it stands.
//!
//! A world that was made by [`World::from_snapshot`] goes on exactly as the one that the snapshot was taken of, with one
//! exception: it does not know which proposals were decided before, so only servers can tell a proposal that was sent
//! twice. They publish none twice. A replica of a server has that knowledge from [`World::ledger`].

mod authority;
mod decision;
mod digest;
mod effect;
mod ledger;
mod node;
mod rest;
mod snapshot;
mod spawn;
mod tree;
mod world;
mod writer;

pub use effect::{Effect, Outcome};
pub use ledger::LedgerError;
pub use node::{Node, Property};
pub use snapshot::{SnapshotError, SnapshotReader};
pub use world::{Player, World};
pub use writer::SnapshotWriter;
