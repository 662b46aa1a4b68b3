//! What a sensor makes of a hand that rests: it trembles.

use glam::{DQuat, DVec3};

use super::Moment;

/// How far the sensed position is from the true one, root mean square, in metres.
pub const NOISE_POSITION_M: f64 = 0.3e-3;
/// How far the sensed orientation is from the true one, root mean square, in radians (0.1 degrees).
pub const NOISE_ANGLE_RAD: f64 = 0.1 * std::f64::consts::PI / 180.0;
/// New noise comes so often a second.
const RATE_HZ: f64 = 1_000.0;
/// Uniform numbers that add up to nearly a normal one, and keep it within bounds.
const SUMMANDS: u64 = 4;

/// Noise that is the same for the same seed and time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    seed: u64,
}

impl Noise {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    pub(super) fn added_to(self, truth: Moment, seconds: f64) -> Moment {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the number of a tick; none is before the first"
        )]
        let tick = (seconds * RATE_HZ).max(0.0) as u64;
        let axis =
            |number: u64| self.normal(tick.wrapping_mul(6).wrapping_add(number)) / 3.0_f64.sqrt();
        let shift = DVec3::new(axis(0), axis(1), axis(2)) * NOISE_POSITION_M;
        let turn = DVec3::new(axis(3), axis(4), axis(5)) * NOISE_ANGLE_RAD;
        Moment {
            position: truth.position + shift,
            orientation: (DQuat::from_scaled_axis(turn) * truth.orientation).normalize(),
            ..truth
        }
    }

    /// Nearly normal, of variance 1.
    fn normal(self, number: u64) -> f64 {
        let first = number.wrapping_mul(SUMMANDS);
        let sum: f64 = (0..SUMMANDS)
            .map(|more| self.uniform(first.wrapping_add(more)) - 0.5)
            .sum();
        sum * (12.0 / SUMMANDS as f64).sqrt()
    }

    /// From 0 to 1: SplitMix64 (Steele, Lea and Flood, 2014).
    fn uniform(self, number: u64) -> f64 {
        let mut bits = self
            .seed
            .wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) as f64 / u64::MAX as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::{Motion, RIGHT_HOME};

    fn rms(of: impl Fn(Moment, Moment) -> f64) -> f64 {
        let rest = Motion::rest(RIGHT_HOME, 10.0, 5);
        let squares = (0..10_000).map(|tick| {
            let t = (f64::from(tick) + 0.5) / 1e3;
            of(rest.at(t), rest.sensed_at(t)).powi(2)
        });
        (squares.sum::<f64>() / 10_000.0).sqrt()
    }

    #[test]
    fn noise_is_as_large_as_it_is_said_to_be() {
        let position = rms(|truth, sensed| truth.position.distance(sensed.position));
        assert!(
            (position / NOISE_POSITION_M - 1.0).abs() < 0.03,
            "{position} m"
        );
        let angle = rms(|truth, sensed| truth.orientation.angle_between(sensed.orientation));
        assert!((angle / NOISE_ANGLE_RAD - 1.0).abs() < 0.03, "{angle} rad");
    }

    #[test]
    fn noise_is_the_same_for_a_seed_and_another_for_another() {
        let sensed = |seed, t| Motion::rest(RIGHT_HOME, 1.0, seed).sensed_at(t);
        assert_eq!(sensed(1, 0.5), sensed(1, 0.5));
        assert_ne!(sensed(1, 0.5), sensed(2, 0.5));
        assert_ne!(sensed(1, 0.5), sensed(1, 0.501));
    }
}
