//! What a resting controller's sensor makes up by itself.
//!
//! A hand has no third derivative to speak of within a millisecond: what is left in the third difference of samples that
//! follow each other that fast is noise, twenty times its square. Sent as it is, the noise of a controller that lies on a table
//! costs many times what a throw does, and is seen by nobody.

use glam::Vec3;
use synced_protocol::{
    input::{InputFrame, Precision},
    time::Micros,
};

use crate::playout::turn_between;

/// Samples that are further apart tell movement from noise no more.
const INTERVAL_MAX: Micros = Micros::from_millis(3);
/// Of independent noise the third difference has the variance (1 + 9 + 9 + 1) times its own, on each of three axes.
const THIRD_DIFFERENCE: f32 = 3.0 * 20.0;
/// How much of one sample is believed of the noise, and how many times more than was known before: a hit on a drum is no noise.
const BELIEF: f32 = 1.0 / 64.0;
const OUTLIER: f32 = 4.0;
/// Metres and radians. Noise of a smaller deviation need not be told from none.
const FLOOR_M: f32 = 2e-5;
const FLOOR_RAD: f32 = 1e-4;
/// How much of one sample is believed of the speed.
const SPEED_BELIEF: f32 = 1.0 / 16.0;
/// Between two samples and what is drawn through others, noise makes a distance of so many deviations at the most, or nearly.
const DEVIATIONS: f32 = 5.0;
/// Metres and radians a second. A controller that is faster does not rest, and a throw is measured by all its samples.
const REST_M_S: f32 = 0.3;
const REST_RAD_S: f32 = 2.0;

/// By how much what is drawn may miss a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) position_m: f32,
    pub(super) angle_rad: f32,
}

impl Bounds {
    pub(super) const fn of(precision: Precision) -> Self {
        Self {
            position_m: precision.position_error_m_max(),
            angle_rad: precision.orientation_error_rad_max(),
        }
    }
}

/// The noise of one controller.
#[derive(Debug, Default)]
pub(super) struct Noise {
    last: Option<InputFrame>,
    position: Channel,
    angle: Channel,
}

/// Steps from sample to sample.
#[derive(Debug, Default)]
struct Channel {
    steps: [Vec3; 2],
    /// How many of the steps are those of samples that follow each other evenly.
    known: usize,
    /// Of the noise, on one axis.
    variance: f32,
    velocity: Vec3,
}

impl Noise {
    /// Takes notice of the next sample.
    pub(super) fn learn(&mut self, frame: &InputFrame) {
        let before = self.last.replace(*frame);
        let interval = |before: &InputFrame| frame.sampled_at.since(before.sampled_at);
        let Some(before) = before.filter(|before| {
            !frame.is_jump && (Micros(1)..=INTERVAL_MAX).contains(&interval(before))
        }) else {
            self.position.interrupt();
            self.angle.interrupt();
            return;
        };
        let seconds = interval(&before).as_secs_f64() as f32;
        let moved = frame.position - before.position;
        let turned = turn_between(before.orientation, frame.orientation);
        self.position.learn(moved, seconds, FLOOR_M);
        self.angle.learn(turned, seconds, FLOOR_RAD);
    }

    /// What is to be kept of a precision: at rest what the noise leaves of it.
    pub(super) fn bounds(&self, precision: Precision) -> Bounds {
        let mut bounds = Bounds::of(precision);
        let rests =
            self.position.velocity.length() < REST_M_S && self.angle.velocity.length() < REST_RAD_S;
        if rests {
            bounds.position_m += self.position.noise();
            bounds.angle_rad += self.angle.noise();
        }
        bounds
    }
}

impl Channel {
    /// The noise is never taken for less than `floor` when it is asked how much more a sample says.
    fn learn(&mut self, step: Vec3, seconds: f32, floor: f32) {
        let [older, old] = self.steps;
        self.steps = [old, step];
        self.velocity += (step / seconds - self.velocity) * SPEED_BELIEF;
        if self.known < self.steps.len() {
            self.known += 1;
            return;
        }
        let third = step - 2.0 * old + older;
        let variance = third.length_squared() / THIRD_DIFFERENCE;
        let most = OUTLIER * self.variance.max(floor * floor);
        self.variance += (variance.min(most) - self.variance) * BELIEF;
    }

