//! The thread that samples a source of this process at 1 kHz.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use synced_protocol::{input::InputFrame, time::Micros};

use super::{
    monotonic::Timeline,
    outlets::Outlets,
    pacing::{PaceCounters, Pacer},
    report::Meter,
};

/// Something that can be sampled from a thread of its own. It touches no object of the engine.
pub(crate) trait Source: Send + 'static {
    /// Hands over each new sample up to a time since the start; the samples' own times count from there, too. False once there
    /// are no more.
    fn samples(&mut self, elapsed: Micros, each: &mut dyn FnMut(InputFrame)) -> bool;
}

/// Threads that were told to stop and may still be about to.
static ENDING: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Waits for every capture that was dropped. For the end of the game: the library must not be unloaded before.
pub(crate) fn join_all() {
    let ending = std::mem::take(&mut *ending());
    for thread in ending {
        let _ = thread.join();
    }
}

fn ending() -> MutexGuard<'static, Vec<JoinHandle<()>>> {
    ENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves a thread that is about to end to [`join_all`].
pub(crate) fn join_later(thread: JoinHandle<()>) {
    let mut ending = ending();
    ending.retain(|thread| !thread.is_finished());
    ending.push(thread);
}

/// A running capture. Dropping it stops the thread without waiting for it.
#[derive(Debug)]
pub(crate) struct Capture {
    stop: Arc<AtomicBool>,
    pub meter: Meter,
    thread: Option<JoinHandle<()>>,
}

impl Capture {
    /// Samples `source` into its rings until dropped.
    pub(crate) fn start(source: impl Source, outlets: Outlets) -> Result<Self, String> {
        let stop = Arc::new(AtomicBool::new(false));
        let counters = Arc::new(PaceCounters::default());
        let body = {
            let (stop, counters) = (stop.clone(), counters.clone());
            move || run(source, outlets, &stop, &counters)
        };
        let thread = thread::Builder::new()
            .name("synced-capture".to_owned())
            .spawn(body);
        let thread =
            thread.map_err(|error| format!("the capture thread cannot be started: {error}"))?;
        Ok(Self {
            stop,
            meter: Meter::new(counters),
            thread: Some(thread),
        })
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            join_later(thread);
        }
    }
}

fn run(mut source: impl Source, mut outlets: Outlets, stop: &AtomicBool, counters: &PaceCounters) {
    let mut pacer = Pacer::start();
    let timeline = Timeline::read();
    let begun = timeline.local(pacer.woken());
    while !stop.load(Ordering::Relaxed) {
        let elapsed = timeline.local(pacer.woken()) - begun;
        let has_more = source.samples(elapsed, &mut |frame| {
            outlets.sample(InputFrame {
                sampled_at: begun + frame.sampled_at,
                ..frame
            });
        });
        if !has_more {
            return;
        }
        pacer.wait(counters);
    }
}
