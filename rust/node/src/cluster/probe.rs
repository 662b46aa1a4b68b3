//! Asking the other servers what time it is, and answering them.

use synced_protocol::{error::DecodeError, id::ServerId, time::Micros};

use super::{
    config::{EAGER_PROBE_INTERVAL, EAGER_PROBES_MAX, PROBE_INTERVAL, PROBES_MIN},
    envelope::Kind,
    log::ClusterLog,
    time::Answer,
    word::Word,
};
use crate::node::Node;

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
        let eager_max = if self.keeps_time {
            2 * PROBES_MIN
        } else {
            EAGER_PROBES_MAX
        };
        for (server, peer) in self.log.peers.iter_mut() {
            if peer.probe_due <= now {
                let is_eager = (peer.probes_sent as usize) < eager_max;
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
                    wall: now.shifted(self.log.time.wall_offset_us),
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
                wall,
                sure,
            } if asked_at <= now => {
                let answer = Answer::new(asked_at, now, session_time, wall, sure);
                if let Some(peer) = self.log.peers.get_mut(from) {
                    peer.clock.add(answer);
                    self.agree_on_time(now);
                }
            }
            Word::Answer { .. } => return Err(DecodeError::OutOfRange { what: "time asked" }),
        }
        Ok(())
    }
}