    fn interrupt(&mut self) {
        self.known = 0;
        self.velocity = Vec3::ZERO;
    }

    fn noise(&self) -> f32 {
        DEVIATIONS * self.variance.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use glam::Quat;
    use synced_protocol::id::mix;

    use super::*;

    const NOISE_M: f32 = 3e-4;
    const NOISE_RAD: f32 = 1.7e-3;

    /// About normal, of deviation 1.
    fn random(seed: u64) -> Vec3 {
        let axis = |axis: u64| {
            let parts =
                (0..12).map(|part| mix(seed * 64 + axis * 16 + part) as f64 / u64::MAX as f64);
            (parts.sum::<f64>() - 6.0) as f32
        };
        Vec3::new(axis(0), axis(1), axis(2))
    }

    /// A second of a controller at 1 kHz: what is learned of it, and the widest bounds on the way.
    fn learned(position: impl Fn(f32) -> Vec3, noise: f32) -> (Noise, Bounds) {
        let mut learned = Noise::default();
        let mut widest = Bounds::of(Precision::Fine);
        for place in 0..1_000_u64 {
            let t = place as f32 * 1e-3;
            learned.learn(&InputFrame {
                sampled_at: Micros::from_millis(place),
                position: position(t) + random(place) * NOISE_M * noise,
                orientation: Quat::from_scaled_axis(random(place + 5_000) * NOISE_RAD * noise),
                ..InputFrame::default()
            });
            let bounds = learned.bounds(Precision::Fine);
            widest.position_m = widest.position_m.max(bounds.position_m);
        }
        (learned, widest)
    }

    #[test]
    fn the_noise_of_a_controller_at_rest_is_measured_and_allowed_for() {
        let (noise, _) = learned(|_| Vec3::ONE, 1.0);
        let [position, angle] =
            [&noise.position, &noise.angle].map(|channel| channel.variance.sqrt());
        assert!((position / NOISE_M - 1.0).abs() < 0.25, "{position}");
        assert!((angle / NOISE_RAD - 1.0).abs() < 0.25, "{angle}");
        let (bounds, fine) = (noise.bounds(Precision::Fine), Bounds::of(Precision::Fine));
        assert!(bounds.position_m > fine.position_m + 4.0 * NOISE_M * 0.75);
        assert!(bounds.angle_rad > fine.angle_rad + 4.0 * NOISE_RAD * 0.75);
    }

    #[test]
    fn movement_is_no_noise_be_it_slow_or_a_hit_after_a_rest() {
        let fine = Bounds::of(Precision::Fine).position_m;
        let slow = |t: f32| Vec3::new((3.0 * t).sin(), (7.0 * t).cos(), t) * 0.04;
        assert!(learned(slow, 0.0).1.position_m < fine * 1.1);
        let struck = |t: f32| {
            Vec3::Y
                * if t < 0.5 {
                    0.0
                } else {
                    (t - 0.5).min(0.05) * 4.0
                }
        };
        assert!(learned(struck, 0.0).1.position_m < fine * 2.0);
    }

    #[test]
    fn a_hand_that_moves_keeps_all_its_precision_however_noisy_it_is() {
        let (noise, _) = learned(|t| Vec3::X * 1.0 * t, 1.0);
        assert_eq!(noise.bounds(Precision::Fine), Bounds::of(Precision::Fine));
    }

    #[test]
    fn samples_that_are_far_apart_and_jumps_say_nothing_of_noise() {
        let mut noise = Noise::default();
        for place in 0..1_000 {
            noise.learn(&InputFrame {
                sampled_at: Micros(place * (INTERVAL_MAX.0 + 1)),
                position: random(place) * NOISE_M,
                ..InputFrame::default()
            });
            noise.learn(&InputFrame {
                sampled_at: Micros(place * (INTERVAL_MAX.0 + 1) + 1_000),
                position: random(place),
                is_jump: true,
                ..InputFrame::default()
            });
        }
        assert_eq!(noise.position.variance, 0.0);
    }
}
