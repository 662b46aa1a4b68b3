//! What both ends expect of the next sample.
//!
//! Numbers are in steps, but not whole ones: a residual of zero means that the expectation was near enough, and it is what
//! is decoded. So where the expectation is good, nothing but zeros is written, however the sample lies between the steps.
//!
//! The arithmetic is part of the protocol: additions, multiplications, divisions and square roots of 64-bit floats, which
//! give the same bits on every machine.

use super::{
    model::{Model, PoseModel, RateModel},
    scale::{Scale, held},
    track::{Moved, Time, Track, ahead, scaled, sum},
    turn::{normalised, turn_of, turned},
};

/// Where a controller is and how it moves, in steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Motion {
    pub(super) position: [f64; 3],
    pub(super) orientation: [f64; 4],
    pub(super) linear: [f64; 3],
    pub(super) angular: [f64; 3],
}

/// A vector of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vector {
    Linear,
    Angular,
    Position,
}

/// Who knows by how many steps a sample is off what was expected. It is asked for velocities, position, orientation.
pub(super) trait Residuals {
    type Error;
    fn vector(&mut self, vector: Vector, expected: [f64; 3]) -> Result<[i32; 3], Self::Error>;
    fn orientation(&mut self, expected: [f64; 4]) -> Result<[i32; 3], Self::Error>;
}

/// What is known of the samples before, and what is expected of the next. Writer and reader run the same one.
#[derive(Debug)]
pub(super) struct Predictor {
    model: Model,
    units: Units,
    linear: Track,
    angular: Track,
    position: Track,
    orientation: [f64; 4],
    /// In steps a tick. Zero for what is not steady.
    turn_rate: [f64; 3],
}

#[derive(Debug)]
struct Units {
    half_position_per_linear: f64,
    quarter_turn_per_angular: f64,
    turn_per_step: f64,
}

/// What is told by a velocity goes on from half way between the expectation and the sample: a sensor's noise, and what was
/// rounded off, count half in what is expected next.
const TOLD_GAIN: f64 = 0.5;

impl Predictor {
    pub(super) fn new(scale: &Scale, model: Model, first: &Motion) -> Self {
        Self {
            model,
            units: Units {
                half_position_per_linear: 0.5 * scale.position_per_linear(),
                quarter_turn_per_angular: 0.5 * scale.half_turn_per_angular(),
                turn_per_step: 1.0 / f64::from(scale.cube.steps),
            },
            linear: Track::at(first.linear),
            angular: Track::at(first.angular),
            position: Track::at(first.position),
            orientation: first.orientation,
            turn_rate: [0.0; 3],
        }
    }

    /// Begins again where a whole sample is.
    pub(super) fn begin_at(&mut self, motion: &Motion) {
        self.linear = Track::at(motion.linear);
        self.angular = Track::at(motion.angular);
        self.position = Track::at(motion.position);
        self.orientation = motion.orientation;
        self.turn_rate = [0.0; 3];
    }

    /// The next sample, `ticks` later. When a residual cannot be had, this is to [begin again](Self::begin_at).
    #[inline]
    pub(super) fn advance<R: Residuals>(
        &mut self,
        ticks: u32,
        residuals: &mut R,
    ) -> Result<Motion, R::Error> {
        let time = Time::of(ticks);
        let before = (self.linear.value, self.angular.value);
        let expected = self.linear.expected(time);
        let residual = residuals.vector(Vector::Linear, expected)?;
        self.linear = velocity(self.linear, expected, residual, time, self.model.linear);

        let expected = self.angular.expected(time);
        let residual = residuals.vector(Vector::Angular, expected)?;
        self.angular = velocity(self.angular, expected, residual, time, self.model.angular);

        let expected = self.expected_position(before.0, time);
        let residual = residuals.vector(Vector::Position, expected)?;
        let position = self.place(expected, residual, time);

        let expected = self.expected_orientation(before.1, time);
        let residual = residuals.orientation(expected)?;
        let orientation = self.turn(expected, residual, time);
        Ok(Motion {
            position,
            orientation,
            linear: self.linear.value,
            angular: self.angular.value,
        })
    }

    #[inline]
    fn expected_position(&self, linear_before: [f64; 3], time: Time) -> [f64; 3] {
        if self.model.position != PoseModel::Told {
            return self.position.expected(time);
        }
        let told = sum(linear_before, self.linear.value);
        let share = self.units.half_position_per_linear * time.ticks;
        ahead(self.position.value, told, share)
    }

    #[inline]
    fn place(&mut self, expected: [f64; 3], residual: [i32; 3], time: Time) -> [f64; 3] {
        let model = self.model.position;
        let to = Moved {
            expected,
            residual: residual.map(f64::from),
            gain: model.gain(),
        };
        self.position = self.position.moved(to, time, model == PoseModel::Steady);
        sum(to.expected, to.residual).map(held)
    }

    #[inline]
    fn expected_orientation(&self, angular_before: [f64; 3], time: Time) -> [f64; 4] {
        let half_angle = match self.model.orientation {
            PoseModel::Still => return self.orientation,
            PoseModel::Steady => scaled(self.turn_rate, self.units.turn_per_step * time.ticks),
            PoseModel::Told => {
                let told = sum(angular_before, self.angular.value);
                scaled(told, self.units.quarter_turn_per_angular * time.ticks)
            }
        };
        turned(self.orientation, turn_of(half_angle))
    }

    #[inline]
    fn turn(&mut self, expected: [f64; 4], residual: [i32; 3], time: Time) -> [f64; 4] {
        let model = self.model.orientation;
        let residual = residual.map(f64::from);
        if model == PoseModel::Steady {
            self.turn_rate = ahead(self.turn_rate, residual, time.per_tick);
        }
        let turn = scaled(residual, self.units.turn_per_step);
        let orientation = normalised(turned(expected, turn));
        self.orientation = match model {
            PoseModel::Still | PoseModel::Steady => orientation,
            PoseModel::Told => normalised(turned(expected, scaled(turn, TOLD_GAIN))),
        };
        orientation
    }
}

#[inline]
fn velocity(
    track: Track,
    expected: [f64; 3],
    residual: [i32; 3],
    time: Time,
    model: RateModel,
) -> Track {
    let to = Moved {
        expected,
        residual: residual.map(f64::from),
        gain: 1.0,
    };
    track.moved(to, time, model == RateModel::Steady)
}

impl PoseModel {
    const fn gain(self) -> f64 {
        match self {
            Self::Still | Self::Steady => 1.0,
            Self::Told => TOLD_GAIN,
        }
    }
}
