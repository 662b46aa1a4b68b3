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

/// Who knows by how many steps a sample is off what was expected.
pub(super) trait Residuals {
    type Error;
    fn linear(&mut self, expected: [f64; 3]) -> Result<[i32; 3], Self::Error>;
    fn angular(&mut self, expected: [f64; 3]) -> Result<[i32; 3], Self::Error>;
    fn position(&mut self, expected: [f64; 3]) -> Result<[i32; 3], Self::Error>;
    fn orientation(&mut self, expected: [f64; 4]) -> Result<[i32; 3], Self::Error>;
}

/// What is known of the samples before, and what is expected of the next. Writer and reader run the same one.
#[derive(Debug)]
pub(super) struct Predictor {
    model: Model,
    half_position_per_linear: f64,
    quarter_turn_per_angular: f64,
    turn_per_step: f64,
    /// Where the next expectation goes on from: near the last sample.
    from: Motion,
    rates: Rates,
}

/// Steps a tick, as far as a model asks for them.
#[derive(Debug, Clone, Copy, Default)]
struct Rates {
    position: [f64; 3],
    turn: [f64; 3],
    linear: [f64; 3],
    angular: [f64; 3],
}

/// What is told by a velocity goes on from half way between the expectation and the sample: a sensor's noise, and what was
/// rounded off, count half in what is expected next.
const TOLD_GAIN: f64 = 0.5;

impl Predictor {
    pub(super) fn new(scale: &Scale, model: Model, first: Motion) -> Self {
        Self {
            model,
            half_position_per_linear: 0.5 * scale.position_per_linear(),
            quarter_turn_per_angular: 0.5 * scale.half_turn_per_angular(),
            turn_per_step: 1.0 / f64::from(scale.cube.steps),
            from: first,
            rates: Rates::default(),
        }
    }

    /// Begins again where a whole sample is.
    pub(super) fn begin_at(&mut self, motion: Motion) {
        self.from = motion;
        self.rates = Rates::default();
    }

    /// The next sample, `ticks` later. When there is no residual, it is as if nothing had been asked.
    #[inline]
    pub(super) fn advance<R: Residuals>(
        &mut self,
        ticks: u32,
        residuals: &mut R,
    ) -> Result<Motion, R::Error> {
        let time = Time::of(ticks);
        let mut rates = self.rates;
        let linear = self.linear(&mut rates, time, residuals)?;
        let angular = self.angular(&mut rates, time, residuals)?;
        let (position, position_from) = self.position(linear, &mut rates, time, residuals)?;
        let (orientation, orientation_from) =
            self.orientation(angular, &mut rates, time, residuals)?;
        self.rates = rates;
        self.from = Motion {
            position: position_from,
            orientation: orientation_from,
            linear,
            angular,
        };
        Ok(Motion {
            position,
            orientation,
            linear,
            angular,
        })
    }

    #[inline]
    fn linear<R: Residuals>(
        &self,
        rates: &mut Rates,
        time: Time,
        residuals: &mut R,
    ) -> Result<[f64; 3], R::Error> {
        let expected = ahead(self.from.linear, rates.linear, time.ticks);
        let residual = residuals.linear(expected)?.map(f64::from);
        if self.model.linear == RateModel::Steady {
            rates.linear = ahead(rates.linear, residual, time.per_tick);
        }
        Ok(sum(expected, residual).map(held))
    }

    #[inline]
    fn angular<R: Residuals>(
        &self,
        rates: &mut Rates,
        time: Time,
        residuals: &mut R,
    ) -> Result<[f64; 3], R::Error> {
        let expected = ahead(self.from.angular, rates.angular, time.ticks);
        let residual = residuals.angular(expected)?.map(f64::from);
        if self.model.angular == RateModel::Steady {
            rates.angular = ahead(rates.angular, residual, time.per_tick);
        }
        Ok(sum(expected, residual).map(held))
    }

    /// The position, and where the next expectation goes on from.
    #[inline]
    fn position<R: Residuals>(
        &self,
        linear: [f64; 3],
        rates: &mut Rates,
        time: Time,
        residuals: &mut R,
    ) -> Result<([f64; 3], [f64; 3]), R::Error> {
        let from = self.from.position;
        let expected = match self.model.position {
            PoseModel::Still => from,
            PoseModel::Steady => ahead(from, rates.position, time.ticks),
            PoseModel::Told => {
                let told = sum(self.from.linear, linear);
                ahead(from, told, self.half_position_per_linear * time.ticks)
            }
        };
        let residual = residuals.position(expected)?.map(f64::from);
        if self.model.position == PoseModel::Steady {
            rates.position = ahead(rates.position, residual, time.per_tick);
        }
        let gain = self.model.position.gain();
        let position = sum(expected, residual).map(held);
        Ok((position, ahead(expected, residual, gain).map(held)))
    }

    /// The orientation, and where the next expectation goes on from.
    #[inline]
    fn orientation<R: Residuals>(
        &self,
        angular: [f64; 3],
        rates: &mut Rates,
        time: Time,
        residuals: &mut R,
    ) -> Result<([f64; 4], [f64; 4]), R::Error> {
        let from = self.from.orientation;
        let expected = match self.model.orientation {
            PoseModel::Still => from,
            PoseModel::Steady => {
                let half_angle = scaled(rates.turn, self.turn_per_step * time.ticks);
                turned(from, turn_of(half_angle))
            }
            PoseModel::Told => {
                let told = sum(self.from.angular, angular);
                let half_angle = scaled(told, self.quarter_turn_per_angular * time.ticks);
                turned(from, turn_of(half_angle))
            }
        };
        let residual = residuals.orientation(expected)?.map(f64::from);
        if self.model.orientation == PoseModel::Steady {
            rates.turn = ahead(rates.turn, residual, time.per_tick);
        }
        let turn = scaled(residual, self.turn_per_step);
        let orientation = normalised(turned(expected, turn));
        let gain = self.model.orientation.gain();
        if gain == 1.0 {
            return Ok((orientation, orientation));
        }
        let next_from = normalised(turned(expected, scaled(turn, gain)));
        Ok((orientation, next_from))
    }
}

impl PoseModel {
    const fn gain(self) -> f64 {
        match self {
            Self::Still | Self::Steady => 1.0,
            Self::Told => TOLD_GAIN,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Time {
    ticks: f64,
    per_tick: f64,
}

impl Time {
    fn of(ticks: u32) -> Self {
        Self {
            ticks: f64::from(ticks),
            per_tick: 1.0 / f64::from(ticks.max(1)),
        }
    }
}

/// `from + rate * time`.
#[inline]
pub(super) fn ahead(from: [f64; 3], rate: [f64; 3], time: f64) -> [f64; 3] {
    [
        from[0] + rate[0] * time,
        from[1] + rate[1] * time,
        from[2] + rate[2] * time,
    ]
}

#[inline]
pub(super) fn scaled(vector: [f64; 3], by: f64) -> [f64; 3] {
    vector.map(|number| number * by)
}

#[inline]
fn sum(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}
