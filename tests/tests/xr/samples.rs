//! What the samples are: the hand's own poses, fresh and at their time; and what comes with them.

use glam::DVec3;
use serde::Deserialize;
use synced_tests::{
    Failure, Outcome,
    clock::Nanos,
    feeder::{Fed, Feeder, Hand, HandControls, Motions},
    player::Player,
};

use crate::stage::{Stage, say};

const RIGHT: &str = "synced(\"Origin/Right\")";
/// Twice as often as samples are taken, so that the runtime always has a new pose.
const FEED_HZ: u32 = 2_000;
/// A machine that others use may have a bad while: the best of so many looks counts.
const LOOKS_MAX: usize = 40;
const SAMPLES_MIN: usize = 800;
const DISTINCT_SHARE_MIN: f64 = 0.85;
/// Poses pass through as they are, in single precision.
const SAME_M: f64 = 2e-5;
/// How long before the time that a sample names its pose was fed, in seconds, in the middle of all.
const AGE_SEC_MAX: f64 = 2e-3;
/// Clocks are compared to some 10 us, and the runtime is asked a moment after the time is taken.
const EARLY_SEC_MAX: f64 = 0.5e-3;
/// How long a runtime that gets no processor may hold on to a pose.
const HELD_SEC_MAX: f64 = 0.5;

/// The right hand's samples of the last second, in session time.
#[derive(Debug, Deserialize)]
struct Samples {
    times_usec: Vec<u64>,
    positions: Vec<(f64, f64, f64)>,
}

/// How the samples of a second were.
#[derive(Debug)]
struct Look {
    samples: usize,
    /// Of neighbours.
    distinct_share: f64,
    /// How long before its sample's time a pose was fed, in the middle of all.
    age_sec: f64,
}

#[test]
fn samples_are_fresh_poses_of_the_hand_at_the_times_that_they_name() -> Outcome {
    let Some(stage) = Stage::begin_at("xr-samples", Motions::circles(600.0), FEED_HZ)? else {
        return Ok(());
    };
    let mut ann = stage.host("ann")?;
    ann.run("await seconds(2)")?;
    let mut looks = Vec::new();
    while looks.len() < LOOKS_MAX && !looks.last().is_some_and(is_good) {
        let look = Look::at(&samples(&mut ann)?, &stage.feeder)?;
        say(&format!("samples of a second: {look:?}"))?;
        looks.push(look);
    }
    assert!(looks.last().is_some_and(is_good), "{looks:?}");
    ann.quit()
}

#[test]
fn what_a_hand_presses_and_how_its_fingers_are_bent_is_seen_by_others() -> Outcome {
    let Some(stage) = Stage::begin("xr-controls", Motions::circles(600.0))? else {
        return Ok(());
    };
    let mut ann = stage.host("ann")?;
    let mut ben = stage.onlooker("ben", &mut ann)?;
    let pressed = HandControls {
        trigger: 0.75,
        squeeze: 0.5,
        stick: [0.5, -1.0],
        is_a_pressed: true,
        ..HandControls::default()
    };
    ben.until(&format!(
        "{RIGHT}.get_controls().trigger == 0.0 and {RIGHT}.get_controls().buttons == 0"
    ))?;
    ben.until(&format!("{RIGHT}.get_hand_joints().size() == 26"))?;
    let open = reach(&mut ben)?;
    stage.feeder.set_controls(Hand::Right, pressed);
    // An axis has 256 steps.
    ben.until(&format!("absf({RIGHT}.get_controls().trigger - 0.75) < 0.003 and absf({RIGHT}.get_controls().grip - 0.5) < 0.003"))?;
    ben.until(&format!("{RIGHT}.get_controls().stick.distance_to(Vector2(0.5, -1)) < 0.02 and {RIGHT}.get_controls().buttons != 0"))?;
    stage.feeder.set_controls(
        Hand::Right,
        HandControls {
            curl: [1.0; 5],
            ..pressed
        },
    );
    ben.until(&format!("{REACH} < {}", 0.8 * open))?;
    ben.quit()?;
    ann.quit()
}

