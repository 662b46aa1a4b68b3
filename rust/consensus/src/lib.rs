//! Agreement between the servers of a cluster about the log of each group: who leads, what is committed, who takes part.
//!
//! [`Consensus`] drives an existing Raft engine without any I/O. It is handed time, bytes and answers of the disk; it gives
//! back [`Output`]s for the network and the disk, [`News`] for those who build on it, and the time of its next deadline.
//!
//! # What the engine does, and what is done here
//! The engine replicates, elects and changes members as the Raft thesis says. Here is what it leaves open or does by ticks where the
//! clock is needed:
//! - **Elections** go by the clock. A follower's wait begins when it hears the leader, and is longer for each place in line, so that one
//!   stands alone; whoever led last is the last in line. After a stall two ticks are made up for at most.
//! - **The lease** ([`Consensus::holds_lease`]) counts from when heartbeats were sent that a quorum acknowledged. It ends before leadership is
//!   handed over. Whoever was restarted withholds its vote as long as a promise may hold that it has forgotten. It takes for granted that
//!   no clock runs more than a hundredth faster than another, nor stands still under a running server.
//! - **Heartbeats** of all groups to one server share a datagram, and wait for no disk.
//! - **Rounds**: what is proposed goes at once while nothing is on its way, and else together when that has arrived.
//! - **Snapshots** go part by part beside the live traffic, and go on after a break.
//! - **Members**: servers that come learn first; a server that lost its memory takes the place of its former life by itself; whoever leads
//!   ends a joint change, and a leader that has to go hands over.
//!
//! # What a driver must know
//! - Whatever depends on a write is given out only after [`Consensus::stored`]. What is given out before it may be sent before the write.
//! - Everything received goes in before [`Consensus::advance`]: no server is taken for dead while its words wait to be read.
//! - The time that goes in with something received was read after it had come: what is promised to a leader counts from then, and the
//!   leader counts from before.
//! - A replica that has forgotten anything that it acknowledged must come back under another
//!   [`ReplicaId`](synced_protocol::id::ReplicaId). If it does not, and a leader's heartbeat shows it, it takes no part and says why in its
//!   [`GroupStatus`].
//! - The founding of a group takes the first place in its log, so that a server that joins is always sent a snapshot.
//!
//! Only this crate knows the engine. Its parser never meets a byte from the network: the layout between servers is this crate's own, a page
//! beside its codec.

mod anew;
mod codec;
mod config;
mod consensus;
mod engine;
mod error;
mod group;
#[cfg(test)]
mod heard;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod leased;
#[cfg(test)]
mod loyal;
mod members;
mod news;
mod outbox;
mod output;
mod peers;
#[cfg(test)]
mod promises;
mod status;
#[cfg(test)]
mod testing;

pub use anew::{Anew, INDEX_GAP, TERM_GAP};
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
