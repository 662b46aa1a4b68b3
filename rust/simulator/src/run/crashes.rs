//! Servers end, lose what they had, and begin again.

use synced_protocol::{id::ReplicaId, time::Micros};

use super::Run;
use crate::{
    check::Violation,
    happening::{Host, Mend},
    plan::{DurabilityKind, Loses},
    plant::Plant,
    system::System,
    trace::Action,
};

/// How long a server is away that ends after a vote.
const AWAY_AFTER_VOTE: [u64; 2] = [300, 5_000];

impl<S: System> Run<S> {
    /// The process is gone.
    pub(super) fn kill(&mut self, host: Host) {
        let Some(server) = self.server_mut(host) else {
            return;
        };
        if server.logic.is_none() {
            return;
        }
        server.end();
        let (agenda, now) = (&mut self.agenda, self.now);
        agenda.set_alarm(host.place(), None);
        self.network.forget_host(agenda, now, host);
        self.record(host, Action::Crash);
    }

    pub(super) fn crash(&mut self, host: Host, loses: Loses, until: Micros) {
        let is_lossy = self.is_lossy(loses);
        if is_lossy && !self.may_lose(host) {
            return;
        }
        self.note_outage(host);
        self.report.count(match loses {
            Loses::Nothing => "processes killed",
            Loses::Power => "losses of power",
            Loses::Disk => "losses of a disk",
            Loses::Record => "broken records",
        });
        self.kill(host);
        let survived = self.survivors(host, loses);
        let is_planted = self.plant == Some(Plant::WrongRestart);
        if is_lossy && is_planted {
            self.servers[host.place() - 1].disk.lose(survived);
        } else if is_lossy {
            self.record(host, Action::Lost);
            self.refound(host);
        } else {
            self.servers[host.place() - 1].disk.lose(survived);
        }
        if self.plant == Some(Plant::LostVote) {
            self.servers[host.place() - 1].disk.forget_votes();
        }
        self.servers[host.place() - 1].is_wanted = true;
        self.mend_at(until, Mend::Restart(host));
    }

    /// How many of the writes that are not durable survive a crash.
    fn survivors(&mut self, host: Host, loses: Loses) -> usize {
        let unsynced = self.servers[host.place() - 1].disk.unsynced();
        let is_memory = !self.is_on_disk();
        match loses {
            // The system has every write by the time that it counts.
            Loses::Nothing if is_memory => unsynced,
            Loses::Nothing | Loses::Power => self.chance.disks.place(unsynced + 1),
            Loses::Disk | Loses::Record => 0,
        }
    }

    pub(super) fn is_on_disk(&self) -> bool {
        self.plan.cluster.durability == DurabilityKind::QuorumDisk
    }

    /// Whether a server must come back as another replica.
    fn is_lossy(&self, loses: Loses) -> bool {
        match loses {
            Loses::Nothing => false,
            Loses::Power => !self.is_on_disk(),
            Loses::Disk | Loses::Record => true,
        }
    }

    /// Whether a quorum of every membership that anybody knows of remains that has lost nothing.
    fn may_lose(&mut self, host: Host) -> bool {
        let mut current: Vec<_> = self.servers.iter().map(|server| server.replica).collect();
        current.retain(|replica| replica.server().0 != host.0);
        let mut views = vec![self.history.members().clone()];
        for other in self.hosts() {
            views.extend(self.status(other).map(|status| status.members));
        }
        let survives = |voters: &[ReplicaId]| {
            let left = voters.iter().filter(|voter| current.contains(voter));
            voters.is_empty() || left.count() > voters.len() / 2
        };
        views
            .iter()
            .all(|members| survives(&members.voters) && survives(&members.outgoing))
    }

    pub(super) fn restart(&mut self, host: Host) -> Result<(), Violation> {
        if self
            .server(host)
            .is_some_and(|server| server.logic.is_some())
        {
            // Its disk was full: the process has taken no part since.
            if !self.servers[host.place() - 1].disk.is_full() {
                return Ok(());
            }
            self.kill(host);
        }
        self.boot(host)
    }

    pub(super) fn end_voter(&mut self, host: Host) {
        if self.now < self.end && self.server(host).is_some_and(|s| s.is_awake()) {
            let away = Micros(self.chance.faults.between(AWAY_AFTER_VOTE));
            self.crash(host, Loses::Nothing, self.now + away);
        }
    }
}
