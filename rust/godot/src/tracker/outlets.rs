//! Where a controller's samples go: to the network, and to the main thread.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use rtrb::{Consumer, Producer, RingBuffer};
use synced_client::TrackerFeed;
use synced_protocol::input::{HandJoints, InputFrame, Pose, Precision};

/// Samples that the ring to the network holds: a quarter of a second at 1 kHz.
const NETWORK_SAMPLES: usize = 256;
/// Samples that the ring to the main thread holds, which takes them once a frame: what a frame of four seconds leaves.
const HISTORY_SAMPLES: usize = 4_096;
/// The rings of what is told seldom hold a few.
const SELDOM: usize = 16;

/// What is counted of one controller; any thread may read it.
#[derive(Debug, Default)]
pub(crate) struct OutletCounters {
    /// Samples taken.
    pub samples: AtomicU64,
    /// Samples at the same pose as the one before: the controller rests, or the runtime has nothing newer.
    pub repeats: AtomicU64,
    /// Samples that did not fit into the ring to the network.
    pub network_overflows: AtomicU64,
    /// Samples that did not fit into the ring to the main thread.
    pub history_overflows: AtomicU64,
    /// Samples that wait in the ring to the network.
    pub network_level: AtomicU64,
    /// Times that tracking was lost.
    pub losses: AtomicU64,
}

/// The rings' ends on the side of whoever captures.
#[derive(Debug)]
pub(crate) struct Outlets {
    network: Ends,
    history: Ends,
    last: Pose,
    pub counters: Arc<OutletCounters>,
}

/// The ends of what goes one way.
#[derive(Debug)]
struct Ends {
    samples: Producer<InputFrame>,
    aim: Producer<Pose>,
    joints: Producer<HandJoints>,
}

/// The ends on the main thread's side.
#[derive(Debug)]
pub(crate) struct History {
    samples: Consumer<InputFrame>,
    aim: Consumer<Pose>,
    joints: Consumer<HandJoints>,
    /// Of the samples that found no room, those told.
    missed_told: u64,
    pub counters: Arc<OutletCounters>,
}

/// The rings of one controller. The network's ends take all times as local.
pub(crate) fn rings() -> (Outlets, TrackerFeed, History) {
    let (network, network_samples) = RingBuffer::new(NETWORK_SAMPLES);
    let (network_aim, network_aims) = RingBuffer::new(SELDOM);
    let (network_joints, network_hands) = RingBuffer::new(SELDOM);
    let (history, samples) = RingBuffer::new(HISTORY_SAMPLES);
    let (aim, aims) = RingBuffer::new(SELDOM);
    let (joints, hands) = RingBuffer::new(SELDOM);
    let counters = Arc::new(OutletCounters::default());
    let outlets = Outlets {
        network: Ends {
            samples: network,
            aim: network_aim,
            joints: network_joints,
        },
        history: Ends {
            samples: history,
            aim,
            joints,
        },
        last: Pose::default(),
        counters: counters.clone(),
    };
    let feed = TrackerFeed {
        samples: network_samples,
        aim: network_aims,
        joints: network_hands,
        precision: Precision::default(),
    };
    let history = History {
        samples,
        aim: aims,
        joints: hands,
        missed_told: 0,
        counters,
    };
    (outlets, feed, history)
}

impl Outlets {
    /// A full ring means that its reader stands still, and then newer samples will count.
    pub(crate) fn sample(&mut self, frame: InputFrame) {
        let counters = &*self.counters;
        counters.samples.fetch_add(1, Relaxed);
        let pose = Pose {
            position: frame.position,
            orientation: frame.orientation,
        };
        if std::mem::replace(&mut self.last, pose) == pose {
            counters.repeats.fetch_add(1, Relaxed);
        }
        if !self.network.samples.is_abandoned() && self.network.samples.push(frame).is_err() {
            counters.network_overflows.fetch_add(1, Relaxed);
        }
        if self.history.samples.push(frame).is_err() {
            counters.history_overflows.fetch_add(1, Relaxed);
        }
        let level = NETWORK_SAMPLES - self.network.samples.slots();
        counters.network_level.store(level as u64, Relaxed);
    }

