//! What a capture thread measured, as it is to be sent.

use rtrb::Consumer;
use synced_protocol::{
    input::{InputFrame, Precision},
    time::Micros,
};

use super::{
    noise::{Bounds, Noise},
    thinning::mark_kept,
};
use crate::{clock::ClockSync, limits::TRACKER_BACKLOG_MAX, stats::Meter};

/// A source of samples, and the latest that came from it.
#[derive(Debug)]
pub(super) struct Samples {
    source: Consumer<InputFrame>,
    precision: Precision,
    noise: Noise,
    /// The sample to be sent last before, if any, and behind it what was read.
    read: Vec<InputFrame>,
    kept: Vec<bool>,
    newest: Micros,
}

impl Samples {
    pub(super) fn new(source: Consumer<InputFrame>, precision: Precision) -> Self {
        Self {
            source,
            precision,
            noise: Noise::default(),
            read: Vec::with_capacity(TRACKER_BACKLOG_MAX),
            kept: Vec::with_capacity(TRACKER_BACKLOG_MAX),
            newest: Micros::ZERO,
        }
    }

    pub(super) const fn precision(&self) -> Precision {
        self.precision
    }

    /// By how much what the receiver draws may miss a sample.
    pub(super) fn bounds(&self) -> Bounds {
        self.noise.bounds(self.precision)
    }

    pub(super) fn replace(&mut self, source: Consumer<InputFrame>, precision: Precision) {
        self.source = source;
        self.precision = precision;
        self.noise = Noise::default();
    }

    /// Whether the capture thread is gone and nothing of it is left.
    pub(super) fn is_over(&self) -> bool {
        self.source.is_abandoned() && self.source.is_empty()
    }

    /// Takes what the source has and returns what of it is to be sent, in session time. What does not go forward in time is no
    /// sample, and what is not a number neither. Without `thinning` all of it is to be sent.
    pub(super) fn read(
        &mut self,
        now: Micros,
        clock: &ClockSync,
        thinning: bool,
        meter: &mut Meter,
    ) -> &[InputFrame] {
        let settled = self.read.len().saturating_sub(1);
        self.read.drain(..settled);
        let from = self.read.len();
        while let Ok(frame) = self.source.pop() {
            self.take(frame, now, clock);
        }
        meter.counters.samples_captured += (self.read.len() - from) as u64;
        if thinning {
            self.thin(clock.session_time(now), meter);
        }
        &self.read[from..]
    }

    /// Forgets everything but the order of time.
    pub(super) fn clear(&mut self) {
        while self.source.pop().is_ok() {}
        self.read.clear();
    }

    fn take(&mut self, mut frame: InputFrame, now: Micros, clock: &ClockSync) {
        frame.sampled_at = clock.session_time(frame.sampled_at.min(now));
        if frame.sampled_at > self.newest && is_finite(&frame) {
            self.newest = frame.sampled_at;
            self.noise.learn(&frame);
            self.read.push(frame);
        }
    }

    /// What is left out has arrived when what it is drawn from is sent, which is now, or soon.
    fn thin(&mut self, session_now: Micros, meter: &mut Meter) {
        mark_kept(&self.read, self.bounds(), &mut self.kept);
        let left_out = self.read.iter().zip(&self.kept).filter(|(_, kept)| !**kept);
        for (frame, _) in left_out {
            meter.counters.samples_thinned += 1;
            meter.capture.record(session_now.since(frame.sampled_at));
        }
        let mut kept = self.kept.iter();
        self.read.retain(|_| kept.next().is_none_or(|kept| *kept));
    }
}

fn is_finite(frame: &InputFrame) -> bool {
    frame.position.is_finite()
        && frame.orientation.is_finite()
        && frame.linear_velocity.is_finite()
        && frame.angular_velocity.is_finite()
}
