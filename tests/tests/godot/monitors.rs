//! The performance monitors, as the editor's debugger and a game read them.

use synced_tests::{Outcome, play::Play, player::Player};

const GROUP: &str = "synced_node/";

#[test]
fn while_a_session_is_on_the_monitors_tell_how_its_streams_are() -> Outcome {
    let play = Play::begin("monitors")?;
    let mut ann = play.open("ann", "things")?;
    assert_eq!(
        names(&mut ann)?,
        [""; 0],
        "nothing is measured before a session"
    );
    play.connect(&mut ann)?;
    let mut ben = play.join("ben", "things")?;
    let all = names(&mut ann)?;
    assert_eq!(all.len(), 18, "{all:?}");
    for name in &all {
        let silent: f64 = read(&mut ann, name)?;
        assert!(silent.is_finite() && silent >= 0.0, "{name} is {silent}");
    }
    assert_eq!(read(&mut ann, "synced_node/capture_hz")?, 0.0);

    ann.run("spawner().spawn(\"res://things/hand.tscn\", {label = \"hand\"})")?;
    // A frame's own samples would be 60 a second; what is asked of a busy machine is clearly more.
    ann.until(&above("capture_hz", 150.0))?;
    ann.until(&above("bits_per_sample", 10.0))?;
    ann.until(&above("capture_interval_p99", 0.0009))?;
    ben.until(&above("playout_delay", 0.0099))?;
    ben.until(&above("frame_time", 0.0))?;
    assert!(read(&mut ann, "synced_node/bits_per_sample")? < 1_000.0);
    assert!(read(&mut ann, "synced_node/redundancy")? >= 2.0);
    for part in [
        "synced_node/loss_up",
        "synced_node/loss_down",
        "synced_node/playout_late",
        "synced_node/capture_ring",
    ] {
        assert!((0.0..=1.0).contains(&read(&mut ben, part)?), "{part}");
    }

    ann.run("SyncedSession.leave()")?;
    ann.until("SyncedSession.get_state() == SyncedSession.STATE_OFFLINE")?;
    assert_eq!(
        read(&mut ann, "synced_node/capture_hz")?,
        0.0,
        "nothing is captured any more"
    );
    assert_eq!(read(&mut ann, "synced_node/playout_delay")?, 0.0);
    play.connect(&mut ann)?;
    assert_eq!(names(&mut ann)?, all, "the next session has the same ones");
    play.end([ann, ben])
}

fn names(player: &mut Player) -> Outcome<Vec<String>> {
    player.get(&format!(
        "Array(Performance.get_custom_monitor_names()).filter(func(id): return id.begins_with({GROUP:?}))"
    ))
}

fn read(player: &mut Player, name: &str) -> Outcome<f64> {
    player.get(&format!("Performance.get_custom_monitor({name:?})"))
}

fn above(name: &str, least: f64) -> String {
    format!("Performance.get_custom_monitor(\"{GROUP}{name}\") > {least}")
}
