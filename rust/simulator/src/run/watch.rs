//! What is checked of a server after each thing that came to it.

use synced_consensus::{GroupStatus, Role};
use synced_protocol::{id::LogIndex, store::EntryKind};

use super::Run;
use crate::{
    check::{Promise, Violation},
    happening::Host,
    system::{GROUP, System},
    trace::{Action, name},
};

impl<S: System> Run<S> {
    pub(super) fn watch(&mut self, host: Host) -> Result<(), Violation> {
        self.check_applied(host)?;
        self.check_term(host)?;
        self.check_lease(host)?;
        if self.trace.is_some() {
            self.record(host, Action::Step);
        }
        Ok(())
    }

    fn check_applied(&mut self, host: Host) -> Result<(), Violation> {
        let server = &mut self.servers[host.place() - 1];
        let Some(logic) = &mut server.logic else {
            return Ok(());
        };
        let (before, applied) = (server.applied, S::applied(logic));
        if applied == before {
            return Ok(());
        }
        if applied < before {
            let what = format!("server {} went back from {before} to {applied}", host.0);
            return Err(Violation::new(Promise::OneHistory, what));
        }
        let digest = S::digest(logic);
        server.applied = applied;
        let image = self.servers[host.place() - 1].disk.group(GROUP);
        let unknown = image.map_or(0, |image| image.first_known().0 - 1);
        if unknown > before.0 && before > LogIndex::ZERO {
            self.report.count("servers restored from a snapshot");
        }
        self.follow_others(LogIndex(unknown))?;
        self.follow(host, before, applied)?;
        self.follow_others(applied)?;
        let of_server = |violation: Violation| Violation {
            what: format!("server {}: {}", host.0, violation.what),
            ..violation
        };
        self.history.check_state(applied, digest).map_err(of_server)
    }

    /// Every entry that a server has applied since is the one of the history.
    fn follow(&mut self, host: Host, before: LogIndex, applied: LogIndex) -> Result<(), Violation> {
        let of_server = |violation: Violation| Violation {
            what: format!("server {}: {}", host.0, violation.what),
            ..violation
        };
        self.follow_members(host, applied);
        let disk = &self.servers[host.place() - 1].disk;
        let Some(image) = disk.group(GROUP) else {
            return Ok(());
        };
        let unknown = LogIndex(image.first_known().0 - 1);
        let from = before.max(unknown);
        for index in (from.0 + 1..=applied.0).map(LogIndex) {
            let Some(entry) = image.entry(index) else {
                // It takes no part any more; the snapshot that it was given last is in its state, and with those who gave it.
                if disk.is_full() {
                    return Ok(());
                }
                let what = format!("server {} applied {index}, which it never stored", host.0);
                return Err(Violation::new(Promise::SaneStore, what));
            };
            self.history.apply(entry).map_err(of_server)?;
        }
        Ok(())
    }

    /// Where a change of the members is among what is new, the history needs to know of it first.
    fn follow_members(&mut self, host: Host, applied: LogIndex) {
        let Some(image) = self.servers[host.place() - 1].disk.group(GROUP) else {
            return;
        };
        let new = (self.history.last().0 + 1..=applied.0).map(LogIndex);
        let mut entries = new.filter_map(|index| image.entry(index));
        if entries.any(|entry| entry.kind == EntryKind::Membership)
            && let Some(status) = self.status(host)
        {
            self.report.count("changes of members");
            self.history.set_members(status.members);
        }
    }

    /// A server that was given a snapshot may be ahead of all that have told of their state: what is new between is in the logs of
    /// others, and says nothing about the state.
    fn follow_others(&mut self, applied: LogIndex) -> Result<(), Violation> {
        for host in self.hosts() {
            if self.history.last() >= applied {
                break;
            }
            let committed = self.status(host).map(|status| status.committed);
            if committed.is_some_and(|committed| committed >= applied) {
                let before = self.history.last();
                self.follow(host, before, applied)?;
            }
        }
        Ok(())
    }

    /// Nobody else leads in the term in which a server begins to.
    fn check_term(&mut self, host: Host) -> Result<(), Violation> {
        let server = &mut self.servers[host.place() - 1];
        if !std::mem::take(&mut server.began_term) {
            return Ok(());
        }
        let replica = server.replica;
        let status = self.status(host).filter(|s| s.role == Role::Leader);
        let Some(term) = status.map(|status| status.term) else {
            return Ok(());
        };
        let leader = *self.leaders.entry(term).or_insert(replica);
        if leader == replica {
            self.report.count("elections won");
            return Ok(());
        }
        let [one, other] = [leader, replica].map(name);
        let what = format!("{one} and {other} were both elected in {term}");
        Err(Violation::new(Promise::OneLeader, what))
    }

    fn check_lease(&mut self, host: Host) -> Result<(), Violation> {
        if !self.holds_lease(host) {
            return Ok(());
        }
        if self.serving != Some(host) {
            for other in self.hosts() {
                if other != host && self.holds_lease(other) {
                    let what = format!("servers {} and {} both serve", other.0, host.0);
                    return Err(Violation::new(Promise::OneLeader, what));
                }
            }
            self.serving = Some(host);
        }
        self.end_outage(host)
    }

    /// Whether a server would serve now, by its own clock.
    pub(super) fn holds_lease(&mut self, host: Host) -> bool {
        let now = self.now;
        let Some(server) = self.server_mut(host) else {
            return false;
        };
        let local = server.clock.read(now);
        let logic = server.logic.as_mut();
        logic.is_some_and(|logic| S::consensus(logic).holds_lease(GROUP, local))
    }

    /// How a server stands.
    pub(super) fn status(&mut self, host: Host) -> Option<GroupStatus> {
        let logic = self.server_mut(host)?.logic.as_mut()?;
        S::consensus(logic).status(GROUP)
    }

    /// The server that leads in the latest term, if one does.
    pub(super) fn leader(&mut self) -> Option<Host> {
        let hosts = self.hosts().into_iter();
        let leads = hosts.filter_map(|host| {
            let status = self.status(host)?;
            (status.role == Role::Leader).then_some((status.term, host))
        });
        leads.max().map(|(_, host)| host)
    }
}
