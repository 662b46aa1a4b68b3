//! What the other one of two players shows of a hand, against the truth at the moment that it claims to show.

use synced_client::playout::{Trajectory, fit_velocity};
use synced_protocol::{input::Precision, time::Micros};

use crate::{
    common::{
        ms,
        network::{EPOCH_OFFSET, Path},
    },
    motion::{Motion, START, THROW_RELEASE_S, at_ms},
    scene::{ANN, BOB, Scene, bursts_of_two, path},
};

#[test]
fn bursts_of_two_lost_on_either_way_not_one_sample_is_missing() {
    for up in [true, false] {
        let mut scene = Scene::new(path(0, 0), 1, false);
        if up {
            scene.net.filter = bursts_of_two();
        } else {
            scene.net.filter_down = bursts_of_two();
        }
        scene.play(Motion::Circle, Micros::from_secs(4));
        assert_eq!(scene.received(), 4_000);
    }
}

#[test]
fn a_thinned_trajectory_is_within_its_precision_at_every_millisecond_even_if_bursts_of_two_are_lost()
 {
    // What is left out and what is rounded may each take as much.
    let most = Precision::Fine.position_error_m_max() * 2.2;
    let most_angle = Precision::Fine.orientation_error_rad_max() * 2.2;
    for motion in [Motion::Circle, Motion::Throw, Motion::Drum] {
        for pace in [4, 10] {
            let mut scene = Scene::new_at(path(0, 0), 1, true, ms(pace));
            scene.net.filter = bursts_of_two();
            scene.play(motion, Micros::from_secs(4));
            let (way, angle) = scene.screen.drawn;
            assert!(way < most, "{motion:?} every {pace} ms: {way}");
            assert!(angle < most_angle, "{motion:?} every {pace} ms: {angle}");
            let counters = &scene.net.players[ANN].game.stats.counters;
            assert!(counters.samples_thinned > 2_000, "{counters:?}");
        }
    }
}

/// What 99 of 100 frames keep, in millimetres and degrees; the most that anything leaps beyond its own motion is told, too.
fn errors(motion: Motion, path: Path) -> (f32, f32, f32) {
    let mut scene = Scene::new(path, 7, true);
    scene.play(motion, Micros::from_secs(6));
    let (metres, radians) = scene.screen.p99();
    let leap = scene.screen.leap_max;
    (metres * 1e3, radians.to_degrees(), leap * 1e3)
}

#[test]
fn without_jitter_what_is_shown_is_the_truth_to_a_seventh_of_a_millimetre_however_much_is_lost() {
    for motion in [Motion::Circle, Motion::Throw, Motion::Drum] {
        let (calm, calm_angle, _) = errors(motion, path(0, 0));
        assert!(calm < 0.15, "{motion:?}: {calm} mm");
        assert!(calm_angle < 0.05, "{motion:?}: {calm_angle} degrees");
        for loss_percent in [1, 5, 10] {
            let (lossy, angle, _) = errors(motion, path(loss_percent, 0));
            let ratio = (lossy / calm).max(angle / calm_angle);
            assert!(ratio < 2.0, "{motion:?} at {loss_percent} %: {ratio}");
        }
    }
}

#[test]
fn with_20_ms_of_jitter_each_way_what_is_shown_is_off_by_what_the_hand_moves_in_a_millisecond() {
    for motion in [Motion::Circle, Motion::Throw, Motion::Drum] {
        for loss_percent in [0, 5, 10] {
            let (millimetres, degrees, leap) = errors(motion, path(loss_percent, 20));
            let most = motion.speed_max();
            assert!(millimetres < most, "{motion:?}: {millimetres} mm");
            assert!(degrees < 0.5, "{motion:?}: {degrees} degrees");
            assert!(leap < 1.0, "{motion:?}: {leap} mm");
        }
    }
}

#[test]
fn over_two_ways_that_each_lose_one_in_twenty_one_sample_in_three_hundred_is_missing_at_the_default()
 {
    let mut scene = Scene::new(path(5, 0), 3, false);
    scene.play(Motion::Circle, Micros::from_secs(6));
    assert!(scene.received() >= 5_980, "{}", scene.received());
    let stats = &scene.net.players[ANN].game.stats.live;
    assert!(stats.redundancy <= 3, "{stats:?}");
    assert!(stats.up_loss.abs_diff(500) < 250, "{stats:?}");
    assert!(stats.peers_loss.abs_diff(975) < 350, "{stats:?}");
    assert!(stats.bits_per_sample > 0, "{stats:?}");
}