#[test]
fn a_controller_that_is_not_tracked_gives_no_samples_until_it_is_again() -> Outcome {
    let Some(stage) = Stage::begin("xr-tracking", Motions::circles(600.0))? else {
        return Ok(());
    };
    let mut ann = stage.host("ann")?;
    let controllers = "SyncedSession.get_stats().capture.trackers";
    let lost = HandControls {
        is_active: false,
        ..HandControls::default()
    };
    stage.feeder.set_controls(Hand::Right, lost);
    ann.until(&format!("{controllers}.right_hand.losses == 1"))?;
    let missing: i64 = ann.get(&format!("{controllers}.right_hand.samples"))?;
    let left: i64 = ann.get(&format!("{controllers}.left_hand.samples"))?;
    ann.until(&format!("{controllers}.left_hand.samples > {}", left + 500))?;
    assert_eq!(
        ann.get::<i64>(&format!("{controllers}.right_hand.samples"))?,
        missing
    );
    stage
        .feeder
        .set_controls(Hand::Right, HandControls::default());
    ann.until(&format!(
        "{controllers}.right_hand.samples > {}",
        missing + 500
    ))?;
    assert_eq!(
        ann.get::<i64>(&format!("{controllers}.right_hand.losses"))?,
        1
    );
    ann.quit()
}

/// From the palm to the tip of the middle finger, in metres.
const REACH: &str = "(synced(\"Origin/Right\").get_hand_joints()[0].origin.distance_to(synced(\"Origin/Right\").get_hand_joints()[15].origin))";

fn reach(player: &mut Player) -> Outcome<f64> {
    player.get(REACH)
}

fn samples(player: &mut Player) -> Outcome<Samples> {
    player.get(&format!(
        "(func():
	var now := SyncedSession.get_session_time_usec()
	var last := {RIGHT}.get_trajectory(now - 1_000_000, now)
	return {{times_usec = Array(last.times_usec), positions = as_numbers(last.positions)}}).call()"
    ))
}

fn is_good(look: &Look) -> bool {
    look.samples >= SAMPLES_MIN
        && look.distinct_share >= DISTINCT_SHARE_MIN
        && (-EARLY_SEC_MAX..=AGE_SEC_MAX).contains(&look.age_sec)
}

impl Look {
    /// Every pose has to have been fed at all.
    fn at(samples: &Samples, feeder: &Feeder) -> Outcome<Self> {
        let poses = samples.times_usec.iter().zip(&samples.positions);
        let ages = poses.map(|(usec, position)| {
            age(
                Nanos::from_unix_micros(*usec),
                DVec3::from(*position),
                feeder,
            )
        });
        let mut ages = ages.collect::<Outcome<Vec<_>>>()?;
        ages.sort_by(f64::total_cmp);
        let pairs = samples.positions.windows(2);
        let distinct = pairs.clone().filter(|pair| pair[0] != pair[1]).count();
        Ok(Self {
            samples: samples.positions.len(),
            distinct_share: distinct as f64 / pairs.len() as f64,
            age_sec: ages.get(ages.len() / 2).copied().unwrap_or(f64::NAN),
        })
    }
}

fn age(sampled_at: Nanos, position: DVec3, feeder: &Feeder) -> Outcome<f64> {
    let seconds = feeder.seconds_at(sampled_at);
    let lately = feeder.fed_between(seconds - HELD_SEC_MAX, seconds + HELD_SEC_MAX);
    let was_here = |fed: &&Fed| {
        feeder
            .motions()
            .right
            .sensed_at(fed.seconds)
            .position
            .distance(position)
            < SAME_M
    };
    let fed = lately.iter().rev().find(was_here);
    fed.map(|fed| seconds - fed.seconds)
        .ok_or_else(|| Failure::new(format!("at {seconds} s the hand was not at {position}")))
}
