//! A trajectory out of samples that come in any order.

use glam::{Quat, Vec3};
use proptest::prelude::*;
use synced_client::playout::{
    EXTRAPOLATION_MAX, HERMITE_SPAN_MAX, HISTORY, TRAJECTORY_SAMPLES_MAX, Trajectory,
};
use synced_protocol::{
    input::{Controls, InputFrame},
    time::Micros,
};

use crate::motion::{MOTIONS, Motion, START, angle_between, at_ms};

fn thrown(ms: u64) -> InputFrame {
    InputFrame {
        controls: Controls {
            buttons: ms as u16,
            trigger: ms as f32 / 1e4,
            ..Controls::default()
        },
        ..Motion::Ballistic.at(at_ms(ms))
    }
}

fn filled(times_ms: impl IntoIterator<Item = u64>) -> Trajectory {
    let mut trajectory = Trajectory::new();
    for ms in times_ms {
        assert!(trajectory.insert(thrown(ms)));
    }
    trajectory
}

fn times(trajectory: &Trajectory) -> Vec<u64> {
    let all = trajectory.range(Micros::ZERO, Micros(u64::MAX));
    all.map(|frame| frame.sampled_at.since(START).0 / 1_000)
        .collect()
}

#[test]
fn a_throw_is_followed_to_a_tenth_of_a_millimetre_between_samples_that_are_far_apart() {
    let trajectory = filled((0..=900).step_by(90));
    for ms in 0..=900 {
        let shown = trajectory.sample_at(at_ms(ms)).unwrap();
        let truth = thrown(ms);
        assert!(shown.position.distance(truth.position) < 1e-4, "{ms} ms");
        assert!(
            shown.linear_velocity.distance(truth.linear_velocity) < 1e-3,
            "{ms} ms"
        );
        assert!(
            angle_between(shown.orientation, truth.orientation) < 1e-4,
            "{ms} ms"
        );
        assert_eq!(shown.sampled_at, at_ms(ms));
    }
}

#[test]
fn samples_10_ms_apart_with_a_drum_hit_between_them_are_followed_to_a_centimetre_and_1_ms_apart_to_a_tenth_of_a_millimetre()
 {
    let worst = |interval| {
        let mut trajectory = Trajectory::new();
        for frame in Motion::Drum.samples(START, at_ms(500), interval) {
            trajectory.insert(frame);
        }
        let errors = (0..5_000).map(|place| {
            let at = START + Micros(place * 100);
            let shown = trajectory.sample_at(at).unwrap();
            shown.position.distance(Motion::Drum.at(at).position)
        });
        errors.fold(0.0, f32::max)
    };
    let (coarse, fine) = (
        worst(Micros::from_millis(10)),
        worst(Micros::from_millis(1)),
    );
    assert!(coarse < 1e-2, "{coarse}");
    assert!(fine < 4e-4, "{fine}");
}

#[test]
fn before_the_first_sample_it_waits_there_and_beyond_the_last_it_is_carried_on_and_stands_still() {
    assert_eq!(Trajectory::new().sample_at(START), None);
    let trajectory = filled([5, 6]);
    assert_eq!(trajectory.sample_at(START), Some(thrown(5)));
    let last = thrown(6);
    let carried = trajectory.sample_at(at_ms(16)).unwrap();
    let way = carried.position - last.position;
    assert!(way.distance(last.linear_velocity * 0.01) < 1e-6);
    let held = trajectory.sample_at(at_ms(6) + EXTRAPOLATION_MAX);
    assert_eq!(trajectory.sample_at(at_ms(5_000)), held);
}

#[test]
fn a_button_is_pressed_when_its_sample_says_so_and_not_before() {
    let trajectory = filled([1, 2]);
    let buttons = |at| trajectory.sample_at(at).unwrap().controls.buttons;
    assert_eq!([buttons(at_ms(2) - Micros(1)), buttons(at_ms(2))], [1, 2]);
}

#[test]
fn a_long_gap_is_crossed_in_a_straight_line_at_an_even_speed() {
    let gap = HERMITE_SPAN_MAX + Micros(1);
    let mut trajectory = filled([0]);
    let end = InputFrame {
        sampled_at: START + gap,
        linear_velocity: Vec3::X * 100.0,
        ..thrown(100)
    };
    trajectory.insert(end);
    let middle = trajectory.sample_at(START + Micros(gap.0 / 2)).unwrap();
    let straight = thrown(0).position.lerp(end.position, 0.5);
    assert!(middle.position.distance(straight) < 1e-4);
    let even = (end.position - thrown(0).position) / gap.as_secs_f64() as f32;
    assert!(middle.linear_velocity.distance(even) < 1e-3);
}

#[test]
fn a_trajectory_goes_back_two_seconds_from_its_newest_sample_and_takes_nothing_older() {
    let mut trajectory = filled((0..=3_000).step_by(100));
    assert_eq!(times(&trajectory).first(), Some(&1_000));
    assert!(!trajectory.insert(thrown(999)));
    assert!(trajectory.insert(thrown(1_001)));
    assert_eq!(
        trajectory.oldest().unwrap().sampled_at,
        at_ms(3_000) - HISTORY
    );
}

