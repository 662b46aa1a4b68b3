//! How long and how often the leader is sought.

use synced_protocol::{
    link::{CloseReason, ConnectionId},
    time::Micros,
};

use crate::limits::{FOLLOW_AT_ONCE_MAX, FOLLOW_STABLE_AFTER, FOLLOW_WAIT_MAX, FOLLOW_WAIT_MIN};

/// The search for the leader among several servers: from a loss, or from the word that another leads, until the session is up
/// again.
#[derive(Debug, Default)]
pub(crate) struct Seek {
    begun: Option<Begun>,
    /// How often a server was asked in vain, since the session was up for a while.
    tries: u32,
    /// How many of the ways that there are were tried since the last news.
    tried: usize,
    /// The connection by which a server said last that it is not the one.
    asked_last: Option<ConnectionId>,
    up_since: Option<Micros>,
}

/// A search under way.
#[derive(Debug)]
pub(crate) struct Begun {
    /// Since when.
    pub(crate) at: Micros,
    /// What ended the connection, or failed the last try.
    pub(crate) reason: CloseReason,
    /// Whether the game was told that the session is not up.
    pub(crate) told: bool,
}

/// How long a session was without a leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// So short that the game was not told of it: every stream goes on as if nothing had been.
    Short,
    /// The session begins, or comes back: what was streamed meanwhile is out of date.
    Long,
}

impl Seek {
    /// The session is not up, or this try has failed. Returns how long to wait before the next: nothing at first, since whoever
    /// gave up the lead usually knows who has it, then ever longer.
    pub(crate) fn fail(&mut self, now: Micros, reason: CloseReason) -> Micros {
        let was_up = self.up_since.take();
        if was_up.is_some_and(|since| now.since(since) >= FOLLOW_STABLE_AFTER) {
            self.tries = 0;
        }
        match &mut self.begun {
            Some(begun) => begun.reason = reason,
            None => {
                self.begun = Some(Begun {
                    at: now,
                    reason,
                    told: false,
                });
            }
        }
        self.tries = self.tries.saturating_add(1);
        self.wait()
    }

    /// How long to wait before the next try.
    pub(crate) fn wait(&self) -> Micros {
        let Some(doublings) = self.tries.checked_sub(FOLLOW_AT_ONCE_MAX + 1) else {
            return Micros::ZERO;
        };
        Micros(FOLLOW_WAIT_MIN.0 << doublings.min(16)).min(FOLLOW_WAIT_MAX)
    }

    /// How long to wait after a server has said by itself that another leads: hardly, since it says so once.
    pub(crate) fn wait_after_news(&self) -> Micros {
        self.wait().min(FOLLOW_WAIT_MIN)
    }

    /// The ways to the leader are others than before: the first is to be tried first, or the second where the first has just
    /// ended.
    pub(crate) const fn begin_with(&mut self, way: usize) {
        self.tried = way;
    }

    /// A server was asked, and does not lead.
    pub(crate) const fn answered(&mut self, connection: ConnectionId) {
        self.asked_last = Some(connection);
    }

    /// Whether this server was asked last: all others are to be asked before it.
    pub(crate) fn was_asked_last(&self, connection: ConnectionId) -> bool {
        self.asked_last == Some(connection)
    }

    /// Which of so many ways is to be tried next.
    pub(crate) fn next_of(&mut self, ways: usize) -> usize {
        let next = self.tried.checked_rem(ways).unwrap_or_default();
        self.tried = next + 1;
        next
    }

    /// The session is up. Returns the search that is over, if there was one.
    pub(crate) const fn up(&mut self, now: Micros) -> Option<Begun> {
        self.up_since = Some(now);
        self.begun.take()
    }

    pub(crate) const fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref()
    }

    pub(crate) const fn begun_mut(&mut self) -> Option<&mut Begun> {
        self.begun.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Micros = Micros::from_secs(1);

    fn fail(seek: &mut Seek, now: Micros) -> Micros {
        seek.fail(now, CloseReason::TimedOut)
    }

    #[test]
    fn the_first_tries_follow_at_once_and_later_ones_ever_more_slowly() {
        let mut seek = Seek::default();
        let waits: Vec<_> = (0..12).map(|_| fail(&mut seek, START).0 / 1_000).collect();
        assert_eq!(waits, [0, 0, 4, 8, 16, 32, 64, 128, 250, 250, 250, 250]);
    }

    #[test]
    fn a_session_that_is_never_up_for_long_waits_on_and_one_that_was_begins_anew() {
        let mut seek = Seek::default();
        for _ in 0..4 {
            fail(&mut seek, START);
        }
        assert!(seek.up(START).is_some());
        let soon = START + FOLLOW_STABLE_AFTER - Micros(1);
        assert_eq!(fail(&mut seek, soon), Micros::from_millis(16));
        assert_eq!(seek.wait_after_news(), FOLLOW_WAIT_MIN);
        seek.up(soon);
        assert_eq!(fail(&mut seek, soon + FOLLOW_STABLE_AFTER), Micros::ZERO);
    }

    #[test]
    fn a_search_counts_from_its_first_loss_and_ends_when_the_session_is_up() {
        let mut seek = Seek::default();
        fail(&mut seek, START);
        fail(&mut seek, START + Micros(5));
        assert_eq!(seek.begun().map(|begun| begun.at), Some(START));
        assert_eq!(seek.up(START).map(|begun| begun.at), Some(START));
        assert!(seek.begun().is_none() && seek.up(START).is_none());
    }

    #[test]
    fn the_ways_are_tried_in_turn() {
        let mut seek = Seek::default();
        let next: Vec<_> = (0..4).map(|_| seek.next_of(3)).collect();
        assert_eq!(next, [0, 1, 2, 0]);
        seek.begin_with(1);
        assert_eq!((seek.next_of(3), seek.next_of(1)), (1, 0));
    }
}
