//! What servers of a cluster keep and tell each other of the world, beside the consensus: entries of the log, the world with
//! all that decides what comes next, and what is in no log.
//!
//! Each is a message behind one byte, the version of all of them: it lies on disks too, and in a cluster that is being
//! upgraded the servers have two.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    bounded, control,
    error::DecodeError,
    id::{ClientSeq, PlayerId},
    message::{JoinMark, LiveEntry, LivePose, LogEntry, SnapshotPart},
};

/// The version of everything here.
pub const REPLICA_VERSION: u8 = 1;

/// A part of what a replica knows, in the order in which they are made: the world's parts, then the ledgers, then the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReplicaPart {
    /// What players are sent too.
    World(SnapshotPart),
    /// What of players only replicas know.
    Ledger {
        /// In the order of their ids.
        #[serde(deserialize_with = "bounded::list")]
        players: Vec<LedgerEntry>,
    },
    /// The last part.
    End {
        /// The last player who ever joined.
        last_player: PlayerId,
        /// Of the whole replica, so that a mistake on the way shows.
        digest: u64,
    },
}

/// What decides about a player's next hello and proposals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Whose.
    pub player: PlayerId,
    /// By which the player's client is known.
    pub mark: JoinMark,
    /// The last proposal that was decided.
    pub last_seq: ClientSeq,
    /// The counter of the last node that the player spawned.
    pub last_spawn_counter: u32,
}

/// What the leader heard by datagram lately, for those who may lead next.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standby {
    /// The newest live values.
    #[serde(deserialize_with = "bounded::list")]
    pub live: Vec<LiveEntry>,
    /// The newest input of tracked nodes.
    #[serde(deserialize_with = "bounded::list")]
    pub poses: Vec<LivePose>,
}

impl control::Message for ReplicaPart {}
impl control::Message for Standby {}
impl control::Message for LogEntry {}

/// Why bytes are none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicaError {
    /// A version that this program does not know; a later one may.
    OtherVersion(u8),
    /// They are broken.
    Broken(DecodeError),
}

impl std::fmt::Display for ReplicaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OtherVersion(version) => write!(
                f,
                "it has version {version}, this program knows version {REPLICA_VERSION}"
            ),
            Self::Broken(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReplicaError {}

/// The bytes of one.
///
/// # Errors
/// As [`control::encode`].
pub fn encode(message: &impl control::Message) -> Result<Bytes, DecodeError> {
    control::encode_behind(vec![REPLICA_VERSION], message)
}

/// One of its bytes. What is allocated is bounded as by [`control::decode`].
///
/// # Errors
/// Why they are none.
pub fn decode<M: control::Message>(bytes: &[u8]) -> Result<M, ReplicaError> {
    match bytes.split_first() {
        Some((&REPLICA_VERSION, message)) => control::decode(message).map_err(ReplicaError::Broken),
        Some((&version, _)) => Err(ReplicaError::OtherVersion(version)),
        None => Err(ReplicaError::Broken(DecodeError::Truncated)),
    }
}
