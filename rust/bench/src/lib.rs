//! Crowds of players under measurement: the addon's own client and transport without an engine, as many as a machine takes, each
//! with the frames of a game.
//!
//! What the parts cost by themselves is measured beside this, by `scripts/count-instructions`.
//!
//! What a player does in a frame is what a game does there: it reads what the network left for it, and writes what its hands
//! did. Each operation carries the moment in which it was made, so that whoever sees it knows how long it was on its way.

mod clock;
mod cpu;
pub mod crowd;
mod error;
mod memory;
mod player;
mod room;
mod shares;
mod slope;
mod spawn;
mod times;
mod traffic;
mod world;

pub use cpu::cpu_s;
pub use error::{BenchError, Outcome};
pub use memory::{resident_bytes, resident_bytes_of};
pub use player::Player;
pub use shares::shares;
pub use slope::slope;
pub use spawn::spawn_own;
pub use times::Times;
pub use traffic::{IP_UDP_HEADER_BYTES, Rates, Traffic};
pub use world::{BuiltWorld, World};
