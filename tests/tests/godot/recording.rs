//! Controllers recorded into traces, and played again.

use std::{collections::BTreeSet, fs, path::PathBuf};

use synced_tests::{Failure, Outcome, play::Play, player::Player};

/// At 1 kHz two seconds; a frame at a time it would be half a minute.
const SAMPLES: usize = 2_000;

#[test]
fn a_recording_that_is_played_again_gives_the_same_samples_at_the_same_times() -> Outcome {
    let play = Play::begin("recording")?;
    let mut ann = play.join("ann", "hands")?;
    ann.run("spawner().spawn(\"res://things/hand.tscn\", {label = \"hand\"})")?;
    let first = record(&mut ann, "hand()", "first", SAMPLES)?;
    let distinct: BTreeSet<_> = first.iter().map(|sample| &sample.rest).collect();
    assert_eq!(distinct.len(), first.len(), "a sample was recorded twice");

    ann.run("hand().synced.despawn(); await seconds(0.3); spawner().spawn(\"res://things/recorded_hand.tscn\", {label = \"hand\"})")?;
    // More than a round, so that one is whole.
    let again = record(&mut ann, "hand()", "again", 3 * first.len())?;
    let begin = again
        .iter()
        .position(|sample| sample.rest == first[0].rest)
        .expect("the first sample is not played");
    let round = &again[begin..][..first.len()];
    for (played, recorded) in round.iter().zip(&first) {
        assert_eq!(played.rest, recorded.rest);
        assert_eq!(
            played.time_us - round[0].time_us,
            recorded.time_us - first[0].time_us
        );
    }
    play.end([ann])
}

#[test]
fn a_disk_that_is_full_ends_a_recording_and_is_told() -> Outcome {
    let play = Play::begin("recording-disk-full")?;
    let mut ann = play.join("ann", "hands")?;
    ann.run("spawner().spawn(\"res://things/hand.tscn\", {label = \"hand\"})")?;
    assert!(ann.get::<bool>("hand().synced.start_recording(\"/dev/full\") == OK")?);
    ann.until("journal.of(hand().synced, \"recording_stopped\").size() == 1")?;
    let (path, fault): (String, String) =
        ann.get("journal.of(hand().synced, \"recording_stopped\")[0]")?;
    assert_eq!(path, "/dev/full");
    assert!(fault.contains("No space left"), "{fault}");
    assert!(!ann.get::<bool>("hand().synced.is_recording()")?);
    ann.quit_expecting(&["is not complete"])?;
    play.end([])
}

#[test]
fn what_cannot_be_recorded_is_refused() -> Outcome {
    let play = Play::begin("recording-refused")?;
    let mut ann = play.join("ann", "hands")?;
    ann.run("spawner().spawn(\"res://things/hand.tscn\", {label = \"hand\"})")?;
    for (attempt, error) in [
        (
            "hand().synced.start_recording(\"user://no/such/folder.trace\")",
            "ERR_FILE_CANT_WRITE",
        ),
        (
            "(func(): var node := SyncedNode.new(); var error := node.start_recording(\"user://first.trace\"); node.free(); return error).call()",
            "ERR_UNCONFIGURED",
        ),
        (
            "hand().synced.start_recording(\"user://first.trace\")",
            "OK",
        ),
        (
            "hand().synced.start_recording(\"user://again.trace\")",
            "ERR_BUSY",
        ),
    ] {
        assert!(
            ann.get::<bool>(&format!("{attempt} == {error}"))?,
            "{attempt}"
        );
    }
    ann.quit_expecting(&["start_recording(\"user://no/such/folder.trace\")"])?;
    play.end([])
}

/// One sample of a trace: its time, and all else as it stands there.
#[derive(Debug)]
struct Sample {
    time_us: u64,
    rest: String,
}

/// Records at least so many samples of a thing's controller.
fn record(player: &mut Player, thing: &str, name: &str, samples: usize) -> Outcome<Vec<Sample>> {
    let count = "SyncedSession.get_stats().client.capture.count";
    let before: usize = player.get(count)?;
    assert!(player.get::<bool>(&format!("{thing}.synced.start_recording(\"user://{name}.trace\") == OK and {thing}.synced.is_recording()"))?);
    player.until(&format!("{count} >= {}", before + samples))?;
    player.run(&format!("{thing}.synced.stop_recording()"))?;
    let stopped = format!("journal.of({thing}.synced, \"recording_stopped\")");
    player.until(&format!("{stopped}.size() == 1"))?;
    let told: (String, String) = player.get(&format!("{stopped}[0]"))?;
    assert_eq!(told, (format!("user://{name}.trace"), String::new()));
    let path: PathBuf = player.get(&format!(
        "ProjectSettings.globalize_path(\"user://{name}.trace\")"
    ))?;
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("the trace cannot be read: {error}")))?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let recorded: Vec<_> = lines.filter_map(sample).collect();
    assert!(
        recorded.len() >= samples * 9 / 10,
        "{} of {samples} samples",
        recorded.len()
    );
    Ok(recorded)
}

/// What begins with a jump in the one trace need not in the other.
fn sample(line: &str) -> Option<Sample> {
    let (time, rest) = line.split_once(' ')?;
    let (rest, _is_jump) = rest.rsplit_once(' ')?;
    Some(Sample {
        time_us: time.parse().ok()?,
        rest: rest.to_owned(),
    })
}
