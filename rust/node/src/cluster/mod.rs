//! One server of several that keep one session together.
//!
//! [`ClusterLog`] orders entries by consensus. Around it stands what the servers tell each other beside, each message in an
//! envelope `[version u8][kind u8][hlc u64 LE]`, of kind
//! - 0, the consensus' own words;
//! - 1, what the leader heard by datagram lately, so that the next one knows it;
//! - 2, what time it is. These alone are heard whatever their timestamp says: it is by them that clocks are compared.
//!
//! An operator asks a server in JSON, and is answered `{"ok": ..}` or `{"error": "what to do"}`, with `leader` and
//! `leader_address` where another server is the one to ask: `{"do":"status"}`, `{"do":"transfer","to":2}` (without `to`, the
//! server that has most of the log), `{"do":"add","servers":[{"server":6,"peer":"host:port","players":"host:port"}]}`,
//! `{"do":"remove","servers":[6,7]}`.

mod agree;
pub mod config;
mod envelope;
mod log;
mod node;
mod peers;
mod probe;
mod requests;
mod roster;
mod standby;
mod stats;
mod time;
mod wall;
mod word;

pub use config::ClusterConfig;
pub use envelope::PEER_ENVELOPE_VERSION;
pub use log::ClusterLog;
pub use stats::{ClusterStats, PeerCounters, PeerStats};
