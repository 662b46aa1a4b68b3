//! The GDExtension: thin classes over client, transport and node.
//!
//! ```text
//! network thread                 | main thread
//!   Session (client) <-> bridge -|-> frame::early: apply, binding, place, playout
//!   Node (when hosting)          |   ... the game's own scripts ...
//! capture threads -> rings ------|-> frame::late: binding, tracking, grab, collect -> bridge
//! ```
//! Everything that the main thread knows of the session is in `core::Core`, which runs no script. The passes borrow it
//! shortly, and do with nothing borrowed what may run one.

#![allow(unreachable_pub, reason = "what gdext generates for a class is public")]

mod alloc_count;
mod apply;
mod binding;
mod classes;
mod collect;
mod config;
mod core;
mod decisions;
mod digest;
mod directory;
mod engine;
mod entry;
mod frame;
mod frame_stats;
mod grab;
mod local;
mod monitors;
mod network;
mod operations;
mod optional;
mod options;
mod pending;
mod place;
mod places;
mod playout;
mod property;
mod report;
mod samples;
mod settings;
mod spawning;
mod statistics;
mod teardown;
mod timeline;
mod tracker;
mod tracking;
mod variant;
