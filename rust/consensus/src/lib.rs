//! Agreement between the servers of a cluster about the log of each group: who leads, what is committed, who takes part.
//!
//! [`Consensus`] drives an existing Raft engine without any I/O. It is handed time, bytes and answers of the disk; it gives
//! back [`Output`]s for the network and the disk, [`News`] for those who build on it, and the time of its next deadline.

pub mod codec;
mod config;
mod consensus;
mod error;
mod news;
mod output;
mod status;

pub use config::{
    Config, ELECTION_TICKS, ENTRIES_IN_FLIGHT_BYTES_MAX, HEARTBEAT_TICKS, LOG_BYTES_KEPT_MAX,
    QUORUM_SILENCE_TICKS, STAGGER_TICKS, TICK,
};
pub use consensus::{Consensus, MembersWanted};
pub use error::{ChangeError, ConsensusError, ProposeError};
pub use news::News;
pub use output::{Lane, MAX_BEAT_BYTES, MAX_MESSAGE_BYTES, Output};
pub use status::{Counters, GroupStatus, ReplicaStatus, Role};
