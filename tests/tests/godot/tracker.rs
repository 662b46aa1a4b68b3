//! Controllers: captured at 1 kHz here, followed there.

use synced_tests::{
    Outcome,
    play::{Play, agree},
    player::Player,
};

/// At 1 kHz this is two seconds; a frame at a time it would be half a minute.
const SAMPLES: u32 = 2_000;

#[test]
fn a_synthetic_hand_is_sampled_far_faster_than_frames_and_followed_by_others() -> Outcome {
    let play = Play::begin("synthetic-hand")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    bring(&mut ann, &mut ben, "hand", "Hand")?;
    let [before, after] = [0, SAMPLES].map(|more| captured(&mut ann, more));
    let ((samples_before, frames_before), (samples_after, frames_after)) = (before?, after?);
    let samples_a_frame =
        f64::from(samples_after - samples_before) / f64::from(frames_after - frames_before);
    assert!(
        samples_a_frame > 5.0,
        "{samples_a_frame} samples a frame at 60 frames a second"
    );

    // The trajectory's centre and reach, and the bounds of its quantisation.
    ben.until("act(\"Watcher\").positions.size() > 60")?;
    let seen: Vec<(f64, f64, f64)> = ben.get("as_numbers(act(\"Watcher\").positions)")?;
    let is_on_the_way = |&&(x, y, z): &&(f64, f64, f64)| {
        (x - 0.25).abs() < 0.152 && (y - 1.2).abs() < 0.202 && (z + 0.4).abs() < 0.102
    };
    let strays: Vec<_> = seen
        .iter()
        .skip(1)
        .filter(|point| !is_on_the_way(point))
        .collect();
    assert!(
        strays.is_empty(),
        "the hand was shown where it never was: {strays:?}"
    );
    ben.until("hand().synced.get_controls().trigger > 0.5")?;
    ben.until("hand().synced.get_controls().buttons == 1")?;

    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn a_recorded_hand_is_played_and_followed_by_others() -> Outcome {
    let play = Play::begin("traced-hand")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    bring(&mut ann, &mut ben, "traced_hand", "TracedHand")?;
    ben.until("act(\"Watcher\").positions.size() > 150")?;
    let seen: Vec<(f64, f64, f64)> = ben.get("as_numbers(act(\"Watcher\").positions)")?;
    let xs: Vec<_> = seen.iter().skip(1).map(|point| point.0).collect();
    let is_on_the_line = |&(x, y, z): &(f64, f64, f64)| {
        (-0.01..=1.01).contains(&x) && (y - 1.25).abs() < 1e-3 && (z + 0.5).abs() < 1e-3
    };
    assert!(seen.iter().skip(1).all(is_on_the_line), "{seen:?}");
    assert!(
        xs.iter().any(|x| *x > 0.8) && xs.iter().any(|x| *x < 0.2),
        "it did not go the whole way: {xs:?}"
    );
    // An axis has 256 steps.
    ben.until("absf(hand().synced.get_controls().trigger - 0.5) < 0.003 and absf(hand().synced.get_controls().grip - 0.25) < 0.003")?;
    ben.until("hand().synced.get_controls().buttons == 3")?;
    play.end([ann, ben])
}

/// One player spawns a hand, which another then watches.
fn bring(owner: &mut Player, other: &mut Player, scene: &str, name: &str) -> Outcome {
    owner.run(&format!(
        "spawner().spawn(\"res://things/{scene}.tscn\", {{label = \"hand\"}})"
    ))?;
    other.until("labelled(\"hand\").size() == 1")?;
    assert!(other.get::<bool>(&format!("hand().name.begins_with({name:?})"))?);
    other.run("Watcher.begin(player, hand())")
}

/// Waits for so many more samples; gives how many there were by then, and how many frames.
fn captured(player: &mut Player, more: u32) -> Outcome<(u32, u32)> {
    let count = "SyncedSession.get_stats().client.capture.count";
    let now: u32 = player.get(count)?;
    player.until(&format!("{count} >= {}", now + more))?;
    player.get(&format!("[{count}, Engine.get_process_frames()]"))
}
