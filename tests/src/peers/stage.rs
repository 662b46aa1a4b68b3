//! Players in Godot who share moving bodies, one way after the other, in the same processes.

use std::{thread, time::Instant};

use super::{
    figure::Figure,
    meter::{CpuTime, Watch},
    plan::{Cell, Plan},
    report::Measured,
    shown::{Shown, quantile},
    way::{Hosted, Way},
};
use crate::{
    Failure, Outcome, folder,
    godot::Godot,
    player::{Player, all_run},
    relay::{Network, Relay, Traffic},
};

/// The project that the players run.
const PROJECT: &str = "tests/godot/peers";
/// The host moves the bodies once a frame.
const HOST_FPS: u32 = 60;
/// A client's frames go through all phases of the host's once a second, so that no way profits from a lucky one.
const CLIENT_FPS: u32 = 61;
/// Who has nothing to do leaves the processor to the others.
const IDLE_FPS: u32 = 10;
/// How many of the bodies an onlooker writes down.
const WATCHED_MAX: u32 = 4;

/// A host and as many clients as any cell needs. The first of them is the one that is looked at: it is behind a relay, which
/// counts, and loses packets when told to; the others reach the host directly.
#[derive(Debug)]
pub struct Stage {
    host: Player,
    clients: Vec<Player>,
    seed: u64,
}

impl Stage {
    /// Starts the players. Their files go to a folder of this name; the same seed makes the same networks.
    ///
    /// # Errors
    /// When there is no Godot, or a player does not start.
    pub fn begin(name: &str, clients: u32, seed: u64) -> Outcome<Self> {
        let folder = folder::fresh(name)?;
        let godot = Godot::find()?;
        let project = folder::repository().join(PROJECT);
        let start = |name: String| {
            let command = godot.headless(&project, &folder.join(&name))?;
            Player::start_by(command, &name, &folder)
        };
        let names = (1..=clients).map(|number| format!("client{number}"));
        let starting: Vec<_> = std::iter::once("host".to_owned())
            .chain(names)
            .map(start)
            .collect::<Outcome<_>>()?;
        let mut players = Vec::new();
        for player in starting {
            let mut player = player.ready()?;
            player.run(&format!("Engine.max_fps = {IDLE_FPS}"))?;
            players.push(player);
        }
        let clients = players.split_off(1);
        let host = players.pop().ok_or_else(|| Failure::new("no host"))?;
        Ok(Self {
            host,
            clients,
            seed,
        })
    }

    /// Measures one cell once.
    ///
    /// # Errors
    /// When a player cannot do what it is told, or there are not enough.
    pub fn measure(&mut self, way: &dyn Way, cell: Cell, plan: &Plan) -> Outcome<Measured> {
        let seed = self.seed;
        let host = &mut self.host;
        let clients = self
            .clients
            .get_mut(..cell.clients as usize)
            .filter(|clients| !clients.is_empty())
            .ok_or_else(|| Failure::new(format!("not enough players for {cell:?}")))?;
        let mut open = Open {
            way,
            cell,
            host,
            clients,
        };
        open.scenes()?;
        let relay = open.connect(seed)?;
        relay.set_network(Network::losing(cell.loss_permille));
        thread::sleep(plan.settling);
        let measured = open.look(&relay, plan);
        relay.set_network(Network::default());
        open.close()?;
        measured
    }

    /// Ends all players, and looks through their logs.
    ///
    /// # Errors
    /// When one does not end well.
    pub fn end(self) -> Outcome {
        self.clients.into_iter().try_for_each(Player::quit)?;
        self.host.quit()
    }
}

/// A scene that is open at all players of a cell.
struct Open<'a> {
    way: &'a dyn Way,
    cell: Cell,
    host: &'a mut Player,
    clients: &'a mut [Player],
}

