//! What one server's consensus is told when it begins.

use synced_protocol::{
    id::{ReplicaId, ServerId},
    limits::MAX_FRAME_BYTES,
    store::Durability,
    time::Micros,
};

use crate::codec::{PEER_VERSION_MIN, PeerVersions};

const TICK_MIN: Micros = Micros(100);
const TICK_MAX: Micros = Micros::from_secs(1);
const TICKS_MAX: u32 = 10_000;

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
    /// Ticks of silence after which the first in line stands for election; more than two heartbeats. Servers that are restarted one by
    /// one may be set to longer ones only: one that waits less than it did has forgotten what it promised a leader before.
    pub election_ticks: u32,
    /// Ticks that each further one in line waits longer, from 1.
    pub stagger_ticks: u32,
    /// Ticks without a word from a quorum after which a leader steps down, at least `election_ticks`.
    pub quorum_silence_ticks: u32,
    /// When a write counts as done.
    pub durability: Durability,
    /// Bytes of entries behind the last snapshot above which another is wanted, on some servers up to twice as many so that not all are
    /// busy at once. As much again is kept for followers that lag.
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

    /// Whether every setting is in its range; the text says which is not, and what it may be.
    pub(crate) fn check(&self) -> Result<(), String> {
        let rules = [
            (
                self.replica.server() != ServerId(0),
                "the server's number must be at least 1",
            ),
            (
                TICK_MIN <= self.tick && self.tick <= TICK_MAX,
                "a tick must be between 100 us and 1 s",
            ),
            (
                1 <= self.heartbeat_ticks,
                "there must be at least 1 tick between heartbeats",
            ),
            (
                2 * self.heartbeat_ticks < self.election_ticks && self.election_ticks <= TICKS_MAX,
                "an election must take more than two heartbeats, and at most 10,000 ticks",
            ),
            (
                1 <= self.stagger_ticks && self.stagger_ticks <= TICKS_MAX,
                "the next in line must wait between 1 and 10,000 ticks longer",
            ),
            (
                self.election_ticks <= self.quorum_silence_ticks,
                "a leader must bear as many silent ticks as its followers",
            ),
            (
                MAX_FRAME_BYTES <= self.entries_in_flight_bytes_max,
                "at least one entry, 65536 bytes, must be allowed in flight",
            ),
            (
                PEER_VERSION_MIN <= self.versions.max && self.versions.min <= self.versions.max,
                "the versions between servers must include one of this program's",
            ),
        ];
        match rules.iter().find(|(good, _)| !good) {
            None => Ok(()),
            Some((_, what)) => Err((*what).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Config = Config::new(ReplicaId::new(ServerId(1), 0));

    #[test]
    fn a_setting_out_of_its_range_is_refused_with_the_range() {
        assert_eq!(GOOD.check(), Ok(()));
        let none = PeerVersions { min: 2, max: 1 };
        let wrong = [
            (
                Config {
                    replica: ReplicaId::new(ServerId(0), 0),
                    ..GOOD
                },
                "at least 1",
            ),
            (
                Config {
                    tick: Micros(99),
                    ..GOOD
                },
                "between 100 us and 1 s",
            ),
            (
                Config {
                    tick: Micros(1_000_001),
                    ..GOOD
                },
                "between 100 us and 1 s",
            ),
            (
                Config {
                    heartbeat_ticks: 0,
                    ..GOOD
                },
                "at least 1 tick",
            ),
            (
                Config {
                    heartbeat_ticks: 3,
                    ..GOOD
                },
                "more than two heartbeats",
            ),
            (
                Config {
                    election_ticks: 10_001,
                    quorum_silence_ticks: 10_001,
                    ..GOOD
                },
                "at most 10,000 ticks",
            ),
            (
                Config {
                    stagger_ticks: 0,
                    ..GOOD
                },
                "between 1 and 10,000",
            ),
            (
                Config {
                    quorum_silence_ticks: 4,
                    ..GOOD
                },
                "as many silent ticks",
            ),
            (
                Config {
                    entries_in_flight_bytes_max: MAX_FRAME_BYTES - 1,
                    ..GOOD
                },
                "65536 bytes",
            ),
            (
                Config {
                    versions: none,
                    ..GOOD
                },
                "one of this program's",
            ),
        ];
        for (config, says) in wrong {
            assert!(
                config.check().is_err_and(|what| what.contains(says)),
                "{config:?}"
            );
        }
    }
}
