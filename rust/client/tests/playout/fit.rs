//! The velocity of a throw out of noisy samples.

use glam::{Quat, Vec3};
use synced_client::playout::{Trajectory, fit_velocity};
use synced_protocol::{
    input::{InputFrame, Precision, decode_batch, encode_batch},
    time::Micros,
};

use crate::motion::{Motion, START, THROW_RELEASE_S, at_ms, noise};

const WINDOW: Micros = Micros::from_millis(50);
const POSITION_NOISE_M: f32 = 3e-4;
const ORIENTATION_NOISE_RAD: f32 = 1.7e-3;

fn release() -> Micros {
    START + Micros((f64::from(THROW_RELEASE_S) * 1e6) as u64)
}

/// A throw at 1 kHz up to its release, as a tracker with noise sees it. Its velocities are of no use.
fn noisy_throw(seed: u64) -> Vec<InputFrame> {
    let mut frames = Motion::Throw.samples(START, release(), Micros::from_millis(1));
    for (place, frame) in frames.iter_mut().enumerate() {
        let seed = seed * 10_000 + place as u64;
        frame.position += noise(seed) * POSITION_NOISE_M;
        let turn = noise(seed + 5_000) * ORIENTATION_NOISE_RAD;
        frame.orientation = Quat::from_scaled_axis(turn) * frame.orientation;
        frame.linear_velocity = Vec3::NAN;
        frame.angular_velocity = Vec3::NAN;
    }
    frames
}

/// What 99 of 100 throws keep of some error.
fn p99(error: impl Fn(u64) -> f32) -> f32 {
    let mut errors: Vec<_> = (0..500).map(error).collect();
    errors.sort_by(f32::total_cmp);
    errors[errors.len() * 99 / 100]
}

#[test]
fn a_throws_velocity_is_found_within_two_percent_in_noisy_samples() {
    let truth = Motion::Throw.at(release());
    let found = |seed| fit_velocity(&noisy_throw(seed), WINDOW).unwrap();
    let linear = p99(|seed| found(seed).linear.distance(truth.linear_velocity));
    let angular = p99(|seed| found(seed).angular.distance(truth.angular_velocity));
    let [linear, angular] = [
        linear / truth.linear_velocity.length(),
        angular / truth.angular_velocity.length(),
    ];
    assert!(linear < 0.02, "{linear}");
    assert!(angular < 0.04, "{angular}");
}

#[test]
fn without_noise_it_is_the_truth_to_half_a_percent_at_every_moment_and_every_rate_of_samples() {
    for interval in [1, 4, 8].map(Micros::from_millis) {
        let frames = Motion::Throw.samples(START, at_ms(600), interval);
        for end in (60_000 / interval.0) as usize..frames.len() {
            let found = fit_velocity(&frames[..=end], WINDOW).unwrap();
            let truth = frames[end];
            let error = found.linear.distance(truth.linear_velocity);
            assert!(error < 0.025, "{error} at {end} every {interval:?}");
            let error = found.angular.distance(truth.angular_velocity);
            assert!(error < 0.1, "{error} at {end} every {interval:?}");
        }
    }
}

#[test]
fn what_was_before_the_window_or_before_a_jump_does_not_count() {
    let truth = Motion::Circle.at(at_ms(200));
    let far = |frame: &mut InputFrame| frame.position += Vec3::X * 100.0;
    let mut frames = Motion::Circle.samples(START, at_ms(200), Micros::from_millis(1));
    frames[..150].iter_mut().for_each(far);
    let found = fit_velocity(&frames, WINDOW).unwrap();
    assert!(found.linear.distance(truth.linear_velocity) < 0.01);
    frames[150..170].iter_mut().for_each(far);
    frames[170].is_jump = true;
    let found = fit_velocity(&frames, WINDOW).unwrap();
    assert!(found.linear.distance(truth.linear_velocity) < 0.01);
}

#[test]
fn few_samples_are_fitted_by_less_and_one_alone_is_believed() {
    let frames = Motion::Ballistic.samples(START, at_ms(40), Micros::from_millis(10));
    let truth = frames[4].linear_velocity;
    for count in 2..=5 {
        let found = fit_velocity(&frames[5 - count..], WINDOW).unwrap();
        assert!(found.linear.distance(truth) < 0.25, "{count}: {found:?}");
    }
    let found = fit_velocity(&frames[4..], WINDOW).unwrap();
    assert_eq!(found.linear, truth);
    assert_eq!(fit_velocity(&[], WINDOW), None);
}

#[test]
fn a_part_of_a_trajectory_can_be_fitted_as_it_is() {
    let mut trajectory = Trajectory::new();
    for frame in noisy_throw(1) {
        trajectory.insert(frame);
    }
    let found = fit_velocity(trajectory.range(START, release()), WINDOW);
    assert_eq!(found, fit_velocity(&noisy_throw(1), WINDOW));
    assert!(found.is_some());
}

/// What another player gets of a motion until a time: one sample of each batch, rounded.
fn quantised(motion: Motion, until: Micros, interval: Micros) -> Vec<InputFrame> {
    let all = motion.samples(until - Micros::from_millis(60), until, interval);
    let mut received = Vec::new();
    for frame in all {
        let mut batch = Vec::new();
        encode_batch(&[frame], Precision::Fine, until, &mut batch);
        decode_batch(&batch, until, |frame| received.push(frame)).unwrap();
    }
    received
}

#[test]
fn samples_that_were_thinned_and_rounded_on_their_way_tell_the_velocity_to_two_percent() {
    for interval in [4, 10, 20].map(Micros::from_millis) {
        for ms in 100..1_000 {
            let truth = Motion::Throw.at(at_ms(ms));
            let frames = quantised(Motion::Throw, at_ms(ms), interval);
            let found = fit_velocity(&frames, WINDOW).unwrap();
            let off = found.linear.distance(truth.linear_velocity);
            assert!(off < 0.02 * 5.0, "{off} m/s every {interval:?}");
            let off = found.angular.distance(truth.angular_velocity);
            assert!(off < 0.02 * 7.5, "{off} rad/s every {interval:?}");
        }
    }
}
