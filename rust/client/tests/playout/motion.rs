//! Motions whose truth is known at any time.

use std::f32::consts::{FRAC_PI_2, TAU};

use glam::{Quat, Vec3};
use synced_protocol::{id::mix, input::InputFrame, time::Micros};

pub(crate) const START: Micros = Micros::from_secs(1_000_000);

pub(crate) fn at_ms(ms: u64) -> Micros {
    START + Micros::from_millis(ms)
}

/// What a hand does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Motion {
    /// A ball in the air: constant acceleration, which a cubic follows exactly.
    Ballistic,
    /// An arm that swings to throw, over and over: up to 5 m/s at the release, in the middle of the swing.
    Throw,
    /// A circle of 30 cm, once a second, that turns with it.
    Circle,
    /// A stick on a drum four times a second: the speed turns over within 2 ms.
    Drum,
}

pub(crate) const MOTIONS: [Motion; 4] = [
    Motion::Ballistic,
    Motion::Throw,
    Motion::Circle,
    Motion::Drum,
];

/// The time from the start of a throwing swing to its release, in seconds.
pub(crate) const THROW_RELEASE_S: f32 = 0.25;

impl Motion {
    /// The truth at a time.
    pub(crate) fn at(self, time: Micros) -> InputFrame {
        let t = time.since(START).as_secs_f64();
        let (position, velocity) = match self {
            Self::Ballistic => ballistic(t as f32),
            Self::Throw => throw(t),
            Self::Circle => circle(t),
            Self::Drum => drum(t),
        };
        let (orientation, angular_velocity) = self.rotation(t);
        InputFrame {
            sampled_at: time,
            position,
            orientation,
            linear_velocity: velocity,
            angular_velocity,
            ..InputFrame::default()
        }
    }

    /// Samples of the truth at an interval, both ends included.
    pub(crate) fn samples(self, from: Micros, to: Micros, interval: Micros) -> Vec<InputFrame> {
        let count = to.since(from).0 / interval.0;
        (0..=count)
            .map(|place| self.at(from + Micros(place * interval.0)))
            .collect()
    }

    /// Metres a second that it never exceeds within the first second.
    pub(crate) const fn speed_max(self) -> f32 {
        match self {
            Self::Ballistic => 8.0,
            Self::Throw => 5.1,
            Self::Circle => 1.9,
            Self::Drum => 4.1,
        }
    }

    fn rotation(self, t: f64) -> (Quat, Vec3) {
        if let Self::Throw = self {
            let phase = t / f64::from(THROW_RELEASE_S) * f64::from(FRAC_PI_2);
            let angle = 1.2 * (1.0 - phase.cos());
            let rate = 1.2 * phase.sin() * f64::from(FRAC_PI_2 / THROW_RELEASE_S);
            let axis = Vec3::new(1.0, 0.0, 0.5).normalize();
            return (
                Quat::from_axis_angle(axis, angle as f32),
                axis * rate as f32,
            );
        }
        let rate = 3.0;
        let angle = (f64::from(rate) * t) % f64::from(TAU);
        (Quat::from_rotation_y(angle as f32), Vec3::Y * rate)
    }
}

fn ballistic(t: f32) -> (Vec3, Vec3) {
    let gravity = Vec3::new(0.0, -9.81, 0.0);
    let speed = Vec3::new(3.0, 4.0, -1.0);
    (speed * t + 0.5 * gravity * t * t, speed + gravity * t)
}

/// The speed is a sine: it is highest, and its change nothing, at the release.
fn throw(t: f64) -> (Vec3, Vec3) {
    let peak = 5.0;
    let frequency = f64::from(FRAC_PI_2 / THROW_RELEASE_S);
    let way = peak / frequency * (1.0 - (frequency * t).cos());
    let direction = Vec3::new(0.0, 0.6, -0.8);
    let speed = peak * (frequency * t).sin();
    (direction * way as f32, direction * speed as f32)
}

fn circle(t: f64) -> (Vec3, Vec3) {
    let (sine, cosine) = (t * f64::from(TAU)).sin_cos();
    let radius = 0.3;
    let position = Vec3::new(cosine as f32, 0.0, sine as f32) * radius;
    let velocity = Vec3::new(-sine as f32, 0.0, cosine as f32) * radius * TAU;
    (position, velocity)
}

/// Down at 4 m/s onto the drum and up again; the hit itself takes 2 ms.
fn drum(t: f64) -> (Vec3, Vec3) {
    const HIT_S: f64 = 0.002;
    const SPEED: f64 = 4.0;
    let phase = t % 0.25 - 0.1;
    let (height, speed) = if phase < -HIT_S / 2.0 {
        // Falls evenly faster from rest, so that the hit comes at full speed.
        let since = phase + 0.1;
        let fall = SPEED / 0.1;
        (0.2 - fall * since * since / 2.0, -fall * since)
    } else {
        let since = phase + HIT_S / 2.0;
        let before = 0.1 - HIT_S / 2.0;
        let fall = SPEED / 0.1;
        let (low, speed) = (0.2 - fall * before * before / 2.0, fall * before);
        if since < HIT_S {
            let turn = 2.0 * speed / HIT_S;
            let height = low - speed * since + turn * since * since / 2.0;
            (height, turn * since - speed)
        } else {
            // Up again as it came, and a rest up there.
            let rise = (since - HIT_S).min(before);
            (
                low + speed * rise - fall * rise * rise / 2.0,
                speed - fall * rise,
            )
        }
    };
    (Vec3::Y * height as f32, Vec3::Y * speed as f32)
}

/// Noise of a standard deviation of 1, from a seed; three numbers that add up to nearly a normal distribution.
pub(crate) fn noise(seed: u64) -> Vec3 {
    let axis = |place: u64| {
        let sum: f64 = (0..12)
            .map(|part| {
                let raw = mix(seed.wrapping_mul(41).wrapping_add(place * 13 + part));
                raw as f64 / u64::MAX as f64
            })
            .sum();
        (sum - 6.0) as f32
    };
    Vec3::new(axis(0), axis(1), axis(2))
}

/// Through the sine of the half angle: the cosine knows nothing of small angles in `f32`.
pub(crate) fn angle_between(a: Quat, b: Quat) -> f32 {
    2.0 * (a.inverse() * b).xyz().length().min(1.0).asin()
}
