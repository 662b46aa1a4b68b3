//! What came of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use synced_protocol::time::Micros;

use crate::Times;

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
    /// Confirmed operations that were rejected.
    pub rejected: u64,
    /// Confirmed operations of which nobody had told their writer what became of them when it left.
    pub undecided: u64,
    /// How often the number of another's confirmed operation was not that after the one before.
    pub out_of_order: u64,
    /// How often a player was told that its connection was gone.
    pub reconnects: u64,
    /// How often a player was told that another server leads.
    pub leader_changes: u64,
    /// How long the processes have computed while it counted, where the system tells.
    pub cpu_s: f64,
    /// Bytes of UDP payload that the players sent, from their join until they left.
    pub bytes_sent: u64,
    /// That they received.
    pub bytes_received: u64,
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

    /// Puts what those of another process made and saw in the same time to this.
    pub fn merge(&mut self, other: &Self) {
        self.players += other.players;
        self.span_s = self.span_s.max(other.span_s);
        self.counted_from_us = self.counted_from_us.max(other.counted_from_us);
        self.cpu_s += other.cpu_s;
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
            (&mut self.rejected, other.rejected),
            (&mut self.undecided, other.undecided),
            (&mut self.out_of_order, other.out_of_order),
            (&mut self.reconnects, other.reconnects),
            (&mut self.leader_changes, other.leader_changes),
            (&mut self.bytes_sent, other.bytes_sent),
            (&mut self.bytes_received, other.bytes_received),
        ] {
            *mine += others;
        }
    }

    /// Whether the promise was kept: all that was written is confirmed, in order, and nobody was cut off.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.rejected + self.undecided + self.out_of_order + self.reconnects == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_processes_saw_adds_up_and_travels_between_them() {
        let mut one = CrowdResult::new(3, Duration::from_secs(2));
        one.live.add(Micros(500));
        one.rejected = 1;
        let text = serde_json::to_string(&one).expect("plain numbers");
        let other: CrowdResult = serde_json::from_str(&text).expect("as written");
        one.merge(&other);
        assert_eq!((one.players, one.rejected, one.live.count()), (6, 2, 2));
        assert!(!one.is_sound() && CrowdResult::default().is_sound());
    }
}
