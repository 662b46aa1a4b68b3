//! Nodes that every scene holds, and nodes that are spawned.

use synced_tests::{
    Outcome,
    play::{Play, agree},
};

#[test]
fn one_scene_instanced_twice_gives_nodes_that_do_not_collide() -> Outcome {
    let play = Play::begin("two-rooms")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    let ids = "[synced(\"Room1/Lamp\"), synced(\"Room2/Lamp\")].map(func(lamp): return str(lamp.get_synced_id()))";
    let of_ann: [String; 2] = ann.get(ids)?;
    assert_ne!(of_ann[0], of_ann[1]);
    assert_eq!(
        of_ann,
        ben.get::<[String; 2]>(ids)?,
        "ids differ between players"
    );

    ann.run("synced(\"Room1/Lamp\").request_ownership(); thing(\"Room1/Lamp\").color = Color.RED")?;
    ben.run(
        "synced(\"Room2/Lamp\").request_ownership(); thing(\"Room2/Lamp\").color = Color.BLUE",
    )?;
    for player in [&mut ann, &mut ben] {
        player.until("thing(\"Room1/Lamp\").color == Color.RED and thing(\"Room2/Lamp\").color == Color.BLUE")?;
    }
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn what_is_spawned_is_there_at_once_here_and_then_for_everyone_until_it_is_despawned() -> Outcome {
    let play = Play::begin("spawning")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("for number in 3: spawner().spawn(\"res://things/thing.tscn\", {label = \"new %d\" % number})")?;
    assert_eq!(
        ann.get::<u32>("labelled(\"new\").size()")?,
        3,
        "a spawned thing does not show at once"
    );
    ben.until("labelled(\"new\").size() == 3")?;
    assert!(ben.get::<bool>("labelled(\"new 1\")[0].synced.get_owner_id() == 1")?);

    ann.run("labelled(\"new 0\")[0].synced.despawn(); labelled(\"new 1\")[0].queue_free()")?;
    for player in [&mut ann, &mut ben] {
        player
            .until("labelled(\"new\").size() == 1 and labelled(\"new\")[0].label == \"new 2\"")?;
    }
    ben.run("labelled(\"new\")[0].synced.despawn()")?;
    ben.until("journal.last(\"mutation_rejected\").slice(1, 2) == [\"not_owner\"]")?;
    assert_eq!(
        ben.get::<u32>("labelled(\"new\").size()")?,
        1,
        "a despawn by somebody else was not taken back"
    );
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn a_node_that_is_hung_elsewhere_keeps_its_place_in_the_world_for_everyone() -> Outcome {
    let play = Play::begin("reparenting")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    for player in [&mut ann, &mut ben] {
        player.run("world.get_node(\"Left\").position = Vector3(-4, 0, 0)")?;
    }
    ann.run("synced(\"Cup1\").request_ownership(); thing(\"Cup1\").position = Vector3(1, 2, 3)")?;
    ben.until("thing(\"Cup1\").position == Vector3(1, 2, 3)")?;
    ann.run("synced(\"Cup1\").reparent_synced(world.get_node(\"Left\"))")?;
    assert!(
        ann.get::<bool>("has_thing(\"Left/Cup1\")")?,
        "the new place does not show at once"
    );
    for player in [&mut ann, &mut ben] {
        player.until("has_thing(\"Left/Cup1\") and not has_thing(\"Cup1\")")?;
        player.until("thing(\"Left/Cup1\").global_position.is_equal_approx(Vector3(1, 2, 3))")?;
    }
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}