    /// Whether everybody who listens had room for it.
    pub(crate) fn aim(&mut self, aim: Pose) -> bool {
        let mut ends = [&mut self.network, &mut self.history].into_iter();
        ends.all(|ends| ends.aim.is_abandoned() || ends.aim.push(aim).is_ok())
    }

    /// The next snapshot makes up for one that finds no room.
    pub(crate) fn joints(&mut self, hand: HandJoints) {
        for ends in [&mut self.network, &mut self.history] {
            let _ = ends.joints.push(hand);
        }
    }
}

impl History {
    /// Takes out the samples since the last call, oldest first.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = InputFrame> {
        std::iter::from_fn(|| self.samples.pop().ok())
    }

    /// The aim pose as it was told last since the last call.
    pub(crate) fn newest_aim(&mut self) -> Option<Pose> {
        std::iter::from_fn(|| self.aim.pop().ok()).last()
    }

    /// Takes out the snapshots of the joints since the last call, oldest first.
    pub(crate) fn drain_joints(&mut self) -> impl Iterator<Item = HandJoints> {
        std::iter::from_fn(|| self.joints.pop().ok())
    }

    /// How full the ring to the network is, from 0 to 1.
    pub(crate) fn network_level(&self) -> f64 {
        self.counters.network_level.load(Relaxed) as f64 / NETWORK_SAMPLES as f64
    }

    /// How many samples found no room on their way here since the last call.
    pub(crate) fn take_missed(&mut self) -> u64 {
        let missed = self.counters.history_overflows.load(Relaxed);
        missed - std::mem::replace(&mut self.missed_told, missed)
    }
}

#[cfg(test)]
mod tests {
    use glam::Vec3;

    use super::*;

    #[test]
    fn a_reader_that_stands_still_costs_its_own_samples_alone() {
        let (mut outlets, mut feed, mut history) = rings();
        (0..NETWORK_SAMPLES + 3).for_each(|_| outlets.sample(InputFrame::default()));
        assert_eq!(feed.samples.pop().iter().count(), 1);
        assert_eq!(history.drain().count(), NETWORK_SAMPLES + 3);
        let counters = &*history.counters;
        let read = |counter: &AtomicU64| counter.load(Relaxed) as usize;
        assert_eq!(read(&counters.samples), NETWORK_SAMPLES + 3);
        assert_eq!(read(&counters.network_overflows), 3);
        assert_eq!(read(&counters.history_overflows), 0);
        assert_eq!(read(&counters.network_level), NETWORK_SAMPLES);
        assert!((history.network_level() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn samples_that_the_main_thread_missed_are_told_once() {
        let (mut outlets, feed, mut history) = rings();
        drop(feed);
        (0..HISTORY_SAMPLES + 5).for_each(|_| outlets.sample(InputFrame::default()));
        assert_eq!(history.take_missed(), 5);
        assert_eq!(history.take_missed(), 0);
        assert_eq!(history.counters.network_overflows.load(Relaxed), 0);
    }

    #[test]
    fn samples_at_the_same_pose_as_the_one_before_are_counted() {
        let (mut outlets, _feed, history) = rings();
        for x in [1.0, 1.0, 2.0, 1.0, 1.0, 1.0] {
            outlets.sample(InputFrame {
                position: Vec3::new(x, 0.0, 0.0),
                ..InputFrame::default()
            });
        }
        assert_eq!(history.counters.repeats.load(Relaxed), 3);
    }

    #[test]
    fn the_main_thread_may_take_a_quarter_of_a_second_for_a_frame() {
        let (mut outlets, _feed, mut history) = rings();
        (0..250).for_each(|_| outlets.sample(InputFrame::default()));
        assert_eq!(history.drain().count(), 250);
        assert_eq!(history.counters.history_overflows.load(Relaxed), 0);
    }
}
