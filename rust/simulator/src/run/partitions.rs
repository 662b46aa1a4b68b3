//! Servers cannot reach each other, and can again.

use synced_protocol::time::Micros;

use super::Run;
use crate::{
    happening::{Host, Mend},
    network::ppm,
    plan::Shape,
    plant::Plant,
    system::System,
};

/// How long a flapping path stays as it is.
const FLAP: [u64; 2] = [500, 40_000];
/// The drift of a clock that hardly moves.
const STANDING_STILL_PPM: i64 = -999_000;

impl<S: System> Run<S> {
    pub(super) fn partition(&mut self, host: Host, shape: Shape, until: Micros) {
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

    pub(super) fn flap(
        &mut self,
        paths: Vec<(Host, Host)>,
        is_blocked: bool,
        left: u32,
        period: Micros,
    ) {
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

    pub(super) fn unblock(&mut self, paths: &[(Host, Host)]) {
        for path in paths {
            let (agenda, now) = (&mut self.agenda, self.now);
            self.network.unblock(agenda, now, *path);
        }
        self.note_healed();
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
}

fn both_ways((one, other): (Host, Host)) -> [(Host, Host); 2] {
    [(one, other), (other, one)]
}
