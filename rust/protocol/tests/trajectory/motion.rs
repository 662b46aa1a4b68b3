//! Hands that move as hands do, at most at 2 m/s and 10 rad/s, asked about a thousand times a second.

use std::f64::consts::TAU;

use glam::{DQuat, DVec3};
use synced_protocol::{
    input::{Controls, InputFrame},
    time::Micros,
};

/// What a hand does: where it is and how it is turned at a time in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Motion {
    pub(crate) name: &'static str,
    pose: fn(f64) -> (DVec3, DQuat),
}

pub(crate) const CIRCLE: Motion = Motion {
    name: "circle",
    pose: circle,
};
pub(crate) const WAVE: Motion = Motion {
    name: "wave",
    pose: wave,
};
pub(crate) const THROW: Motion = Motion {
    name: "throw",
    pose: throw,
};
pub(crate) const DRUM: Motion = Motion {
    name: "drum",
    pose: drum,
};
pub(crate) const REST: Motion = Motion {
    name: "rest",
    pose: |_| wave(0.3),
};

pub(crate) const MOVING: [Motion; 4] = [CIRCLE, WAVE, THROW, DRUM];

/// A quarter of a metre about the shoulder, with a wrist that goes along.
fn circle(t: f64) -> (DVec3, DQuat) {
    let angle = 7.8 * t;
    let place = DVec3::new(0.25 * angle.cos(), 1.2 + 0.25 * angle.sin(), -0.4);
    let turn = DQuat::from_rotation_z(angle) * DQuat::from_rotation_x(0.4 * (5.0 * t).sin());
    (place, turn)
}

fn wave(t: f64) -> (DVec3, DQuat) {
    let place = DVec3::new(
        0.12 * (7.0 * t).sin() + 0.03 * (17.0 * t).sin(),
        1.1 + 0.1 * (9.0 * t + 1.0).sin() + 0.02 * (23.0 * t).cos(),
        -0.35 + 0.08 * (5.0 * t + 2.0).sin(),
    );
    let turn = DQuat::from_rotation_y(0.8 * (6.0 * t).sin() + 0.1 * (19.0 * t).sin())
        * DQuat::from_rotation_x(0.5 * (8.0 * t + 0.5).sin())
        * DQuat::from_rotation_z(0.3 * (11.0 * t).cos());
    (place, turn)
}

/// Half a metre forward in 0.47 s, back in 0.73 s, each with the least jerk.
fn throw(t: f64) -> (DVec3, DQuat) {
    let t = t.rem_euclid(1.2);
    let way = if t < 0.47 {
        least_jerk(t / 0.47)
    } else {
        1.0 - least_jerk((t - 0.47) / 0.73)
    };
    let angle = 2.4 * way - 1.2;
    let place = DVec3::new(0.2, 1.3 + 0.1 * angle.cos(), 0.05 - 0.5 * way);
    (
        place,
        DQuat::from_rotation_x(-angle) * DQuat::from_rotation_y(0.2 * way),
    )
}

fn least_jerk(t: f64) -> f64 {
    t * t * t * (10.0 + t * (6.0 * t - 15.0))
}

/// Five hits a second; each turns the stick around within two milliseconds.
fn drum(t: f64) -> (DVec3, DQuat) {
    let phase = (TAU * 2.5 * t).sin();
    let height = (phase * phase + 1e-4).sqrt();
    let place = DVec3::new(0.15, 0.9 + 0.12 * height, -0.4 + 0.02 * (3.0 * t).sin());
    (
        place,
        DQuat::from_rotation_x(0.6 * height) * DQuat::from_rotation_y(0.3),
    )
}

impl Motion {
    /// The true sample at a time in seconds.
    fn at(&self, seconds: f64, sampled_at: Micros) -> InputFrame {
        const HALF_SPAN: f64 = 1e-5;
        let (place, turn) = (self.pose)(seconds);
        let (place_before, turn_before) = (self.pose)(seconds - HALF_SPAN);
        let (place_behind, turn_behind) = (self.pose)(seconds + HALF_SPAN);
        let turned = (turn_behind * turn_before.inverse()).to_scaled_axis();
        InputFrame {
            sampled_at,
            position: place.as_vec3(),
            orientation: turn.as_quat(),
            linear_velocity: ((place_behind - place_before) / (2.0 * HALF_SPAN)).as_vec3(),
            angular_velocity: (turned / (2.0 * HALF_SPAN)).as_vec3(),
            controls: Controls::default(),
            is_jump: false,
        }
    }

    /// So many samples, the first one after `begin` seconds: a millisecond apart, each up to 0.1 ms too early or too late.
    pub(crate) fn samples(&self, begin: f64, count: usize, origin: Micros) -> Vec<InputFrame> {
        let mut random = Random(begin.to_bits() | 1);
        let mut samples = Vec::with_capacity(count);
        for place in 0..count as u64 {
            let us = place * 1000 + (random.unit() * 200.0) as u64;
            samples.push(self.at(begin + us as f64 * 1e-6, origin + Micros(us)));
        }
        samples
    }
}

/// What a sensor adds: a third of a millimetre and a tenth of a degree, on each axis.
pub(crate) fn add_noise(samples: &mut [InputFrame]) {
    let mut random = Random(0x5eed);
    for sample in samples {
        let place = random.vector() * 0.3e-3;
        let turn = random.vector() * 0.1_f64.to_radians();
        sample.position += place.as_vec3();
        sample.orientation = DQuat::from_scaled_axis(turn).as_quat() * sample.orientation;
    }
}

/// A xorshift generator: the same motion in every run.
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal, of mean 0 and deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    fn vector(&mut self) -> DVec3 {
        DVec3::new(self.normal(), self.normal(), self.normal())
    }
}