#[test]
fn the_delay_follows_the_jitter_of_the_network() {
    let delay_after = |scene: &mut Scene, jitter_ms, span| {
        scene.net.path.jitter = ms(jitter_ms);
        scene.play(Motion::Circle, span);
        let stats = &scene.net.players[BOB].game.stats.live;
        Micros(stats.playout_delay_us_max)
    };
    let mut scene = Scene::new(path(0, 0), 5, true);
    let calm = delay_after(&mut scene, 0, Micros::from_secs(3));
    // Two ways of 10 ms, the batch's 4 and a sample's 1.
    assert!((ms(25)..ms(28)).contains(&calm), "{calm:?}");
    let rough = delay_after(&mut scene, 20, Micros::from_secs(3));
    assert!((ms(45)..ms(70)).contains(&rough), "{rough:?}");
    let calm_again = delay_after(&mut scene, 0, Micros::from_secs(12));
    assert!((ms(25)..ms(30)).contains(&calm_again), "{calm_again:?}");
}

/// Plays a motion over two ways that each lose one in twenty, and returns what the other one's trajectory has of its end, with
/// the time in the motion at which it stands.
fn seen_by_another(motion: Motion, span: Micros) -> (Trajectory, impl Fn(Micros) -> Micros) {
    let mut scene = Scene::new(path(5, 0), 11, true);
    let begun = scene.net.now;
    scene.play(motion, span);
    let mut trajectory = scene.screen.trajectory;
    for (_, frame) in scene.net.players[BOB].game.arrivals.drain(..) {
        trajectory.insert(frame);
    }
    (trajectory, move |session: Micros| {
        START + (session - EPOCH_OFFSET).since(begun)
    })
}

#[test]
fn a_throw_is_seen_by_another_with_its_velocity_to_two_percent() {
    let (trajectory, in_motion) = seen_by_another(Motion::Throw, ms(2_400));
    let release = ms(2_000) + Micros((f64::from(THROW_RELEASE_S) * 1e6) as u64);
    let mut all = trajectory.range(Micros::ZERO, Micros(u64::MAX));
    let newest = all
        .rfind(|frame| in_motion(frame.sampled_at) <= START + release)
        .unwrap();
    let truth = Motion::Throw.at(in_motion(newest.sampled_at));
    assert!(truth.linear_velocity.length() > 4.9);
    let window = ms(50);
    let before = trajectory.range(newest.sampled_at - window, newest.sampled_at);
    let fitted = fit_velocity(before, window).unwrap();
    let drawn = trajectory.sample_at(newest.sampled_at - ms(1)).unwrap();
    for velocity in [fitted.linear, drawn.linear_velocity] {
        let off = velocity.distance(truth.linear_velocity) / truth.linear_velocity.length();
        assert!(off < 0.02, "{off}");
    }
    let off = fitted.angular.distance(truth.angular_velocity) / truth.angular_velocity.length();
    assert!(off < 0.02, "{off}");
}

#[test]
fn a_drum_is_heard_by_another_within_two_milliseconds_of_the_hit() {
    let (trajectory, in_motion) = seen_by_another(Motion::Drum, ms(2_400));
    let newest = trajectory.newest().unwrap().sampled_at;
    let height = |at: Micros| trajectory.sample_at(at).unwrap().position.y;
    // The hits are a tenth of a second after each quarter.
    for hit in [1_100, 1_350, 1_600, 1_850, 2_100] {
        let near = (0..80_000)
            .map(|step| newest - Micros(1_500_000) + Micros(step * 20))
            .filter(|at| in_motion(*at).offset_from(at_ms(hit)).abs() < 50_000)
            .min_by(|a, b| height(*a).total_cmp(&height(*b)))
            .unwrap();
        let off = in_motion(near).offset_from(at_ms(hit));
        assert!(off.abs() < 2_000, "{off} us");
    }
}
