//! The end of a run: every fault is over, and everybody must come to the same state in bounded time.

use synced_protocol::{id::LogIndex, link::Logic, time::Micros};

use super::Run;
use crate::{
    check::{Promise, Violation},
    happening::Mend,
    system::{Player, System},
};

/// The longest that a healed cluster may take until everybody has everything.
pub const SETTLE_MAX: Micros = Micros::from_secs(20);
/// For so long players go on once everything is healed.
const ACTS_AFTER: Micros = Micros::from_millis(500);
/// The time between two looks.
const LOOK: Micros = Micros::from_millis(20);

impl<S: System> Run<S> {
    /// Until when players do things.
    pub(super) fn acts_until(&self) -> Micros {
        self.end + ACTS_AFTER
    }

    pub(super) fn settle(&mut self) -> Result<(), Violation> {
        self.check_failed()?;
        self.heal()?;
        let acted = self.acts_until();
        self.pass(acted)?;
        let mut until = acted;
        while let Some(what) = self.is_unsettled() {
            if self.now > self.end + SETTLE_MAX {
                let what = format!("{what}; {}", self.standing());
                return Err(Violation::new(Promise::Progress, what));
            }
            until = until + LOOK;
            self.pass(until)?;
        }
        self.check_states()?;
        self.measure_clocks();
        self.told.check_final(&self.history)
    }

    /// A server takes no part any more only if its disk failed.
    fn check_failed(&mut self) -> Result<(), Violation> {
        for host in self.hosts() {
            let failure = self.status(host).and_then(|status| status.failure);
            let is_full = self
                .server(host)
                .is_some_and(|server| server.disk.is_full());
            if let Some(failure) = failure.filter(|_| !is_full) {
                let what = format!("server {} takes no part any more: {failure}", host.0);
                return Err(Violation::new(Promise::Sanity, what));
            }
        }
        Ok(())
    }

    fn heal(&mut self) -> Result<(), Violation> {
        self.is_healing = true;
        self.wanted = (1..=self.plan.cluster.servers).collect();
        self.heal_network();
        for host in self.hosts() {
            let server = &mut self.servers[host.place() - 1];
            server.disk_delay = Micros::ZERO;
            if server.stalls > 0 {
                server.stalls = 1;
                self.resume(host)?;
            }
            let server = &self.servers[host.place() - 1];
            if server.is_wanted && server.logic.is_none() {
                self.mend(Mend::Restart(host))?;
            }
        }
        Ok(())
    }

    /// What is not as it should be yet, if anything is not.
    fn is_unsettled(&mut self) -> Option<String> {
        if self.leader().is_none() {
            return Some("nobody leads".to_owned());
        }
        if !self.members_are_as_wanted() {
            let members = self.leader().and_then(|leader| self.status(leader));
            return Some(format!("the members are {:?}", members.map(|s| s.members)));
        }
        for seat in &self.seats {
            let Some(logic) = &seat.logic else {
                return Some(format!("player {} is not back", seat.number));
            };
            if logic.pending() > 0 && !logic.is_finished() {
                let (number, pending) = (seat.number, logic.pending());
                return Some(format!("player {number} waits for {pending} proposals"));
            }
        }
        let newest = self.newest();
        let wanted = self
            .servers
            .iter()
            .filter(|s| self.wanted.contains(&s.host.0));
        let behind = wanted.filter(|server| server.applied < newest);
        let behind: Vec<_> = behind.map(|s| (s.host.0, s.applied.0)).collect();
        if !behind.is_empty() {
            return Some(format!("{newest} has not come to {behind:?}"));
        }
        self.late_player(newest)
    }

    /// How the servers stand, in a few words.
    fn standing(&mut self) -> String {
        let hosts = self.hosts().into_iter();
        let words = hosts.filter_map(|host| {
            let status = self.status(host)?;
            let serves = if self.holds_lease(host) { ", serves" } else { "" };
            let applied = self.server(host)?.applied.0;
            let (id, term, committed) = (host.0, status.term.0, status.committed.0);
            let (role, last) = (status.role, status.last.0);
            Some(format!(
                "server {id}: {role:?} of term {term}{serves}, log {last}, committed {committed}, applied {applied}"
            ))
        });
        words.collect::<Vec<_>>().join("; ")
    }

    /// A player who does not see yet what everything comes to.
    fn late_player(&self, newest: LogIndex) -> Option<String> {
        let expected = self.history.view(newest)?;
        let views = self.seats.iter().filter_map(|seat| {
            let logic = seat.logic.as_ref().filter(|logic| !logic.is_finished())?;
            Some((seat.number, logic.view()?))
        });
        let mut late = views.filter(|(_, (_, digest))| *digest != expected);
        let (number, (index, _)) = late.next()?;
        Some(format!(
            "player {number} sees {index}, and not what {newest} comes to"
        ))
    }

    fn measure_clocks(&mut self) {
        let now = self.now;
        let Some(leader) = self.leader().and_then(|leader| self.server(leader)) else {
            return;
        };
        let local = leader.clock.read(now);
        let logic = leader.logic.as_ref();
        let Some(truth) = logic.and_then(|logic| S::session_time(logic, local)) else {
            return;
        };
        let errors = self.seats.iter().filter_map(|seat| {
            let idea = seat.logic.as_ref()?.session_time(seat.clock.read(now))?;
            Some(idea.offset_from(truth).unsigned_abs())
        });
        self.report.clock_errors_us = errors.collect();
    }

    fn check_states(&mut self) -> Result<(), Violation> {
        for server in &mut self.servers {
            let Some(logic) = server
                .logic
                .as_mut()
                .filter(|_| self.wanted.contains(&server.host.0))
            else {
                continue;
            };
            let digest = S::digest(logic);
            self.history.check_state(server.applied, digest)?;
        }
        Ok(())
    }
}
