//! One server of several that keep one session together.
//!
//! [`ClusterLog`] orders entries by consensus. Around it stands what the servers tell each other beside: what time it is
//! ([`time`]), and what the leader heard by datagram ([`standby`]).

mod agree;
pub mod config;
mod envelope;
mod log;
mod node;
mod peers;
mod probe;
mod requests;
mod standby;
mod stats;
mod time;
mod word;

pub use config::ClusterConfig;
pub use envelope::PEER_ENVELOPE_VERSION;
pub use log::ClusterLog;
pub use stats::{ClusterStats, PeerCounters, PeerStats};
