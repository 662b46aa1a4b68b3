//! What operators do to a cluster that runs: hand the lead over, let servers in, upgrade one after the other.

use synced_protocol::time::Micros;

use super::Run;
use crate::{
    check::Violation,
    happening::{Host, Mend},
    system::{System, Wish},
};

/// Between the word to stop and the end of the process.
const STOP_TIME: Micros = Micros::from_millis(50);
/// How long a server is away in a rolling restart.
const AWAY: Micros = Micros::from_millis(100);
/// The time until the next server in turn.
const NEXT_IN_TURN: Micros = Micros::from_millis(400);

impl<S: System> Run<S> {
    pub(super) fn begin_newcomers(&mut self) -> Result<(), Violation> {
        for id in self.wanted.clone() {
            let host = Host(id);
            if id > self.plan.cluster.servers && !self.servers[host.place() - 1].is_wanted {
                self.refound(host);
                self.servers[host.place() - 1].is_wanted = true;
                self.boot(host)?;
            }
        }
        Ok(())
    }

    pub(super) fn transfer(&mut self) -> Result<(), Violation> {
        match self.leader() {
            Some(leader) => self.ask(leader, &Wish::Transfer),
            None => Ok(()),
        }
    }

    /// One server after another is stopped, upgraded or taken back, and begun again.
    pub(super) fn roll(&mut self, next: u16) -> Result<(), Violation> {
        let host = Host(next.div_ceil(2));
        if host.0 > self.plan.cluster.servers {
            return Ok(());
        }
        let now = self.now;
        let is_stop = next % 2 == 1;
        let Some(server) = self.server_mut(host) else {
            return Ok(());
        };
        if is_stop {
            let local = server.clock.read(now);
            if let Some(logic) = server.logic.as_mut().filter(|_| server.stalls == 0) {
                S::begin_stop(logic, local);
                server.is_stopping = true;
                self.drain_server(host)?;
            }
            self.mend_at(now + STOP_TIME, Mend::Roll(next + 1));
            return Ok(());
        }
        if server.logic.is_some() || server.is_stopping {
            server.is_upgraded = !server.is_upgraded;
            self.kill(host);
            self.servers[host.place() - 1].disk.sync_all();
            self.mend_at(now + AWAY, Mend::Restart(host));
        }
        if !self.is_healing {
            self.mend_at(now + NEXT_IN_TURN, Mend::Roll(next + 1));
        }
        Ok(())
    }
}
