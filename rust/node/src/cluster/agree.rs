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
        self.look_at_the_wall(now);
    }

    /// Whoever is kept from hearing who leads, since session time is too far from its wall clock, asks anyone.
    fn follow_time(&mut self, now: Micros) {
        let leader = self
            .log
            .leader
            .and_then(|leader| self.log.peers.get(leader));
        let best = leader.and_then(|leader| leader.clock.best());
        let offset_us = match best {
            Some(best) => best.sure.then_some(best.offset_us),
            None if self.keeps_time => None,
            None => {
                let peers = self.log.peers.iter();
                let bests = peers.filter_map(|(_, peer)| peer.clock.best());
                self.trusted(&bests.collect::<Vec<_>>())
            }
        };
        if let Some(offset_us) = offset_us {
            self.take_time(now, offset_us);
        }
    }

    /// Whoever is sure is believed, one as far behind as others are ahead. Where nobody is, this server begins.
    fn take_over_time(&mut self, now: Micros) {
        let voters = &self.log.members.voters;
        let voters: Vec<ServerId> = voters.iter().map(|voter| voter.server()).collect();
        let others = voters.iter().filter(|server| **server != self.log.server);
        let clocks = others.filter_map(|server| self.log.peers.get(*server)?.clock.best());
        let answers: Vec<Answer> = clocks.collect();
        if 2 * (answers.len() + 1) <= voters.len() {
            return;
        }
        let sure = answers.iter().filter(|answer| answer.sure).count();
        match self.trusted(&answers) {
            Some(offset_us) => self.take_time(now, offset_us),
            // They know the time, and this server's clock is too wrong to believe them.
            None if 2 * sure > answers.len() => self.give_way(),
            None => self.begin_time(now, &answers),
        }
    }

    /// The offset in the middle of those that can be session time.
    fn trusted(&self, answers: &[Answer]) -> Option<i64> {
        let sure = answers.iter().filter(|answer| answer.sure);
        let offsets = sure.map(|answer| answer.offset_us);
        let mut trusted: Vec<i64> = offsets.filter(|it| self.trusts(*it)).collect();
        trusted.sort_unstable();
        trusted.get(trusted.len() / 2).copied()
    }

    fn give_way(&mut self) {
        if self.log.leads() {
            let _ = self.log.consensus.transfer(GROUP, None);
        }
    }

    /// Nobody knows the time: it is what the wall clocks say, the one in the middle of them, and of two the earlier, which both let
    /// pass. While all servers stood still it may have been right that they ran ahead. It is never before what the log says.
    fn begin_time(&mut self, now: Micros, answers: &[Answer]) {
        let stood_still = self.log.time.doubt().0.cast_signed();
        let least = self.clock.latest().physical().offset_from(now);
        let wanted = if stood_still == 0 {
            self.middle_wall(answers)
        } else {
            self.session_offset_us + stood_still
        };
        self.session_offset_us = wanted.max(least);
        self.settle_time();
    }

    fn middle_wall(&self, answers: &[Answer]) -> i64 {
        let mut walls: Vec<i64> = answers.iter().map(|answer| answer.wall_offset_us).collect();
        walls.push(self.log.time.wall_offset_us);
        walls.sort_unstable();
        let middle = walls.get((walls.len() - 1) / 2);
        middle.copied().unwrap_or(self.session_offset_us)
    }

    /// Whether an offset can be session time: it is close to this server's own idea of it; or this server has none, and somebody says
    /// so who is sure and whose wall clock is right by this server's. Session time may by then be away from everybody's.
    fn trusts(&self, offset_us: i64) -> bool {
        let time = &self.log.time;
        let vouches = |answer: Answer| {
            answer.sure && time.is_near(&answer) && time.are_close(answer.offset_us, offset_us)
        };
        let mut bests = self.log.peers.iter();
        time.believes(offset_us, self.session_offset_us)
            || !self.keeps_time && bests.any(|(_, peer)| peer.clock.best().is_some_and(vouches))
    }

    fn take_time(&mut self, now: Micros, offset_us: i64) {
        if self.trusts(offset_us) {
            self.session_offset_us = offset_us;
            self.settle_time();
        } else {
            self.log.peers.counters.answers_refused += 1;
            self.complain_of_time(now, offset_us.saturating_sub(self.session_offset_us));
        }
    }

    fn settle_time(&mut self) {
        if !std::mem::replace(&mut self.keeps_time, true) {
            // Whoever leads serves from here on.
            self.has_to_tell = true;
        }
        self.log.time.settle();
    }

    /// A leader that has another idea of the time than most hands over; whoever follows asks the others for theirs.
    fn look_for_disagreement(&mut self, now: Micros) {
        let mine_us = self.session_offset_us;
        let bests = self
            .log
            .peers
            .iter()
            .filter_map(|(_, peer)| peer.clock.best());
        let is_other =
            |best: &Answer| best.sure && !self.log.time.believes(best.offset_us, mine_us);
        let others = bests.filter(is_other).count();
        let peers = self.log.members.addresses.len().saturating_sub(1);
        let disagrees = self.log.time.disagrees(now, 2 * others > peers);
        self.log.peers.counters.disagrees = disagrees;
        if disagrees && self.leads {
            self.give_way();
        } else if disagrees && self.keeps_time {
            self.forget_time();
        }
    }

    /// Knows no more than what its wall clock says.
    fn forget_time(&mut self) {
        self.keeps_time = false;
        self.log.time.settle();
        self.session_offset_us = self.log.time.wall_offset_us;
    }

    fn complain_of_time(&mut self, now: Micros, ahead_us: i64) {
        if self.log.time.complains(now) {
            let leader = self.log.leader.map_or(0, |leader| leader.0);
            tracing::warn!(leader, ahead_us, "another server's clock is not believed");
        }
    }
}