impl Open<'_> {
    fn scenes(&mut self) -> Outcome {
        let open = |fps: u32| {
            format!(
                "Engine.max_fps = {fps}; PeersWorld.count = {}; {}; open({:?})",
                self.cell.objects,
                self.way.settings(),
                self.way.scene()
            )
        };
        self.host.run(&open(HOST_FPS))?;
        all_run(self.clients, &open(CLIENT_FPS))?;
        let watched = watched(self.cell.objects);
        self.clients[0].run(&format!("PeersRecorder.begin(player, world, {watched:?})"))
    }

    fn connect(&mut self, seed: u64) -> Outcome<Relay> {
        let hosted = self.way.host(self.host, self.cell.clients)?;
        let relay = Relay::start(hosted.address, Network::default(), seed)?;
        let Hosted { address, .. } = hosted;
        for (place, client) in self.clients.iter_mut().enumerate() {
            let by = if place == 0 { relay.address() } else { address };
            client.run(&self.way.join(&hosted, by))?;
        }
        for client in &mut *self.clients {
            client.until(self.way.has_joined())?;
        }
        self.host.until(&self.way.has_clients(self.cell.clients))?;
        self.host.run("world.begin()")?;
        for client in &mut *self.clients {
            client.until("world.is_seen()")?;
        }
        Ok(relay)
    }

    fn look(&mut self, relay: &Relay, plan: &Plan) -> Outcome<Measured> {
        let watch = Watch::begin();
        self.clients[0].run("act(\"PeersRecorder\").start()")?;
        let before = (self.cpu_times()?, relay.traffic(), Instant::now());
        thread::sleep(plan.span);
        let after = (self.cpu_times()?, relay.traffic(), Instant::now());
        let numbers: Vec<f64> = self.clients[0].get("act(\"PeersRecorder\").stop()")?;
        let surroundings = watch.end();
        let span = after.2 - before.2;
        let cpu = |who: usize| after.0[who].percent_since(before.0[who], span);
        let shown = Shown::new(&watched(self.cell.objects), &numbers)?;
        let traffic = after.1.since(before.1);
        let mut figures = vec![
            (
                Figure::BytesPerUpdate,
                bytes_per_update(traffic, span.as_secs_f64(), self.cell.objects, &shown),
            ),
            (Figure::UpdatesPerSecond, shown.changes_hz()),
            (Figure::ServerCpu, cpu(0)),
            (Figure::ClientCpu, cpu(1)),
        ];
        figures.extend(times(&shown));
        Ok(Measured {
            figures,
            surroundings,
        })
    }

    fn cpu_times(&self) -> Outcome<[CpuTime; 2]> {
        let of = |player: &Player| CpuTime::of_process(player.process_id());
        Ok([of(self.host)?, of(&self.clients[0])?])
    }

    /// The clients first, so that nobody is left without a host; and one by one, since ENet's host complains when it tells one
    /// who is leaving that another left.
    fn close(&mut self) -> Outcome {
        self.host.run("world.rest()")?;
        for (left, client) in (1..).zip(&mut *self.clients) {
            client.run(self.way.leave())?;
            client.until(self.way.has_left())?;
            let clients = self.cell.clients - left;
            self.host.until(&self.way.has_clients(clients))?;
        }
        self.host.run(self.way.leave())?;
        self.host.until(self.way.has_left())?;
        self.clients[0].run("act(\"PeersRecorder\").free()")?;
        let close = format!("world.free(); Engine.max_fps = {IDLE_FPS}");
        all_run(self.clients, &close)?;
        self.host.run(&close)
    }
}

/// Some of the bodies, the first and the last among them.
fn watched(objects: u32) -> Vec<u32> {
    let last = objects.saturating_sub(1);
    let parts = WATCHED_MAX - 1;
    let mut watched: Vec<u32> = (0..=parts).map(|part| last * part / parts).collect();
    watched.dedup();
    watched
}

/// Both ways, since what a client sends back is part of the price.
fn bytes_per_update(traffic: Traffic, seconds: f64, objects: u32, shown: &Shown) -> f64 {
    let bytes = traffic.up.bytes + traffic.down.bytes;
    bytes as f64 / (f64::from(objects) * shown.changes_hz() * seconds)
}

fn times(shown: &Shown) -> Vec<(Figure, f64)> {
    let (mut latencies, mut ages) = (shown.latencies_ms(), shown.ages_ms());
    let (error_mm, lag_ms) = shown.error_p99_mm();
    vec![
        (Figure::LatencyP50, quantile(&mut latencies, 0.5)),
        (Figure::LatencyP95, quantile(&mut latencies, 0.95)),
        (Figure::LatencyP99, quantile(&mut latencies, 0.99)),
        (Figure::AgeP50, quantile(&mut ages, 0.5)),
        (Figure::AgeP99, quantile(&mut ages, 0.99)),
        (Figure::GapP99, quantile(&mut shown.gaps_ms(), 0.99)),
        (Figure::ErrorP99, error_mm),
        (Figure::Lag, lag_ms),
        (Figure::FramesPerSecond, shown.frames_hz()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_body_are_watched_and_none_twice() {
        assert_eq!(watched(1), [0]);
        assert_eq!(watched(2), [0, 1]);
        assert_eq!(watched(100), [0, 33, 66, 99]);
    }
}
