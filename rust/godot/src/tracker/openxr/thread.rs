//! The one thread that samples all controllers of the session: no allocation, no lock, no object of the engine.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
};

use openxr_sys as xr;
use rtrb::{Consumer, Producer, RingBuffer};
use synced_protocol::input::Controls;

use super::{
    Nanos,
    channel::Channel,
    convert::Located,
    functions::{Fault, Functions, MAX_LOCATED},
    layer,
    mapping::Mapping,
};
use crate::tracker::{
    histogram::Histogram,
    monotonic::{self, Timeline},
    pacing::{PaceCounters, Pacer},
};

/// The most controllers that are sampled at once. Each has a pose and an aim.
pub(super) const MAX_CHANNELS: usize = MAX_LOCATED / 2;
/// Orders that wait for the thread: it looks every millisecond.
const COMMANDS: usize = 64;
/// Where each space costs a call of its own, aims are looked at at every so many ticks: 125 times a second.
const TICKS_AN_AIM: u64 = 8;
/// Joints are looked at at every so many ticks: 30 times a second.
const TICKS_A_HAND: u64 = 33;

/// What the main thread tells the sampling thread.
#[derive(Debug)]
pub(super) enum Command {
    Add(Box<Channel>),
    Remove(u64),
    Controls(u64, Controls),
    Map {
        mapping: Mapping,
        is_jump: bool,
    },
    /// The runtime tells places in a space that it has moved.
    Jump,
}

/// What the thread counts of the runtime; any thread may read it.
#[derive(Debug, Default)]
pub(super) struct RuntimeCounters {
    /// What locating everything at one moment took.
    pub locates: Histogram,
    /// Moments at which the runtime refused.
    pub failures: AtomicU64,
}

/// The running thread. Dropping it waits for it: at most the sleep to the next deadline and one call of the runtime.
pub(super) struct Thread {
    stop: Arc<AtomicBool>,
    commands: Producer<Command>,
    returned: Consumer<Box<Channel>>,
    pub counters: Arc<PaceCounters>,
    pub runtime: Arc<RuntimeCounters>,
    handle: Option<JoinHandle<Result<(), Fault>>>,
}

impl Thread {
    /// Starts to sample in `base`.
    pub(super) fn start(functions: Functions, base: xr::Space) -> Result<Self, String> {
        let stop = Arc::new(AtomicBool::new(false));
        let counters = Arc::new(PaceCounters::default());
        let runtime = Arc::new(RuntimeCounters::default());
        let (commands, orders) = RingBuffer::new(COMMANDS);
        let (gone, returned) = RingBuffer::new(COMMANDS);
        let sampler = Sampler {
            functions,
            base,
            timeline: Timeline::read(),
            channels: Vec::with_capacity(MAX_CHANNELS),
            mapping: Mapping::default(),
            ticks: 0,
            orders,
            gone,
            counters: counters.clone(),
            runtime: runtime.clone(),
        };
        let body = {
            let stop = stop.clone();
            move || sampler.run(&stop)
        };
        let spawned = thread::Builder::new().name("synced-openxr".to_owned());
        let handle = spawned
            .spawn(body)
            .map_err(|error| format!("the capture thread cannot be started: {error}"))?;
        Ok(Self {
            stop,
            commands,
            returned,
            counters,
            runtime,
            handle: Some(handle),
        })
    }

    /// Whether there was room for it; there is none only while the thread stands still.
    pub(super) fn tell(&mut self, command: Command) -> bool {
        // What the thread was done with is freed here.
        while self.returned.pop().is_ok() {}
        self.commands.push(command).is_ok()
    }

    /// Tells it to end, and does not wait.
    pub(super) fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    pub(super) fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for its end. Says why it ended if it was not told to.
    pub(super) fn join(&mut self) -> Option<String> {
        self.stop();
        match self.handle.take()?.join() {
            Ok(Ok(())) => None,
            Ok(Err(fault)) => Some(fault.to_string()),
            Err(_) => Some("the capture thread failed".to_owned()),
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.join();
    }
}

/// What the thread works with.
struct Sampler {
    functions: Functions,
    base: xr::Space,
    timeline: Timeline,
    #[expect(
        clippy::vec_box,
        reason = "they come and go boxed, so that nothing is allocated or freed here"
    )]
    channels: Vec<Box<Channel>>,
    mapping: Mapping,
    ticks: u64,
    orders: Consumer<Command>,
    gone: Producer<Box<Channel>>,
    counters: Arc<PaceCounters>,
    runtime: Arc<RuntimeCounters>,
}

