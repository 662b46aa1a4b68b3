//! One seat at which players sit, one after another.

use std::collections::{BTreeMap, BTreeSet};

use synced_protocol::{link::ConnectionId, time::Micros};

use crate::{clock::Clock, happening::Host, system::System};

/// A seat, over all players who sit there.
pub struct Seat<S: System> {
    /// Where.
    pub host: Host,
    /// While somebody sits there.
    pub logic: Option<S::Player>,
    /// Counts the players who sat there.
    pub life: u32,
    /// Who sits there; no two players of a run have one number.
    pub number: u64,
    /// Its clock.
    pub clock: Clock,
    /// When the logic wants to be woken, in local time.
    pub wake: Option<Micros>,
    /// When the player leaves, in virtual time.
    pub leaves_at: Micros,
    /// Its connections, once their handshake has begun.
    pub connections: BTreeMap<ConnectionId, u32>,
    /// Its tries before that.
    pub tries: BTreeSet<ConnectionId>,
}

impl<S: System> Seat<S> {
    /// An empty seat.
    #[must_use]
    pub const fn new(host: Host, clock: Clock) -> Self {
        Self {
            host,
            logic: None,
            life: 0,
            number: 0,
            clock,
            wake: None,
            leaves_at: Micros::ZERO,
            connections: BTreeMap::new(),
            tries: BTreeSet::new(),
        }
    }

    /// The player is gone.
    pub fn end(&mut self) {
        self.logic = None;
        self.wake = None;
        self.connections.clear();
        self.tries.clear();
    }
}
