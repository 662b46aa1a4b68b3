//! What is shown while samples are lost and late.

use glam::Vec3;
use proptest::prelude::*;
use synced_client::playout::{SMOOTHED_M_MAX, SMOOTHING, Smoother, Trajectory};
use synced_protocol::{id::mix, input::InputFrame, time::Micros};

use crate::motion::{MOTIONS, Motion, START, angle_between, at_ms};

/// When the samples of a motion come: each 4 ms four of them, late by up to `jitter_ms`, and of a hundred datagrams some never.
fn arrivals(
    motion: Motion,
    jitter_ms: u64,
    loss_percent: u64,
    seed: u64,
) -> Vec<(u64, InputFrame)> {
    let random = |place: u64| mix(seed.wrapping_mul(1_000_003).wrapping_add(place));
    let mut arrivals = Vec::new();
    for batch in 0..250_u64 {
        if random(batch) % 100 < loss_percent {
            continue;
        }
        let sent_us = (batch * 4 + 4) * 1_000;
        let arrives_us = sent_us + 2_000 + random(batch + 10_000) % (jitter_ms * 1_000 + 1);
        for ms in batch * 4 + 1..=batch * 4 + 4 {
            arrivals.push((arrives_us, motion.at(at_ms(ms))));
        }
    }
    arrivals.sort_by_key(|(at, _)| *at);
    arrivals
}

/// Shows a motion frame by frame and returns each two that follow each other.
fn shown(
    motion: Motion,
    path: (u64, u64, u64),
    frame_us: u64,
    delay_us: u64,
) -> Vec<[InputFrame; 2]> {
    let (jitter_ms, loss_percent, seed) = path;
    let mut arrivals = arrivals(motion, jitter_ms, loss_percent, seed)
        .into_iter()
        .peekable();
    let mut trajectory = Trajectory::new();
    let mut smoother = Smoother::new();
    let mut all = Vec::new();
    for now_us in (100_000..990_000).step_by(frame_us as usize) {
        while let Some((_, frame)) = arrivals.next_if(|(at, _)| *at <= now_us) {
            trajectory.insert(frame);
        }
        all.push(
            smoother
                .show(&trajectory, START + Micros(now_us - delay_us))
                .unwrap(),
        );
    }
    all.windows(2).map(|pair| [pair[0], pair[1]]).collect()
}

proptest! {
    #[test]
    fn whatever_is_lost_or_late_what_is_shown_moves_little_faster_than_the_truth_ever_does(
        motion in 0..4_usize, jitter_ms in 0..30_u64, loss_percent in 0..40_u64, seed: u64,
        frame_us in 1_000..20_000_u64, delay_us in 0..30_000_u64,
    ) {
        let motion = MOTIONS[motion];
        for [before, after] in shown(motion, (jitter_ms, loss_percent, seed), frame_us, delay_us) {
            let seconds = frame_us as f32 * 1e-6;
            // What is made up for decays from at most a stray guess of 35 ms at full speed, of which a frame takes its share.
            let share = 1.0 - (-seconds / SMOOTHING.as_secs_f64() as f32).exp();
            let most = motion.speed_max() * (1.6 * seconds + 0.05 * share) + 1e-5;
            let leap = before.position.distance(after.position);
            prop_assert!(leap <= most, "{leap} m in {frame_us} us, {most} at most");
        }
    }
}

#[test]
fn what_comes_in_time_is_shown_as_it_is_and_nothing_is_added() {
    for [_, frame] in shown(Motion::Circle, (0, 0, 1), 11_111, 12_000) {
        let truth = Motion::Circle.at(frame.sampled_at);
        assert!(frame.position.distance(truth.position) < 1e-6);
        assert!(angle_between(frame.orientation, truth.orientation) < 1e-5);
    }
}

/// A hand that moves, of which nothing is heard for 40 ms, and that meanwhile turned around.
struct Stall {
    trajectory: Trajectory,
    smoother: Smoother,
}

impl Stall {
    fn new() -> Self {
        let mut trajectory = Trajectory::new();
        for frame in Motion::Circle.samples(START, at_ms(100), Micros::from_millis(1)) {
            trajectory.insert(frame);
        }
        let mut smoother = Smoother::new();
        for ms in 90..=140 {
            let _ = smoother.show(&trajectory, at_ms(ms));
        }
        Self {
            trajectory,
            smoother,
        }
    }

    fn show(&mut self, ms: u64) -> InputFrame {
        self.smoother.show(&self.trajectory, at_ms(ms)).unwrap()
    }
}

fn elsewhere(ms: u64, metres: f32, is_jump: bool) -> InputFrame {
    let truth = Motion::Circle.at(at_ms(ms));
    InputFrame {
        position: truth.position + Vec3::Y * metres,
        is_jump,
        ..truth
    }
}

#[test]
fn a_wrong_guess_is_made_good_within_a_tenth_of_a_second_without_a_leap() {
    let mut stall = Stall::new();
    let guess = stall.show(140);
    for ms in 101..=400 {
        stall.trajectory.insert(elsewhere(ms, 0.05, false));
    }
    let first = stall.show(141);
    assert!(first.position.distance(guess.position) < 8e-3);
    let left = |stall: &mut Stall, ms| {
        let truth = elsewhere(ms, 0.05, false);
        let shown = stall.show(ms);
        (
            shown.position.distance(truth.position),
            angle_between(shown.orientation, truth.orientation),
        )
    };
    let (way, _) = left(&mut stall, 142);
    assert!(way > 0.03, "{way}");
    let (way, angle) = left(&mut stall, 241);
    assert!(way < 1e-3 && angle < 2e-3, "{way} {angle}");
}

#[test]
fn a_jump_is_shown_at_once_also_when_it_is_heard_of_late() {
    for heard_of_ms in [120, 160] {
        let mut stall = Stall::new();
        stall.trajectory.insert(elsewhere(heard_of_ms, 0.4, true));
        for ms in heard_of_ms + 1..=200 {
            stall.trajectory.insert(elsewhere(ms, 0.4, false));
        }
        let _ = stall.show(heard_of_ms.max(141) - 1);
        let shown = stall.show(heard_of_ms.max(141));
        let truth = elsewhere(heard_of_ms.max(141), 0.4, false);
        assert!(
            shown.position.distance(truth.position) < 1e-6,
            "{heard_of_ms}"
        );
    }
}

#[test]
fn what_turns_out_to_be_further_away_than_a_hand_reaches_is_shown_there_at_once() {
    for (metres, at_once) in [(SMOOTHED_M_MAX - 0.1, false), (SMOOTHED_M_MAX + 0.1, true)] {
        let mut stall = Stall::new();
        // Slow enough to have been moved there, in the time that nothing was heard.
        for ms in 139..=400 {
            stall.trajectory.insert(elsewhere(ms, metres, false));
        }
        let shown = stall.show(141);
        let truth = elsewhere(141, metres, false);
        let way = shown.position.distance(truth.position);
        assert_eq!(way < 1e-6, at_once, "{way} of {metres}");
    }
}

#[test]
fn a_smoother_that_was_cleared_shows_the_trajectory_itself() {
    let mut stall = Stall::new();
    for ms in 101..=200 {
        stall.trajectory.insert(elsewhere(ms, 0.05, false));
    }
    stall.smoother.clear();
    let shown = stall.show(150);
    assert_eq!(shown.position, elsewhere(150, 0.05, false).position);
}
