//! Samples that need not be sent, since the receiver draws them by itself.
//!
//! A part of the samples is split where the curve from its first to its last misses one the most, and so on until none is missed
//! by more than is allowed (after Ramer, 1972, and Douglas and Peucker, 1973, with a curve in place of their line).

use synced_protocol::input::{Controls, InputFrame};

use super::noise::Bounds;
use crate::playout::{Curve, angle_between};

/// The wire has trigger and grip in steps of 1/255, and the stick in steps of 1/127: what is nearer is the same there.
const AXIS_ERROR_MAX: f32 = 1.0 / 255.0;
const STICK_ERROR_MAX: f32 = 1.0 / 127.0;
/// How many parts of one batch wait at most to be looked at: one for each halving.
const DEPTH_MAX: usize = 64;

/// Marks the samples that are to be sent; the curve through them passes the others within the bounds. The first is one of
/// them, since it was sent or is the first of all, and so is the newest: the next call goes on from it.
pub(super) fn mark_kept(frames: &[InputFrame], bounds: Bounds, kept: &mut Vec<bool>) {
    kept.clear();
    kept.resize(frames.len(), false);
    if let Some(last) = kept.len().checked_sub(1) {
        kept[0] = true;
        kept[last] = true;
        mark_between(frames, bounds, kept);
    }
}

/// Marks what else has to be sent between those that are marked already, the first and the last among them.
pub(super) fn mark_between(frames: &[InputFrame], bounds: Bounds, kept: &mut [bool]) {
    let mut from = 0;
    for to in 1..kept.len() {
        if kept[to] {
            split(frames, (from, to), bounds, kept);
            from = to;
        }
    }
}

fn split(frames: &[InputFrame], part: (usize, usize), bounds: Bounds, kept: &mut [bool]) {
    let mut parts = [part; DEPTH_MAX];
    let mut waiting = 1;
    while waiting > 0 {
        waiting -= 1;
        let (from, to) = parts[waiting];
        let Some(worst) = worst_missed(&frames[from..=to], bounds) else {
            continue;
        };
        if waiting + 2 > DEPTH_MAX {
            kept[from..=to].fill(true);
            continue;
        }
        let middle = from + worst;
        kept[middle] = true;
        parts[waiting] = (from, middle);
        parts[waiting + 1] = (middle, to);
        waiting += 2;
    }
}

/// The place of the sample that the curve from the first to the last misses the most, if it misses any.
fn worst_missed(part: &[InputFrame], bounds: Bounds) -> Option<usize> {
    let [from, between @ .., to] = part else {
        return None;
    };
    if between.is_empty() {
        return None;
    }
    let curve = Curve::between(from, to);
    if curve.is_jump() {
        // Up to the jump the receiver goes on as if there were none: it has to know the last sample before it.
        return Some(between.len());
    }
    let errors = between
        .iter()
        .map(|frame| error(&curve.at(frame.sampled_at), frame, bounds));
    let mut worst = (0, 1.0);
    for (place, error) in errors.enumerate() {
        if error > worst.1 {
            worst = (place + 1, error);
        }
    }
    (worst.0 > 0).then_some(worst.0)
}

/// How far what is drawn is from a sample, as a part of what is allowed.
pub(super) fn error(drawn: &InputFrame, frame: &InputFrame, bounds: Bounds) -> f32 {
    if frame.is_jump || drawn.controls.buttons != frame.controls.buttons {
        return f32::INFINITY;
    }
    let position = drawn.position.distance(frame.position) / bounds.position_m;
    let angle = angle_between(drawn.orientation, frame.orientation) / bounds.angle_rad;
    position
        .max(angle)
        .max(axes_error(&drawn.controls, &frame.controls))
}

fn axes_error(drawn: &Controls, frame: &Controls) -> f32 {
    let off = |a: f32, b: f32, most: f32| (a - b).abs() / most;
    let pulled = off(drawn.trigger, frame.trigger, AXIS_ERROR_MAX);
    let gripped = off(drawn.grip, frame.grip, AXIS_ERROR_MAX);
    let [x, y] = [0, 1].map(|axis| off(drawn.stick[axis], frame.stick[axis], STICK_ERROR_MAX));
    pulled.max(gripped).max(x).max(y)
}

#[cfg(test)]
mod tests {
    use glam::{Quat, Vec3};
    use proptest::prelude::*;
    use synced_protocol::{input::Precision, time::Micros};

    use super::*;

    const PRECISIONS: [Precision; 3] = [Precision::Exact, Precision::Fine, Precision::Coarse];

