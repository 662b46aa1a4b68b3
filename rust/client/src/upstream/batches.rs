//! Samples in the order of time: first those that were sent and are to be repeated, batch by batch, then new ones.

use synced_protocol::input::InputFrame;

use crate::limits::{REDUNDANCY_MAX, TRACKER_BACKLOG_MAX};

/// The most batches that can wait for their last repetition: each sending of one ends that of another.
const BATCHES_MAX: usize = REDUNDANCY_MAX as usize + 1;

/// What one tracker has sent lately, and what it has not sent yet.
#[derive(Debug)]
pub(super) struct Batches {
    frames: Vec<InputFrame>,
    /// Those whose samples `frames` begins with, the oldest first.
    sent: [Batch; BATCHES_MAX],
    count: usize,
}

/// Samples that were sent together first.
#[derive(Debug, Clone, Copy, Default)]
struct Batch {
    samples: usize,
    /// How often they were sent.
    sendings: u8,
}

impl Default for Batches {
    fn default() -> Self {
        Self {
            frames: Vec::with_capacity(2 * TRACKER_BACKLOG_MAX),
            sent: [Batch::default(); BATCHES_MAX],
            count: 0,
        }
    }
}

impl Batches {
    pub(super) const fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether there is something to repeat.
    pub(super) const fn repeats(&self) -> bool {
        self.count > 0
    }

    /// Adds new samples, and returns how many old ones of them had to be dropped for it.
    pub(super) fn push(&mut self, new: &[InputFrame]) -> usize {
        self.frames.extend_from_slice(new);
        let from = self.repeated();
        let too_many = (self.frames.len() - from).saturating_sub(TRACKER_BACKLOG_MAX);
        self.frames.drain(from..from + too_many);
        too_many
    }

    /// The samples that were not sent yet.
    pub(super) fn new_ones(&self) -> &[InputFrame] {
        &self.frames[self.repeated()..]
    }

    /// Of the latest `redundancy` batches the samples, and behind them new ones, at most `new`. Also says how many of them are
    /// repeated.
    pub(super) fn next(&self, redundancy: u8, new: usize) -> (&[InputFrame], usize) {
        let skipped = self.count.saturating_sub(usize::from(redundancy));
        let start = self.samples_of(..skipped);
        let repeated = self.repeated();
        let end = self.frames.len().min(repeated + new);
        (&self.frames[start..end], repeated - start)
    }

    /// What [`Self::next`] gave for the same numbers was sent: forgets what was not in it, and what was sent often enough.
    pub(super) fn sent(&mut self, redundancy: u8, new: usize) {
        self.forget(self.count.saturating_sub(usize::from(redundancy)));
        for batch in &mut self.sent[..self.count] {
            batch.sendings += 1;
        }
        let samples = self.new_ones().len().min(new);
        if samples > 0 {
            self.forget((self.count + 1).saturating_sub(BATCHES_MAX));
            self.sent[self.count] = Batch {
                samples,
                sendings: 1,
            };
            self.count += 1;
        }
        let sent = self.sent[..self.count].iter();
        self.forget(sent.take_while(|batch| batch.sendings > redundancy).count());
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.count = 0;
    }

    fn forget(&mut self, batches: usize) {
        self.frames.drain(..self.samples_of(..batches));
        self.sent.copy_within(batches..self.count, 0);
        self.count -= batches;
    }

    fn repeated(&self) -> usize {
        self.samples_of(..self.count)
    }

    fn samples_of(&self, batches: std::ops::RangeTo<usize>) -> usize {
        self.sent[batches].iter().map(|batch| batch.samples).sum()
    }
}

#[cfg(test)]
mod tests {
    use synced_protocol::time::Micros;

    use super::*;

    fn frames(times: std::ops::Range<u64>) -> Vec<InputFrame> {
        times
            .map(|time| InputFrame {
                sampled_at: Micros(time),
                ..InputFrame::default()
            })
            .collect()
    }

    /// The first and last times of what is sent, and how many of them are repeated.
    fn send(batches: &mut Batches, redundancy: u8, new: usize) -> (u64, u64, usize) {
        let (frames, repeated) = batches.next(redundancy, new);
        let [first, .., last] = frames else { panic!() };
        let sent = (first.sampled_at.0, last.sampled_at.0, repeated);
        batches.sent(redundancy, new);
        sent
    }

    #[test]
    fn each_batch_is_sent_with_so_many_that_follow_it_and_at_the_end_by_itself() {
        let mut batches = Batches::default();
        let mut sent = Vec::new();
        for batch in 0..4 {
            assert_eq!(batches.push(&frames(batch * 4..batch * 4 + 4)), 0);
            sent.push(send(&mut batches, 2, 20));
        }
        assert_eq!(sent, [(0, 3, 0), (0, 7, 4), (0, 11, 8), (4, 15, 8)]);
        assert_eq!(send(&mut batches, 2, 20), (8, 15, 8));
        assert_eq!(send(&mut batches, 2, 20), (12, 15, 4));
        assert!(batches.is_empty() && !batches.repeats());
    }

    #[test]
    fn more_new_samples_than_go_at_once_are_a_batch_for_each_time() {
        let mut batches = Batches::default();
        batches.push(&frames(0..10));
        let sent = [0; 4].map(|_| send(&mut batches, 1, 4));
        assert_eq!(sent, [(0, 3, 0), (0, 7, 4), (4, 9, 4), (8, 9, 2)]);
        assert!(batches.is_empty());
    }

    #[test]
    fn less_redundancy_forgets_the_oldest_and_more_of_it_begins_with_what_is_there() {
        let mut batches = Batches::default();
        for batch in 0..4 {
            batches.push(&frames(batch * 4..batch * 4 + 4));
            send(&mut batches, 8, 20);
        }
        batches.push(&frames(16..20));
        assert_eq!(send(&mut batches, 1, 20), (12, 19, 4));
        batches.push(&frames(20..24));
        assert_eq!(send(&mut batches, 8, 20), (16, 23, 4));
        batches.push(&frames(24..28));
        assert_eq!(send(&mut batches, 0, 20), (24, 27, 0));
        assert!(batches.is_empty());
    }

    #[test]
    fn the_most_redundancy_keeps_that_many_batches_and_takes_no_more_room() {
        let mut batches = Batches::default();
        let room = batches.frames.capacity();
        for batch in 0..100 {
            batches.push(&frames(batch * 4..batch * 4 + 4));
            send(&mut batches, REDUNDANCY_MAX, 20);
            assert!(batches.count <= BATCHES_MAX);
        }
        assert_eq!(
            batches.next(REDUNDANCY_MAX, 0).1,
            4 * usize::from(REDUNDANCY_MAX)
        );
        assert_eq!(batches.frames.capacity(), room);
    }

    #[test]
    fn a_backlog_loses_its_old_end_and_nothing_of_what_is_repeated() {
        let mut batches = Batches::default();
        batches.push(&frames(0..4));
        send(&mut batches, 2, 20);
        let last = 4 + TRACKER_BACKLOG_MAX as u64 + 7;
        assert_eq!(batches.push(&frames(4..last)), 7);
        assert_eq!(batches.new_ones()[0].sampled_at, Micros(11));
        let (next, repeated) = batches.next(2, 1);
        assert_eq!((next[0].sampled_at, repeated), (Micros(0), 4));
    }
}
