//! The way to the leader of a cluster, whoever that is by now.

use synced_protocol::{
    id::ServerId,
    link::{CloseCode, CloseReason, ConnectionId, Target},
    message::Leader,
    time::Micros,
};

use super::{Phase, Session};
use crate::{cluster::News, limits::FAILOVER_QUIET, update::EndReason};

/// What a try ends with that found servers, but none that leads.
const NOBODY_LEADS: &str = "no server of the session leads at the moment";

/// Where a try goes.
enum Way {
    /// By a connection that there is, or that is being made.
    By(ConnectionId),
    /// By a new one.
    To(Option<ServerId>, Target),
}

impl Session {
    /// Tries the next of the ways on which the leader may be found.
    pub(super) fn reach(&mut self) {
        if self.is_too_late() {
            self.end_seeking();
            return;
        }
        let ways = self.ways();
        let next = self.seek.next_of(ways.len());
        match ways.into_iter().nth(next) {
            Some(Way::By(connection)) if self.is_up(connection) => self.greet(connection),
            Some(Way::By(connection)) => self.phase = Phase::Connecting { connection },
            Some(Way::To(server, target)) => {
                let connection = self.open(server, target);
                self.phase = Phase::Connecting { connection };
            }
            None => {}
        }
    }

    /// Takes a server's word about who leads.
    pub(super) fn hear(&mut self, connection: ConnectionId, said: &Leader) -> News {
        let news = self.cluster.learn(said);
        self.name(connection, said.from);
        self.tell_servers();
        news
    }

    /// The server that this player is with, or that was asked, says who leads: not it, as a rule.
    pub(super) fn turned_away(&mut self, connection: ConnectionId, said: &Leader) {
        let news = self.hear(connection, said);
        let leads_itself = said.leader == Some(said.from);
        if leads_itself && matches!(self.phase, Phase::Greeting { .. }) {
            // It said so before it heard the hello, whose answer is still to come.
            return;
        }
        self.meter.counters.redirects += 1;
        self.seek.answered(connection);
        let reason = CloseReason::Unreachable(NOBODY_LEADS.to_owned());
        if said.leader.is_some() && news != News::Stale {
            let wait = self.seek.fail(self.now, reason);
            self.seek_from_the_first(wait);
        } else {
            // The leader's own address is none of the ways any more.
            if news == News::Changed {
                self.seek.begin_with(0);
            }
            self.seek_on(reason);
        }
    }

    /// Goes to the leader that another server has just named, unless it is there or on its way.
    pub(super) fn follow(&mut self) {
        let Some(leader) = self.cluster.leader() else {
            return;
        };
        if let Some(connection) = self.connection() {
            if self.server_of(connection) == Some(leader) {
                return;
            }
            if !matches!(self.phase, Phase::Connecting { .. }) {
                self.close(connection, CloseCode::Done);
            }
            let reason = CloseReason::ByUs(CloseCode::Done);
            self.seek.fail(self.now, reason);
        }
        self.seek_from_the_first(self.seek.wait_after_news());
    }

    /// The connection is gone or the try has failed, and there are other servers.
    pub(super) fn seek_on(&mut self, reason: CloseReason) {
        let wait = self.seek.fail(self.now, reason.clone());
        if self.seek.begun().is_some_and(|begun| begun.told) {
            self.try_again(reason);
        } else {
            let until = self.now + wait;
            self.phase = Phase::Waiting { until };
        }
    }

    /// After a while without a leader the game is told that the session is not up.
    pub(super) fn show_loss(&mut self) {
        let is_due = self.loss_deadline().is_some_and(|at| at <= self.now);
        let Some(begun) = self.seek.begun_mut().filter(|_| is_due) else {
            return;
        };
        begun.told = true;
        let reason = begun.reason.clone();
        let Some(next) = self.next_try(&reason) else {
            self.end_seeking();
            return;
        };
        if let Phase::Waiting { until } = &mut self.phase {
            *until = next.at;
        }
    }

    pub(super) fn loss_deadline(&self) -> Option<Micros> {
        let untold = self.seek.begun().filter(|begun| !begun.told)?;
        Some(untold.at + self.patience()?)
    }

    /// The leader's own address first, then whoever may know of another one, then any of the servers that were configured.
    fn ways(&self) -> Vec<Way> {
        let leader = self.cluster.leader();
        let mut ways: Vec<_> = leader
            .and_then(|leader| self.way_to(leader))
            .into_iter()
            .collect();
        let mut others: Vec<_> = self
            .links
            .iter()
            .filter(|(_, link)| link.is_up && link.server.is_some() && link.server != leader)
            .collect();
        others.sort_by_key(|(id, link)| {
            (
                self.seek.was_asked_last(*id),
                self.cluster.place(link.server),
            )
        });
        ways.extend(others.into_iter().map(|(id, _)| Way::By(id)));
        ways.push(Way::To(None, Target::Configured));
        ways
    }

    fn way_to(&self, server: ServerId) -> Option<Way> {
        if let Some(connection) = self.links.to(server) {
            return Some(Way::By(connection));
        }
        let address = self.cluster.address(server)?.to_owned();
        Some(Way::To(Some(server), Target::At(address)))
    }

    fn seek_from_the_first(&mut self, wait: Micros) {
        if self.is_ended() {
            return;
        }
        self.seek.begin_with(0);
        let until = self.now + wait;
        self.phase = Phase::Waiting { until };
    }

    /// How long a session may be without a leader before the game is told so. One that never was up has nothing to lose, and has found
    /// the leader once the world arrives, however long that takes.
    fn patience(&self) -> Option<Micros> {
        match self.phase {
            _ if self.has_joined() => Some(FAILOVER_QUIET),
            Phase::Joining(_) => None,
            _ => Some(self.config.handshake_timeout),
        }
    }

    /// Whether the search has gone on for as long as it may, however often there was news.
    fn is_too_late(&self) -> bool {
        let span = self.config.retry.give_up_after;
        let begun = self.seek.begun().filter(|begun| begun.told);
        begun
            .zip(span)
            .is_some_and(|(begun, span)| self.now.since(begun.at) > span)
    }

    fn end_seeking(&mut self) {
        let reason = self.seek.begun().map(|begun| begun.reason.clone());
        let reason = reason.unwrap_or(CloseReason::TimedOut);
        self.end(EndReason::Closed(reason));
    }
}
