//! A controller's trajectory out of its samples.

use std::collections::{VecDeque, vec_deque::Iter};

use synced_protocol::{input::InputFrame, time::Micros};

use super::curve::{Curve, beyond};

/// How far back a trajectory goes.
pub const HISTORY: Micros = Micros::from_secs(2);
/// The most samples of one trajectory: a little more than [`HISTORY`] at 1 kHz.
pub const TRAJECTORY_SAMPLES_MAX: usize = 2_048;

/// The latest samples of one controller, in whatever order they came.
#[derive(Debug, Clone, Default)]
pub struct Trajectory {
    /// In order of time, no two of one time, none older than [`HISTORY`] before the newest.
    frames: VecDeque<InputFrame>,
}

impl Trajectory {
    /// A trajectory without samples. It takes more room as it grows, and none any more once it is as long as it gets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a sample, late or not; returns whether it was news: no other of its time is there, and it is not from before
    /// [`HISTORY`].
    pub fn insert(&mut self, frame: InputFrame) -> bool {
        let mut place = self.place_after(frame.sampled_at);
        let is_known = place
            .checked_sub(1)
            .and_then(|before| self.frames.get(before))
            .is_some_and(|before| before.sampled_at == frame.sampled_at);
        if is_known || self.is_too_old(frame.sampled_at) {
            return false;
        }
        if self.frames.len() == TRAJECTORY_SAMPLES_MAX {
            self.frames.pop_front();
            place -= 1;
        }
        self.frames.insert(place, frame);
        self.drop_history();
        true
    }

    /// Forgets every sample: the node has another owner, or was moved.
    pub fn clear(&mut self) {
        self.frames.clear();
    }

    /// The newest sample.
    #[must_use]
    pub fn newest(&self) -> Option<&InputFrame> {
        self.frames.back()
    }

    /// The oldest sample that is still there.
    #[must_use]
    pub fn oldest(&self) -> Option<&InputFrame> {
        self.frames.front()
    }

    /// The samples from one session time to another, both included, the oldest first.
    pub fn range(&self, from: Micros, to: Micros) -> Iter<'_, InputFrame> {
        let first = self.frames.partition_point(|frame| frame.sampled_at < from);
        let end = self.place_after(to).max(first);
        self.frames.range(first..end)
    }

    /// The controller at a session time: between two samples on the [`Curve`] that has their poses and velocities, after the
    /// newest carried on as [`beyond`] does it, before the oldest as it was then. `None` without samples.
    ///
    /// `sampled_at` of the result is the time that it stands for, and the velocities are those of what is shown.
    #[must_use]
    pub fn sample_at(&self, session_time: Micros) -> Option<InputFrame> {
        let after = self.place_after(session_time);
        let Some(before) = after.checked_sub(1) else {
            return self.frames.front().copied();
        };
        let before = self.frames.get(before)?;
        Some(match self.frames.get(after) {
            Some(after) => Curve::between(before, after).at(session_time),
            None => beyond(before, session_time),
        })
    }

    /// Whether the controller jumped after one session time and up to another.
    #[must_use]
    pub fn jumped(&self, after: Micros, until: Micros) -> bool {
        let first = self.place_after(after);
        let end = self.place_after(until);
        (first.max(1)..end).any(|place| {
            let [from, to] = [place - 1, place].map(|place| self.frames.get(place));
            from.zip(to)
                .is_some_and(|(from, to)| Curve::between(from, to).is_jump())
        })
    }

    /// The place of the first sample after a time. The newest are looked at first: it is mostly one of them.
    fn place_after(&self, time: Micros) -> usize {
        match self.frames.back() {
            Some(newest) if newest.sampled_at > time => self
                .frames
                .partition_point(|frame| frame.sampled_at <= time),
            _ => self.frames.len(),
        }
    }

    fn is_too_old(&self, time: Micros) -> bool {
        let is_full = self.frames.len() == TRAJECTORY_SAMPLES_MAX;
        self.newest()
            .is_some_and(|newest| newest.sampled_at.since(time) > HISTORY)
            || (is_full && self.oldest().is_some_and(|oldest| oldest.sampled_at > time))
    }

    fn drop_history(&mut self) {
        let Some(newest) = self.newest().map(|newest| newest.sampled_at) else {
            return;
        };
        while self
            .oldest()
            .is_some_and(|oldest| newest.since(oldest.sampled_at) > HISTORY)
        {
            self.frames.pop_front();
        }
    }
}
