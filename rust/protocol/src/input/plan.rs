//! How the samples of a batch are to be written: their residuals first, then what fits those.

use super::{
    InputFrame, MAX_BATCH_FRAMES,
    codes::Codes,
    field::FieldCode,
    interval::{Interval, IntervalCode},
    model::Model,
    predictor::{Motion, Predictor, Residuals, Vector},
    sample::{tick_before, tick_of},
    scale::Scale,
    track::{ahead, scaled},
    trial::Trial,
    turn::turn_between,
    whole::{Whole, Widths},
};
use crate::time::Micros;

/// What is further off than this many steps from what was expected is written whole.
const RESIDUAL_MAX: f64 = 2_000.0;

/// What is to be written of a batch.
pub(super) struct Plan<'a> {
    /// Of the first sample, when the datagram is sent.
    pub(super) age_ticks: u32,
    pub(super) first: Whole,
    pub(super) widths: Widths,
    pub(super) codes: Codes,
    /// Of the samples behind the first, in their order.
    pub(super) steps: &'a [Step],
}

/// What is to be written of a sample behind the first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Step {
    pub(super) interval: Interval,
    ticks: u32,
    pub(super) is_whole: bool,
    /// Zero for what is whole.
    pub(super) residual: Residual,
}

/// Where a plan's steps are.
pub(super) struct Room([Step; MAX_BATCH_FRAMES]);

impl Default for Room {
    fn default() -> Self {
        Self([Step::default(); MAX_BATCH_FRAMES])
    }
}

/// How many steps a sample is off what was expected.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Residual {
    pub(super) linear: [i32; 3],
    pub(super) angular: [i32; 3],
    pub(super) position: [i32; 3],
    pub(super) orientation: [i32; 3],
}

impl<'a> Plan<'a> {
    /// For a first sample, and for those behind it as far as there is room.
    pub(super) fn new(
        (first, rest): (&InputFrame, &[InputFrame]),
        sent_at: Micros,
        scale: &Scale,
        room: &'a mut Room,
    ) -> Self {
        let steps = &mut room.0[..rest.len().min(MAX_BATCH_FRAMES)];
        let first_tick = tick_of(first, sent_at, scale);
        time_steps(first_tick, rest, sent_at, scale, steps);
        let motion = Motion::of(first, scale);
        let model = best_model(motion, rest, scale, steps);
        let whole = Whole::nearest(&motion, scale);
        let mut widths = Widths::default();
        widths.fit(&whole);
        let predictor = Predictor::new(scale, model, &whole.motion(scale));
        follow(predictor, rest, scale, steps, &mut widths);
        Self {
            age_ticks: (tick_before(sent_at, scale) - first_tick) as u32,
            first: whole,
            widths,
            codes: codes_fitting(model, steps),
            steps,
        }
    }
}

fn time_steps(
    mut before: u64,
    rest: &[InputFrame],
    sent_at: Micros,
    scale: &Scale,
    steps: &mut [Step],
) {
    for (frame, step) in rest.iter().zip(steps) {
        let tick = tick_of(frame, sent_at, scale).max(before);
        step.ticks = (tick - before) as u32;
        step.interval = Interval::new(step.ticks, scale);
        before = tick;
    }
}

fn best_model(first: Motion, rest: &[InputFrame], scale: &Scale, steps: &[Step]) -> Model {
    let mut trial = Trial::new(scale);
    trial.add(first, 0);
    for (frame, step) in rest.iter().zip(steps) {
        if frame.is_jump {
            trial.restart();
        }
        trial.add(Motion::of(frame, scale), step.ticks);
    }
    trial.best()
}

/// Runs the reader's own predictor over the samples.
fn follow(
    mut predictor: Predictor,
    rest: &[InputFrame],
    scale: &Scale,
    steps: &mut [Step],
    widths: &mut Widths,
) {
    for (frame, step) in rest.iter().zip(steps) {
        let mut truth = Truth {
            motion: Motion::of(frame, scale),
            turn_steps: f64::from(scale.cube.steps),
            residual: Residual::default(),
        };
        if !frame.is_jump && predictor.advance(step.ticks, &mut truth).is_ok() {
            step.residual = truth.residual;
            continue;
        }
        let whole = Whole::nearest(&truth.motion, scale);
        widths.fit(&whole);
        predictor.begin_at(&whole.motion(scale));
        step.is_whole = true;
    }
}

fn codes_fitting(model: Model, steps: &[Step]) -> Codes {
    let residuals = steps.iter().map(|step| &step.residual);
    Codes {
        model,
        interval: IntervalCode::fitting(steps.iter().map(|step| step.interval)),
        linear: FieldCode::fitting(residuals.clone().map(|residual| residual.linear)),
        angular: FieldCode::fitting(residuals.clone().map(|residual| residual.angular)),
        position: FieldCode::fitting(residuals.clone().map(|residual| residual.position)),
        orientation: FieldCode::fitting(residuals.map(|residual| residual.orientation)),
    }
}

/// Tells how far an expectation is off the truth.
struct Truth {
    motion: Motion,
    turn_steps: f64,
    residual: Residual,
}

#[derive(Debug)]
struct TooFar;

impl Residuals for Truth {
    type Error = TooFar;

    #[inline]
    fn vector(&mut self, vector: Vector, expected: [f64; 3]) -> Result<[i32; 3], TooFar> {
        let (truth, residual) = match vector {
            Vector::Linear => (self.motion.linear, &mut self.residual.linear),
            Vector::Angular => (self.motion.angular, &mut self.residual.angular),
            Vector::Position => (self.motion.position, &mut self.residual.position),
        };
        *residual = whole_steps(ahead(truth, expected, -1.0))?;
        Ok(*residual)
    }

    #[inline]
    fn orientation(&mut self, expected: [f64; 4]) -> Result<[i32; 3], TooFar> {
        let turn = turn_between(expected, self.motion.orientation);
        self.residual.orientation = whole_steps(scaled(turn, self.turn_steps))?;
        Ok(self.residual.orientation)
    }
}

/// To the nearest.
#[inline]
fn whole_steps(off: [f64; 3]) -> Result<[i32; 3], TooFar> {
    if off.iter().all(|off| off.abs() <= RESIDUAL_MAX) {
        Ok(off.map(|off| (off + 0.5_f64.copysign(off)) as i32))
    } else {
        Err(TooFar)
    }
}
