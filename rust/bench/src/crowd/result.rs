//! What came of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use synced_protocol::time::Micros;

use crate::{Times, Traffic};

/// What the players of one process, or of several together, made and saw.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CrowdResult {
    /// How many players there were.
    pub players: usize,
    /// For how long it counted.
    pub span_s: f64,
    /// Since when, in microseconds of Unix time.
    pub counted_from_us: u64,
    /// Operations of the confirmed lane that were made while it counted.
    pub confirmed_made: u64,
    /// Of the live lane.
    pub live_made: u64,
    /// The way of others' confirmed operations.
    pub confirmed: ConfirmedStages,
    /// From an own confirmed operation until its confirmation is applied.
    pub own: Times,
    /// From a live operation until it is applied with another.
    pub live: Times,
    /// By how much frames were late.
    pub frame_late: Times,
    /// What went wrong.
    #[serde(flatten)]
    pub broken: Broken,
    /// How often a player's connection was gone while all joined, and it tried again: nothing of it was promised to hold yet.
    pub rejoins: u64,
    /// How often a player was told that another server leads.
    pub leader_changes: u64,
    /// How long the processes have computed while it counted, where the system tells.
    pub cpu_s: f64,
    /// When the first player began to join, in microseconds of Unix time.
    pub joined_from_us: u64,
    /// When every player saw every player.
    pub joined_until_us: u64,
    /// What the players' sockets carried while it counted.
    pub traffic: Traffic,
    /// What the processes held before the first player joined, in bytes; 0 where the system does not tell.
    pub resident_before_bytes: u64,
    /// What they held at the end of what counted.
    pub resident_end_bytes: u64,
}

/// The way of another's confirmed operation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ConfirmedStages {
    /// From when it is made until the leader orders it.
    pub order: Times,
    /// From then until its commit arrives: replication and publication.
    pub commit: Times,
    /// From then until a frame has applied it.
    pub apply: Times,
    /// All of it.
    pub whole: Times,
}

/// How often a promise was broken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Confirmed operations that were rejected.
    pub rejected: u64,
    /// Confirmed operations of which nobody had told their writer what became of them when it left.
    pub undecided: u64,
    /// How often the number of another's confirmed operation was not that after the one before.
    pub out_of_order: u64,
    /// How many players' last confirmed operation was not seen by how many others in the end, together.
    pub unseen: u64,
    /// How often a player was told that its connection was gone, once all had joined.
    pub reconnects: u64,
}

impl Broken {
    /// Whether all that was written is confirmed and seen, in order, and nobody was cut off.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Puts that of others to this.
    pub fn merge(&mut self, other: &Self) {
        self.rejected += other.rejected;
        self.undecided += other.undecided;
        self.out_of_order += other.out_of_order;
        self.unseen += other.unseen;
        self.reconnects += other.reconnects;
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            rejected,
            undecided,
            out_of_order,
            unseen,
            reconnects,
        } = self;
        write!(
            f,
            "{rejected} operations rejected, {undecided} undecided at the end, {out_of_order} seen out of order, {unseen} last ones not \
             seen by another, {reconnects} connections lost"
        )
    }
}

impl CrowdResult {
    pub(super) fn new(players: usize, span: Duration) -> Self {
        Self {
            players,
            span_s: span.as_secs_f64(),
            ..Self::default()
        }
    }

    pub(super) fn frame_was_late(&mut self, late: Duration) {
        let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.frame_late.add(Micros(late));
    }

    /// How long it took from the first join until every player saw every player, in seconds.
    #[must_use]
    pub fn join_s(&self) -> f64 {
        self.joined_until_us.saturating_sub(self.joined_from_us) as f64 / 1e6
    }

    /// Puts what those of another process made and saw in the same time to this.
    pub fn merge(&mut self, other: &Self) {
        let is_first = self.players == 0;
        self.joined_from_us = if is_first {
            other.joined_from_us
        } else {
            self.joined_from_us.min(other.joined_from_us)
        };
        self.joined_until_us = self.joined_until_us.max(other.joined_until_us);
        self.players += other.players;
        self.span_s = self.span_s.max(other.span_s);
        self.counted_from_us = self.counted_from_us.max(other.counted_from_us);
        self.cpu_s += other.cpu_s;
        self.traffic += other.traffic;
        self.broken.merge(&other.broken);
        for (mine, others) in [
            (&mut self.confirmed.order, &other.confirmed.order),
            (&mut self.confirmed.commit, &other.confirmed.commit),
            (&mut self.confirmed.apply, &other.confirmed.apply),
            (&mut self.confirmed.whole, &other.confirmed.whole),
            (&mut self.own, &other.own),
            (&mut self.live, &other.live),
            (&mut self.frame_late, &other.frame_late),
        ] {
            mine.merge(others);
        }
        for (mine, others) in [
            (&mut self.confirmed_made, other.confirmed_made),
            (&mut self.live_made, other.live_made),
            (&mut self.rejoins, other.rejoins),
            (&mut self.leader_changes, other.leader_changes),
            (&mut self.resident_before_bytes, other.resident_before_bytes),
            (&mut self.resident_end_bytes, other.resident_end_bytes),
        ] {
            *mine += others;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_processes_saw_adds_up_and_travels_between_them() {
        let mut one = CrowdResult::new(3, Duration::from_secs(2));
        one.live.add(Micros(500));
        one.broken.rejected = 1;
        one.resident_end_bytes = 5;
        let text = serde_json::to_string(&one).expect("plain numbers");
        let other: CrowdResult = serde_json::from_str(&text).expect("as written");
        one.merge(&other);
        assert_eq!((one.players, one.broken.rejected), (6, 2));
        assert_eq!((one.live.count(), one.resident_end_bytes), (2, 10));
        assert!(!one.broken.is_nothing() && Broken::default().is_nothing());
    }

    #[test]
    fn a_crowd_has_joined_when_its_last_player_has() {
        let part = |from, until| CrowdResult {
            joined_from_us: from,
            joined_until_us: until,
            players: 1,
            ..CrowdResult::default()
        };
        let mut all = CrowdResult::default();
        for (from, until) in [(2_000_000, 5_000_000), (1_000_000, 3_500_000)] {
            all.merge(&part(from, until));
        }
        assert!((all.join_s() - 4.0).abs() < 1e-9);
    }
}
