//! Players who come late, leave, and are lost.

use std::time::Duration;

use synced_tests::{
    Outcome,
    play::{Play, agree, game},
    player::Player,
};

/// How long the server keeps the place of a lost player.
const RESUME_GRACE_MSEC: u32 = 500;
/// Until the server hears nothing any more, and then until it gives up.
const GONE_TIME_MAX: Duration = Duration::from_secs(30);

#[test]
fn a_player_who_joins_late_sees_what_the_others_see() -> Outcome {
    let play = Play::begin("late-joiner")?;
    let mut ann = play.join("ann", "things")?;
    ann.run("synced(\"Cup1\").request_ownership(); await seconds(0.2)")?;
    ann.run("thing(\"Cup1\").label = \"mine\"; thing(\"Cup1\").position = Vector3(1, 2, 3)")?;
    ann.run("synced(\"Cup1\").reparent_synced(world.get_node(\"Left\"))")?;
    ann.run("spawner().spawn(\"res://things/thing.tscn\", {label = \"new\", color = Color.RED})")?;
    ann.until("is_settled()")?;
    let mut ben = play.join("ben", "things")?;
    ben.until("has_thing(\"Left/Cup1\") and thing(\"Left/Cup1\").label == \"mine\"")?;
    ben.until("thing(\"Left/Cup1\").position == Vector3(1, 2, 3)")?;
    ben.until("synced_nodes().any(func(node): return node.get_root().label == \"new\")")?;
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn of_a_player_who_leaves_the_avatar_goes_and_the_rest_is_free() -> Outcome {
    let play = Play::begin("leaving")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    settle_in(&mut ben, &mut ann)?;
    ben.quit()?;
    ann.until("journal.all(\"player_left\") == [[2]]")?;
    assert_only_the_avatar_is_gone(&mut ann)?;
    play.end([ann])
}

#[test]
fn of_a_player_who_is_killed_the_avatar_goes_and_the_rest_is_free_and_others_go_on() -> Outcome {
    let server = game().set("resume_grace_ms", RESUME_GRACE_MSEC);
    let play = Play::begin_with("killed", &server)?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    settle_in(&mut ben, &mut ann)?;
    ben.kill()?;
    ann.run("synced(\"Cup2\").request_ownership()")?;
    ann.until("synced(\"Cup2\").is_owner()")?;
    ann.until_within(GONE_TIME_MAX, "journal.all(\"player_left\") == [[2]]")?;
    assert_only_the_avatar_is_gone(&mut ann)?;

    let mut again = play.join("ben-again", "things")?;
    assert_eq!(
        again.get::<u32>("me")?,
        3,
        "whoever comes anew is a new player"
    );
    settle_in(&mut again, &mut ann)?;
    let mut both = [ann, again];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn a_player_whose_process_stops_for_a_while_comes_back_as_the_same() -> Outcome {
    let play = Play::begin("resumed")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    settle_in(&mut ben, &mut ann)?;
    ben.freeze()?;
    ann.run("thing(\"Board\").label = \"while you were away\"")?;
    // Longer than a connection may be silent, and shorter than the server keeps the place.
    ann.run("await seconds(5.0)")?;
    ben.unfreeze()?;
    ben.until("journal.count(\"session_resumed\") == 1")?;
    ben.until("thing(\"Board\").label == \"while you were away\"")?;
    assert!(
        ben.get::<bool>("me == 2 and synced(\"Cup1\").is_owner()")?,
        "ben came back as somebody else"
    );
    assert_eq!(ann.get::<u32>("journal.count(\"player_left\")")?, 0);
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

/// A player grabs a cup, paints it and brings an avatar; another sees it.
fn settle_in(player: &mut Player, other: &mut Player) -> Outcome {
    player.run("synced(\"Cup1\").request_ownership()")?;
    player.until("synced(\"Cup1\").is_owner()")?;
    player.run("thing(\"Cup1\").color = Color.RED")?;
    player.run("spawner().spawn(\"res://things/avatar.tscn\", {label = \"avatar\"})")?;
    other.until("thing(\"Cup1\").color == Color.RED and avatars() == 1")
}

fn assert_only_the_avatar_is_gone(player: &mut Player) -> Outcome {
    player.until("avatars() == 0 and synced(\"Cup1\").get_owner_id() == 0")?;
    assert!(
        player.get::<bool>("thing(\"Cup1\").color == Color.RED")?,
        "what the player did is gone"
    );
    Ok(())
}
