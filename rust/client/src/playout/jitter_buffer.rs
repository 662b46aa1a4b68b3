//! A controller's trajectory out of its samples.

use std::collections::VecDeque;

use glam::{Quat, Vec3};
use synced_protocol::{
    input::{Controls, InputFrame},
    time::Micros,
};

/// How far a trajectory is carried on beyond its last sample; there it stands still.
pub const EXTRAPOLATION_MAX: Micros = Micros::from_millis(50);
/// Samples further apart than this are joined by a straight line: their velocities say nothing of the time between.
pub const HERMITE_SPAN_MAX: Micros = Micros::from_millis(100);

/// The latest samples of one controller.
#[derive(Debug, Clone)]
pub struct JitterBuffer {
    /// In order of time, no two of one time.
    frames: VecDeque<InputFrame>,
    capacity: usize,
}

impl JitterBuffer {
    /// A buffer for at most `capacity` samples, at least two: with 1 kHz, that many milliseconds.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(2);
        Self {
            frames: VecDeque::with_capacity(capacity),
            capacity,
        }
    }

    /// Takes the next sample, in place of the oldest when it is full; one that is not newer than the newest is dropped.
    pub fn push(&mut self, frame: InputFrame) {
        if self
            .newest()
            .is_some_and(|newest| newest.sampled_at >= frame.sampled_at)
        {
            return;
        }
        if self.frames.len() == self.capacity {
            self.frames.pop_front();
        }
        self.frames.push_back(frame);
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

    /// The controller at a session time: between two samples on the curve that has their positions and velocities, after
    /// the newest carried on for at most [`EXTRAPOLATION_MAX`], before the oldest as it was then. `None` without samples.
    ///
    /// `sampled_at` of the result is the time that it stands for.
    #[must_use]
    pub fn sample_at(&self, session_time: Micros) -> Option<InputFrame> {
        let after = self
            .frames
            .partition_point(|frame| frame.sampled_at <= session_time);
        let Some(before) = after.checked_sub(1) else {
            return self.frames.front().copied();
        };
        let before = self.frames.get(before)?;
        Some(match self.frames.get(after) {
            Some(after) => between(before, after, session_time),
            None => beyond(before, session_time),
        })
    }
}

/// The point of the cubic Hermite curve from `a` to `b` at `t` from 0 to 1, where `da` and `db` are the ways that the
/// velocities at its ends would go in the whole time.
#[must_use]
pub fn hermite(a: Vec3, da: Vec3, b: Vec3, db: Vec3, t: f32) -> Vec3 {
    if t >= 1.0 {
        return b;
    }
    let (t2, t3) = (t * t, t * t * t);
    let to_b = 3.0 * t2 - 2.0 * t3;
    a + (b - a) * to_b + da * (t3 - 2.0 * t2 + t) + db * (t3 - t2)
}

fn between(a: &InputFrame, b: &InputFrame, at: Micros) -> InputFrame {
    let span = b.sampled_at.since(a.sampled_at);
    let t = (at.since(a.sampled_at).as_secs_f64() / span.as_secs_f64()) as f32;
    let seconds = span.as_secs_f64() as f32;
    let position = if span <= HERMITE_SPAN_MAX {
        let [da, db] = [a, b].map(|frame| frame.linear_velocity * seconds);
        hermite(a.position, da, b.position, db, t)
    } else {
        a.position.lerp(b.position, t)
    };
    InputFrame {
        sampled_at: at,
        position,
        orientation: a.orientation.slerp(b.orientation, t).normalize(),
        linear_velocity: a.linear_velocity.lerp(b.linear_velocity, t),
        angular_velocity: a.angular_velocity.lerp(b.angular_velocity, t),
        controls: between_controls(&a.controls, &b.controls, t),
        is_jump: false,
    }
}

