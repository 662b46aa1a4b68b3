//! What is set wrongly is told, with where it stands and what to do.

use synced_tests::{Outcome, play::Play};

#[test]
fn a_session_does_not_begin_with_stream_settings_out_of_bounds() -> Outcome {
    let play = Play::begin("stream-settings")?;
    let mut ann = play.open("ann", "things")?;
    let url = play.server().url();
    let attempts = [
        (
            "batch_interval_msec",
            "51.0",
            "4.0",
            "batch_interval_msec is 51: choose 1 to 50 milliseconds",
        ),
        (
            "tracker_redundancy",
            "9",
            "2",
            "tracker_redundancy is 9: choose 0 to 8",
        ),
        (
            "playout_delay_max_msec",
            "501.0",
            "200.0",
            "playout_delay_max_msec is 501: choose 0 to 500 milliseconds",
        ),
        (
            "playout_delay_min_msec",
            "201.0",
            "10.0",
            "lower the one or raise the other",
        ),
    ];
    for (setting, wrong, right, _) in attempts {
        ann.run(&format!("SyncedSession.{setting} = {wrong}"))?;
        for call in [
            format!("connect_to_server({url:?})"),
            "host({port = 0})".to_owned(),
        ] {
            let is_refused = format!("SyncedSession.{call} == ERR_INVALID_PARAMETER");
            assert!(ann.get::<bool>(&is_refused)?, "{setting} = {wrong}");
        }
        ann.run(&format!("SyncedSession.{setting} = {right}"))?;
    }
    play.connect(&mut ann)?;
    ann.quit_expecting(&attempts.map(|(.., told)| told))?;
    play.end([])
}

#[test]
fn a_tracker_that_cannot_work_is_told_by_its_nodes_path_and_the_node_is_synced_without_it()
-> Outcome {
    let play = Play::begin("tracker-settings")?;
    let [mut ann, ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("add_tracker(\"Foot\", Node3D.new(), {tracker = \"left_foot\"})")?;
    ann.run("add_tracker(\"Flat\", Node2D.new(), {tracker = \"head\"})")?;
    ann.run("add_tracker(\"Untraced\", Node3D.new(), {tracker = \"head\", tracker_source = SyncedNode.SOURCE_TRACE})")?;
    ann.run("add_tracker(\"Lost\", Node3D.new(), {tracker = \"head\", tracker_source = SyncedNode.SOURCE_TRACE, trace_file = \"res://none.trace\"})")?;
    ann.run("add_tracker(\"Vague\", Node3D.new(), {tracker = \"head\", tracker_precision = 3})")?;
    for name in ["Vague", "Foot", "Flat", "Untraced", "Lost"] {
        let synced = format!("(world.get_node({name:?}).get_node(\"SyncedNode\") as SyncedNode)");
        ann.until(&format!("{synced}.request_ownership() != 0"))?;
        ann.until(&format!("{synced}.is_owner()"))?;
        assert!(ann.get::<bool>(&format!("{synced}.get_controls().is_empty()"))?);
    }
    ann.quit_expecting(&[
        "/World/Foot/SyncedNode: there is no tracker \"left_foot\": choose left_hand, right_hand or head, or leave it empty. The tracker is off.",
        "/World/Flat/SyncedNode: a tracker moves a Node3D, but the root \"Flat\" is a Node2D: choose another root, or leave the tracker empty. The tracker is off.",
        "/World/Untraced/SyncedNode: the tracker's source is a trace, but no trace file is set: choose one, or another source. The tracker is off.",
        "/World/Vague/SyncedNode: there is no such tracker_precision: choose PRECISION_EXACT, PRECISION_FINE or PRECISION_COARSE. The tracker is off.",
        "/World/Lost/SyncedNode: trace \"res://none.trace\"",
    ])?;
    ben.quit()?;
    play.end([])
}
