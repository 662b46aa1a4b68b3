//! A made-up trajectory: a hand that swings, a head that sways. For tests and for trying things without a headset.

use glam::{Quat, Vec3};
use synced_protocol::{
    input::{Controls, InputFrame},
    time::Micros,
};

use super::{TrackerTarget, capture::Source};

/// A closed curve with known derivatives, so that velocities are exact.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Synthetic {
    centre: Vec3,
    reach: Vec3,
    /// Radians a second for each axis.
    rates: Vec3,
    phase: f32,
    presses: bool,
}

impl Synthetic {
    pub(crate) fn new(target: TrackerTarget) -> Self {
        let hand = |side: f32, phase: f32| Self {
            centre: Vec3::new(0.25 * side, 1.2, -0.4),
            reach: Vec3::new(0.15, 0.2, 0.1),
            rates: Vec3::new(4.0, 5.0, 3.0),
            phase,
            presses: true,
        };
        match target {
            TrackerTarget::LeftHand => hand(-1.0, 0.0),
            TrackerTarget::RightHand => hand(1.0, 1.3),
            TrackerTarget::Head => Self {
                centre: Vec3::new(0.0, 1.7, 0.0),
                reach: Vec3::new(0.03, 0.02, 0.02),
                rates: Vec3::new(0.7, 1.1, 0.5),
                phase: 0.0,
                presses: false,
            },
        }
    }

    fn at(&self, seconds: f32) -> InputFrame {
        let angles = self.rates * seconds + Vec3::splat(self.phase);
        let sine = Vec3::new(angles.x.sin(), angles.y.sin(), angles.z.sin());
        let cosine = Vec3::new(angles.x.cos(), angles.y.cos(), angles.z.cos());
        InputFrame {
            sampled_at: Micros::ZERO,
            position: self.centre + self.reach * sine,
            orientation: Quat::from_rotation_y(0.5 * sine.x),
            linear_velocity: self.reach * self.rates * cosine,
            angular_velocity: Vec3::new(0.0, 0.5 * self.rates.x * cosine.x, 0.0),
            controls: Controls {
                buttons: u16::from(self.presses && sine.y > 0.9),
                trigger: if self.presses { sine.y.max(0.0) } else { 0.0 },
                ..Controls::default()
            },
            is_jump: false,
        }
    }
}

impl Source for Synthetic {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a phase within one period is exact enough"
    )]
    fn samples(&mut self, elapsed: Micros, each: &mut dyn FnMut(InputFrame)) -> bool {
        // All rates are tenths, so that everything repeats after 20 pi seconds; f32 would grow coarse otherwise.
        let period = 20.0 * std::f64::consts::PI;
        let frame = self.at((elapsed.as_secs_f64() % period) as f32);
        each(InputFrame {
            sampled_at: elapsed,
            ..frame
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_velocities_are_the_derivatives_of_the_poses() {
        for target in [
            TrackerTarget::LeftHand,
            TrackerTarget::RightHand,
            TrackerTarget::Head,
        ] {
            let synthetic = Synthetic::new(target);
            for step in 0..200 {
                let (t, h) = (step as f32 * 0.05, 1e-3);
                let [before, here, after] = [t - h, t, t + h].map(|t| synthetic.at(t));
                let slope = (after.position - before.position) / (2.0 * h);
                assert!(
                    slope.distance(here.linear_velocity) < 1e-2,
                    "{slope} {}",
                    here.linear_velocity
                );
            }
        }
    }
}