/// Buttons change at the later sample, when they are known to have changed; axes move.
fn between_controls(a: &Controls, b: &Controls, t: f32) -> Controls {
    let mix = |a: f32, b: f32| a + (b - a) * t;
    Controls {
        buttons: a.buttons,
        trigger: mix(a.trigger, b.trigger),
        grip: mix(a.grip, b.grip),
        stick: [mix(a.stick[0], b.stick[0]), mix(a.stick[1], b.stick[1])],
    }
}

fn beyond(last: &InputFrame, at: Micros) -> InputFrame {
    let span = at.since(last.sampled_at).min(EXTRAPOLATION_MAX);
    let seconds = span.as_secs_f64() as f32;
    let turn = Quat::from_scaled_axis(last.angular_velocity * seconds);
    InputFrame {
        sampled_at: last.sampled_at + span,
        position: last.position + last.linear_velocity * seconds,
        orientation: (turn * last.orientation).normalize(),
        ..*last
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Micros = Micros::from_secs(1_000_000);

    fn at_ms(ms: u64) -> Micros {
        START + Micros::from_millis(ms)
    }

    /// A ball in the air: constant acceleration, which a cubic follows exactly.
    fn thrown(ms: u64) -> InputFrame {
        let t = ms as f32 * 1e-3;
        let gravity = Vec3::new(0.0, -9.81, 0.0);
        let speed = Vec3::new(3.0, 4.0, -1.0);
        InputFrame {
            sampled_at: at_ms(ms),
            position: speed * t + 0.5 * gravity * t * t,
            orientation: Quat::from_rotation_y(2.0 * t),
            linear_velocity: speed + gravity * t,
            angular_velocity: Vec3::Y * 2.0,
            controls: Controls {
                buttons: ms as u16,
                trigger: (t * 0.5).min(1.0),
                ..Controls::default()
            },
            is_jump: false,
        }
    }

    fn filled(times_ms: impl IntoIterator<Item = u64>) -> JitterBuffer {
        let mut buffer = JitterBuffer::new(256);
        times_ms.into_iter().for_each(|ms| buffer.push(thrown(ms)));
        buffer
    }

    #[test]
    fn a_throw_is_followed_to_a_tenth_of_a_millimetre_between_samples_that_are_far_apart() {
        let buffer = filled((0..=900).step_by(90));
        for ms in 0..=900 {
            let shown = buffer.sample_at(at_ms(ms)).unwrap();
            let truth = thrown(ms);
            assert!(shown.position.distance(truth.position) < 1e-4, "at {ms} ms");
            assert!(
                shown.orientation.angle_between(truth.orientation) < 1e-3,
                "at {ms} ms"
            );
            assert!(
                shown.linear_velocity.distance(truth.linear_velocity) < 1e-4,
                "at {ms} ms"
            );
            assert_eq!(shown.sampled_at, at_ms(ms));
        }
    }

    #[test]
    fn beyond_the_last_sample_it_is_carried_on_and_then_stands_still() {
        let buffer = filled([0, 10]);
        let shown = buffer.sample_at(at_ms(40)).unwrap();
        let last = thrown(10);
        assert!(
            shown
                .position
                .abs_diff_eq(last.position + last.linear_velocity * 0.03, 1e-6)
        );
        let held = buffer.sample_at(at_ms(10) + EXTRAPOLATION_MAX).unwrap();
        assert_eq!(buffer.sample_at(at_ms(5_000)), Some(held));
    }

    #[test]
    fn before_the_first_sample_it_waits_there() {
        assert_eq!(JitterBuffer::new(8).sample_at(START), None);
        assert_eq!(filled([5, 6]).sample_at(START), Some(thrown(5)));
    }

    #[test]
    fn a_button_is_pressed_when_its_sample_says_so_and_not_before() {
        let buffer = filled([1, 2]);
        let buttons = |at| buffer.sample_at(at).unwrap().controls.buttons;
        assert_eq!([buttons(at_ms(2) - Micros(1)), buttons(at_ms(2))], [1, 2]);
    }

    #[test]
    fn a_sample_that_is_not_newer_is_dropped_and_a_full_buffer_drops_its_oldest() {
        let mut buffer = JitterBuffer::new(3);
        let allocated = buffer.frames.capacity();
        [1, 3, 2, 3, 4, 5]
            .into_iter()
            .for_each(|ms| buffer.push(thrown(ms)));
        let times: Vec<_> = buffer.frames.iter().map(|frame| frame.sampled_at).collect();
        assert_eq!(times, [3, 4, 5].map(at_ms));
        (6..10_000).for_each(|ms| buffer.push(thrown(ms)));
        assert_eq!(
            buffer.frames.capacity(),
            allocated,
            "nothing is allocated any more"
        );
    }

    #[test]
    fn a_long_gap_is_crossed_in_a_straight_line() {
        let gap_ms = HERMITE_SPAN_MAX.0 / 1_000 + 1;
        let mut buffer = filled([0]);
        let end = InputFrame {
            linear_velocity: Vec3::X * 100.0,
            ..thrown(gap_ms)
        };
        buffer.push(end);
        let middle = buffer.sample_at(START + Micros(gap_ms * 500)).unwrap();
        let straight = thrown(0).position.lerp(end.position, 0.5);
        assert!(middle.position.abs_diff_eq(straight, 1e-5));
    }

    fn any_vector() -> impl Strategy<Value = Vec3> {
        [-50.0_f32..50.0, -50.0_f32..50.0, -50.0_f32..50.0].prop_map(Vec3::from_array)
    }

    fn any_frames() -> impl Strategy<Value = Vec<InputFrame>> {
        let frame = (
            1..200_000_u64,
            any_vector(),
            any_vector(),
            any_vector(),
            any_vector(),
        );
        prop::collection::vec(frame, 1..20).prop_map(|frames| {
            let mut at = START;
            let frames = frames
                .into_iter()
                .map(|(gap, position, turn, linear, angular)| {
                    at = at + Micros(gap);
                    InputFrame {
                        sampled_at: at,
                        position,
                        orientation: Quat::from_scaled_axis(turn),
                        linear_velocity: linear,
                        angular_velocity: angular,
                        controls: Controls::default(),
                        is_jump: false,
                    }
                });
            frames.collect()
        })
    }

    proptest! {
        #[test]
        fn a_hermite_curve_goes_through_both_its_ends_exactly(
            a in any_vector(), da in any_vector(), b in any_vector(), db in any_vector(),
        ) {
            prop_assert_eq!(hermite(a, da, b, db, 0.0), a);
            prop_assert_eq!(hermite(a, da, b, db, 1.0), b);
        }

        #[test]
        fn at_a_samples_own_time_it_is_that_sample(frames in any_frames()) {
            let mut buffer = JitterBuffer::new(32);
            frames.iter().for_each(|frame| buffer.push(*frame));
            for frame in &frames {
                let shown = buffer.sample_at(frame.sampled_at).unwrap();
                prop_assert_eq!(shown.position, frame.position);
                prop_assert!(shown.orientation.dot(frame.orientation).abs() > 1.0 - 1e-5);
            }
        }

        #[test]
        fn as_time_goes_on_so_does_what_is_shown_and_orientations_stay_units(
            frames in any_frames(), steps in prop::collection::vec(0..50_000_u64, 1..100),
        ) {
            let mut buffer = JitterBuffer::new(32);
            frames.iter().for_each(|frame| buffer.push(*frame));
            let (mut at, mut before) = (START, Micros::ZERO);
            for step in steps {
                at = at + Micros(step);
                let shown = buffer.sample_at(at).unwrap();
                prop_assert!(shown.sampled_at >= before);
                prop_assert!(shown.orientation.is_normalized());
                prop_assert!(shown.position.is_finite());
                before = shown.sampled_at;
            }
        }
    }
}
