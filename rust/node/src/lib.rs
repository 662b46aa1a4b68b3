//! One server's whole logic, without I/O.
//!
//! A [`Node`] is a [`Logic`](synced_protocol::link::Logic): a driver hands it what arrives and the time, and takes away what
//! is to be sent. The way of a proposal through it:
//!
//! 1. A frame arrives. What breaks the protocol or a hard limit cuts its connection off; others notice nothing.
//! 2. The proposal is checked for what needs no world (size, rate), stamped, and appended to the [`Log`]. If it is rejected
//!    there, that is decided behind everything that the log has been given before.
//! 3. Once the log says that it is committed, [`World::apply`](synced_world::World::apply) decides it.
//! 4. A change is published to every player, a rejection to the one who asked, both in the order of the log.
//!
//! The live lane goes past the log: a datagram is checked block by block against the world, stamped, and relayed at once, or
//! in rounds of a few milliseconds where many play.
//! What a player who leaves has streamed last is confirmed before the player goes.
//!
//! A node is alone ([`Node::new`]) or one of a cluster ([`Node::clustered`]), which its [`Log`] makes the difference of. In a
//! cluster every node applies what is committed and keeps what returning players have missed; one of them leads, and it alone
//! serves and publishes. To everyone else a node says who leads, now and whenever that changes. What is in no log is either
//! derived (sessions, tokens), told to the others ([`cluster`]), or lost with the leader and then proposed again by whoever
//! has not heard of it: the world knows each player's last number, so that it is done once.

pub mod cluster;
pub mod config;
mod connection;
mod early_rejections;
mod follow;
mod frames;
mod handshake;
mod in_flight;
mod input;
mod interest;
mod kept;
mod live;
mod live_values;
mod log;
mod loss;
mod node;
mod outbox;
mod postponed;
mod publish;
mod rate;
mod reception;
mod relay;
mod replica;
mod rest;
mod rounds;
mod secret;
mod sessions;
mod standby;
mod stats;
mod stop;
mod telling;
mod timers;
mod trackers;
mod watch;
mod writing;

pub use cluster::{ClusterConfig, ClusterLog, ClusterStats};
pub use config::{InputLimits, Limits, NodeConfig};
pub use log::{Log, News, SoloLog};
pub use node::Node;
pub use rate::Rate;
pub use replica::{RestoreError, moved};
pub use stats::{Counters, CutOffs, NodeStats, Refused, Sent};
