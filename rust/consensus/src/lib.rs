//! Agreement between the servers of a cluster about the log of each group: who leads, what is committed, who takes part.
//!
//! [`Consensus`] drives an existing Raft engine without any I/O. It is handed time, bytes and answers of the disk; it gives
//! back [`Output`]s for the network and the disk, [`News`] for those who build on it, and the time of its next deadline.

mod codec;
mod config;
mod consensus;
mod engine;
mod error;
mod group;
#[cfg(test)]
mod hostile;
mod members;
mod news;
mod outbox;
mod output;
mod peers;
mod status;

pub use codec::{PEER_VERSION, PEER_VERSION_MIN, PeerVersions};
pub use config::{
    Config, ELECTION_TICKS, ENTRIES_IN_FLIGHT_BYTES_MAX, HEARTBEAT_TICKS, LOG_BYTES_KEPT_MAX,
    QUORUM_SILENCE_TICKS, STAGGER_TICKS, TICK,
};
pub use consensus::{Consensus, MembersWanted};
pub use error::{ChangeError, ConsensusError, ProposeError};
pub use news::News;
pub use output::{Lane, MAX_BEAT_BYTES, MAX_MESSAGE_BYTES, Output};
pub use status::{Counters, GroupStatus, ReplicaStatus, Role};
