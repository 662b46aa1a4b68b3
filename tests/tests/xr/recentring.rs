//! What happens to a hand when the space around it is moved.

use glam::DVec3;
use synced_tests::{Outcome, feeder::Motions, player::Player};

use crate::stage::Stage;

const RIGHT: &str = "thing(\"Origin/Right\")";
/// A hand at rest trembles, and is told in steps.
const REST_M: f64 = 3e-3;
/// The least that the space is to move.
const MOVED_M: f64 = 0.3;

#[test]
fn a_hand_whose_space_is_recentred_is_there_at_once_for_others_too() -> Outcome {
    let Some(stage) = Stage::begin("xr-recentre", Motions::at_rest(600.0))? else {
        return Ok(());
    };
    let mut ann = stage.host("ann")?;
    let mut ben = stage.onlooker("ben", &mut ann)?;
    let before = position(&mut ann)?;
    until_at(&mut ben, before)?;
    ben.run(&format!("Watcher.begin(player, {RIGHT})"))?;
    ann.run("XRServer.center_on_hmd(XRServer.RESET_BUT_KEEP_TILT, true)")?;
    ann.run("await seconds(0.2)")?;
    let after = position(&mut ann)?;
    assert!(before.distance(after) > MOVED_M, "{before} {after}");
    until_at(&mut ben, after)?;
    let seen: Vec<(f64, f64, f64)> = ben.get("as_numbers(act(\"Watcher\").positions)")?;
    let is_between =
        |point: &DVec3| point.distance(before) > REST_M && point.distance(after) > REST_M;
    let between: Vec<_> = seen
        .into_iter()
        .map(DVec3::from)
        .filter(is_between)
        .collect();
    assert!(
        between.is_empty(),
        "on its way from {before} to {after} the hand was shown at {between:?}"
    );
    ben.quit()?;
    ann.quit()
}

fn position(player: &mut Player) -> Outcome<DVec3> {
    player
        .get::<[f64; 3]>(&format!("as_numbers([{RIGHT}.position])[0]"))
        .map(DVec3::from)
}

fn until_at(player: &mut Player, place: DVec3) -> Outcome {
    let DVec3 { x, y, z } = place;
    player.until(&format!(
        "{RIGHT}.position.distance_to(Vector3({x}, {y}, {z})) < {REST_M}"
    ))
}
