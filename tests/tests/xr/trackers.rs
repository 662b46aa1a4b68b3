//! Godot's own trackers: the ground that the capture stands on.

use std::collections::BTreeMap;

use glam::{DQuat, DVec3};
use synced_tests::{
    Outcome,
    feeder::{Fed, Motions},
    motion::{Moment, Motion},
};

use crate::stage::Stage;

/// Frames that are looked at; the runtime paces twenty a second.
const FRAMES: usize = 40;
/// Positions pass through the runtime as they are, in single precision.
const DISTANCE_M_MAX: f64 = 1e-5;
/// The runtime may take the position of one frame that it is fed and the orientation of the next.
const ANGLE_RAD_MAX: f64 = 0.02;

#[test]
fn godot_shows_the_head_and_both_hands_where_they_are_moved_to() -> Outcome {
    let Some(stage) = Stage::begin("xr-trackers", Motions::circles(600.0))? else {
        return Ok(());
    };
    let mut ann = stage.player("ann")?;
    ann.run("Witness.begin(player)")?;
    ann.until(&format!("act(\"Witness\").frames.size() >= {FRAMES}"))?;
    let frames: Vec<BTreeMap<String, [f64; 7]>> = ann.get("act(\"Witness\").frames")?;
    ann.quit()?;
    let (motions, fed) = (stage.feeder.motions(), stage.feeder.fed());
    for (tracker, motion) in [
        ("head", &motions.head),
        ("left_hand", &motions.left),
        ("right_hand", &motions.right),
    ] {
        let seen: Vec<_> = frames
            .iter()
            .filter_map(|frame| frame.get(tracker))
            .collect();
        assert!(
            seen.len() + 1 >= FRAMES,
            "{tracker} had a pose in {} frames of {FRAMES}",
            seen.len()
        );
        let strays: Vec<_> = seen
            .iter()
            .filter(|pose| !was_fed(pose, motion, &fed))
            .collect();
        assert!(
            strays.is_empty(),
            "{tracker} was shown where it never was: {strays:?}"
        );
        let moved = seen.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(
            moved > FRAMES / 2,
            "{tracker} moved in {moved} frames of {FRAMES}"
        );
    }
    Ok(())
}

fn was_fed(pose: &[f64; 7], motion: &Motion, fed: &[Fed]) -> bool {
    let [x, y, z, turn @ ..] = *pose;
    let (position, orientation) = (DVec3::new(x, y, z), DQuat::from_array(turn));
    let is_here = |moment: Moment| {
        moment.position.distance(position) < DISTANCE_M_MAX
            && moment.orientation.angle_between(orientation) < ANGLE_RAD_MAX
    };
    fed.iter().any(|fed| is_here(motion.at(fed.seconds)))
}
