//! Who takes part, step by step.
//!
//! A server that comes learns first, and votes once it has caught up; one that came back under another life takes the place of its
//! former one in the same way, by itself. Voters change by joint consensus, all at once. Whoever leads while a joint change is under
//! way ends it.

use std::collections::BTreeSet;

use synced_protocol::{
    id::{ReplicaId, ServerId},
    limits::MAX_SERVERS,
    store::MemberAddress,
};

use super::{Group, Io};
use crate::{
    codec::{MembershipChange, Step},
    consensus::MembersWanted,
    engine::conf_change,
    error::ChangeError,
    members,
};

/// Entries that a learner may lack and still count as having caught up: a blink's worth.
const CAUGHT_UP_ENTRIES: u64 = 64;

/// What becomes of whom, as long as it is not so yet.
#[derive(Debug, Default)]
struct Plan {
    /// Take part in no way yet.
    to_learn: Vec<ReplicaId>,
    /// Learners that nobody wants.
    to_drop: Vec<ReplicaId>,
    /// The voters to be, when all of them are ready.
    voters: Option<BTreeSet<ReplicaId>>,
}

impl Group {
    pub(crate) fn change_members(
        &mut self,
        io: &mut Io<'_>,
        wanted: MembersWanted,
    ) -> Result<(), ChangeError> {
        if !self.serves() || self.handover.is_some() {
            return Err(ChangeError::NotLeading {
                leader: self.other_leader(),
            });
        }
        check(&wanted.servers).map_err(ChangeError::Members)?;
        self.wanted = Some(wanted.servers);
        self.moved = true;
        self.drive_members(io);
        Ok(())
    }

    /// Takes the next step, if one is due and the last one is done.
    pub(super) fn drive_members(&mut self, io: &mut Io<'_>) {
        let raft = &self.engine.raft;
        let busy = self.handover.is_some() || raft.has_pending_conf();
        if !self.serves() || busy || self.is_settled(io) {
            return;
        }
        if !self.members.outgoing.is_empty() {
            self.propose_change(io, MembershipChange::default());
        } else if let Some(change) = self.next_change(io) {
            self.propose_change(io, change);
        }
    }

    /// Whether everybody votes who is to, each in its latest life: so it is at almost every tick.
    fn is_settled(&self, io: &Io<'_>) -> bool {
        let members = &self.members;
        let is_latest = |voter: &ReplicaId| {
            io.peers
                .replica(voter.server())
                .is_none_or(|alive| alive <= *voter)
        };
        self.wanted.is_none()
            && members.outgoing.is_empty()
            && members.learners.is_empty()
            && members.voters.iter().all(is_latest)
    }

    fn propose_change(&mut self, io: &mut Io<'_>, change: MembershipChange) {
        self.propose_queued(io);
        // The engine refuses while a change is pending; the next tick asks again.
        let _ = self
            .engine
            .propose_conf_change(change.encode().to_vec(), conf_change(&change));
        self.pump(io);
    }

    fn next_change(&mut self, io: &Io<'_>) -> Option<MembershipChange> {
        let plan = self.plan(io);
        let single = |step, replicas: &[ReplicaId]| Some(vec![(step, *replicas.first()?)]);
        if let Some(steps) =
            single(Step::Learn, &plan.to_learn).or_else(|| single(Step::Leave, &plan.to_drop))
        {
            return Some(self.change(false, steps));
        }
        let voters = plan.voters?;
        let now: BTreeSet<ReplicaId> = self.members.voters.iter().copied().collect();
        if voters == now {
            return self.finish();
        }
        if !self.could_decide(io, &voters) {
            return None;
        }
        let come = voters
            .difference(&now)
            .map(|replica| (Step::Vote, *replica));
        let go = now
            .difference(&voters)
            .map(|replica| (Step::Leave, *replica));
        Some(self.change(true, come.chain(go).collect()))
    }

    fn change(&self, joint: bool, steps: Vec<(Step, ReplicaId)>) -> MembershipChange {
        let addresses = self.wanted.clone().unwrap_or_default();
        let servers: BTreeSet<ServerId> =
            steps.iter().map(|(_, replica)| replica.server()).collect();
        let concerned = addresses
            .into_iter()
            .filter(|address| servers.contains(&address.peer.server));
        MembershipChange {
            joint,
            steps,
            addresses: concerned.collect(),
        }
    }

