//! Players without an engine who write all at once, again and again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use synced_bench::{Player, shares};
use synced_client::{
    SessionConfig,
    limits::PROPOSALS_PER_SECOND_MAX,
    update::{Spawned, Update},
};
use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    limits::MAX_TRANSACTION_STEPS,
    mutation::{Lane, Mutation, Transaction},
    value::Value,
};
use synced_transport::clock;

use super::Load;
use crate::{
    Failure, Outcome,
    headless::HeadlessPlayer,
    play::{GAME_NAME, GAME_VERSION},
};

/// How often the writers read what they are told.
const POLL: Duration = Duration::from_micros(500);
/// How long what is on its way may take in the end.
const SETTLE: Duration = Duration::from_millis(500);
/// A writer makes use of so much of what it may propose a second, in percent.
const SHARE_OF_RATE: u32 = 75;
/// Live values of one writer, a second.
const LIVE_HZ_MAX: u32 = 45_000;
/// More than they take.
const LIVE_BYTES_PER_SECOND: u32 = 8_000_000;
/// The properties of a thing that are written.
const CONFIRMED: &str = "color";
const LIVE: &str = "position";
/// The values go round after so many loads.
const VALUES: u32 = 1_000;

/// Players who own all things.
pub(super) struct Writers {
    load: Load,
    writers: Vec<Writer>,
}

/// Those who write, until they are told to end.
pub(super) struct Writing {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Outcome>,
}

struct Writer {
    player: Player,
    id: PlayerId,
    things: Vec<(NodeId, PropertyId)>,
}

impl Writers {
    /// As many as it takes join, and ask for the things.
    pub(super) fn join(url: &str, load: &Load) -> Outcome<Self> {
        let count = needed(load);
        let writers = (0..count).map(|number| {
            let mut writer = Writer::join(url, load, number)?;
            let mut shares = shares(writer.things.len(), count as usize);
            let share = shares.nth(number as usize).unwrap_or_default();
            writer.things = writer.things.drain(share).collect();
            writer.take_over();
            Ok(writer)
        });
        let writers: Vec<_> = writers.collect::<Outcome<_>>()?;
        Ok(Self {
            load: *load,
            writers,
        })
    }

    pub(super) fn count(&self) -> u32 {
        self.writers.len() as u32
    }

    /// Begins to write, in a thread.
    pub(super) fn begin(self) -> Writing {
        let stop = Arc::<AtomicBool>::default();
        let asked = stop.clone();
        Writing {
            thread: thread::spawn(move || self.write_until(&asked)),
            stop,
        }
    }

    fn write_until(mut self, stop: &AtomicBool) -> Outcome {
        let interval = Duration::from_secs(1) * self.load.every / self.load.frames_hz;
        let (mut next, mut number) = (Instant::now(), 0);
        while !stop.load(Ordering::Relaxed) {
            if Instant::now() >= next {
                next = (next + interval).max(Instant::now());
                number += 1;
                for writer in &mut self.writers {
                    writer.write(&self.load, number);
                }
            }
            self.listen()?;
            thread::sleep(POLL);
        }
        let end = Instant::now() + SETTLE;
        while Instant::now() < end {
            self.listen()?;
            thread::sleep(POLL);
        }
        let leave = |writer: Writer| writer.player.leave().map(drop);
        Ok(self.writers.into_iter().try_for_each(leave)?)
    }

    fn listen(&mut self) -> Outcome {
        self.writers.iter_mut().try_for_each(Writer::listen)
    }
}

impl Writing {
    /// Writes no more, and leaves.
    pub(super) fn end(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        ended.map_err(|_| Failure::new("the writers panicked"))?
    }
}

impl Writer {
    fn join(url: &str, load: &Load, number: u32) -> Outcome<Self> {
        let address = url.parse();
        let address = address.map_err(|error| Failure::new(format!("{url}: {error}")))?;
        let mut player = Player::begin(&address, config(number))?;
        let mut things = Vec::new();
        let id = player.join(|update| {
            if let Update::Spawned(spawned) = update {
                things.extend(written(&spawned, load.lane));
            }
        })?;
        things.sort_unstable();
        Ok(Self { player, id, things })
    }

    fn take_over(&mut self) {
        let to = self.id;
        for things in self.things.chunks(MAX_TRANSACTION_STEPS) {
            let transfer =
                |(node, _): &(NodeId, _)| Mutation::TransferOwnership { node: *node, to };
            self.player
                .propose(transaction(things.iter().map(transfer)));
        }
        self.player.flush();
    }

    fn write(&mut self, load: &Load, number: u32) {
        match load.lane {
            Lane::Confirmed => self.propose(load.per_commit as usize, number),
            Lane::Live => self.stream(number),
        }
        self.player.flush();
    }

    fn propose(&mut self, per_commit: usize, number: u32) {
        for things in self.things.chunks(per_commit) {
            let set = |(node, property): &(NodeId, PropertyId)| Mutation::SetProperties {
                node: *node,
                properties: vec![(*property, color(number))],
            };
            self.player.propose(transaction(things.iter().map(set)));
        }
    }

    fn stream(&mut self, number: u32) {
        let now = clock::now();
        for (node, property) in &self.things {
            self.player.set_live(*node, *property, now, place(number));
        }
    }

    fn listen(&mut self) -> Outcome {
        while let Some(update) = self.player.next_update() {
            match update {
                Update::Rejected { reason, .. } => {
                    return Err(Failure::new(format!("a write was rejected: {reason:?}")));
                }
                Update::Ended(reason) => return Err(self.player.ended(&reason).into()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// How many writers it takes, none of whom has to wait.
fn needed(load: &Load) -> u32 {
    let loads_hz = load.frames_hz.div_ceil(load.every);
    match load.lane {
        Lane::Confirmed => {
            let proposals_hz = load.updates.div_ceil(load.per_commit) * loads_hz;
            (100 * proposals_hz).div_ceil(SHARE_OF_RATE * PROPOSALS_PER_SECOND_MAX)
        }
        Lane::Live => (load.updates * loads_hz).div_ceil(LIVE_HZ_MAX),
    }
}

/// The property of a thing that is written on a lane.
fn written(spawned: &Spawned, lane: Lane) -> Option<(NodeId, PropertyId)> {
    let wanted = match lane {
        Lane::Confirmed => CONFIRMED,
        Lane::Live => LIVE,
    };
    let mut numbered = (0..).map(PropertyId).zip(&spawned.spawn.properties);
    let found = numbered.find(|(_, spec)| spec.path == wanted);
    found.map(|(property, _)| (spawned.spawn.node, property))
}

fn transaction(mutations: impl Iterator<Item = Mutation>) -> Transaction {
    Transaction {
        guards: Vec::new(),
        steps: mutations.collect(),
    }
}

fn config(number: u32) -> SessionConfig {
    let mut config = HeadlessPlayer::config(GAME_NAME, GAME_VERSION, &format!("writer {number}"));
    config.live.bytes_per_second_max = LIVE_BYTES_PER_SECOND;
    config
}

fn color(number: u32) -> Value {
    let part = (number % VALUES) as f32 / VALUES as f32;
    Value::Color([part, 1.0 - part, 0.5, 1.0])
}

fn place(number: u32) -> Value {
    let metres = (number % VALUES) as f32 / VALUES as f32;
    Value::Vector3([metres, 1.0, -metres])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_write_as_it_takes_within_what_one_may_propose() {
        assert_eq!(needed(&Load::transactions(100)), 1);
        assert_eq!(needed(&Load::confirmed(100)), 8);
        assert_eq!(needed(&Load::live(1_000)), 2);
    }
}
