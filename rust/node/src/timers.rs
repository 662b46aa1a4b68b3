//! What is to be done when.

use std::collections::BTreeSet;

use synced_protocol::{id::PlayerId, link::ConnectionId, time::Micros};

/// Something to look after. A timer is never taken back: whoever looks finds out whether there is still cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A peer that should have said who it is.
    Handshake(ConnectionId),
    /// A player who should have come back.
    Grace(PlayerId),
    /// Frames that wait.
    Backlog(ConnectionId),
    /// A peer that is to be told who leads once more.
    Tell(ConnectionId),
    /// Another server that should have taken over.
    Stop,
}

#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeSet<(Micros, Timer)>);

impl Timers {
    pub(crate) fn set(&mut self, at: Micros, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(crate) fn next(&self) -> Option<Micros> {
        self.0.first().map(|(at, _)| *at)
    }

    pub(crate) fn pop_due(&mut self, now: Micros) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, timer)| timer)
    }
}
