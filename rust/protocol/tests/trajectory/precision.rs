//! How far off what is decoded may be.

use glam::{DQuat, DVec3, Quat, Vec3};
use proptest::prelude::*;
use synced_protocol::{
    input::{Controls, InputFrame, MAX_BATCH_FRAMES, Precision, decode_batch, encode_batch},
    time::Micros,
};

use crate::motion::{self, MOVING, REST};

const SENT_AT: Micros = Micros::from_secs(1_000_000);

fn any_precision() -> impl Strategy<Value = Precision> {
    prop::sample::select(&[Precision::Exact, Precision::Fine, Precision::Coarse][..])
}

/// What a batch of samples reads back as.
fn decoded(frames: &[InputFrame], precision: Precision, sent_at: Micros) -> Vec<InputFrame> {
    let mut bytes = Vec::new();
    encode_batch(frames, precision, sent_at, &mut bytes);
    let mut decoded = Vec::new();
    decode_batch(&bytes, sent_at, |frame| decoded.push(frame)).unwrap();
    assert_eq!(decoded.len(), frames.len());
    decoded
}

fn radians_between(a: Quat, b: Quat) -> f64 {
    let [a, b] = [a, b].map(|turn| turn.as_dquat().normalize());
    2.0 * (a.inverse() * b).xyz().length().asin()
}

fn assert_within(precision: Precision, sent: &InputFrame, got: &InputFrame) {
    let [a, b] = [sent, got].map(|frame| DVec3::from(frame.position));
    let off = a.distance(b);
    let bound = f64::from(precision.position_error_m_max());
    assert!(off <= bound, "{off} m: {sent:?} {got:?}");
    let off = radians_between(sent.orientation, got.orientation);
    let bound = f64::from(precision.orientation_error_rad_max());
    assert!(off <= bound, "{off} rad: {sent:?} {got:?}");
    let off = sent.linear_velocity.distance(got.linear_velocity);
    let bound = precision.linear_velocity_error_m_s_max();
    assert!(off <= bound, "{off} m/s: {sent:?} {got:?}");
    let off = sent.angular_velocity.distance(got.angular_velocity);
    let bound = precision.angular_velocity_error_rad_s_max();
    assert!(off <= bound, "{off} rad/s: {sent:?} {got:?}");
    let off = sent.sampled_at.offset_from(got.sampled_at).unsigned_abs();
    let bound = precision.time_error_max().0;
    assert!(off <= bound, "{off} us: {sent:?} {got:?}");
}

/// Anywhere in a hall, turned in any way, also so that no component of the quaternion is much the largest.
fn any_sample() -> impl Strategy<Value = InputFrame> {
    let component = || prop_oneof![-1.0_f32..1.0, 0.49_f32..0.51, -0.51_f32..-0.49];
    let vector = |reach: f32| prop::array::uniform3(-reach..reach).prop_map(Vec3::from_array);
    let turn = prop::array::uniform4(component()).prop_map(|raw| {
        let turn = Quat::from_array(raw);
        if turn.length() > 1e-3 {
            turn.normalize()
        } else {
            Quat::IDENTITY
        }
    });
    (vector(15.0), turn, vector(20.0), vector(40.0)).prop_map(
        |(position, orientation, linear_velocity, angular_velocity)| InputFrame {
            position,
            orientation,
            linear_velocity,
            angular_velocity,
            ..InputFrame::default()
        },
    )
}

/// Samples that have nothing to do with each other, or nearly stay where they are, at any times.
fn any_batch() -> impl Strategy<Value = Vec<InputFrame>> {
    let follower = (any_sample(), 50..25_000_u64, any::<bool>(), any::<bool>());
    prop::collection::vec(follower, 1..=MAX_BATCH_FRAMES).prop_map(|followers| {
        let mut at = SENT_AT - Micros::from_secs(2);
        let mut before = InputFrame::default();
        let frames = followers
            .into_iter()
            .map(|(sample, gap, is_near, is_jump)| {
                at = at + Micros(gap);
                before = InputFrame {
                    sampled_at: at,
                    is_jump,
                    ..if is_near {
                        near(&before, &sample)
                    } else {
                        sample
                    }
                };
                before
            });
        frames.collect()
    })
}

