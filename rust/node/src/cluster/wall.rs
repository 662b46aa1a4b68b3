//! The wall clocks of servers: whose is wrong, and that it has been set right.

use std::fmt::Write as _;

use synced_protocol::{id::ServerId, time::Micros};

use super::log::ClusterLog;
use crate::node::Node;

impl Node<ClusterLog> {
    /// Takes notice of what the system's clock shows at local time `now`; its driver says so every second or so. A server that was kept
    /// out by a wrong clock takes part as soon as it is right.
    pub fn notice_wall_clock(&mut self, now: Micros, wall: Micros) {
        self.log.time.wall_offset_us = wall.offset_from(now);
        self.agree_on_time(now);
    }

    /// Says once in a while what is wrong with this server's clock.
    pub(super) fn look_at_the_wall(&mut self, now: Micros) {
        let is_off = self.is_wall_off();
        if self.log.time.is_off(now, is_off)
            && self.log.time.tells(now)
            && let Some(trouble) = self.clock_trouble()
        {
            tracing::error!("{trouble}");
        }
    }

    /// What is wrong with this server's clock, and what to do, once it has been so for long.
    pub(super) fn clock_trouble(&self) -> Option<String> {
        let since = self.log.time.is_off_since?;
        if self.handled_at.since(since) < super::config::DISAGREEMENT_MAX {
            return None;
        }
        let mut trouble = String::from("this server's clock is");
        for (place, (server, ahead_us)) in self.far_walls().enumerate() {
            let and = if place == 0 { "" } else { "," };
            let way = if ahead_us > 0 { "behind" } else { "ahead of" };
            let ms = ahead_us.unsigned_abs() / 1_000;
            let _ = write!(trouble, "{and} {ms} ms {way} that of {server}");
        }
        let allowed_ms = self.log.time.max_offset.0 / 1_000;
        let until = if self.keeps_time {
            "or it takes no part after its next start"
        } else {
            "and it takes part from then on"
        };
        let _ = write!(
            trouble,
            ", where {allowed_ms} ms are allowed: set it, {until}"
        );
        Some(trouble)
    }

    /// Whether this server's wall clock is the wrong one: it is far from most others'. Of a server that does not know the time either
    /// it is enough that it is far from most of those that answer.
    fn is_wall_off(&self) -> bool {
        let far = self.far_walls().count();
        let clocks = self.log.peers.iter();
        let answers = clocks.filter(|(_, peer)| peer.clock.best().is_some());
        let others = if self.keeps_time {
            self.log.members.addresses.len().saturating_sub(1)
        } else {
            answers.count()
        };
        2 * far > others
    }

    /// By how much the wall clocks of others are ahead of this server's, where it is more than may be.
    fn far_walls(&self) -> impl Iterator<Item = (ServerId, i64)> {
        let time = &self.log.time;
        self.log.peers.iter().filter_map(|(server, peer)| {
            let best = peer.clock.best().filter(|best| !time.is_near(best))?;
            Some((
                server,
                best.wall_offset_us.saturating_sub(time.wall_offset_us),
            ))
        })
    }
}
