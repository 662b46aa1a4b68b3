//! The players of a comparison, and the networks between them.

use std::{
    fs::File,
    io::BufWriter,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use glam::DVec3;

use crate::{
    Failure, Outcome, folder,
    godot::Godot,
    motion::{LEFT_HOME, Motion, RIGHT_HOME, write_trace},
    play::game,
    player::Player,
    ports::free_udp_port,
    relay::{Network, Relay, Traffic},
    server::SyncedServer,
};

use super::{
    BuiltIn, Frame, HANDS, Load, Measurement, Synced, Truth, Tuning, best_errors, errors_at,
    longest_pause_msec,
};

/// The project that the players run.
const PROJECT: &str = "tests/godot/hands";
const TRACE_HZ: u32 = 1_000;
/// How much of the sender's own samples is looked at to find out when its hands began to move, and when. By then each hand
/// has gone round at least once.
const LOOKED_AT_USEC: u32 = 1_500_000;
const LOOKED_AFTER: Duration = Duration::from_millis(3_500);

/// Two players who share hands by `SyncedNode`, two who share them by `MultiplayerSynchronizer`, and the networks between.
#[derive(Debug)]
pub struct Stage {
    server: SyncedServer,
    sender: Side,
    receiver: Side,
    host: Player,
    guest: Side,
    synced_truths: [Truth; 2],
    built_in_truths: [Truth; 2],
}

/// A player, and the network that it is behind.
#[derive(Debug)]
struct Side {
    player: Player,
    relay: Relay,
}

impl Stage {
    /// Brings all players together over good networks and lets the hands move, for at least so many seconds. Files go to a
    /// folder of this name; the same seed makes the same networks.
    ///
    /// # Errors
    /// When something does not start, or the hands do not move as they should.
    pub fn begin(name: &str, tuning: &Tuning, seconds: f64, seed: u64) -> Outcome<Self> {
        let folder = folder::fresh(name)?;
        let motions = motions(seconds);
        write_traces(&folder, &motions)?;
        let godot = Godot::find()?;
        let server = SyncedServer::start(&folder, &game().set("segmentation_offload", false))?;
        let [sender, receiver, host, guest] = players(&godot, &folder)?;
        let way = |to: SocketAddr, seed: u64| Relay::start(to, Network::default(), seed);
        let sender = Side {
            player: sender,
            relay: way(server.address(), seed)?,
        };
        let receiver = Side {
            player: receiver,
            relay: way(server.address(), seed + 1)?,
        };
        let port = free_udp_port()?;
        let guest = Side {
            player: guest,
            relay: way((Ipv4Addr::LOCALHOST, port).into(), seed + 2)?,
        };
        let [sender, receiver] =
            [sender, receiver].map(|side| open_synced(side, &server, &folder, tuning));
        let (mut sender, receiver) = (sender?, receiver?);
        let taken = Instant::now();
        sender.player.run("world.take()")?;
        sender.player.until("world.are_taken()")?;
        let (host, guest, begun) = open_built_in(host, guest, port, &folder)?;
        thread::sleep(LOOKED_AFTER);
        Ok(Self {
            synced_truths: synced_truths(&mut sender.player, &motions, taken)?,
            built_in_truths: motions.map(|motion| Truth::new(motion, begun)),
            server,
            sender,
            receiver,
            host,
            guest,
        })
    }

    /// Looks at both ways over a network, after a while in which they get used to it, for so many rounds of the motion: so
    /// everything in it is looked at as often.
    ///
    /// # Errors
    /// When a player cannot be asked any more.
    pub fn measure(
        &mut self,
        network: Network,
        settling: Duration,
        rounds: u32,
    ) -> Outcome<Measurement> {
        for relay in self.relays() {
            relay.set_network(network);
        }
        thread::sleep(settling);
        let before = self.relays().map(Relay::traffic);
        let begun = Instant::now();
        for player in self.recorded() {
            player.run("act(\"FrameRecorder\").start()")?;
        }
        thread::sleep(round().mul_f64(rounds.into()));
        let after = self.relays().map(Relay::traffic);
        let seconds = begun.elapsed().as_secs_f64();
        let load = Load::now();
        let mut frames = Vec::new();
        for player in self.recorded() {
            frames.push(recorded(player)?);
        }
        let [of_sender, of_receiver, of_guest] = &frames[..] else {
            return Err(Failure::new("not everybody recorded"));
        };
        let traffic: [Traffic; 3] = std::array::from_fn(|way| after[way].since(before[way]));
        let errors = |frames| errors_at(frames, &self.synced_truths, |_, shown| shown.at_usec);
        let (built_in_errors, lag_msec) = best_errors(of_guest, &self.built_in_truths);
        let pauses = frames.iter().map(|frames| longest_pause_msec(frames));
        Ok(Measurement {
            network,
            seconds,
            pause_msec: pauses.fold(0.0, f64::max),
            synced: Synced {
                errors: errors(of_receiver),
                delay_msec: mean_msec(of_receiver, |frame| {
                    frame.unix_usec - frame.hands[0].at_usec
                }),
                clock_off_msec: mean_msec(of_sender, |frame| frame.session_usec - frame.unix_usec),
                frames: of_receiver.len(),
                sender: traffic[0],
                receiver: traffic[1],
            },
            built_in: BuiltIn {
                errors: built_in_errors,
                lag_msec,
                frames: of_guest.len(),
                traffic: traffic[2],
            },
            load,
        })
    }

    /// The player whose hands they are, and the truth of them.
    pub const fn sender(&mut self) -> (&mut Player, &[Truth; 2]) {
        (&mut self.sender.player, &self.synced_truths)
    }

    /// The player who sees them, and the truth of them.
    pub const fn receiver(&mut self) -> (&mut Player, &[Truth; 2]) {
        (&mut self.receiver.player, &self.synced_truths)
    }

    /// Where the server listens.
    #[must_use]
    pub const fn server(&self) -> &SyncedServer {
        &self.server
    }

    /// Changes the network that every packet goes over.
    pub fn set_network(&self, network: Network) {
        for relay in self.relays() {
            relay.set_network(network);
        }
    }

    /// Ends all players in order, then the server.
    ///
    /// # Errors
    /// When one does not end well.
    pub fn end(mut self) -> Outcome {
        self.set_network(Network::default());
        self.guest.player.run("world.leave()")?;
        self.host.run("world.leave()")?;
        let Self {
            server,
            sender,
            receiver,
            host,
            guest,
            ..
        } = self;
        for player in [sender.player, receiver.player, guest.player, host] {
            player.quit()?;
        }
        server.stop()
    }

    fn relays(&self) -> [&Relay; 3] {
        [&self.sender, &self.receiver, &self.guest].map(|side| &side.relay)
    }

    fn recorded(&mut self) -> [&mut Player; 3] {
        [&mut self.sender, &mut self.receiver, &mut self.guest].map(|side| &mut side.player)
    }
}

/// How long both hands take for everything once.
#[must_use]
pub fn round() -> Duration {
    let long = |seconds| Motion::programme(LEFT_HOME, seconds, 1).length();
    let one = long(0.0);
    Duration::from_secs_f64(long(one + 1e-3) - one)
}

/// Both hands do a bit of everything, and not the same at once.
fn motions(seconds: f64) -> [Motion; 2] {
    let left = Motion::programme(LEFT_HOME, seconds, 1);
    let right = Motion::rest(RIGHT_HOME, 0.73, 2);
    [left, right.then(Motion::programme(RIGHT_HOME, seconds, 3))]
}

fn write_traces(folder: &Path, motions: &[Motion; 2]) -> Outcome {
    for (hand, motion) in HANDS.iter().zip(motions) {
        let path = folder.join(format!("{}.trace", hand.to_lowercase()));
        let failed = || Failure::of(format!("cannot write {}", path.display()));
        let mut out = BufWriter::new(File::create(&path).map_err(failed())?);
        write_trace(motion, TRACE_HZ, &mut out).map_err(failed())?;
    }
    Ok(())
}

fn players(godot: &Godot, folder: &Path) -> Outcome<[Player; 4]> {
    let project = folder::repository().join(PROJECT);
    let start = |name: &str| {
        let command = godot.headless(&project, &folder.join(name))?;
        Player::start_by(command, name, folder)
    };
    let starting = ["sender", "receiver", "host", "guest"].map(start);
    let ready = starting.into_iter().map(|starting| starting?.ready());
    let players = ready.collect::<Outcome<Vec<_>>>()?;
    players
        .try_into()
        .map_err(|_| Failure::new("not as many players as names"))
}

fn open_synced(
    mut side: Side,
    server: &SyncedServer,
    folder: &Path,
    tuning: &Tuning,
) -> Outcome<Side> {
    let player = &mut side.player;
    let Tuning {
        batch_interval_msec,
        redundancy,
        precision,
        playout_delay_min_msec,
        ..
    } = tuning;
    player.run(&format!(
        "SyncedSession.batch_interval_msec = {batch_interval_msec}; SyncedSession.tracker_redundancy = {redundancy}; \
         SyncedSession.playout_delay_min_msec = {playout_delay_min_msec}; \
         SyncedHands.folder = {folder:?}; SyncedHands.precision = {precision}"
    ))?;
    player.run("open(\"synced_hands\"); FrameRecorder.begin(player, world)")?;
    let url = server.url_by(side.relay.address());
    player.run(&format!("SyncedSession.connect_to_server({url:?})"))?;
    player.until("SyncedSession.is_joined()")?;
    Ok(side)
}

/// Gives the time at which the host's hands began to move, too.
fn open_built_in(
    mut host: Player,
    mut guest: Side,
    port: u16,
    folder: &Path,
) -> Outcome<(Player, Side, f64)> {
    let open = "open(\"built_in_hands\"); FrameRecorder.begin(player, world)";
    for player in [&mut host, &mut guest.player] {
        player.run(open)?;
    }
    host.run(&format!("world.host({port})"))?;
    let relay = guest.relay.address().port();
    guest.player.run(&format!("world.join({relay})"))?;
    for player in [&mut host, &mut guest.player] {
        player.until("world.is_connected_to_peer()")?;
    }
    let begun = host.get(&format!("world.begin({folder:?})"))?;
    Ok((host, guest, begun))
}

/// When the hands of the sender began to move, from its own samples, which is soon after it took them; and by this machine's
/// clock, which the server shows as session time, not by the sender's idea of it.
fn synced_truths(
    sender: &mut Player,
    motions: &[Motion; 2],
    taken: Instant,
) -> Outcome<[Truth; 2]> {
    let off: f64 = sender
        .get("SyncedSession.get_session_time_usec() - Time.get_unix_time_from_system() * 1e6")?;
    let mut truth = |place: usize| -> Outcome<Truth> {
        let ask = format!("world.sampled({:?}, {LOOKED_AT_USEC})", HANDS[place]);
        let (times, points): (Vec<f64>, Vec<[f64; 3]>) = sender.get(&ask)?;
        let points = points.into_iter().map(DVec3::from_array);
        let samples: Vec<_> = times.into_iter().zip(points).collect();
        let newest = samples.last().map_or(0.0, |sample| sample.0);
        let guess = newest - taken.elapsed().as_micros() as f64;
        Ok(Truth::found(motions[place].clone(), &samples, guess)?.later(-off))
    };
    Ok([truth(0)?, truth(1)?])
}

/// What a player has shown since its `FrameRecorder` was started.
///
/// # Errors
/// When the player cannot be asked any more.
pub fn recorded(player: &mut Player) -> Outcome<Vec<Frame>> {
    let rows: Vec<Vec<f64>> = player.get("act(\"FrameRecorder\").stop()")?;
    rows.iter().map(|row| Frame::from_row(row)).collect()
}

fn mean_msec(frames: &[Frame], usec: impl Fn(&Frame) -> f64) -> f64 {
    frames.iter().map(usec).sum::<f64>() / frames.len().max(1) as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_every_motion_once_and_the_next_begins_as_it_began() {
        let (round, motion) = (round().as_secs_f64(), Motion::programme(LEFT_HOME, 60.0, 1));
        assert!((4.0..12.0).contains(&round), "{round} s");
        for step in 0..500 {
            let seconds = 0.6 + round * f64::from(step) / 500.0;
            let [now, later] = [0.0, round].map(|more| motion.at(seconds + more).position);
            assert!(now.distance(later) < 1e-6, "at {seconds}");
        }
    }
}
