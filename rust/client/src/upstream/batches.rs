//! Samples in the order of time: first those that were sent and are to be repeated, batch by batch, then new ones.

use std::slice::SliceIndex;

use synced_protocol::input::InputFrame;

use super::{noise::Bounds, thinning::mark_between};
use crate::limits::{REDUNDANCY_MAX, TRACKER_BACKLOG_MAX};

/// The most batches that can wait for their last repetition: each sending of one ends that of another.
const BATCHES_MAX: usize = REDUNDANCY_MAX as usize + 1;

/// How often it is looked at what has to be repeated: what one loss makes necessary may spoil a little what was enough for a
/// shorter one.
const PASSES: usize = 2;

/// What one tracker has sent lately, and what it has not sent yet.
#[derive(Debug)]
pub(super) struct Batches {
    frames: Vec<InputFrame>,
    /// The last sample that was sent often enough: whoever missed only what is repeated has it.
    anchor: Option<InputFrame>,
    /// Those whose samples `frames` begins with, the oldest first.
    sent: [Batch; BATCHES_MAX],
    count: usize,
    /// What is to be sent next.
    next: Vec<InputFrame>,
    kept: Vec<bool>,
}

/// Samples that were sent together first.
#[derive(Debug, Clone, Copy, Default)]
struct Batch {
    samples: usize,
    /// How often they were sent, or could have been.
    sendings: u8,
}

/// How much is to be sent at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Portion {
    /// Of how many batches the samples are repeated.
    pub(super) redundancy: u8,
    /// The most new samples.
    pub(super) new: usize,
    /// Within what bounds the receiver may draw repeated samples by itself; without any all of them are repeated.
    pub(super) thinning: Option<Bounds>,
}

