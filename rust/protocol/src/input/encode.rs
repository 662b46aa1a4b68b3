//! Writing a batch.

use super::{
    InputFrame, Precision,
    age::put_age,
    controls::PackedControls,
    marks::Marks,
    plan::{Plan, Room, Step},
    predictor::Motion,
    scale::Scale,
    whole::{Whole, Widths},
};
use crate::{bits::BitWriter, time::Micros};

/// Appends a batch of at most [`MAX_BATCH_FRAMES`](super::MAX_BATCH_FRAMES) samples, nothing of none.
pub(super) fn encode(
    frames: &[InputFrame],
    precision: Precision,
    sent_at: Micros,
    writer: &mut BitWriter<'_>,
) {
    let Some((first, rest)) = frames.split_first() else {
        return;
    };
    let scale = Scale::of(precision);
    let mut room = Room::default();
    let plan = Plan::new((first, rest), sent_at, scale, &mut room);
    writer.put(plan.steps.len() as u32, 6);
    writer.put(precision.code(), 2);
    if !plan.steps.is_empty() {
        plan.codes.put(writer);
    }
    plan.widths.put_self(writer);
    put_age(plan.age_ticks, writer);
    let mut marks = marks_of(first, true);
    marks.put(Marks::FIRST, writer);
    plan.first.put(plan.widths, scale, writer);
    for (frame, step) in rest.iter().zip(plan.steps) {
        plan.codes.interval.put(step.interval, writer);
        let usual = marks.behind();
        marks = marks_of(frame, step.is_whole);
        marks.put(usual, writer);
        if step.is_whole {
            put_whole(frame, plan.widths, scale, writer);
        } else {
            put_residual(&plan, step, writer);
        }
    }
}

fn marks_of(frame: &InputFrame, is_whole: bool) -> Marks {
    Marks {
        is_whole,
        is_jump: frame.is_jump,
        controls: PackedControls::new(&frame.controls),
    }
}

fn put_whole(frame: &InputFrame, widths: Widths, scale: &Scale, writer: &mut BitWriter<'_>) {
    Whole::nearest(&Motion::of(frame, scale), scale).put(widths, scale, writer);
}

fn put_residual(plan: &Plan<'_>, step: &Step, writer: &mut BitWriter<'_>) {
    let (codes, residual) = (&plan.codes, &step.residual);
    codes.linear.put(residual.linear, writer);
    codes.angular.put(residual.angular, writer);
    codes.position.put(residual.position, writer);
    codes.orientation.put(residual.orientation, writer);
}
