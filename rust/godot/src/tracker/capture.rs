//! The thread that samples a controller at 1 kHz.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rtrb::{Consumer, Producer, RingBuffer};
use synced_protocol::{input::InputFrame, time::Micros};
use synced_transport::clock;

/// The time from one sample to the next.
const INTERVAL: Micros = Micros(1_000);
/// Samples that the ring to the main thread holds, which takes them once a frame: what a frame of four seconds leaves.
const LATEST_SAMPLES: usize = 4_096;

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
    unseen: Arc<AtomicU64>,
    latest: Consumer<InputFrame>,
    thread: Option<JoinHandle<()>>,
}

impl Capture {
    /// Samples `source` into `ring` until dropped.
    pub(crate) fn start(source: impl Source, ring: Producer<InputFrame>) -> Result<Self, String> {
        let stop = Arc::new(AtomicBool::new(false));
        let unseen = Arc::new(AtomicU64::new(0));
        let (shown, latest) = RingBuffer::new(LATEST_SAMPLES);
        let body = {
            let (stop, unseen) = (stop.clone(), unseen.clone());
            move || run(source, ring, shown, &unseen, &stop)
        };
        let thread = thread::Builder::new()
            .name("synced-capture".to_owned())
            .spawn(body);
        let thread =
            thread.map_err(|error| format!("the capture thread cannot be started: {error}"))?;
        Ok(Self {
            stop,
            unseen,
            latest,
            thread: Some(thread),
        })
    }

    /// How many samples found no room on their way to the main thread since the last call.
    pub(crate) fn take_unseen(&self) -> u64 {
        self.unseen.swap(0, Ordering::Relaxed)
    }

    /// Hands on every sample since the last call, the oldest first.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(InputFrame)) {
        while let Ok(frame) = self.latest.pop() {
            each(frame);
        }
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

/// Samples by absolute deadlines: a late one does not shift those after it, a missed one is skipped.
fn run(
    mut source: impl Source,
    mut ring: Producer<InputFrame>,
    mut shown: Producer<InputFrame>,
    unseen: &AtomicU64,
    stop: &AtomicBool,
) {
    let begun = clock::now();
    let mut deadline = begun;
    while !stop.load(Ordering::Relaxed) {
        let has_more = source.samples(clock::now() - begun, &mut |frame| {
            let frame = InputFrame {
                sampled_at: begun + frame.sampled_at,
                ..frame
            };
            // Either ring is full only while its reader stands still, and then newer samples will count.
            let _ = ring.push(frame);
            if shown.push(frame).is_err() {
                unseen.fetch_add(1, Ordering::Relaxed);
            }
        });
        if !has_more {
            return;
        }
        let missed = (clock::now() - deadline).0 / INTERVAL.0;
        deadline = deadline + Micros(INTERVAL.0 * (missed + 1));
        thread::sleep(Duration::from_micros((deadline - clock::now()).0));
    }
}
