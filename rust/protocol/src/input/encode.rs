//! Writing a batch: first it is planned, sample by sample, then it is known how to write it best.

use super::{
    InputFrame, MAX_BATCH_FRAMES, Precision,
    age::put_age,
    codes::Codes,
    controls::PackedControls,
    field::FieldCode,
    interval::{Interval, IntervalCode},
    marks::Marks,
    model::{Model, Trial},
    predictor::{Motion, Predictor, Residuals},
    sample::{tick_before, tick_of},
    scale::Scale,
    turn::turn_between,
    whole::{Whole, Widths},
};
use crate::{bits::BitWriter, time::Micros};

/// What is further off than this many steps from what was expected is written whole.
const RESIDUAL_MAX: f64 = 2_000.0;

/// The samples that are to be written, at most [`MAX_BATCH_FRAMES`].
pub(super) struct Encoder<'a> {
    frames: &'a [InputFrame],
    scale: &'static Scale,
    precision: Precision,
    sent_at: Micros,
}

/// What is written of a sample behind the first.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    interval: Interval,
    is_whole: bool,
    residual: Residual,
}

/// How many steps a sample is off what was expected.
#[derive(Debug, Clone, Copy, Default)]
struct Residual {
    linear: [i32; 3],
    angular: [i32; 3],
    position: [i32; 3],
    orientation: [i32; 3],
}

impl<'a> Encoder<'a> {
    pub(super) fn new(frames: &'a [InputFrame], precision: Precision, sent_at: Micros) -> Self {
        Self {
            frames,
            scale: Scale::of(precision),
            precision,
            sent_at,
        }
    }

    pub(super) fn put(&self, writer: &mut BitWriter<'_>) {
        let Some((first, rest)) = self.frames.split_first() else {
            return;
        };
        let mut steps = [Step::default(); MAX_BATCH_FRAMES];
        let steps = &mut steps[..rest.len()];
        let whole = self.whole(first);
        let mut widths = Widths::default();
        widths.fit(&whole);
        let codes = self.plan(&whole, rest, steps, &mut widths);

        writer.put(rest.len() as u32, 6);
        writer.put(self.precision.code(), 2);
        if !rest.is_empty() {
            codes.put(writer);
        }
        widths.put_self(writer);
        let age = tick_before(self.sent_at, self.scale) - self.tick(first);
        put_age(age as u32, writer);
        let mut marks = Marks {
            is_jump: first.is_jump,
            controls: PackedControls::new(&first.controls),
            ..Marks::FIRST
        };
        marks.put(Marks::FIRST, writer);
        whole.put(widths, self.scale, writer);
        for (frame, step) in rest.iter().zip(steps) {
            codes.interval.put(step.interval, writer);
            let usual = marks.behind();
            marks = Marks {
                is_whole: step.is_whole,
                is_jump: frame.is_jump,
                controls: PackedControls::new(&frame.controls),
            };
            marks.put(usual, writer);
            if step.is_whole {
                self.whole(frame).put(widths, self.scale, writer);
            } else {
                codes.linear.put(&step.residual.linear, writer);
                codes.angular.put(&step.residual.angular, writer);
                codes.position.put(&step.residual.position, writer);
                codes.orientation.put(&step.residual.orientation, writer);
            }
        }
    }

    /// Runs the reader's own predictor over the samples.
    fn plan(
        &self,
        first: &Whole,
        rest: &[InputFrame],
        steps: &mut [Step],
        widths: &mut Widths,
    ) -> Codes {
        let model = self.model();
        let mut predictor = Predictor::new(self.scale, model, first.motion(self.scale));
        let mut before = self.tick(&self.frames[0]);
        for (frame, step) in rest.iter().zip(&mut *steps) {
            let tick = self.tick(frame).max(before);
            let ticks = (tick - before) as u32;
            before = tick;
            step.interval = Interval::new(ticks, self.scale);
            let mut towards = Towards {
                truth: Motion::of(frame, self.scale),
                turn_steps: f64::from(self.scale.cube.steps),
                residual: Residual::default(),
            };
            step.is_whole = frame.is_jump || predictor.advance(ticks, &mut towards).is_err();
            if step.is_whole {
                let whole = self.whole(frame);
                widths.fit(&whole);
                predictor.begin_at(whole.motion(self.scale));
            } else {
                step.residual = towards.residual;
            }
        }
        let residuals = steps.iter().map(|step| &step.residual);
        Codes {
            model,
            interval: IntervalCode::fitting(steps.iter().map(|step| &step.interval)),
            linear: FieldCode::fitting(residuals.clone().map(|residual| &residual.linear)),
            angular: FieldCode::fitting(residuals.clone().map(|residual| &residual.angular)),
            position: FieldCode::fitting(residuals.clone().map(|residual| &residual.position)),
            orientation: FieldCode::fitting(residuals.map(|residual| &residual.orientation)),
        }
    }

    fn model(&self) -> Model {
        let mut trial = Trial::new(self.scale);
        let mut before = 0;
        for frame in self.frames {
            let tick = self.tick(frame).max(before);
            if frame.is_jump {
                trial.restart();
            }
            trial.add(&Motion::of(frame, self.scale), (tick - before) as u32);
            before = tick;
        }
        trial.best()
    }

    fn tick(&self, frame: &InputFrame) -> u64 {
        tick_of(frame, self.sent_at, self.scale)
    }

    fn whole(&self, frame: &InputFrame) -> Whole {
        Whole::nearest(&Motion::of(frame, self.scale), self.scale)
    }
}

/// Tells how far off the truth an expectation is.
struct Towards {
    truth: Motion,
    turn_steps: f64,
    residual: Residual,
}

#[derive(Debug)]
struct TooFar;

impl Residuals for Towards {
    type Error = TooFar;

    fn linear(&mut self, expected: [f64; 3]) -> Result<[i32; 3], TooFar> {
        self.residual.linear = nearest(self.truth.linear, expected)?;
        Ok(self.residual.linear)
    }

    fn angular(&mut self, expected: [f64; 3]) -> Result<[i32; 3], TooFar> {
        self.residual.angular = nearest(self.truth.angular, expected)?;
        Ok(self.residual.angular)
    }

    fn position(&mut self, expected: [f64; 3]) -> Result<[i32; 3], TooFar> {
        self.residual.position = nearest(self.truth.position, expected)?;
        Ok(self.residual.position)
    }

    fn orientation(&mut self, expected: [f64; 4]) -> Result<[i32; 3], TooFar> {
        let turn = turn_between(expected, self.truth.orientation);
        self.residual.orientation = nearest(turn.map(|turn| turn * self.turn_steps), [0.0; 3])?;
        Ok(self.residual.orientation)
    }
}

fn nearest(truth: [f64; 3], expected: [f64; 3]) -> Result<[i32; 3], TooFar> {
    let off = [
        truth[0] - expected[0],
        truth[1] - expected[1],
        truth[2] - expected[2],
    ];
    if off.iter().all(|off| off.abs() <= RESIDUAL_MAX) {
        Ok(off.map(|off| (off + 0.5_f64.copysign(off)) as i32))
    } else {
        Err(TooFar)
    }
}
