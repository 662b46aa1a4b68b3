//! One controller on its way into datagrams.

use synced_protocol::{
    id::NodeId,
    input::{HandJoints, InputFrame, MAX_BATCH_FRAMES, Pose},
    live::{Fit, LiveWriter},
    time::Micros,
};

use super::{
    batches::{Batches, Portion},
    latest::{Held, Latest, Pace},
    samples::Samples,
};
use crate::{
    clock::ClockSync,
    feed::TrackerFeed,
    limits::{AIM_REPEAT, JOINTS_INTERVAL_MIN},
    playout::angle_between,
    seek::Interruption,
    stats::Meter,
};

/// How many flushes without a new sample pass before the last batches are sent once more. A source slower than the flushes
/// is not to be sent more often for it.
const REPEAT_AFTER_TICKS: u64 = 5;
/// An aim that moved less, relative to the grip, did not move. Metres and radians.
const AIM_STEP_M: f32 = 5e-4;
const AIM_STEP_RAD: f32 = 2e-3;

/// A controller's samples, aim and joints, in session time.
///
/// Every batch begins with the samples of some batches before it, so that the loss of as many datagrams in a row loses nothing;
/// when no new ones come, the last batches are sent as often all the same.
#[derive(Debug)]
pub(super) struct Tracker {
    node: NodeId,
    samples: Samples,
    batches: Batches,
    aim: Latest<Pose>,
    joints: Latest<HandJoints>,
    /// Local time since which new samples, or repeated ones alone, wait.
    waiting_since: Option<Micros>,
    sent_at: Micros,
    finishing: bool,
    /// Two batches in one datagram would be lost together.
    in_datagram: bool,
}

/// What of a tracker is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Samples,
    Aim,
    Joints,
}

/// When and how samples are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing {
    pub(super) now: Micros,
    pub(super) session_now: Micros,
    pub(super) redundancy: u8,
    pub(super) thinning: bool,
}

impl Tracker {
    pub(super) fn new(node: NodeId, feed: TrackerFeed) -> Self {
        let aim = Pace {
            interval_min: Micros::ZERO,
            repeat: Some(AIM_REPEAT),
        };
        let joints = Pace {
            interval_min: JOINTS_INTERVAL_MIN,
            repeat: None,
        };
        Self {
            node,
            samples: Samples::new(feed.samples, feed.precision),
            batches: Batches::default(),
            aim: Latest::new(feed.aim, aim),
            joints: Latest::new(feed.joints, joints),
            waiting_since: None,
            sent_at: Micros::ZERO,
            finishing: false,
            in_datagram: false,
        }
    }

    pub(super) const fn node(&self) -> NodeId {
        self.node
    }

    /// Goes on with another source.
    pub(super) fn replace(&mut self, feed: TrackerFeed) {
        self.samples.replace(feed.samples, feed.precision);
        self.aim.replace(feed.aim);
        self.joints.replace(feed.joints);
        self.finishing = false;
    }

    /// No more samples: the tracker is done when the last ones are sent as often as all others.
    pub(super) const fn finish(&mut self) {
        self.finishing = true;
    }

    pub(super) fn is_done(&self) -> bool {
        (self.finishing || self.samples.is_over()) && self.batches.is_empty()
    }

    /// A connection is up: after a long interruption what is measured all the time begins anew. The aim, which may never change,
    /// goes again.
    pub(super) fn connected(&mut self, now: Micros, after: Interruption) {
        self.aim.renew(now);
        if after == Interruption::Short {
            return;
        }
        self.samples.clear();
        self.batches.clear();
        self.joints.clear();
        self.waiting_since = None;
    }

    /// Takes what the sources have. `tick` is the time between two flushes.
    pub(super) fn read(
        &mut self,
        now: Micros,
        clock: &ClockSync,
        (tick, thinning): (Micros, bool),
        meter: &mut Meter,
    ) {
        let new = self.samples.read(now, clock, thinning, meter);
        meter.counters.samples_dropped += self.batches.push(new) as u64;
        let quiet = Micros(tick.0 * REPEAT_AFTER_TICKS);
        let repeats = self.batches.repeats() && now.since(self.sent_at) >= quiet;
        self.waiting_since = self
            .oldest_new(now, clock.session_time(now))
            .or(self.waiting_since)
            .or(repeats.then_some(now));
        self.aim.read(now, |aim, held| {
            changed_aim(aim, held, clock.session_time(now))
        });
        self.joints.read(now, |joints, _| {
            let stamp = clock.session_time(joints.sampled_at.min(now));
            Some(Held {
                stamp,
                value: HandJoints {
                    sampled_at: stamp,
                    ..joints
                },
            })
        });
    }

