//! How long nobody serves.

use synced_node::cluster::config::MAX_OFFSET;
use synced_protocol::{
    id::{LogIndex, ReplicaId, ServerId, Term},
    time::Micros,
};

use super::Run;
use crate::{
    check::{Promise, Violation},
    happening::Host,
    network::{State, ppm},
    system::{GROUP, System},
};

/// No lease lasts longer: who holds one then was heard since.
const LEASE_TICKS_MAX: u64 = 10;

/// The longest that an election takes when nothing stands in its way. A leader that is heard by too few to serve keeps those few for
/// twenty ticks; then everybody stands in turn, and waits twice as long each time. Of 7,237 elections the longest took 75 ticks.
const ELECTION_TICKS_MAX: u64 = 200;

/// A server whose clock has jumped ahead by more may be heard by nobody: half of what another's may be ahead, since theirs jump, too.
const JUMPED_MAX: Micros = Micros(MAX_OFFSET.0 / 2);

/// More loss than this makes elections fail too often to bound them.
const USUAL_LOSS_MAX: f64 = 0.01;

/// What keeps a cluster from serving, from the blow that it took.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// The blow to the server that served.
    blow: Option<Blow>,
    /// When the fault ended that kept everybody from serving.
    healed: Option<Micros>,
}

#[derive(Debug, Clone, Copy)]
struct Blow {
    at: Micros,
    /// The term in which that server led.
    term: Term,
    /// Since when enough servers have been able to elect another, if they are.
    chance_since: Option<Micros>,
}

impl<S: System> Run<S> {
    /// A server is hit. If it serves, from now on is counted until another does.
    pub(super) fn note_outage(&mut self, host: Host) {
        if self.holds_lease(host)
            && let Some(status) = self.status(host)
        {
            self.outage.blow = Some(Blow {
                at: self.now,
                term: status.term,
                chance_since: Some(self.now),
            });
        }
    }

    /// A fault or a connection begins or ends: whether enough servers can elect another may have changed.
    pub(super) fn note_chances(&mut self) {
        if self.outage.blow.is_none() {
            return;
        }
        let (now, can_elect) = (self.now, self.can_elect());
        if let Some(blow) = &mut self.outage.blow {
            let since = blow.chance_since.unwrap_or(now);
            blow.chance_since = can_elect.then_some(since);
        }
    }

    /// Paths are open again. If nobody serves, from now on is counted until somebody does.
    pub(super) fn note_healed(&mut self) {
        let hosts = self.hosts().into_iter();
        if hosts.filter(|host| self.holds_lease(*host)).count() == 0 {
            self.outage.healed = Some(self.now);
        }
    }

    /// A server serves: either another one than was hit, or that one has outlived it.
    ///
    /// # Errors
    /// It took too long, though nothing stood in the way.
    pub(super) fn end_outage(&mut self, host: Host) -> Result<(), Violation> {
        if self.outage.blow.is_none() && self.outage.healed.is_none() {
            return Ok(());
        }
        let Some(term) = self.committed_in(host) else {
            return Ok(());
        };
        if let Some(at) = self.outage.healed.take() {
            self.report.recoveries_us.push(self.now.since(at).0);
        }
        match self.outage.blow {
            Some(blow) => self.end_blow(blow, term),
            None => Ok(()),
        }
    }

    fn end_blow(&mut self, blow: Blow, term: Term) -> Result<(), Violation> {
        if term == blow.term {
            if self.now >= blow.at + self.ticks(LEASE_TICKS_MAX) {
                self.report.count("blows that the leader outlived");
                self.outage.blow = None;
            }
            return Ok(());
        }
        self.outage.blow = None;
        self.report.failovers_us.push(self.now.since(blow.at).0);
        let Some(since) = blow.chance_since else {
            return Ok(());
        };
        let took = self.now.since(since);
        self.report.elections_us.push(took.0);
        if took <= self.ticks(ELECTION_TICKS_MAX) || !self.is_prompt() {
            return Ok(());
        }
        let what = format!(
            "nobody served for {} us, though one could have been elected",
            took.0
        );
        Err(Violation::new(Promise::Progress, what))
    }

    /// Whether the plan has servers answer each other within a tick, as elections suppose: others overlap.
    fn is_prompt(&self) -> bool {
        let round_trip = 2 * self.plan.network.server_delay_us[1];
        let sync = if self.is_on_disk() {
            self.plan.disks.sync_us[1]
        } else {
            0
        };
        round_trip + sync <= self.plan.cluster.tick_us && self.plan.network.loss <= USUAL_LOSS_MAX
    }

    const fn ticks(&self, count: u64) -> Micros {
        Micros(count * self.plan.cluster.tick_us)
    }

    /// The term of a server in which something was committed.
    fn committed_in(&mut self, host: Host) -> Option<Term> {
        let status = self.status(host)?;
        let image = self.server(host)?.disk.group(GROUP)?;
        let committed = image.entry(status.committed)?;
        (committed.term == status.term).then_some(status.term)
    }

    /// Whether one server could be elected at once: a quorum takes part, has no more of the log than that one, and is connected with it
    /// without more delay or loss than usual.
    fn can_elect(&self) -> bool {
        let weather = &self.network.weather;
        let is_usual =
            weather.delay == Micros::ZERO && weather.loss_ppm <= ppm(self.plan.network.loss);
        let is_quick =
            !self.is_on_disk() || self.servers.iter().all(|s| s.disk_delay == Micros::ZERO);
        is_usual && is_quick && self.hosts().into_iter().any(|one| self.is_heard(one))
    }

    fn is_heard(&self, one: Host) -> bool {
        let hears = |voter: &&ReplicaId| {
            let other = Host(voter.server().0);
            let is_voter = self.server(other).is_some_and(|s| s.replica == **voter);
            let would_elect = self.log_of(one) >= self.log_of(other);
            is_voter && would_elect && self.takes_part(other) && self.are_connected(one, other)
        };
        let is_quorum = |voters: &[ReplicaId]| {
            voters.is_empty() || voters.iter().filter(hears).count() > voters.len() / 2
        };
        let members = self.history.members();
        self.takes_part(one) && is_quorum(&members.voters) && is_quorum(&members.outgoing)
    }

    /// How new a server's log is, as those who vote compare it.
    fn log_of(&self, host: Host) -> Option<(u64, LogIndex)> {
        let image = self.server(host)?.disk.group(GROUP)?;
        Some((image.last_term(), image.last()))
    }

    /// Whether a server hears and is heard: nobody hears one whose clock is far ahead.
    fn takes_part(&self, host: Host) -> bool {
        let server = self.server(host);
        server.is_some_and(|server| {
            server.is_awake() && !server.disk.is_full() && server.jumped <= JUMPED_MAX
        })
    }

    fn are_connected(&self, one: Host, other: Host) -> bool {
        let is_up = |(number, _)| {
            let ends = &self.network.connection(number).ends;
            ends.iter().all(|end| end.state == State::Up)
        };
        let end = self.peer_end(one, ServerId(other.0));
        one == other || (end.is_some_and(is_up) && self.network.is_clear(self.now, one, other))
    }
}
