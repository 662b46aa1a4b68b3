//! What the log tells, one news after the other.

use std::mem;

use synced_protocol::{id::ClientSeq, message::Change, time::Micros};

use crate::{
    kept::{Said, To},
    log::{Log, News},
    node::Node,
    timers::Timer,
};

impl<L: Log> Node<L> {
    /// Takes whatever the log has to tell. What was rejected without the log is told only by who can say that nothing was
    /// decided elsewhere since.
    pub(crate) fn follow_log(&mut self, now: Micros) {
        if !self.postponed.is_empty() {
            self.append_postponed(now);
        }
        while !self.finished
            && let Some(news) = self.log.poll()
        {
            self.on_news(now, news);
        }
        if self.serves(now) {
            self.publish_early_rejections(now);
        }
        self.tell_those_who_watch(now);
        self.stop_if_handed_over();
    }

    fn on_news(&mut self, now: Micros, news: News) {
        match news {
            News::Committed(commit) => self.on_committed(now, commit),
            News::Leading { term } => {
                tracing::info!(term = term.0, "this server leads");
                self.lead(now);
            }
            News::Following { term, leader } => {
                match leader {
                    Some(leader) => tracing::info!(term = term.0, "{leader} leads"),
                    None => tracing::info!(term = term.0, "nobody is known to lead"),
                }
                self.follow(now);
            }
            News::MembersChanged => self.has_to_tell = true,
            News::Restored { parts } => self.restore(&parts),
            News::SnapshotWanted => self.begin_writing(now),
            News::Unreadable(error) => {
                tracing::error!(
                    "this program is older than what the log holds: {error}; update it"
                );
                self.stop();
            }
        }
    }

    /// Everybody who was here when another server led has the usual time to come to this one.
    fn lead(&mut self, now: Micros) {
        self.leads = true;
        self.has_to_tell = true;
        self.sessions.begin_anew(&self.world);
        let leaves_at = now + self.config.resume_grace;
        for player in self.sessions.await_all(leaves_at) {
            self.timers.set(leaves_at, Timer::Grace(player));
        }
        self.live_values
            .retain(|node| self.world.node(node).is_some());
        self.trackers.retain(|node| self.world.node(node).is_some());
        L::take_role(self, now);
    }

    /// Serves nobody any more. What is in no log is forgotten: whoever has not heard of it proposes it again.
    fn follow(&mut self, now: Micros) {
        self.has_to_tell = true;
        if mem::take(&mut self.leads) {
            self.forget_what_was_open();
            self.dismiss_players(now);
        }
        L::take_role(self, now);
    }

    fn forget_what_was_open(&mut self) {
        self.in_flight.clear();
        self.early_rejections.clear();
        self.postponed.clear();
        self.kept.forget_early();
        self.reception.close();
        self.sessions.begin_anew(&self.world);
    }

    /// Those who were served hear who leads instead, ahead of all that they still wait for.
    fn dismiss_players(&mut self, now: Micros) {
        let served = self.connections.iter_mut();
        let dismissed: Vec<_> = served
            .filter(|(_, connection)| connection.player().is_some())
            .map(|(&id, connection)| {
                connection.outlet.clear();
                id
            })
            .collect();
        dismissed.into_iter().for_each(|id| self.watch(now, id));
    }

    /// Of proposals that another server rejected without the log there is only this trace: that the log goes on behind them.
    pub(crate) fn keep_skipped(&mut self, change: &Change) {
        let Change::Transaction { player, seq, .. } = change else {
            return;
        };
        let known = self.world.player(*player).filter(|_| !self.leads);
        let Some(first) = known.map(|known| known.last_seq().next()) else {
            return;
        };
        if first < *seq {
            let last = ClientSeq(seq.0 - 1);
            let said = Said::Skipped { first, last };
            self.kept
                .push(self.world.log_index(), To::Player(*player), said);
        }
    }
}
