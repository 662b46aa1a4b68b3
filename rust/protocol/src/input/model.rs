//! How the samples of a batch are expected to follow one another.

use super::{
    predictor::{Motion, ahead},
    scale::Scale,
    turn::{turn_between, turn_of},
};
use crate::{
    bits::{BitReader, BitWriter},
    error::DecodeError,
};

/// What a position or an orientation is expected to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum PoseModel {
    /// It stays.
    #[default]
    Still,
    /// It goes on as it went.
    Steady,
    /// It goes as its velocity says.
    Told,
}

/// What a velocity is expected to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum RateModel {
    /// It stays.
    #[default]
    Still,
    /// It goes on changing as it changed.
    Steady,
}

/// What is expected of each part of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Model {
    pub(super) position: PoseModel,
    pub(super) orientation: PoseModel,
    pub(super) linear: RateModel,
    pub(super) angular: RateModel,
}

impl Model {
    pub(super) const STILL: Self = Self {
        position: PoseModel::Still,
        orientation: PoseModel::Still,
        linear: RateModel::Still,
        angular: RateModel::Still,
    };

    pub(super) fn put(self, writer: &mut BitWriter<'_>) {
        writer.put(self.position as u32, 2);
        writer.put(self.orientation as u32, 2);
        writer.put(self.linear as u32, 1);
        writer.put(self.angular as u32, 1);
    }

    pub(super) fn take(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            position: PoseModel::from_code(reader.take(2)?)?,
            orientation: PoseModel::from_code(reader.take(2)?)?,
            linear: RateModel::from_code(reader.take(1)?),
            angular: RateModel::from_code(reader.take(1)?),
        })
    }
}

impl PoseModel {
    const fn from_code(code: u32) -> Result<Self, DecodeError> {
        match code {
            0 => Ok(Self::Still),
            1 => Ok(Self::Steady),
            2 => Ok(Self::Told),
            _ => Err(DecodeError::OutOfRange { what: "model" }),
        }
    }
}

impl RateModel {
    const fn from_code(code: u32) -> Self {
        match code {
            0 => Self::Still,
            _ => Self::Steady,
        }
    }
}

/// How far each model would be off, summed over a batch and over the axes, in steps.
#[derive(Debug)]
pub(super) struct Trial {
    half_position_per_linear: f64,
    quarter_turn_per_angular: f64,
    turn_steps: f64,
    before: Option<Motion>,
    changes: Option<Changes>,
    position: [f64; 3],
    orientation: [f64; 3],
    linear: [f64; 2],
    angular: [f64; 2],
}

#[derive(Debug)]
struct Changes {
    ticks: f64,
    position: [f64; 3],
    turn: [f64; 3],
    linear: [f64; 3],
    angular: [f64; 3],
}

/// What rounding adds to the residuals of a model that goes on from two rounded samples: it gets this much worse an axis.
const STEADY_PENALTY: f64 = 0.3;

impl Trial {
    pub(super) fn new(scale: &Scale) -> Self {
        Self {
            half_position_per_linear: 0.5 * scale.position_per_linear(),
            quarter_turn_per_angular: 0.5 * scale.half_turn_per_angular(),
            turn_steps: f64::from(scale.cube.steps),
            before: None,
            changes: None,
            position: [0.0; 3],
            orientation: [0.0; 3],
            linear: [0.0; 2],
            angular: [0.0; 2],
        }
    }

    pub(super) fn restart(&mut self) {
        self.before = None;
        self.changes = None;
    }

    pub(super) fn add(&mut self, motion: &Motion, ticks: u32) {
        if let Some(before) = self.before {
            let changes = self.changes(&before, motion, f64::from(ticks));
            self.judge(&before, motion, &changes);
            self.changes = Some(changes);
        }
        self.before = Some(*motion);
    }

    fn changes(&self, before: &Motion, motion: &Motion, ticks: f64) -> Changes {
        let turn = turn_between(before.orientation, motion.orientation);
        Changes {
            ticks,
            position: ahead(motion.position, before.position, -1.0),
            turn: turn.map(|half| half * self.turn_steps),
            linear: ahead(motion.linear, before.linear, -1.0),
            angular: ahead(motion.angular, before.angular, -1.0),
        }
    }

    fn judge(&mut self, before: &Motion, motion: &Motion, now: &Changes) {
        let told_way = ahead(before.linear, motion.linear, 1.0);
        let told_turn = ahead(before.angular, motion.angular, 1.0);
        let half_angle = ahead(
            [0.0; 3],
            told_turn,
            self.quarter_turn_per_angular * now.ticks,
        );
        let turn = turn_of(half_angle);
        self.position[2] += size(ahead(
            now.position,
            told_way,
            -self.half_position_per_linear * now.ticks,
        ));
        self.orientation[2] += size(ahead(now.turn, turn, -self.turn_steps));
        self.position[0] += size(now.position);
        self.orientation[0] += size(now.turn);
        self.linear[0] += size(now.linear);
        self.angular[0] += size(now.angular);
        let Some(last) = &self.changes else {
            self.position[1] += size(now.position);
            self.orientation[1] += size(now.turn);
            self.linear[1] += size(now.linear);
            self.angular[1] += size(now.angular);
            return;
        };
        let again = -now.ticks / last.ticks.max(1.0);
        let steady = |now, last| size(ahead(now, last, again)) + 3.0 * STEADY_PENALTY;
        self.position[1] += steady(now.position, last.position);
        self.orientation[1] += steady(now.turn, last.turn);
        self.linear[1] += steady(now.linear, last.linear);
        self.angular[1] += steady(now.angular, last.angular);
    }

    /// The models that were off the least; of several, the first.
    pub(super) fn best(&self) -> Model {
        let pose = |[still, steady, told]: [f64; 3]| {
            if still <= steady && still <= told {
                PoseModel::Still
            } else if told <= steady {
                PoseModel::Told
            } else {
                PoseModel::Steady
            }
        };
        let rate = |[still, steady]: [f64; 2]| {
            if still <= steady {
                RateModel::Still
            } else {
                RateModel::Steady
            }
        };
        Model {
            position: pose(self.position),
            orientation: pose(self.orientation),
            linear: rate(self.linear),
            angular: rate(self.angular),
        }
    }
}

fn size(vector: [f64; 3]) -> f64 {
    vector[0].abs() + vector[1].abs() + vector[2].abs()
}