fn near(before: &InputFrame, other: &InputFrame) -> InputFrame {
    InputFrame {
        position: before.position + other.position * 1e-3,
        orientation: before
            .orientation
            .slerp(other.orientation, 0.01)
            .normalize(),
        linear_velocity: before.linear_velocity * 0.99,
        angular_velocity: before.angular_velocity * 0.99,
        ..*before
    }
}

proptest! {
    #[test]
    fn samples_that_have_nothing_to_do_with_each_other_are_within_the_bounds(
        frames in any_batch(), precision in any_precision(),
    ) {
        for (sent, got) in frames.iter().zip(decoded(&frames, precision, SENT_AT)) {
            assert_within(precision, sent, &got);
            prop_assert_eq!(sent.is_jump, got.is_jump);
        }
    }

    #[test]
    fn hands_that_move_are_within_the_bounds(
        motion in prop::sample::select(&MOVING[..]),
        begin in 0.0..10.0,
        count in 1..=MAX_BATCH_FRAMES,
        step in 1..20_usize,
        is_noisy in any::<bool>(),
        precision in any_precision(),
    ) {
        let mut frames = motion.samples(begin, count * step, SENT_AT - Micros::from_secs(2));
        if is_noisy {
            motion::add_noise(&mut frames);
        }
        let frames: Vec<_> = frames.into_iter().step_by(step).collect();
        for (sent, got) in frames.iter().zip(decoded(&frames, precision, SENT_AT)) {
            assert_within(precision, sent, &got);
        }
    }

    #[test]
    fn controls_are_what_they_were(
        raw in prop::collection::vec((any::<u16>(), 0..=255_u8, 0..=255_u8, -127..=127_i8, any::<bool>()), 1..=MAX_BATCH_FRAMES),
    ) {
        let mut before = Controls::default();
        let frames: Vec<InputFrame> = raw.into_iter().map(|(buttons, trigger, grip, stick, changes)| {
            let controls = Controls {
                buttons,
                trigger: f32::from(trigger) / 255.0,
                grip: f32::from(grip) / 255.0,
                stick: [f32::from(stick) / 127.0, -f32::from(stick) / 127.0],
            };
            if changes {
                before = controls;
            }
            InputFrame { sampled_at: SENT_AT, controls: before, ..InputFrame::default() }
        }).collect();
        let got = decoded(&frames, Precision::Coarse, SENT_AT);
        for (sent, got) in frames.iter().zip(got) {
            prop_assert_eq!(sent.controls, got.controls);
        }
    }
}

#[test]
fn a_sample_has_the_same_time_in_every_datagram_that_repeats_it() {
    let frames = REST.samples(0.0, 40, SENT_AT - Micros(50_003));
    for precision in [Precision::Exact, Precision::Fine, Precision::Coarse] {
        let [once, again] = [Micros(0), Micros(7_777)]
            .map(|later| decoded(&frames, precision, SENT_AT + later))
            .map(|frames| frames.into_iter().map(|frame| frame.sampled_at));
        assert!(once.eq(again));
    }
}

#[test]
fn a_position_out_of_range_is_held_at_its_end() {
    let frame = InputFrame {
        sampled_at: SENT_AT,
        position: Vec3::new(1e30, -f32::INFINITY, f32::NAN),
        ..InputFrame::default()
    };
    for precision in [Precision::Exact, Precision::Fine, Precision::Coarse] {
        let got = decoded(&[frame, frame], precision, SENT_AT);
        for frame in got {
            let Vec3 { x, y, z } = frame.position;
            assert!(x.is_finite() && x > 50e3, "{x}");
            assert_eq!((y, z), (-x, 0.0));
        }
    }
}

#[test]
fn the_other_sign_of_a_quaternion_is_the_same_orientation() {
    let turn = DQuat::from_rotation_x(1.0).as_quat();
    let frame = |orientation| InputFrame {
        sampled_at: SENT_AT,
        orientation,
        ..InputFrame::default()
    };
    let alone = decoded(&[frame(turn), frame(turn)], Precision::Fine, SENT_AT);
    let mixed = decoded(&[frame(-turn), frame(turn)], Precision::Fine, SENT_AT);
    assert_eq!(alone, mixed);
}
