//! Nodes that a scene frees while the session still speaks of them.

use synced_tests::{
    Outcome,
    play::{Play, agree},
};

const LID: &str = "world.get_node(\"Box/Lid\")";

#[test]
fn a_node_that_is_freed_while_others_change_it_makes_no_noise() -> Outcome {
    let play = Play::begin("freed-here")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("synced(\"Cup1\").request_ownership(); await seconds(0.3)")?;
    ann.run("Mover.begin(player, [thing(\"Cup1\")] as Array[Node3D], 3.0)")?;
    ben.until("thing(\"Cup1\").position.x > 0.5")?;
    ben.run("thing(\"Cup1\").queue_free()")?;
    ann.run(
        "for number in 100: synced(\"Cup1\").call_synced(\"ring\", [number]); thing(\"Cup1\").label = str(number); \
         await player.get_tree().process_frame",
    )?;
    ann.run("synced(\"Cup1\").reparent_synced(world.get_node(\"Left\")); thing(\"Board\").label = \"done\"")?;
    ben.until("thing(\"Board\").label == \"done\" and not has_thing(\"Cup1\")")?;
    ann.until("act(\"Mover\").is_done and is_settled()")?;
    play.end([ann, ben])
}

#[test]
fn a_node_that_is_freed_right_after_it_was_changed_goes_without_a_trace() -> Outcome {
    let play = Play::begin("freed-pending")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    for number in 0..10 {
        ann.run(&format!(
            "spawner().spawn(\"res://things/thing.tscn\", {{label = \"new {number}\"}}); var it = labelled(\"new\")[0]; \
             it.color = Color.RED; it.synced.call_synced(\"ring\"); it.synced.release_ownership(); \
             it.synced.request_ownership(); await seconds(0.02 * {number}); it.queue_free()"
        ))?;
    }
    for player in [&mut ann, &mut ben] {
        player.until("labelled(\"new\").is_empty()")?;
    }
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn a_part_that_is_freed_is_synced_no_more_and_the_rest_still_is() -> Outcome {
    let play = Play::begin("freed-part")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "boxes")?;
    ann.run("synced(\"Box\").request_ownership()")?;
    ann.until("synced(\"Box\").is_owner()")?;
    ann.run(&format!(
        "{LID}.visible = false; {LID}.position.y = 0.5; {LID}.rotation.x = 0.25"
    ))?;
    ben.until(&format!(
        "not {LID}.visible and {LID}.position.y == 0.5 and {LID}.rotation.x == 0.25"
    ))?;
    ben.run(&format!("{LID}.free()"))?;
    ann.run(&format!(
        "{LID}.visible = true; {LID}.position.y = 1.0; {LID}.rotation.x = 0.5; thing(\"Box\").label = \"open\""
    ))?;
    ben.until("thing(\"Box\").label == \"open\"")?;
    ben.run("thing(\"Box\").label = \"closed\"")?;
    ann.until("thing(\"Box\").label == \"closed\"")?;
    ann.until(&format!(
        "{LID}.visible and {LID}.position.y == 1.0 and {LID}.rotation.x == 0.5"
    ))?;
    play.end([ann, ben])
}

#[test]
fn a_scene_that_is_closed_and_opened_again_shows_the_session_again() -> Outcome {
    let play = Play::begin("scene-reopened")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("thing(\"Board\").label = \"before\"; spawner().spawn(\"res://things/thing.tscn\", {label = \"new\"})")?;
    ben.until("thing(\"Board\").label == \"before\" and labelled(\"new\").size() == 1")?;
    ben.run("world.free()")?;
    ann.run("thing(\"Board\").color = Color.RED; thing(\"Board\").label = \"after\"; await seconds(0.3)")?;
    ben.run("open(\"things\")")?;
    ben.until("thing(\"Board\").label == \"after\"")?;
    ben.until("labelled(\"new\").size() == 1")?;
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}