    /// A new datagram begins.
    pub(super) const fn begin(&mut self) {
        self.in_datagram = false;
    }

    /// Since when something waits that this datagram may take, and what.
    pub(super) fn oldest(&self, now: Micros) -> Option<(Micros, Part)> {
        let samples = self.waiting_since.filter(|_| !self.in_datagram);
        let samples = samples.map(|since| (since, Part::Samples));
        let aim = self.aim.oldest(now).map(|since| (since, Part::Aim));
        let joints = self.joints.oldest(now).map(|since| (since, Part::Joints));
        [samples, aim, joints].into_iter().flatten().min()
    }

    pub(super) fn write(
        &mut self,
        part: Part,
        writing: Writing,
        writer: &mut LiveWriter,
        meter: &mut Meter,
    ) -> Fit {
        match part {
            Part::Samples => self.write_samples(writing, writer, meter),
            Part::Aim => {
                let fit = self
                    .aim
                    .held()
                    .map(|aim| writer.aim(self.node, aim.stamp, &aim.value));
                written(fit, || self.aim.sent(writing.now))
            }
            Part::Joints => {
                let held = self.joints.held();
                let fit = held.map(|joints| writer.joints(self.node, &joints.value));
                written(fit, || self.joints.sent(writing.now))
            }
        }
    }

    /// Writes the next batch: the new samples behind the repeated ones. Where a datagram of its own takes no more, fewer are
    /// repeated, and then fewer new ones are sent.
    fn write_samples(
        &mut self,
        writing: Writing,
        writer: &mut LiveWriter,
        meter: &mut Meter,
    ) -> Fit {
        let precision = self.samples.precision();
        let mut portion = Portion {
            redundancy: writing.redundancy,
            new: new_max(writing.redundancy),
            thinning: writing.thinning.then(|| self.samples.bounds()),
        };
        loop {
            let (frames, repeated) = self.batches.next(portion);
            let before = writer.bytes().len();
            let fit = if frames.len() > MAX_BATCH_FRAMES {
                Fit::TooLarge
            } else {
                writer.input(self.node, frames, precision)
            };
            if fit == Fit::Written {
                count(meter, frames, repeated, writing.session_now);
                meter.counters.sample_bytes_sent += (writer.bytes().len() - before) as u64;
                break;
            }
            let is_last_try = portion.redundancy == 0 && portion.new == 1;
            if is_last_try || (fit == Fit::Full && !writer.is_empty()) {
                return Fit::Full;
            }
            if portion.redundancy > 0 {
                portion.redundancy -= 1;
            } else {
                portion.new = portion.new.div_ceil(2);
            }
        }
        self.batches.sent(portion);
        self.sent_at = writing.now;
        self.in_datagram = true;
        self.waiting_since = self.oldest_new(writing.now, writing.session_now);
        Fit::Written
    }

    /// The local time of the oldest sample that was not sent.
    fn oldest_new(&self, now: Micros, session_now: Micros) -> Option<Micros> {
        let oldest = self.batches.new_ones().first()?;
        Some(now - session_now.since(oldest.sampled_at))
    }
}

/// So many new samples of one batch that it can be repeated as often with as many in each that follows.
fn new_max(redundancy: u8) -> usize {
    MAX_BATCH_FRAMES / (usize::from(redundancy) + 1)
}

fn changed_aim(aim: Pose, held: Option<&Pose>, stamp: Micros) -> Option<Held<Pose>> {
    let moved = held.is_none_or(|held| {
        aim.position.distance(held.position) > AIM_STEP_M
            || angle_between(aim.orientation, held.orientation) > AIM_STEP_RAD
    });
    moved.then_some(Held { stamp, value: aim })
}

fn written(fit: Option<Fit>, sent: impl FnOnce()) -> Fit {
    let fit = fit.unwrap_or(Fit::Written);
    if fit != Fit::Full {
        sent();
    }
    fit
}

fn count(meter: &mut Meter, frames: &[InputFrame], repeated: usize, session_now: Micros) {
    let new = &frames[repeated..];
    meter.counters.samples_sent += new.len() as u64;
    meter.counters.samples_repeated += repeated as u64;
    for frame in new {
        meter.capture.record(session_now.since(frame.sampled_at));
    }
}