impl Default for Batches {
    fn default() -> Self {
        Self {
            frames: Vec::with_capacity(2 * TRACKER_BACKLOG_MAX),
            anchor: None,
            sent: [Batch::default(); BATCHES_MAX],
            count: 0,
            next: Vec::with_capacity(2 * TRACKER_BACKLOG_MAX),
            kept: Vec::with_capacity(2 * TRACKER_BACKLOG_MAX),
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

    /// Of the latest batches the samples, and behind them new ones. Also says how many of them are repeated.
    ///
    /// Whoever missed some of those batches has the sample before them, and gets the first new one now. What the curve between
    /// these two passes need not be repeated.
    pub(super) fn next(&mut self, portion: Portion) -> (&[InputFrame], usize) {
        let skipped = self.count.saturating_sub(usize::from(portion.redundancy));
        let start = self.samples_of(..skipped);
        let repeated = self.repeated();
        let end = self.frames.len().min(repeated + portion.new);
        self.next.clear();
        let before = start.checked_sub(1).map(|place| self.frames[place]);
        if let (Some(bounds), Some(anchor)) = (portion.thinning, before.or(self.anchor)) {
            let first_new = end.min(repeated + 1);
            self.next.push(anchor);
            self.next.extend_from_slice(&self.frames[start..first_new]);
            self.thin_repeated(skipped, bounds);
            self.next.extend_from_slice(&self.frames[first_new..end]);
        } else {
            self.next.extend_from_slice(&self.frames[start..end]);
        }
        let repeated = self.next.len() - (end - repeated);
        (&self.next, repeated)
    }

    /// Takes out of the samples to be repeated, before which is one that need not be, what is drawn by whoever missed the last
    /// batch, or the last two, and so on.
    fn thin_repeated(&mut self, skipped: usize, bounds: Bounds) {
        self.kept.clear();
        self.kept.resize(self.next.len(), false);
        if let Some(last) = self.kept.last_mut() {
            *last = true;
        }
        for _ in 0..PASSES {
            let mut before = self.samples_of(skipped..self.count);
            for batch in self.sent[skipped..self.count].iter().rev() {
                before -= batch.samples;
                let was_kept = std::mem::replace(&mut self.kept[before], true);
                mark_between(&self.next[before..], bounds, &mut self.kept[before..]);
                self.kept[before] = was_kept;
            }
        }
        self.kept[0] = false;
        let mut kept = self.kept.iter();
        self.next.retain(|_| kept.next().is_none_or(|kept| *kept));
    }

    /// What [`Self::next`] gave for the same portion was sent: forgets what was not in it, and what was sent often enough.
    pub(super) fn sent(&mut self, portion: Portion) {
        let redundancy = portion.redundancy;
        self.forget(self.count.saturating_sub(usize::from(redundancy)));
        for batch in &mut self.sent[..self.count] {
            batch.sendings += 1;
        }
        let samples = self.new_ones().len().min(portion.new);
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
        self.anchor = None;
        self.count = 0;
    }

    fn forget(&mut self, batches: usize) {
        let samples = self.samples_of(..batches);
        self.anchor = self.frames.drain(..samples).next_back().or(self.anchor);
        self.sent.copy_within(batches..self.count, 0);
        self.count -= batches;
    }

    fn repeated(&self) -> usize {
        self.samples_of(..self.count)
    }

    fn samples_of(&self, batches: impl SliceIndex<[Batch], Output = [Batch]>) -> usize {
        self.sent[batches].iter().map(|batch| batch.samples).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use glam::{Quat, Vec3};
    use proptest::prelude::*;
    use synced_protocol::{input::Precision, time::Micros};

    use super::{super::thinning::error, *};
    use crate::playout::Curve;

    fn frames(times: std::ops::Range<u64>) -> Vec<InputFrame> {
        times
            .map(|time| InputFrame {
                sampled_at: Micros(time),
                ..InputFrame::default()
            })
            .collect()
    }

    const fn all(redundancy: u8, new: usize) -> Portion {
        Portion {
            redundancy,
            new,
            thinning: None,
        }
    }

    /// The first and last times of what is sent, and how many of them are repeated.
    fn send(batches: &mut Batches, redundancy: u8, new: usize) -> (u64, u64, usize) {
        let portion = all(redundancy, new);
        let (frames, repeated) = batches.next(portion);
        let [first, .., last] = frames else { panic!() };
        let sent = (first.sampled_at.0, last.sampled_at.0, repeated);
        batches.sent(portion);
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
            batches.next(all(REDUNDANCY_MAX, 0)).1,
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
        let (next, repeated) = batches.next(all(2, 1));
        assert_eq!((next[0].sampled_at, repeated), (Micros(0), 4));
    }

    /// A hand that swings, a little noisy, and strikes something now and then.
    fn hand(count: usize, noise_m: f32, hit_every: usize) -> Vec<InputFrame> {
        let mut height = 0.0;
        let frames = (0..count).map(|place| {
            let t = place as f32 * 1e-3;
            let rises = (place / hit_every) % 2 == 1;
            let speed = if rises { 1.5 } else { 0.0 };
            height += speed * 1e-3;
            let wobble = (place as f32 * 2.4).sin() * noise_m;
            InputFrame {
                sampled_at: Micros::from_secs(1) + Micros::from_millis(place as u64),
                position: Vec3::new(0.4 * (6.0 * t).sin() + wobble, height, wobble),
                linear_velocity: Vec3::new(2.4 * (6.0 * t).cos(), speed, 0.0),
                orientation: Quat::from_rotation_y((4.0 * t).sin()),
                angular_velocity: Vec3::Y * 4.0 * (4.0 * t).cos(),
                ..InputFrame::default()
            }
        });
        frames.collect()
    }

    /// The worst that is drawn through some samples, as a part of what is allowed.
    fn worst_error(frames: &[InputFrame], received: &[InputFrame], bounds: Bounds) -> f32 {
        let drawn = |at: Micros| {
            let after = received.partition_point(|frame| frame.sampled_at <= at);
            match received.get(after) {
                Some(next) => Curve::between(&received[after - 1], next).at(at),
                None => received[after - 1],
            }
        };
        let errors = frames
            .iter()
            .map(|frame| error(&drawn(frame.sampled_at), frame, bounds));
        errors.fold(0.0, f32::max)
    }

    proptest! {
        #[test]
        fn as_many_losses_in_a_row_as_are_made_up_for_are_drawn_within_the_precision(
            noise_m in prop_oneof![Just(0.0_f32), 0.0_f32..5e-4], hit_every in 7..200_usize, per_batch in 1..12_usize,
            redundancy in 1..=REDUNDANCY_MAX, lost_at in 1..60_usize, lost in 1..=8_usize,
        ) {
            let bounds = Bounds::of(Precision::Fine);
            let frames = hand(60 * per_batch, noise_m, hit_every);
            let portion = Portion { redundancy, new: 64, thinning: Some(bounds) };
            let lost = lost_at..lost_at + lost.min(redundancy.into());
            let mut batches = Batches::default();
            let mut received = BTreeMap::new();
            let mut take = |batches: &mut Batches, sending: usize| {
                let (sent, _) = batches.next(portion);
                if !lost.contains(&sending) {
                    received.extend(sent.iter().map(|frame| (frame.sampled_at, *frame)));
                }
                batches.sent(portion);
            };
            for (sending, batch) in frames.chunks(per_batch).enumerate() {
                batches.push(batch);
                take(&mut batches, sending);
            }
            (60..70).for_each(|sending| take(&mut batches, sending));
            let received: Vec<_> = received.into_values().collect();
            let worst = worst_error(&frames, &received, bounds);
            // Each sending chooses anew what it repeats: two choices together may miss by a little more than either.
            // Each sending chooses anew what it repeats, so a curve may go through samples of two choices: ten thousand cases
            // missed by up to a third more than either alone.
            prop_assert!(worst <= 1.5, "{worst}");
        }
    }
}