    /// A hand that swings, with noise and hits in it if asked for.
    fn hand(count: usize, noise_m: f32, hit_at: Option<usize>) -> Vec<InputFrame> {
        let mut frames: Vec<_> = (0..count).map(swing).collect();
        for (place, frame) in frames.iter_mut().enumerate() {
            let wobble = (place as f32 * 2.4).sin();
            frame.position += Vec3::new(wobble, -wobble, wobble) * noise_m;
            if hit_at.is_some_and(|hit| place >= hit) {
                frame.position.y += (place - hit_at.unwrap()) as f32 * 3e-3;
                frame.linear_velocity.y += 3.0;
            }
        }
        frames
    }

    fn swing(place: usize) -> InputFrame {
        let t = place as f32 * 1e-3;
        InputFrame {
            sampled_at: Micros::from_millis(place as u64),
            position: Vec3::new((5.0 * t).sin(), 1.0, -t) * 0.4,
            orientation: Quat::from_rotation_y(2.0 * (4.0 * t).sin()),
            linear_velocity: Vec3::new(5.0 * (5.0 * t).cos(), 0.0, -1.0) * 0.4,
            angular_velocity: Vec3::Y * 8.0 * (4.0 * t).cos(),
            ..InputFrame::default()
        }
    }

    fn thinned(frames: &[InputFrame], precision: Precision) -> Vec<InputFrame> {
        let mut kept = Vec::new();
        mark_kept(frames, Bounds::of(precision), &mut kept);
        let kept = frames.iter().zip(kept).filter(|(_, kept)| *kept);
        kept.map(|(frame, _)| *frame).collect()
    }

    /// The worst that what is drawn through the rest misses of all the samples, as a part of what is allowed.
    fn worst_error(frames: &[InputFrame], rest: &[InputFrame], precision: Precision) -> f32 {
        let drawn = |at: Micros| {
            let after = rest.partition_point(|frame| frame.sampled_at <= at);
            match rest.get(after) {
                Some(next) => Curve::between(&rest[after - 1], next).at(at),
                None => rest[after - 1],
            }
        };
        let errors = frames
            .iter()
            .map(|frame| error(&drawn(frame.sampled_at), frame, Bounds::of(precision)));
        errors.fold(0.0, f32::max)
    }

    proptest! {
        #[test]
        fn what_is_drawn_through_the_rest_misses_nothing_by_more_than_the_precision(
            count in 0..300_usize, noise_m in prop_oneof![Just(0.0_f32), 0.0_f32..1e-3], hit in prop::option::of(0..300_usize),
            precision in 0..3_usize,
        ) {
            let precision = PRECISIONS[precision];
            let frames = hand(count, noise_m, hit);
            let rest = thinned(&frames, precision);
            prop_assert!(rest.first() == frames.first() && rest.last() == frames.last());
            prop_assert!(worst_error(&frames, &rest, precision) <= 1.0);
        }
    }

    #[test]
    fn of_a_smooth_swing_one_sample_in_ten_is_enough() {
        let frames = hand(1_000, 0.0, None);
        let count = thinned(&frames, Precision::Fine).len();
        assert!(count <= 100, "{count}");
    }

    #[test]
    fn noise_above_the_precision_is_sent_as_it_is() {
        let frames = hand(200, 5e-4, None);
        let count = thinned(&frames, Precision::Fine).len();
        assert!(count >= 180, "{count}");
    }

    #[test]
    fn both_sides_of_a_hit_are_sent() {
        let frames = hand(40, 0.0, Some(21));
        let rest = thinned(&frames, Precision::Fine);
        for place in [20, 21] {
            assert!(rest.contains(&frames[place]), "{place}");
        }
        assert!(rest.len() <= 8, "{}", rest.len());
    }

    #[test]
    fn a_button_a_jump_and_the_sample_before_a_jump_are_sent() {
        let mut frames = hand(30, 0.0, None);
        frames[7..]
            .iter_mut()
            .for_each(|frame| frame.controls.buttons = 1);
        frames[15].is_jump = true;
        let rest = thinned(&frames, Precision::Fine);
        let places = rest.iter().map(|frame| frame.sampled_at.0 / 1_000);
        assert!(
            places.eq([0, 6, 7, 14, 15, 29]) || rest.len() <= 7,
            "{rest:?}"
        );
        for place in [7, 14, 15] {
            assert!(rest.contains(&frames[place]), "{place}");
        }
    }

    #[test]
    fn a_trigger_that_is_pulled_evenly_needs_no_sample_between() {
        let mut frames = hand(5, 0.0, None);
        for (place, frame) in frames.iter_mut().enumerate() {
            frame.controls.trigger = 0.1 * place as f32;
        }
        assert_eq!(thinned(&frames, Precision::Fine).len(), 2);
        frames[2].controls.trigger = 0.9;
        assert_eq!(thinned(&frames, Precision::Fine).len(), 5);
    }
}