impl Sampler {
    fn run(mut self, stop: &AtomicBool) -> Result<(), Fault> {
        let mut pacer = Pacer::start();
        while !stop.load(Relaxed) {
            self.obey();
            match self.sample(pacer.woken()) {
                Err(fault) if fault.is_final() => return Err(fault),
                Err(_) => _ = self.runtime.failures.fetch_add(1, Relaxed),
                Ok(()) => {}
            }
            self.ticks += 1;
            pacer.wait(&self.counters);
        }
        Ok(())
    }

    fn obey(&mut self) {
        while let Ok(command) = self.orders.pop() {
            match command {
                Command::Add(channel) => self.channels.push(channel),
                Command::Remove(id) => self.remove(id),
                Command::Controls(id, controls) => {
                    let channel = self.channels.iter_mut().find(|channel| channel.id == id);
                    let channel = channel.filter(|it| it.handles.actions.is_none());
                    if let Some(channel) = channel {
                        channel.controls = controls;
                    }
                }
                Command::Map { mapping, is_jump } => {
                    self.mapping = mapping;
                    if is_jump {
                        self.jump();
                    }
                }
                Command::Jump => self.jump(),
            }
        }
    }

    fn jump(&mut self) {
        self.channels.iter_mut().for_each(|channel| channel.jump());
    }

    fn remove(&mut self, id: u64) {
        if let Some(place) = self.channels.iter().position(|channel| channel.id == id) {
            // A full ring has the channel freed here, which is no more than slow.
            let _ = self.gone.push(self.channels.swap_remove(place));
        }
    }

    fn sample(&mut self, moment: Nanos) -> Result<(), Fault> {
        if self.channels.is_empty() {
            return Ok(());
        }
        let time = self.functions.time_of(moment)?;
        self.read_actions();
        let (found, aims) = self.locate(time)?;
        let now = self.timeline.local(moment);
        for ((channel, found), aim) in self.channels.iter_mut().zip(&found).zip(&aims) {
            channel.take(now, found, aim, &self.mapping);
        }
        if self.ticks.is_multiple_of(TICKS_A_HAND) {
            for channel in &mut self.channels {
                let tracker = channel.handles.joints;
                let joints = tracker.and_then(|it| self.functions.joints(it, self.base, time));
                if let Some(joints) = joints {
                    channel.joints(now, joints, &self.mapping);
                }
            }
        }
        Ok(())
    }

    /// Buttons and axes of this moment, where the project wants that.
    fn read_actions(&mut self) {
        if self.channels.iter().all(|it| it.handles.actions.is_none()) {
            return;
        }
        layer::repeat(self.functions.session());
        for channel in &mut self.channels {
            if let Some(actions) = channel.handles.actions {
                channel.controls = actions.read(&self.functions);
            }
        }
    }

    /// The poses of all channels, and their aims where they were looked at.
    fn locate(
        &self,
        time: xr::Time,
    ) -> Result<([Located; MAX_CHANNELS], [Located; MAX_CHANNELS]), Fault> {
        let mut spaces = [self.base; MAX_LOCATED];
        let mut count = 0;
        let mut put = |space| {
            spaces[count] = space;
            count += 1;
            count - 1
        };
        for channel in &self.channels {
            put(channel.handles.space);
        }
        let mut aim_places = [None; MAX_CHANNELS];
        if self.functions.locates_at_once() || self.ticks.is_multiple_of(TICKS_AN_AIM) {
            for (place, channel) in aim_places.iter_mut().zip(&self.channels) {
                *place = channel.handles.aim.map(&mut put);
            }
        }
        let mut found = [Located::default(); MAX_LOCATED];
        let begun = monotonic::now();
        self.functions
            .locate(&spaces[..count], self.base, time, &mut found)?;
        let spent = monotonic::now() - begun;
        self.runtime.locates.record(spent.as_micros());
        let poses = std::array::from_fn(|place| found[place]);
        let aims =
            aim_places.map(|place| place.map_or_else(Located::default, |at: usize| found[at]));
        Ok((poses, aims))
    }
}
