//! From what the others say of the time to session time.

use synced_protocol::{id::ServerId, time::Micros};

use super::{config::GROUP, log::ClusterLog, time::Answer};
use crate::node::Node;

impl Node<ClusterLog> {
    /// The leader's session time goes on from its own clock, once it is certain. Until then, those who followed another one
    /// before know it.
    pub(super) fn agree_on_time(&mut self, now: Micros) {
        if !self.leads {
            self.follow_time(now);
        } else if !self.keeps_time {
            self.take_over_time(now);
        }
        self.look_for_disagreement(now);
    }

    fn follow_time(&mut self, now: Micros) {
        let leader = self
            .log
            .leader
            .and_then(|leader| self.log.peers.get(leader));
        let best = leader.and_then(|leader| leader.clock.best());
        if let Some(answer) = best.filter(|answer| answer.sure) {
            self.take_time(now, answer.offset_us);
        }
    }

    /// Whoever is sure is believed, one as far behind as others are ahead. In a cluster that never led anybody, nobody is.
    fn take_over_time(&mut self, now: Micros) {
        if self.clock.latest().physical() == Micros::ZERO {
            return self.begin_time(now);
        }
        let voters = &self.log.members.voters;
        let voters: Vec<ServerId> = voters.iter().map(|voter| voter.server()).collect();
        let others = voters.iter().filter(|server| **server != self.log.server);
        let clocks = others.filter_map(|server| self.log.peers.get(*server)?.clock.best());
        let answers: Vec<Answer> = clocks.collect();
        if 2 * (answers.len() + 1) <= voters.len() {
            return;
        }
        let (time, mine_us) = (&self.log.time, self.session_offset_us);
        let sure = answers.iter().filter(|answer| answer.sure);
        let offsets = sure.map(|answer| answer.offset_us);
        let mut offsets: Vec<i64> = offsets.filter(|it| time.believes(*it, mine_us)).collect();
        offsets.sort_unstable();
        match offsets.get(offsets.len() / 2) {
            Some(&offset_us) => self.take_time(now, offset_us),
            None => self.begin_time(now),
        }
    }

    /// Nobody knows the time: it is what this server's clock says, which may have been right to run ahead while all servers
    /// stood still, and never before what the log says.
    fn begin_time(&mut self, now: Micros) {
        let stood_still = self.log.time.doubt().0.cast_signed();
        let least = self.clock.latest().physical().offset_from(now);
        self.session_offset_us = (self.session_offset_us + stood_still).max(least);
        self.settle_time();
    }

    fn take_time(&mut self, now: Micros, offset_us: i64) {
        if self.log.time.believes(offset_us, self.session_offset_us) {
            self.session_offset_us = offset_us;
            self.settle_time();
        } else {
            self.log.peers.counters.answers_refused += 1;
            self.complain_of_time(now, offset_us.saturating_sub(self.session_offset_us));
        }
    }

    fn settle_time(&mut self) {
        self.keeps_time = true;
        self.log.time.settle();
    }

    /// A leader that has another idea of the time than most hands over.
    fn look_for_disagreement(&mut self, now: Micros) {
        let mine_us = self.session_offset_us;
        let bests = self
            .log
            .peers
            .iter()
            .filter_map(|(_, peer)| peer.clock.best());
        let is_other = |best: &Answer| !self.log.time.believes(best.offset_us, mine_us);
        let others = bests.filter(is_other).count();
        let peers = self.log.members.addresses.len().saturating_sub(1);
        let disagrees = self.log.time.disagrees(now, 2 * others > peers);
        self.log.peers.counters.disagrees = disagrees;
        if disagrees && self.log.time.complains(now) {
            tracing::error!(
                "this server's clock differs from those of most others by more than is allowed: set it, then start the server again"
            );
        }
        if disagrees && self.leads && self.log.leads() {
            let _ = self.log.consensus.transfer(GROUP, None);
        }
    }

    fn complain_of_time(&mut self, now: Micros, ahead_us: i64) {
        if self.log.time.complains(now) {
            let leader = self.log.leader.map_or(0, |leader| leader.0);
            tracing::warn!(leader, ahead_us, "another server's clock is not believed");
        }
    }
}
