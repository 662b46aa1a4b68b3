//! The velocity of a controller out of its noisy samples.

use glam::Vec3;
use synced_protocol::{input::InputFrame, time::Micros};

use super::{Curve, least_squares::LeastSquares, rotation};

/// How far apart points of a curve are taken, as samples usually are.
const STEP: Micros = Micros::from_millis(1);

/// A velocity as a throw has it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FittedVelocity {
    /// Metres a second.
    pub linear: Vec3,
    /// Radians a second, an axis times a rate.
    pub angular: Vec3,
}

/// The velocity at the newest of some samples, given the oldest first: the slope there of the cubic that fits, by weighted least
/// squares, the poses within `window` before it. `None` without samples.
///
/// Each sample weighs as much as the time that it stands for; between samples that are far apart the curve counts that leads from
/// one to the next, and with it their own velocities, which count for nothing else unless there is but one sample. What is cubic
/// counts only as far as it stands out from the noise, and of little the polynomial is simpler. What was before a jump does not
/// count. Of a throw at 5 m/s, with noise of 0.3 mm at 1 kHz and a window of 50 ms, the error
/// is below 2 % in 99 of 100 cases.
#[must_use]
pub fn fit_velocity<'a, I>(frames: I, window: Micros) -> Option<FittedVelocity>
where
    I: IntoIterator<Item = &'a InputFrame>,
    I::IntoIter: DoubleEndedIterator + Clone,
{
    let frames = frames.into_iter();
    let newest = *frames.clone().next_back()?;
    let recent = Recent {
        frames,
        newest: newest.sampled_at,
        window,
    };
    let points = || Points::of(recent.clone());
    let (count, longest) = points().fold((0, 0.0), |(count, _), frame| {
        (count + 1, age_of(&frame, &newest))
    });
    let mut linear = LeastSquares::new(count, longest);
    let mut angular = LeastSquares::new(count, longest);
    let mut ages = points().map(|frame| age_of(&frame, &newest)).skip(1);
    let mut younger = 0.0;
    for frame in points() {
        let age = age_of(&frame, &newest);
        let older = ages.next().unwrap_or(age);
        let weight = older - younger;
        younger = age;
        let turn = rotation::turn_between(newest.orientation, frame.orientation);
        linear.add(age, weight, (frame.position - newest.position).as_dvec3());
        angular.add(age, weight, turn.as_dvec3());
    }
    let fitted = linear.velocity().zip(angular.velocity());
    Some(fitted.map_or(
        FittedVelocity {
            linear: newest.linear_velocity,
            angular: newest.angular_velocity,
        },
        |(linear, angular)| FittedVelocity {
            linear: linear.as_vec3(),
            angular: angular.as_vec3(),
        },
    ))
}

fn age_of(frame: &InputFrame, newest: &InputFrame) -> f64 {
    newest.sampled_at.since(frame.sampled_at).as_secs_f64()
}

/// The samples, and between those that are far apart points of the curve that leads from one to the next: a sender leaves out
/// what lies on it. The newest comes first.
#[derive(Clone)]
struct Points<I> {
    samples: I,
    /// The curve that is gone back on, and the time of its point that was given last.
    curve: Option<(Curve, InputFrame, Micros)>,
}

impl<I> Points<I> {
    const fn of(samples: I) -> Self {
        Self {
            samples,
            curve: None,
        }
    }
}

impl<'a, I: Iterator<Item = &'a InputFrame>> Iterator for Points<I> {
    type Item = InputFrame;

    fn next(&mut self) -> Option<InputFrame> {
        let Some((curve, older, at)) = &mut self.curve else {
            let newest = *self.samples.next()?;
            self.lead_back_from(newest);
            return Some(newest);
        };
        if at.since(older.sampled_at) >= Micros(STEP.0 * 3 / 2) {
            *at = *at - STEP;
            return Some(curve.at(*at));
        }
        let sample = *older;
        self.lead_back_from(sample);
        Some(sample)
    }
}

impl<'a, I: Iterator<Item = &'a InputFrame>> Points<I> {
    fn lead_back_from(&mut self, newer: InputFrame) {
        self.curve = self
            .samples
            .next()
            .map(|older| (Curve::between(older, &newer), *older, newer.sampled_at));
    }
}

/// The samples within the window, the newest first.
#[derive(Clone)]
struct Recent<I> {
    frames: I,
    newest: Micros,
    window: Micros,
}

impl<'a, I: DoubleEndedIterator<Item = &'a InputFrame>> Iterator for Recent<I> {
    type Item = &'a InputFrame;

    fn next(&mut self) -> Option<Self::Item> {
        let frame = self.frames.next_back()?;
        let age = self.newest.since(frame.sampled_at);
        if age > self.window {
            self.window = Micros::ZERO;
            return None;
        }
        if frame.is_jump {
            self.window = age;
        }
        Some(frame)
    }
}
