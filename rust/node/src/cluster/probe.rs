//! Asking the other servers what time it is: `[0][asked at u64]`, and `[1][asked at u64][session time u64][sure u8]`.

use synced_protocol::{error::DecodeError, id::ServerId, time::Micros};

use super::{
    config::{EAGER_PROBE_INTERVAL, GROUP, PROBE_INTERVAL, PROBES_MIN},
    envelope::Kind,
    log::ClusterLog,
    time::Answer,
};
use crate::{log::Log as _, node::Node};

/// A word about the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Question {
        asked_at: Micros,
    },
    Answer {
        asked_at: Micros,
        session_time: Micros,
        sure: bool,
    },
}

impl Node<ClusterLog> {
    /// Takes notice of the local time. After a step that cannot be believed, session time goes on from where it was until the
    /// others have said what it is.
    pub(super) fn notice_time(&mut self, now: Micros) {
        if let Some(step) = self.log.time.step(now) {
            self.session_offset_us -= step.0.cast_signed();
            self.keeps_time = false;
            self.log.peers.forget_clocks(now);
        }
    }

    /// Sends the questions that are due.
    pub(super) fn ask_the_time(&mut self, now: Micros) {
        let mut asked = Vec::new();
        for (server, peer) in self.log.peers.iter_mut() {
            if peer.probe_due <= now {
                let is_eager = (peer.probes_sent as usize) < 2 * PROBES_MIN;
                let interval = if is_eager {
                    EAGER_PROBE_INTERVAL
                } else {
                    PROBE_INTERVAL
                };
                peer.probes_sent = peer.probes_sent.saturating_add(1);
                peer.probe_due = now + interval;
                asked.push(server);
            }
        }
        for server in asked {
            let hlc = self.stamp(now);
            let question = Word::Question { asked_at: now }.encode();
            self.log.peers.datagram(server, Kind::Clock, hlc, &question);
        }
    }

    pub(super) fn on_word_of_time(
        &mut self,
        now: Micros,
        from: ServerId,
        body: &[u8],
    ) -> Result<(), DecodeError> {
        match Word::decode(body)? {
            Word::Question { asked_at } => {
                let answer = Word::Answer {
                    asked_at,
                    session_time: self.session_time(now),
                    sure: self.keeps_time,
                };
                let hlc = self.stamp(now);
                self.log
                    .peers
                    .datagram(from, Kind::Clock, hlc, &answer.encode());
            }
            Word::Answer {
                asked_at,
                session_time,
                sure,
            } if asked_at <= now => {
                let answer = Answer::new(asked_at, now, session_time, sure);
                if let Some(peer) = self.log.peers.get_mut(from) {
                    peer.clock.add(answer);
                    self.agree_on_time(now);
                }
            }
            Word::Answer { .. } => return Err(DecodeError::OutOfRange { what: "time asked" }),
        }
        Ok(())
    }

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

    /// Where nobody knows the time, it is the leader's, and never before what the log says.
    fn take_over_time(&mut self, now: Micros) {
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
            None => {
                let latest = self.clock.latest().physical();
                let least = latest.offset_from(now);
                self.session_offset_us = self.session_offset_us.max(least);
                self.settle_time();
            }
        }
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
            let leader = self.log.leader().leader.map_or(0, |leader| leader.0);
            tracing::warn!(leader, ahead_us, "another server's clock is not believed");
        }
    }
}

impl Word {
    fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(18);
        match self {
            Self::Question { asked_at } => {
                bytes.push(0);
                bytes.extend(asked_at.0.to_le_bytes());
            }
            Self::Answer {
                asked_at,
                session_time,
                sure,
            } => {
                bytes.push(1);
                bytes.extend(asked_at.0.to_le_bytes());
                bytes.extend(session_time.0.to_le_bytes());
                bytes.push(sure.into());
            }
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&tag, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        let (asked_at, rest) = take_time(rest)?;
        match tag {
            0 if rest.is_empty() => Ok(Self::Question { asked_at }),
            0 => Err(DecodeError::Trailing),
            1 => {
                let (session_time, rest) = take_time(rest)?;
                let sure = match rest {
                    [] => return Err(DecodeError::Truncated),
                    [sure @ 0..=1] => *sure == 1,
                    [tag] => {
                        return Err(DecodeError::BadTag {
                            what: "flag",
                            tag: *tag,
                        });
                    }
                    _ => return Err(DecodeError::Trailing),
                };
                Ok(Self::Answer {
                    asked_at,
                    session_time,
                    sure,
                })
            }
            tag => Err(DecodeError::BadTag {
                what: "word of time",
                tag,
            }),
        }
    }
}

fn take_time(bytes: &[u8]) -> Result<(Micros, &[u8]), DecodeError> {
    let (time, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
    Ok((Micros(u64::from_le_bytes(*time)), rest))
}
