//! Which followers do not get on.
//!
//! The engine answers every heartbeat that a follower acknowledges with an append, as long as that follower has not acknowledged
//! everything: it could have been lost. Between two servers nothing is lost while their connection is up, so that this is needed seldom,
//! and each of those appends would be a frame and another for its answer.

use std::collections::BTreeMap;

use raft::ProgressState;
use synced_protocol::{id::ReplicaId, time::Micros};

use super::Group;

/// How long a follower may stand still before it is sent something again.
const STILL_MAX: Micros = Micros::from_millis(8);

/// How far each follower was, and since when.
#[derive(Debug, Default)]
pub(super) struct Flow(BTreeMap<ReplicaId, (u64, Micros)>);

impl Flow {
    /// Whether a follower that has everything up to `matched` has stood still for long. If so, it counts from now on again.
    fn stands_still(&mut self, replica: ReplicaId, matched: u64, now: Micros) -> bool {
        let (before, since) = self.0.entry(replica).or_insert((matched, now));
        let still = *before == matched && now.since(*since) >= STILL_MAX;
        if still || *before != matched {
            (*before, *since) = (matched, now);
        }
        still
    }
}

impl Group {
    /// Whether the engine has to know that a follower has acknowledged a heartbeat.
    pub(super) fn needs_answer(&mut self, replica: ReplicaId, now: Micros) -> bool {
        let last = self.engine.raft.raft_log.last_index();
        let Some(progress) = self.engine.raft.prs().get(replica.0) else {
            return false;
        };
        let flows = progress.state == ProgressState::Replicate && !progress.ins.full();
        let matched = progress.matched;
        !flows || self.flow.stands_still(replica, matched, now) && matched < last
    }
}
