//! The classes that a Godot user meets. Thin: what they do is in the modules beside this one.

mod driver;
mod grab;
mod node;
mod node_recording;
mod node_tracker;
mod session;
mod spawner;
mod trajectory;
mod transaction;

pub(crate) use driver::SyncedDriver;
pub(crate) use grab::SyncedGrab;
pub(crate) use node::{Assigned, SyncedNode};
pub(crate) use session::{SyncedSession, with_core};
pub(crate) use spawner::SyncedSpawner;
pub(crate) use trajectory::SyncedTrajectory;
