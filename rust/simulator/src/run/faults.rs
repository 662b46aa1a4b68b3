//! Faults begin, and end.

use synced_protocol::time::Micros;

use super::Run;
use crate::{
    check::Violation,
    happening::{Happening, Host, Mend, PLAYERS_FROM},
    network::ppm,
    plan::{Loses, Shape, Target, What, When},
    plant::Plant,
    system::{System, Wish},
    trace::Action,
};

/// Between the word to stop and the end of the process.
const STOP_TIME: Micros = Micros::from_millis(50);
/// How long a server is away in a rolling restart.
const AWAY: Micros = Micros::from_millis(100);
/// How long a server is away that ends after a vote.
const AWAY_AFTER_VOTE: [u64; 2] = [300, 5_000];
/// The time until the next server in turn.
const NEXT_IN_TURN: Micros = Micros::from_millis(400);
/// How long a flapping path stays as it is.
const FLAP: [u64; 2] = [500, 40_000];
/// The drift of a clock that hardly moves.
const STANDING_STILL_PPM: i64 = -999_000;

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
                }
            }
            What::ClockJump(most) => {
                let by = Micros(self.chance.faults.between([most.0 / 2, most.0]));
                let now = self.now;
                self.servers[host.place() - 1].clock.jump(now, by);
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

    fn set_drift(&mut self, host: Host, drift_ppm: i64) {
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

    fn mend_at(&mut self, at: Micros, mend: Mend) {
        self.agenda.schedule(at, Happening::Mend(mend));
    }

    pub(super) fn mend(&mut self, mend: Mend) -> Result<(), Violation> {
        match mend {
            Mend::Restart(host) => return self.restart(host),
            Mend::EndVoter(host) => self.end_voter(host),
            Mend::Resume(host) => {
                if self.servers[host.place() - 1].stalls > 0 {
                    return self.resume(host);
                }
            }
            Mend::Roll(next) => self.roll(next)?,
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

    /// Everything that the network suffers from is over.
    pub(super) fn heal_network(&mut self) {
        let hosts = self.hosts();
        let seats: Vec<Host> = self.seats.iter().map(|seat| seat.host).collect();
        let all: Vec<Host> = hosts.into_iter().chain(seats).collect();
        for from in &all {
            for to in &all {
                let (agenda, now) = (&mut self.agenda, self.now);
                self.network.heal(agenda, now, (*from, *to));
            }
        }
        let plan = &self.plan.network;
        self.network.weather.loss_ppm = ppm(plan.loss);
        self.network.weather.delay = Micros::ZERO;
    }

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
        self.network.forget_host(agenda, now, host);
        self.record(host, Action::Crash);
    }

    fn crash(&mut self, host: Host, loses: Loses, until: Micros) {
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

    fn is_on_disk(&self) -> bool {
        self.plan.cluster.durability == crate::plan::DurabilityKind::QuorumDisk
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
        let survives = |voters: &[synced_protocol::id::ReplicaId]| {
            let left = voters.iter().filter(|voter| current.contains(voter));
            voters.is_empty() || left.count() > voters.len() / 2
        };
        views
            .iter()
            .all(|members| survives(&members.voters) && survives(&members.outgoing))
    }

    fn restart(&mut self, host: Host) -> Result<(), Violation> {
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

    fn end_voter(&mut self, host: Host) {
        if self.now < self.end && self.server(host).is_some_and(|s| s.is_awake()) {
            let away = Micros(self.chance.faults.between(AWAY_AFTER_VOTE));
            self.crash(host, Loses::Nothing, self.now + away);
        }
    }

    fn begin_newcomers(&mut self) -> Result<(), Violation> {
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

    fn transfer(&mut self) -> Result<(), Violation> {
        match self.leader() {
            Some(leader) => self.ask(leader, &Wish::Transfer),
            None => Ok(()),
        }
    }

    /// One server after another is stopped, upgraded or taken back, and begun again.
    fn roll(&mut self, next: u16) -> Result<(), Violation> {
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

    fn disconnect_player(&mut self) -> Result<(), Violation> {
        let place = self.chance.faults.place(self.seats.len());
        let connections = self.seats[place].connections.values().copied();
        for number in connections.collect::<Vec<_>>() {
            self.lost(number, 0)?;
        }
        Ok(())
    }

    fn partition(&mut self, host: Host, shape: Shape, until: Micros) {
        let others: Vec<Host> = self.hosts().into_iter().filter(|h| *h != host).collect();
        let away = |host: Host| others.iter().map(move |other| (host, *other));
        let paths: Vec<(Host, Host)> = match shape {
            Shape::OneWay => away(host).collect(),
            Shape::Isolate | Shape::Flapping => away(host).flat_map(both_ways).collect(),
            Shape::Alone => {
                let hosts = self.hosts();
                let to_others = |one: Host| {
                    let others = hosts.iter().copied().filter(move |other| *other != one);
                    others.map(move |other| (one, other))
                };
                hosts.iter().copied().flat_map(to_others).collect()
            }
            Shape::Halves => {
                let side: Vec<bool> = others
                    .iter()
                    .map(|_| self.chance.faults.chance(0.5))
                    .collect();
                let sides = || others.iter().zip(&side);
                let here = sides()
                    .filter(|(_, is_here)| **is_here)
                    .map(|(other, _)| *other);
                let there: Vec<Host> = sides()
                    .filter(|(_, is_here)| !**is_here)
                    .map(|(o, _)| *o)
                    .collect();
                let here = here.chain([host]);
                here.flat_map(|one| there.iter().map(move |other| (one, *other)))
                    .flat_map(both_ways)
                    .collect()
            }
        };
        if self.plant == Some(Plant::StaleRead) && self.holds_lease(host) {
            self.set_drift(host, STANDING_STILL_PPM);
        }
        self.note_outage(host);
        for path in &paths {
            let (agenda, now) = (&mut self.agenda, self.now);
            self.network.block(agenda, now, *path);
        }
        if shape == Shape::Flapping {
            let period = Micros(self.chance.faults.between(FLAP));
            let left = (until.since(self.now).0 / period.0) as u32;
            let flap = Mend::Flap {
                paths,
                is_blocked: true,
                left,
                period,
            };
            self.mend_at(self.now + period, flap);
        } else {
            self.mend_at(until, Mend::Unblock(paths));
        }
    }

    fn flap(&mut self, paths: Vec<(Host, Host)>, is_blocked: bool, left: u32, period: Micros) {
        if is_blocked {
            self.unblock(&paths);
        } else if left > 0 {
            for path in &paths {
                let (agenda, now) = (&mut self.agenda, self.now);
                self.network.block(agenda, now, *path);
            }
        }
        if left > 0 {
            let flap = Mend::Flap {
                paths,
                is_blocked: !is_blocked,
                left: left - 1,
                period,
            };
            self.mend_at(self.now + period, flap);
        }
    }

    fn unblock(&mut self, paths: &[(Host, Host)]) {
        for path in paths {
            let (agenda, now) = (&mut self.agenda, self.now);
            self.network.unblock(agenda, now, *path);
        }
        let hosts = self.hosts().into_iter();
        if hosts.filter(|host| self.holds_lease(*host)).count() == 0 {
            self.outage.healed = Some(self.now);
        }
    }

    /// The server that serves is hit: from now on is counted until another does.
    fn note_outage(&mut self, host: Host) {
        if self.holds_lease(host)
            && let Some(status) = self.status(host)
        {
            self.outage.failed = Some((self.now, status.term));
        }
    }
}

fn both_ways((one, other): (Host, Host)) -> [(Host, Host); 2] {
    [(one, other), (other, one)]
}
