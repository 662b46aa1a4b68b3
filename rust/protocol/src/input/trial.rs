//! Which models suit a batch: each is tried on the samples as they are, before anything is rounded.

use super::{
    model::{Model, PoseModel, RateModel},
    predictor::Motion,
    scale::Scale,
    track::{ahead, scaled, sum},
    turn::{turn_between, turn_of},
};

/// How far each model would be off, summed over a batch.
#[derive(Debug)]
pub(super) struct Trial {
    half_position_per_linear: f64,
    quarter_turn_per_angular: f64,
    turn_steps: f64,
    before: Option<Motion>,
    changed: Option<Changes>,
    position: Misses,
    orientation: Misses,
    linear: Misses,
    angular: Misses,
}

/// From one sample to the next, in steps.
#[derive(Debug)]
struct Changes {
    ticks: f64,
    position: [f64; 3],
    turn: [f64; 3],
    linear: [f64; 3],
    angular: [f64; 3],
}

/// In steps, summed over the axes.
#[derive(Debug, Default)]
struct Misses {
    still: f64,
    steady: f64,
    told: f64,
}

/// What is steady goes on from two rounded samples, what is still from one: on each axis it is off by so much more.
const STEADY_PENALTY: f64 = 0.3;

impl Trial {
    pub(super) fn new(scale: &Scale) -> Self {
        Self {
            half_position_per_linear: 0.5 * scale.position_per_linear(),
            quarter_turn_per_angular: 0.5 * scale.half_turn_per_angular(),
            turn_steps: f64::from(scale.cube.steps),
            before: None,
            changed: None,
            position: Misses::default(),
            orientation: Misses::default(),
            linear: Misses::default(),
            angular: Misses::default(),
        }
    }

    /// Nothing is expected of the sample that comes now.
    pub(super) fn restart(&mut self) {
        self.before = None;
        self.changed = None;
    }

    /// Takes the next sample, so many ticks after the last one.
    pub(super) fn add(&mut self, motion: Motion, ticks: u32) {
        if let Some(before) = self.before {
            let now = self.changes(&before, &motion, f64::from(ticks));
            self.try_steady(&now);
            self.try_told(&before, &motion, &now);
            self.changed = Some(now);
        }
        self.before = Some(motion);
    }

    /// The models that were off the least; of several, the first.
    pub(super) fn best(&self) -> Model {
        Model {
            position: self.position.best_pose(),
            orientation: self.orientation.best_pose(),
            linear: self.linear.best_rate(),
            angular: self.angular.best_rate(),
        }
    }

    fn changes(&self, before: &Motion, motion: &Motion, ticks: f64) -> Changes {
        let turn = turn_between(before.orientation, motion.orientation);
        Changes {
            ticks,
            position: difference(motion.position, before.position),
            turn: scaled(turn, self.turn_steps),
            linear: difference(motion.linear, before.linear),
            angular: difference(motion.angular, before.angular),
        }
    }

    fn try_steady(&mut self, now: &Changes) {
        let Some(last) = &self.changed else {
            self.position.try_steady(now.position, [0.0; 3]);
            self.orientation.try_steady(now.turn, [0.0; 3]);
            self.linear.try_steady(now.linear, [0.0; 3]);
            self.angular.try_steady(now.angular, [0.0; 3]);
            return;
        };
        let again = now.ticks / last.ticks.max(1.0);
        self.position
            .try_steady(now.position, scaled(last.position, again));
        self.orientation
            .try_steady(now.turn, scaled(last.turn, again));
        self.linear
            .try_steady(now.linear, scaled(last.linear, again));
        self.angular
            .try_steady(now.angular, scaled(last.angular, again));
    }

    fn try_told(&mut self, before: &Motion, motion: &Motion, now: &Changes) {
        let way = sum(before.linear, motion.linear);
        let way = scaled(way, self.half_position_per_linear * now.ticks);
        self.position.told += size(difference(now.position, way));
        let turn = sum(before.angular, motion.angular);
        let turn = turn_of(scaled(turn, self.quarter_turn_per_angular * now.ticks));
        let turn = scaled(turn, self.turn_steps);
        self.orientation.told += size(difference(now.turn, turn));
    }
}

impl Misses {
    fn try_steady(&mut self, now: [f64; 3], as_before: [f64; 3]) {
        self.still += size(now);
        self.steady += size(difference(now, as_before)) + 3.0 * STEADY_PENALTY;
    }

    fn best_pose(&self) -> PoseModel {
        if self.still <= self.steady && self.still <= self.told {
            PoseModel::Still
        } else if self.told <= self.steady {
            PoseModel::Told
        } else {
            PoseModel::Steady
        }
    }

    fn best_rate(&self) -> RateModel {
        if self.still <= self.steady {
            RateModel::Still
        } else {
            RateModel::Steady
        }
    }
}

fn difference(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    ahead(a, b, -1.0)
}

fn size(vector: [f64; 3]) -> f64 {
    vector[0].abs() + vector[1].abs() + vector[2].abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Precision;

    /// Ten samples a millisecond apart of a hand that is at so many steps, and says so of its velocity.
    fn best(position: impl Fn(f64) -> f64, linear: impl Fn(f64) -> f64) -> Model {
        let scale = Scale::of(Precision::Fine);
        let mut trial = Trial::new(scale);
        for place in 0..10 {
            let place = f64::from(place);
            let motion = Motion {
                position: [position(place), 0.0, 0.0],
                orientation: [0.0, 0.0, 0.0, 1.0],
                linear: [linear(place), 0.0, 0.0],
                angular: [0.0; 3],
            };
            trial.add(motion, scale.usual_interval());
        }
        trial.best()
    }

    /// Of linear velocity, for a step of position a millisecond.
    const LINEAR_A_STEP: f64 = 11.0;

    #[test]
    fn what_does_not_move_is_still() {
        assert_eq!(best(|_| 5.0, |_| 0.0), Model::STILL);
    }

    #[test]
    fn what_goes_as_its_velocity_says_is_told() {
        let model = best(|t| 20.0 * t + t * t, |t| LINEAR_A_STEP * (20.0 + 2.0 * t));
        assert_eq!(model.position, PoseModel::Told);
        assert_eq!(model.linear, RateModel::Steady);
    }

    #[test]
    fn what_goes_on_as_it_went_without_saying_so_is_steady() {
        let model = best(|t| 20.0 * t, |_| 0.0);
        assert_eq!(model.position, PoseModel::Steady);
        assert_eq!(model.linear, RateModel::Still);
    }

    #[test]
    fn what_trembles_is_still_since_going_on_as_before_is_worse() {
        let tremble = |t: f64| if t % 2.0 == 0.0 { 3.0 } else { -3.0 };
        let model = best(tremble, tremble);
        assert_eq!(model.position, PoseModel::Still);
        assert_eq!(model.linear, RateModel::Still);
    }

    #[test]
    fn a_jump_is_no_reason_for_anything() {
        let scale = Scale::of(Precision::Fine);
        let mut trial = Trial::new(scale);
        for place in 0..10 {
            let motion = Motion {
                position: [f64::from(place) * 1e6, 0.0, 0.0],
                orientation: [0.0, 0.0, 0.0, 1.0],
                linear: [0.0; 3],
                angular: [0.0; 3],
            };
            trial.restart();
            trial.add(motion, scale.usual_interval());
        }
        assert_eq!(trial.best(), Model::STILL);
    }
}
