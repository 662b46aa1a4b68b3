//! How a group stands.

use raft::{ProgressState, StateRole};
use synced_protocol::{
    id::{LogIndex, ReplicaId},
    time::Micros,
};

use super::Group;
use crate::{
    members,
    status::{GroupStatus, ReplicaStatus, Role},
};

impl Group {
    /// Whether this replica leads and nobody else can have been elected since.
    pub(crate) fn holds_lease(&self, now: Micros) -> bool {
        let until = || self.lease.until(&self.members, self.own);
        self.serves() && self.leads() && until().is_some_and(|until| now < until)
    }

    pub(crate) fn status(&self, now: Micros) -> GroupStatus {
        let hard_state = self.hard_state();
        GroupStatus {
            replica: self.own,
            role: self.role(),
            term: hard_state.term,
            vote: hard_state.vote,
            leader: self.leader(),
            last: LogIndex(self.engine.raft.raft_log.last_index()),
            committed: hard_state.committed,
            applied: LogIndex(self.applied),
            snapshot: self.engine.store().snapshot().index,
            log_bytes: self.engine.store().bytes_uncovered(),
            members: self.members.clone(),
            peers: self.peers(now),
            counters: self.counters,
            failure: self.failure.clone(),
        }
    }

    fn role(&self) -> Role {
        match self.engine.raft.state {
            _ if self.failure.is_some() => Role::Failed,
            StateRole::Leader => Role::Leader,
            StateRole::Candidate | StateRole::PreCandidate => Role::Candidate,
            StateRole::Follower if self.engine.raft.promotable() => Role::Follower,
            StateRole::Follower => Role::Learner,
        }
    }

    fn peers(&self, now: Micros) -> Vec<ReplicaStatus> {
        if !self.leads() {
            return Vec::new();
        }
        let mut replicas: Vec<ReplicaId> = members::all(&self.members).collect();
        replicas.sort_unstable();
        replicas.dedup();
        let others = replicas.into_iter().filter(|replica| *replica != self.own);
        others
            .filter_map(|replica| self.peer(now, replica))
            .collect()
    }

    fn peer(&self, now: Micros, replica: ReplicaId) -> Option<ReplicaStatus> {
        let raft = &self.engine.raft;
        let progress = raft.prs().get(replica.0)?;
        Some(ReplicaStatus {
            replica,
            voter: self.members.voters.contains(&replica),
            matched: LogIndex(progress.matched),
            lag_entries: raft.raft_log.last_index().saturating_sub(progress.matched),
            in_snapshot: progress.state == ProgressState::Snapshot,
            silence: self
                .lease
                .acknowledged(replica)
                .map(|sent_at| now.since(sent_at)),
        })
    }
}
