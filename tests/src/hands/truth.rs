//! Where a hand truly was at a time.

use glam::DVec3;

use crate::{
    Failure, Outcome,
    motion::{Moment, Motion},
};

/// How far from where a motion is thought to have begun it is looked for, in microseconds, and in which steps.
const SEARCHED_USEC: f64 = 1_500_000.0;
const STEP_USEC: f64 = 1_000.0;
/// About how many samples are looked at for each step.
const COARSE_SAMPLES: usize = 50;
/// Halvings of a step: to less than a microsecond.
const HALVINGS: u32 = 12;
/// The most by which samples of a motion are off where it has been found, root mean square, in metres: a sensor's noise
/// and the rounding of a trace.
const RESIDUAL_M_MAX: f64 = 1e-3;

/// A motion and when it began.
#[derive(Debug, Clone)]
pub struct Truth {
    motion: Motion,
    begun_usec: f64,
}

impl Truth {
    /// A motion that began at a time, in microseconds since 1970.
    #[must_use]
    pub const fn new(motion: Motion, begun_usec: f64) -> Self {
        Self { motion, begun_usec }
    }

    /// A motion of which some samples are known, by their times: when it began, of all times near `guess_usec`.
    ///
    /// # Errors
    /// When the samples are not of that motion.
    pub fn found(motion: Motion, samples: &[(f64, DVec3)], guess_usec: f64) -> Outcome<Self> {
        let off = |begun_usec: f64, stride: usize| {
            let looked_at = samples.iter().step_by(stride);
            let count = looked_at.len().max(1);
            let squares = looked_at.map(|(at, position)| {
                let truth = motion.at((at - begun_usec) / 1e6);
                truth.position.distance_squared(*position)
            });
            squares.sum::<f64>() / count as f64
        };
        let best_of = |candidates: &mut dyn Iterator<Item = f64>, stride: usize| {
            let judged = candidates.map(|begun_usec| (begun_usec, off(begun_usec, stride)));
            judged
                .min_by(|a, b| a.1.total_cmp(&b.1))
                .map_or(guess_usec, |best| best.0)
        };
        let steps = (2.0 * SEARCHED_USEC / STEP_USEC) as u32;
        let first = guess_usec - SEARCHED_USEC;
        let mut all = (0..=steps).map(|step| first + f64::from(step) * STEP_USEC);
        let mut best = best_of(&mut all, (samples.len() / COARSE_SAMPLES).max(1));
        let mut step = STEP_USEC / 2.0;
        for _ in 0..HALVINGS {
            best = best_of(&mut [best - step, best, best + step].into_iter(), 1);
            step /= 2.0;
        }
        let residual = off(best, 1).sqrt();
        if samples.is_empty() || residual > RESIDUAL_M_MAX {
            let count = samples.len();
            return Err(Failure::new(format!(
                "{count} samples are not of the motion: they are off by {residual:.4} m at best"
            )));
        }
        Ok(Self::new(motion, best))
    }

    /// The same motion, begun so many microseconds later.
    #[must_use]
    pub fn later(self, usec: f64) -> Self {
        Self {
            begun_usec: self.begun_usec + usec,
            ..self
        }
    }

    /// The truth at a time in microseconds since 1970.
    #[must_use]
    pub fn at(&self, usec: f64) -> Moment {
        self.motion.at((usec - self.begun_usec) / 1e6)
    }

    /// The time, in microseconds since 1970, of a moment in the motion's own seconds.
    #[must_use]
    pub fn time_of(&self, seconds: f64) -> f64 {
        self.begun_usec + seconds * 1e6
    }

    /// The motion.
    #[must_use]
    pub const fn motion(&self) -> &Motion {
        &self.motion
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::{LEFT_HOME, RIGHT_HOME};

    const BEGUN: f64 = 1.7e15;

    fn samples(motion: &Motion) -> Vec<(f64, DVec3)> {
        let seconds = (0..1_000).map(|step| 0.8 + f64::from(step) * 1e-3);
        seconds
            .map(|t| (BEGUN + t * 1e6, motion.sensed_at(t).position))
            .collect()
    }

    #[test]
    fn the_beginning_of_a_motion_is_found_to_the_microsecond_from_a_second_of_it() {
        let motion = Motion::programme(RIGHT_HOME, 5.0, 1);
        for guess in [-1_200_000.0, 300.0, 900_000.0] {
            let found = Truth::found(motion.clone(), &samples(&motion), BEGUN + guess).unwrap();
            let off = found.time_of(0.0) - BEGUN;
            assert!(off.abs() < 2.0, "{off} us");
        }
    }

    #[test]
    fn samples_of_another_motion_are_not_found() {
        let (one, other) = (
            Motion::circles(RIGHT_HOME, 2.0),
            Motion::circles(LEFT_HOME, 2.0),
        );
        assert!(Truth::found(one.clone(), &samples(&other), BEGUN).is_err());
        assert!(Truth::found(one, &[], BEGUN).is_err());
    }
}
