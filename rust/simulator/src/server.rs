//! One server of a run: its logic, and the driver's side of it.

use std::collections::{BTreeMap, VecDeque};

use synced_protocol::{
    id::{LogIndex, ReplicaId, ServerId},
    link::{ConnectionId, Event},
    peer::{PeerAddress, PeerEvent},
    store::MemberAddress,
    time::Micros,
};

use crate::{clock::Clock, disk::Disk, happening::Host, system::System};

/// The most servers of one run.
pub const SERVERS_MAX: usize = 9;

/// Something that comes to a host.
#[derive(Debug)]
pub enum Incoming {
    /// From another server, the disk or an operator.
    Peer(PeerEvent),
    /// From a player, or the time.
    Player(Event),
}

/// One server, over all of its lives.
pub struct Server<S: System> {
    /// Where it runs.
    pub host: Host,
    /// While it runs.
    pub logic: Option<S::Server>,
    /// Counts its lives.
    pub life: u32,
    /// Who it is in the consensus.
    pub replica: ReplicaId,
    /// Its monotonic clock.
    pub clock: Clock,
    /// How wrong its wall clock is, in microseconds.
    pub wall_error_us: i64,
    /// By how much its clock has jumped ahead in this life.
    pub jumped: Micros,
    /// What it keeps.
    pub disk: Disk,
    /// How much longer its disk takes.
    pub disk_delay: Micros,
    /// Whether a sync of its disk is under way.
    pub is_syncing: bool,
    /// What came while it stood still.
    pub inbox: VecDeque<Incoming>,
    /// How many faults hold it still.
    pub stalls: u32,
    /// When its logic wants to be woken, in local time.
    pub wake: Option<Micros>,
    /// The servers that it wants to be connected with.
    pub wanted: Vec<ServerId>,
    /// Its connections with other servers.
    pub peers: [Option<u32>; SERVERS_MAX + 1],
    /// Whom it tries to reach.
    pub is_dialing: [bool; SERVERS_MAX + 1],
    /// Its connections with players.
    pub players: BTreeMap<ConnectionId, u32>,
    /// The name of the last of these.
    pub last_name: u64,
    /// The last entry that is known to have had its effect in this life.
    pub applied: LogIndex,
    /// Whether it speaks the next version of the peer protocol too.
    pub is_upgraded: bool,
    /// Whether its log has gone on to a new term since it was last looked at.
    pub began_term: bool,
    /// Whether it was asked to stop.
    pub is_stopping: bool,
    /// Whether it lives, or is to live again by itself.
    pub is_wanted: bool,
}

impl<S: System> Server<S> {
    /// A server that has not begun yet.
    #[must_use]
    pub fn new(id: ServerId, clock: Clock, wall_error_us: i64, disk: Disk) -> Self {
        Self {
            host: Host(id.0),
            logic: None,
            life: 0,
            replica: ReplicaId::new(id, 0),
            clock,
            wall_error_us,
            jumped: Micros::ZERO,
            disk,
            disk_delay: Micros::ZERO,
            is_syncing: false,
            inbox: VecDeque::new(),
            stalls: 0,
            wake: None,
            wanted: Vec::new(),
            peers: [None; SERVERS_MAX + 1],
            is_dialing: [false; SERVERS_MAX + 1],
            players: BTreeMap::new(),
            last_name: 0,
            applied: LogIndex::ZERO,
            is_upgraded: false,
            began_term: false,
            is_stopping: false,
            is_wanted: false,
        }
    }

    /// Which server it is.
    #[must_use]
    pub const fn id(&self) -> ServerId {
        ServerId(self.host.0)
    }

    /// Whether it takes what comes at once.
    #[must_use]
    pub const fn is_awake(&self) -> bool {
        self.logic.is_some() && self.stalls == 0
    }

    /// Whether it wants to be connected with another.
    #[must_use]
    pub fn wants(&self, other: Host) -> bool {
        self.wanted.contains(&ServerId(other.0))
    }

    /// The process is gone; its disk is another matter.
    pub fn end(&mut self) {
        self.logic = None;
        self.is_syncing = false;
        self.inbox.clear();
        self.stalls = 0;
        self.wake = None;
        self.wanted.clear();
        self.peers = [None; SERVERS_MAX + 1];
        self.is_dialing = [false; SERVERS_MAX + 1];
        self.players.clear();
        self.is_stopping = false;
        self.applied = LogIndex::ZERO;
    }
}

/// Where a server of a run is.
#[must_use]
pub fn address(server: ServerId) -> MemberAddress {
    MemberAddress {
        peer: PeerAddress {
            server,
            address: format!("peer{}:1", server.0),
        },
        players: format!("play{}:1", server.0),
    }
}

/// The server that players reach at an address.
#[must_use]
pub fn server_at(address: &str) -> Option<Host> {
    let number = address.strip_prefix("play")?.strip_suffix(":1")?;
    number.parse().ok().map(Host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_player_finds_a_server_by_the_address_that_the_others_give() {
        assert_eq!(server_at(&address(ServerId(12)).players), Some(Host(12)));
        assert_eq!(server_at("elsewhere:1"), None);
    }
}
