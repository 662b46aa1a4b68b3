//! One controller's samples on their way into datagrams.

use rtrb::Consumer;
use synced_protocol::{
    id::NodeId,
    input::{InputFrame, MAX_BATCH_FRAMES, Precision, encode_batch},
    live::{Fit, LiveWriter, MAX_UP_DATAGRAM_BYTES},
    time::Micros,
};

use crate::{clock::ClockSync, limits::TRACKER_BACKLOG_MAX};

/// The most new samples of one batch: as many again precede them.
const NEW_MAX: usize = MAX_BATCH_FRAMES / 2;
/// How many flushes without a new sample pass before the last batch is sent once more. A source slower than the flushes
/// is not to be sent twice as often for it.
pub(super) const REPEAT_AFTER_TICKS: u64 = 5;
/// Of a block: kind, node and the length of the batch.
const BLOCK_OVERHEAD_BYTES: usize = 1 + 8 + 2;

/// Samples in session time: first those of the batch before, then the new ones.
///
/// Every batch begins with the samples of the one before, so that the loss of any one datagram loses nothing; when no new
/// ones come, the last batch is sent once more.
#[derive(Debug)]
pub(super) struct Tracker {
    node: NodeId,
    samples: Consumer<InputFrame>,
    frames: Vec<InputFrame>,
    /// How many of `frames` were sent once.
    repeated: usize,
    newest: Micros,
    /// Local time since which the new ones, or the repeated ones alone, wait.
    waiting_since: Option<Micros>,
    sent_at: Micros,
    finishing: bool,
    /// Two batches in one datagram would be lost together.
    in_datagram: bool,
    scratch: Vec<u8>,
}

impl Tracker {
    pub(super) fn new(node: NodeId, samples: Consumer<InputFrame>) -> Self {
        Self {
            node,
            samples,
            frames: Vec::with_capacity(TRACKER_BACKLOG_MAX + NEW_MAX),
            repeated: 0,
            newest: Micros::ZERO,
            waiting_since: None,
            sent_at: Micros::ZERO,
            finishing: false,
            in_datagram: false,
            scratch: Vec::with_capacity(MAX_UP_DATAGRAM_BYTES),
        }
    }

    pub(super) const fn node(&self) -> NodeId {
        self.node
    }

    /// Goes on with another source.
    pub(super) fn replace(&mut self, samples: Consumer<InputFrame>) {
        self.samples = samples;
        self.finishing = false;
    }

    /// No more samples: the tracker is done when the last ones are sent twice.
    pub(super) const fn finish(&mut self) {
        self.finishing = true;
    }

    pub(super) fn is_done(&self) -> bool {
        (self.finishing || self.samples.is_abandoned())
            && self.samples.is_empty()
            && self.frames.is_empty()
    }

    /// Forgets everything but the order of time.
    pub(super) fn clear(&mut self) {
        while self.samples.pop().is_ok() {}
        self.frames.clear();
        self.repeated = 0;
        self.waiting_since = None;
    }

    /// Takes what the source has; returns how many samples had to be dropped. Samples that do not go forward in time are
    /// none.
    pub(super) fn read(&mut self, now: Micros, clock: &ClockSync, quiet: Micros) -> u64 {
        while let Ok(mut frame) = self.samples.pop() {
            frame.sampled_at = clock.session_time(frame.sampled_at.min(now));
            if frame.sampled_at > self.newest {
                self.newest = frame.sampled_at;
                self.frames.push(frame);
            }
        }
        let dropped = self.drop_backlog();
        let is_quiet = self.repeated > 0 && now.since(self.sent_at) >= quiet;
        self.waiting_since = self
            .oldest_new(now, clock.session_time(now))
            .or(self.waiting_since)
            .or(is_quiet.then_some(now));
        dropped
    }

    /// A new datagram begins.
    pub(super) const fn begin(&mut self) {
        self.in_datagram = false;
    }

    /// Since when something waits that this datagram may take.
    pub(super) fn oldest(&self) -> Option<Micros> {
        self.waiting_since.filter(|_| !self.in_datagram)
    }

    /// Writes the next batch and tells `measured` the time of every sample in it that was not sent before.
    pub(super) fn write(
        &mut self,
        now: Micros,
        session_now: Micros,
        writer: &mut LiveWriter,
        mut measured: impl FnMut(Micros),
    ) -> Fit {
        let Some((start, end)) = self.next_batch(session_now, writer) else {
            return Fit::Full;
        };
        let fit = writer.input(self.node, &self.frames[start..end], Precision::Fine);
        if fit == Fit::Written {
            let new = &self.frames[self.repeated..end];
            new.iter().for_each(|frame| measured(frame.sampled_at));
            self.frames.drain(..self.repeated);
            self.repeated = end - self.repeated;
            self.sent_at = now;
            self.in_datagram = true;
            self.waiting_since = self.oldest_new(now, session_now);
        }
        fit
    }

    /// The samples that fit: the new ones behind the repeated ones. Fewer of both when a datagram takes no more.
    fn next_batch(&mut self, session_now: Micros, writer: &LiveWriter) -> Option<(usize, usize)> {
        let new = (self.frames.len() - self.repeated).min(NEW_MAX);
        let (mut start, mut end) = (0, self.repeated + new);
        while !self.fits(start, end, session_now, writer) {
            if !writer.is_empty() {
                return None;
            }
            if end - self.repeated > 1 {
                end -= (end - self.repeated) / 2;
            } else if start + 1 < end {
                start += (end - start) / 2;
            } else {
                return None;
            }
        }
        Some((start, end))
    }

    /// Whether a block of these samples still fits.
    fn fits(&mut self, start: usize, end: usize, sent_at: Micros, writer: &LiveWriter) -> bool {
        self.scratch.clear();
        encode_batch(
            &self.frames[start..end],
            Precision::Fine,
            sent_at,
            &mut self.scratch,
        );
        let bytes = writer.bytes().len() + BLOCK_OVERHEAD_BYTES + self.scratch.len();
        bytes <= MAX_UP_DATAGRAM_BYTES
    }

    /// The local time of the oldest sample that was not sent.
    fn oldest_new(&self, now: Micros, session_now: Micros) -> Option<Micros> {
        let oldest = self.frames.get(self.repeated)?;
        Some(now - session_now.since(oldest.sampled_at))
    }

    fn drop_backlog(&mut self) -> u64 {
        let too_many = (self.frames.len() - self.repeated).saturating_sub(TRACKER_BACKLOG_MAX);
        self.frames.drain(self.repeated..self.repeated + too_many);
        too_many as u64
    }
}
