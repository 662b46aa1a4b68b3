//! Faults begin, and end.

use synced_protocol::time::Micros;

use super::Run;
use crate::{
    check::Violation,
    happening::{Happening, Host, Mend, PLAYERS_FROM},
    network::ppm,
    plan::{Target, What, When},
    plant::Plant,
    system::System,
};

impl<S: System> Run<S> {
    pub(super) fn plan_faults(&mut self) {
        for place in 0..self.plan.faults.len() {
            match &self.plan.faults[place].when {
                When::Every(_) | When::Each(_) => self.plan_next(place),
                When::At(times) => {
                    for at in times.clone() {
                        self.agenda.schedule(at, Happening::Strike { fault: place });
                    }
                }
            }
        }
    }

    fn plan_next(&mut self, place: usize) {
        let wait = match self.plan.faults[place].when {
            When::Every(mean) => self.chance.faults.exponential(mean),
            When::Each(span) => span,
            When::At(_) => return,
        };
        let at = self.now + wait;
        if at < self.end {
            self.agenda.schedule(at, Happening::Strike { fault: place });
        }
    }

    pub(super) fn strike(&mut self, place: usize) -> Result<(), Violation> {
        self.begin_fault(place)?;
        self.note_chances();
        Ok(())
    }

    fn begin_fault(&mut self, place: usize) -> Result<(), Violation> {
        self.plan_next(place);
        if self.now >= self.end {
            return Ok(());
        }
        let fault = self.plan.faults[place].clone();
        let lasts = Micros(self.chance.faults.between(fault.lasts_us));
        let until = self.now + lasts;
        self.report.count(fault.what.name());
        self.report.mark(place as u64 ^ until.0 << 8);
        match fault.what {
            What::Loss(more) => {
                let more = ppm(more);
                self.network.weather.loss_ppm += more;
                self.mend_at(until, Mend::Loss(more));
            }
            What::Delay(more) => {
                self.network.weather.delay = self.network.weather.delay + more;
                self.mend_at(until, Mend::Delay(more));
            }
            What::Transfer => return self.transfer(),
            What::Grow(servers) => {
                self.wanted = (1..=servers).collect();
                self.begin_newcomers()?;
                self.mend_at(until, Mend::Shrink);
            }
            What::RollingRestart => self.mend_at(self.now, Mend::Roll(1)),
            What::PlayerDisconnect => return self.disconnect_player(),
            What::PlayerCrash => {
                let place = self.chance.faults.below(u64::from(self.plan.players.count));
                self.crash_player(Host(PLAYERS_FROM + place as u16));
            }
            _ => {
                if let Some(host) = self.victim(fault.target) {
                    return self.hit(host, &fault.what, until);
                }
            }
        }
        Ok(())
    }

    fn victim(&mut self, target: Target) -> Option<Host> {
        let leader = self.leader().filter(|_| target == Target::Leader);
        if leader.is_some() {
            return leader;
        }
        let alive = self.servers.iter().filter(|server| server.logic.is_some());
        let alive: Vec<Host> = alive.map(|server| server.host).collect();
        self.chance.faults.choose(&alive).copied()
    }

    fn hit(&mut self, host: Host, what: &What, until: Micros) -> Result<(), Violation> {
        match *what {
            What::Crash(loses) => self.crash(host, loses, until),
            What::Stall => {
                self.note_outage(host);
                self.servers[host.place() - 1].stalls += 1;
                let (agenda, now) = (&mut self.agenda, self.now);
                self.network.hush_host(agenda, now, host, until);
                self.mend_at(until, Mend::Resume(host));
            }
            What::Partition(shape) => self.partition(host, shape, until),
            What::Clog => {
                let hosts = self.hosts();
                if let Some(other) = self.chance.faults.choose(&hosts).copied() {
                    self.network.clog((host, other), until);
                    self.mend_at(until, Mend::Unclog);
                }
            }
            What::ClockJump(most) => {
                let by = Micros(self.chance.faults.between([most.0 / 2, most.0]));
                let now = self.now;
                let server = &mut self.servers[host.place() - 1];
                server.clock.jump(now, by);
                server.jumped = server.jumped + by;
                self.note_deadline_anew(host);
            }
            What::ClockDrift(most) => {
                let most = u64::from(most);
                let drift = self.chance.faults.between([0, 2 * most]) as i64 - most as i64;
                self.set_drift(host, drift);
                self.mend_at(until, Mend::Drift(host));
            }
            What::DiskFull => {
                self.servers[host.place() - 1].disk.fill();
                self.mend_at(until, Mend::Restart(host));
            }
            What::DiskSlow(more) => {
                self.servers[host.place() - 1].disk_delay = more;
                self.mend_at(until, Mend::DiskSlow(host));
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn mend_at(&mut self, at: Micros, mend: Mend) {
        self.agenda.schedule(at, Happening::Mend(mend));
    }

    pub(super) fn mend(&mut self, mend: Mend) -> Result<(), Violation> {
        self.end_fault(mend)?;
        self.note_chances();
        Ok(())
    }

    fn end_fault(&mut self, mend: Mend) -> Result<(), Violation> {
        match mend {
            Mend::Restart(host) => return self.restart(host),
            Mend::EndVoter(host) => self.end_voter(host),
            Mend::Resume(host) => {
                if self.servers[host.place() - 1].stalls > 0 {
                    return self.resume(host);
                }
            }
            Mend::Roll(next) => self.roll(next)?,
            Mend::Unclog => {}
            // All of the following was mended by the end of all faults.
            _ if self.is_healing => {}
            Mend::Unblock(paths) => {
                self.unblock(&paths);
                if self.plant == Some(Plant::StaleRead) {
                    self.set_all_clocks_right();
                }
            }
            Mend::Flap {
                paths,
                is_blocked,
                left,
                period,
            } => self.flap(paths, is_blocked, left, period),
            Mend::Loss(less) => self.network.weather.loss_ppm -= less,
            Mend::Delay(less) => {
                self.network.weather.delay = self.network.weather.delay - less;
            }
            Mend::Drift(host) => self.set_drift(host, 0),
            Mend::DiskSlow(host) => self.servers[host.place() - 1].disk_delay = Micros::ZERO,
            Mend::Shrink => self.wanted = (1..=self.plan.cluster.servers).collect(),
        }
        Ok(())
    }

    pub(super) fn set_drift(&mut self, host: Host, drift_ppm: i64) {
        let now = self.now;
        self.servers[host.place() - 1]
            .clock
            .set_drift(now, drift_ppm);
        self.note_deadline_anew(host);
    }

    fn set_all_clocks_right(&mut self) {
        for host in self.hosts() {
            self.set_drift(host, 0);
        }
    }
}