#[test]
fn more_samples_than_there_is_room_for_push_out_the_oldest_and_late_ones_do_not() {
    let mut trajectory = Trajectory::new();
    let sample = |place: u64| InputFrame {
        sampled_at: START + Micros(place * 100),
        ..InputFrame::default()
    };
    for place in (0..=2 * TRAJECTORY_SAMPLES_MAX as u64).step_by(2) {
        trajectory.insert(sample(place));
    }
    assert_eq!(times(&trajectory).len(), TRAJECTORY_SAMPLES_MAX);
    assert_eq!(trajectory.oldest(), Some(&sample(2)));
    assert!(
        !trajectory.insert(sample(1)),
        "older than all that is there"
    );
    assert!(trajectory.insert(sample(5)));
    assert_eq!(trajectory.oldest(), Some(&sample(4)));
}

#[test]
fn a_range_has_both_its_ends() {
    let trajectory = filled([1, 2, 3, 4]);
    let range = |from, to| {
        let range = trajectory.range(at_ms(from), at_ms(to));
        range
            .map(|frame| frame.controls.buttons)
            .collect::<Vec<_>>()
    };
    assert_eq!(range(2, 3), [2, 3]);
    assert_eq!(range(0, 9), [1, 2, 3, 4]);
    assert!(range(5, 9).is_empty() && range(3, 2).is_empty());
}

#[test]
fn a_jump_is_known_by_the_time_at_which_the_controller_is_elsewhere() {
    let mut trajectory = filled([1, 2, 3, 5]);
    trajectory.insert(InputFrame {
        is_jump: true,
        ..thrown(4)
    });
    let jumped = |after, until| trajectory.jumped(at_ms(after), at_ms(until));
    assert!(jumped(3, 4) && jumped(1, 9));
    assert!(!jumped(1, 3) && !jumped(4, 9));
}

proptest! {
    #[test]
    fn samples_make_the_same_trajectory_in_whatever_order_and_however_often_they_come(
        order in Just((0..200_u64).collect::<Vec<_>>()).prop_shuffle(), again in prop::collection::vec(0..200_u64, 50),
    ) {
        let mut trajectory = Trajectory::new();
        for place in &order {
            prop_assert!(trajectory.insert(thrown(*place)));
        }
        for place in again {
            prop_assert!(!trajectory.insert(thrown(place)));
        }
        prop_assert_eq!(times(&trajectory), (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn at_a_samples_own_time_it_is_that_sample_and_never_anything_but_a_pose(
        gaps in prop::collection::vec((1..200_000_u64, prop::array::uniform12(-40.0_f32..40.0)), 1..20),
        looks in prop::collection::vec(0..50_000_u64, 1..100),
    ) {
        let mut at = START;
        let mut trajectory = Trajectory::new();
        let mut frames = Vec::new();
        for (gap, raw) in gaps {
            at = at + Micros(gap);
            let three = |from: usize| Vec3::from_slice(&raw[from..]);
            frames.push(InputFrame {
                sampled_at: at,
                position: three(0),
                orientation: Quat::from_scaled_axis(three(3)),
                linear_velocity: three(6),
                angular_velocity: three(9),
                ..InputFrame::default()
            });
        }
        frames.retain(|frame| at.since(frame.sampled_at) <= HISTORY);
        frames.iter().rev().for_each(|frame| { trajectory.insert(*frame); });
        for frame in &frames {
            prop_assert_eq!(trajectory.sample_at(frame.sampled_at), Some(*frame));
        }
        let mut at = START;
        for look in looks {
            at = at + Micros(look);
            let shown = trajectory.sample_at(at).unwrap();
            prop_assert!(shown.orientation.is_normalized());
            prop_assert!(shown.position.is_finite() && shown.linear_velocity.is_finite());
            prop_assert!(shown.angular_velocity.is_finite());
        }
    }

    #[test]
    fn between_its_samples_nothing_leaps(motion in 0..4_usize, interval_ms in 1..40_u64, from_ms in 0..500_u64) {
        let motion = MOTIONS[motion];
        let mut trajectory = Trajectory::new();
        for frame in motion.samples(START, at_ms(700), Micros::from_millis(interval_ms)) {
            trajectory.insert(frame);
        }
        // A cubic over a drum hit swings beyond the speeds of its ends, by half as much again at the most.
        let most = 1.6 * motion.speed_max() * 1e-4 + 1e-6;
        for step in 0..1_000 {
            let [a, b] = [step, step + 1].map(|step| {
                trajectory.sample_at(at_ms(from_ms) + Micros(step * 100)).unwrap().position
            });
            prop_assert!(a.distance(b) <= most, "{} m in 0.1 ms", a.distance(b));
        }
    }
}
