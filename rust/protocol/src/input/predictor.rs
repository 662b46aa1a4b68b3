//! What both ends expect of the next sample.

use super::{
    InputFrame,
    cube::OnCube,
    quantised::{Quantised, Steps},
    residual::Residual,
};
use crate::time::Micros;

const USUAL_INTERVAL_US: i32 = 1000;

/// What both ends know of the samples before; its arithmetic wraps alike on both.
#[derive(Debug)]
pub(super) struct Predictor {
    before: Option<Quantised>,
    position: [i32; 3],
    interval_us: i32,
}

impl Predictor {
    pub(super) const fn new() -> Self {
        Self {
            before: None,
            position: [0; 3],
            interval_us: USUAL_INTERVAL_US,
        }
    }

    pub(super) fn predicted(&self) -> Quantised {
        let mut predicted = self.before.unwrap_or(Quantised {
            age_us: self.interval_us,
            position: [0; 3],
            orientation: OnCube::default(),
            linear: [0; 3],
            angular: [0; 3],
            controls: [0; 2],
            is_jump: false,
        });
        predicted.age_us = predicted.age_us.wrapping_sub(self.interval_us);
        predicted.position = self.position;
        predicted
    }

    /// Whether this component was the largest of the sample before, too.
    pub(super) fn was_largest(&self, largest: u32) -> bool {
        self.before
            .is_some_and(|before| before.orientation.face == largest)
    }

    pub(super) fn residual(&mut self, sample: &Quantised) -> Residual {
        let predicted = self.predicted();
        let same_largest = self.was_largest(sample.orientation.face);
        let residual = Residual {
            time: sample.age_us.wrapping_sub(predicted.age_us),
            position: zip(sample.position, predicted.position, i32::wrapping_sub),
            largest: sample.orientation.face,
            orientation: if same_largest {
                zip(
                    sample.orientation.ratios,
                    predicted.orientation.ratios,
                    i32::wrapping_sub,
                )
            } else {
                sample.orientation.ratios
            },
            same_largest,
            linear: zip(sample.linear, predicted.linear, i32::wrapping_sub),
            angular: zip(sample.angular, predicted.angular, i32::wrapping_sub),
            controls: (sample.controls != predicted.controls).then_some(sample.controls),
            is_jump: sample.is_jump,
        };
        self.learn(sample);
        residual
    }

    pub(super) fn restore(&mut self, residual: &Residual) -> Quantised {
        let predicted = self.predicted();
        let sample = Quantised {
            age_us: predicted.age_us.wrapping_add(residual.time),
            position: zip(residual.position, predicted.position, i32::wrapping_add),
            orientation: OnCube {
                face: residual.largest,
                ratios: if residual.same_largest {
                    zip(
                        residual.orientation,
                        predicted.orientation.ratios,
                        i32::wrapping_add,
                    )
                } else {
                    residual.orientation
                },
            },
            linear: zip(residual.linear, predicted.linear, i32::wrapping_add),
            angular: zip(residual.angular, predicted.angular, i32::wrapping_add),
            controls: residual.controls.unwrap_or(predicted.controls),
            is_jump: residual.is_jump,
        };
        self.learn(&sample);
        sample
    }

    fn learn(&mut self, sample: &Quantised) {
        self.position = match self.before {
            None => sample.position,
            Some(before) => {
                self.interval_us = before.age_us.wrapping_sub(sample.age_us);
                let change = zip(sample.position, before.position, i32::wrapping_sub);
                zip(sample.position, change, i32::wrapping_add)
            }
        };
        self.before = Some(*sample);
    }
}

fn zip(a: [i32; 3], b: [i32; 3], combine: fn(i32, i32) -> i32) -> [i32; 3] {
    [
        combine(a[0], b[0]),
        combine(a[1], b[1]),
        combine(a[2], b[2]),
    ]
}

pub(super) fn for_each_residual(
    frames: &[InputFrame],
    sent_at: Micros,
    steps: &Steps,
    mut each: impl FnMut(Residual),
) {
    let mut predictor = Predictor::new();
    for frame in frames {
        each(predictor.residual(&Quantised::new(frame, sent_at, steps)));
    }
}
