//! What one server's consensus is told when it begins.

use synced_protocol::{id::ReplicaId, store::Durability, time::Micros};

use crate::codec::PeerVersions;

/// One tick, unless configured otherwise.
pub const TICK: Micros = Micros::from_millis(1);
/// Ticks between two heartbeats of a leader.
pub const HEARTBEAT_TICKS: u32 = 1;
/// Ticks without a word from the leader after which the first in line stands for election.
pub const ELECTION_TICKS: u32 = 5;
/// Ticks that each further one in line waits longer.
pub const STAGGER_TICKS: u32 = 2;
/// Ticks without a word from a quorum after which a leader steps down.
pub const QUORUM_SILENCE_TICKS: u32 = 20;
/// Bytes of entries behind a snapshot above which another snapshot is wanted.
pub const LOG_BYTES_KEPT_MAX: usize = 8 * 1024 * 1024;
/// Bytes of entries proposed and not yet committed above which proposals are refused.
pub const ENTRIES_IN_FLIGHT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How one server's consensus behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Who this server is, in this life of its memory.
    pub replica: ReplicaId,
    /// The unit of the consensus' time.
    pub tick: Micros,
    /// Ticks between two heartbeats of a leader, from 1.
    pub heartbeat_ticks: u32,
    /// Ticks of silence after which the first in line stands for election; more than two heartbeats.
    pub election_ticks: u32,
    /// Ticks that each further one in line waits longer, from 1.
    pub stagger_ticks: u32,
    /// Ticks without a word from a quorum after which a leader steps down, at least `election_ticks`.
    pub quorum_silence_ticks: u32,
    /// When a write counts as done.
    pub durability: Durability,
    /// Bytes of entries behind the last snapshot above which another is wanted. As much again may be kept for followers that lag.
    pub log_bytes_kept_max: usize,
    /// Bytes of entries proposed and not yet committed above which proposals are refused.
    pub entries_in_flight_bytes_max: usize,
    /// The versions of the peer protocol that this server speaks.
    pub versions: PeerVersions,
}

impl Config {
    /// The defaults, for one replica.
    #[must_use]
    pub const fn new(replica: ReplicaId) -> Self {
        Self {
            replica,
            tick: TICK,
            heartbeat_ticks: HEARTBEAT_TICKS,
            election_ticks: ELECTION_TICKS,
            stagger_ticks: STAGGER_TICKS,
            quorum_silence_ticks: QUORUM_SILENCE_TICKS,
            durability: Durability::Memory,
            log_bytes_kept_max: LOG_BYTES_KEPT_MAX,
            entries_in_flight_bytes_max: ENTRIES_IN_FLIGHT_BYTES_MAX,
            versions: PeerVersions::OURS,
        }
    }
}
