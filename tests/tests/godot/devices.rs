//! Mouse and gamepad as hands.

use synced_tests::{Outcome, play::Play, player::Player};

/// Movements that a mouse reports within one frame.
const MOVEMENTS: u32 = 16;

#[test]
fn a_mouse_is_a_hand_whose_every_movement_is_a_sample_that_others_see() -> Outcome {
    let play = Play::begin("mouse-hand")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "hands")?;
    bring(&mut ann, &mut ben, "mouse_hand")?;
    assert!(!ann.get::<bool>("Input.use_accumulated_input")?);
    let record = "hand().synced.start_recording(\"user://mouse.trace\")";
    assert!(ann.get::<bool>(&format!("{record} == OK"))?);
    ann.run(&format!("await player.get_tree().process_frame; Device.move_mouse(Vector2(-10, -5), {MOVEMENTS}); await player.get_tree().process_frame; await player.get_tree().process_frame"))?;
    let rest = "Vector3(0.15 - 0.01 * 16, 1.6 - 0.15 + 0.005 * 16, -0.5)";
    for player in [&mut ann, &mut ben] {
        player.until(&format!("hand().position.distance_to({rest}) < 1e-3"))?;
    }
    ann.run("hand().synced.stop_recording()")?;
    ann.until("journal.of(hand().synced, \"recording_stopped\").size() == 1")?;
    let xs: Vec<(u64, f64)> = ann.get(
        "Array(FileAccess.get_file_as_string(\"user://mouse.trace\").split(\"\\n\", false)).filter(func(line): return not line.begins_with(\"#\")).map(func(line): return [line.get_slice(\" \", 0).to_int(), line.get_slice(\" \", 1).to_float()])",
    )?;
    let moved = xs.windows(2).filter(|pair| pair[0].1 > pair[1].1 + 0.005);
    assert_eq!(moved.clone().count() as u32, MOVEMENTS, "{xs:?}");
    assert!(
        moved.into_iter().all(|pair| pair[0].0 < pair[1].0),
        "{xs:?}"
    );

    ann.run("Device.press_mouse(MOUSE_BUTTON_RIGHT, true)")?;
    ben.until(
        "hand().synced.get_controls().grip == 1.0 and hand().synced.get_controls().buttons == 2",
    )?;
    ann.run("hand().synced.despawn(); await seconds(0.2)")?;
    assert!(ann.get::<bool>("Input.use_accumulated_input")?);
    play.end([ann, ben])
}

#[test]
fn half_a_gamepad_is_a_hand_before_the_camera() -> Outcome {
    let play = Play::begin("gamepad-hand")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "hands")?;
    ann.run("var camera := Camera3D.new(); world.add_child(camera); camera.position = Vector3(1, 2, 3); camera.make_current()")?;
    bring(&mut ann, &mut ben, "gamepad_hand")?;
    ann.run("Device.turn_stick(JOY_AXIS_RIGHT_X, 1.0); Device.turn_stick(JOY_AXIS_TRIGGER_RIGHT, 0.5); Device.press_pad(JOY_BUTTON_RIGHT_SHOULDER, true)")?;
    ben.until("hand().position.distance_to(Vector3(1.5, 1.8, 2.5)) < 1e-3")?;
    ben.until("absf(hand().synced.get_controls().trigger - 0.5) < 0.01 and hand().synced.get_controls().grip == 1.0")?;
    ben.until("hand().synced.get_controls().stick.distance_to(Vector2.RIGHT) < 0.02")?;
    play.end([ann, ben])
}

fn bring(owner: &mut Player, other: &mut Player, scene: &str) -> Outcome {
    owner.run(&format!(
        "spawner().spawn(\"res://things/{scene}.tscn\", {{label = \"hand\"}})"
    ))?;
    other.until("labelled(\"hand\").size() == 1")?;
    owner.until("hand().position != Vector3.ZERO")
}