    /// Everybody votes who is to. If servers have moved, that is left to be said.
    fn finish(&mut self) -> Option<MembershipChange> {
        let wanted = self.wanted.as_ref()?;
        let known = &self.members.addresses;
        let moved = wanted
            .iter()
            .find(|address| !known.contains(address))
            .map(|a| a.peer.server);
        let voter = |server| {
            self.members
                .voters
                .iter()
                .find(|voter| voter.server() == server)
        };
        match moved.and_then(voter) {
            Some(voter) => Some(self.change(false, vec![(Step::Vote, *voter)])),
            None => {
                self.wanted = None;
                self.moved = true;
                None
            }
        }
    }

    fn plan(&self, io: &Io<'_>) -> Plan {
        let mut plan = Plan::default();
        let desired = self.desired(io);
        let known: BTreeSet<ReplicaId> = members::all(&self.members).collect();
        let wanted: BTreeSet<ReplicaId> =
            desired.iter().filter_map(|(_, replica)| *replica).collect();
        plan.to_learn = wanted.difference(&known).copied().collect();
        plan.to_drop = self
            .members
            .learners
            .iter()
            .copied()
            .filter(|l| !wanted.contains(l))
            .collect();
        plan.voters = self.voters_to_be(&desired);
        plan
    }

    /// Which replica of each server is to vote: its latest life. `None` for one that was never heard of.
    fn desired(&self, io: &Io<'_>) -> Vec<(ServerId, Option<ReplicaId>)> {
        let voter = |server| {
            self.members
                .voters
                .iter()
                .copied()
                .find(|v| v.server() == server)
        };
        let latest = |server: ServerId| {
            let alive = io.peers.replica(server);
            (server, alive.max(voter(server)))
        };
        match &self.wanted {
            Some(wanted) => wanted
                .iter()
                .map(|address| latest(address.peer.server))
                .collect(),
            None => self
                .members
                .voters
                .iter()
                .map(|voter| latest(voter.server()))
                .collect(),
        }
    }

    /// Servers that are new come all at once, when all are ready; a server that has lost its memory, as soon as it is.
    fn voters_to_be(
        &self,
        desired: &[(ServerId, Option<ReplicaId>)],
    ) -> Option<BTreeSet<ReplicaId>> {
        let mut voters = BTreeSet::new();
        let mut everyone = true;
        for (server, replica) in desired {
            let former = self
                .members
                .voters
                .iter()
                .copied()
                .find(|v| v.server() == *server);
            let ready =
                replica.filter(|replica| former == Some(*replica) || self.has_caught_up(*replica));
            everyone &= ready.or(former).is_some();
            voters.extend(ready.or(former));
        }
        if everyone {
            return Some(voters);
        }
        let stay = self.members.voters.iter().copied();
        let replaced: BTreeSet<ServerId> = voters.iter().map(|replica| replica.server()).collect();
        let voting: BTreeSet<ServerId> = self.members.voters.iter().map(|v| v.server()).collect();
        voters.retain(|replica| voting.contains(&replica.server()));
        voters.extend(stay.filter(|voter| !replaced.contains(&voter.server())));
        Some(voters).filter(|voters| voters.iter().ne(self.members.voters.iter()))
    }

    /// Whether a majority of these is within reach. Once voters are others than those who can vote, nothing is decided any more, the
    /// return of those who cannot included.
    fn could_decide(&self, io: &Io<'_>, voters: &BTreeSet<ReplicaId>) -> bool {
        let lives = |voter: ReplicaId| io.peers.replica(voter.server()) == Some(voter);
        let can_vote = |voter: ReplicaId| {
            voter == self.own || (lives(voter) && self.is_within_reach(io, voter))
        };
        let able = voters.iter().filter(|voter| can_vote(**voter)).count();
        able > voters.len() / 2
    }

    fn has_caught_up(&self, replica: ReplicaId) -> bool {
        let raft = &self.engine.raft;
        let matched = raft
            .prs()
            .get(replica.0)
            .map_or(0, |progress| progress.matched);
        let learns = self.members.learners.contains(&replica);
        learns && matched > 0 && matched + CAUGHT_UP_ENTRIES >= raft.raft_log.committed
    }
}

/// Whether these can be the voters of a group.
fn check(servers: &[MemberAddress]) -> Result<(), String> {
    let ids: BTreeSet<ServerId> = servers.iter().map(|address| address.peer.server).collect();
    if ids.len() != servers.len() {
        return Err("a server is named twice: name each once".to_owned());
    }
    if ids.contains(&ServerId(0)) {
        return Err("servers are numbered from 1".to_owned());
    }
    if ids.len().is_multiple_of(2) {
        return Err(format!(
            "{} servers bear no more failures than one fewer would: ask for an odd number",
            ids.len()
        ));
    }
    if ids.len() > MAX_SERVERS {
        return Err(format!(
            "{} servers are too many: ask for at most {MAX_SERVERS}",
            ids.len()
        ));
    }
    Ok(())
}
