//! A session without a server: one game hosts it.

use synced_tests::{
    Outcome, folder,
    godot::Godot,
    play::{agree, opened},
    player::Player,
};

#[test]
fn one_game_hosts_and_another_joins_and_may_not_do_what_the_host_may() -> Outcome {
    let [mut ann, mut ben] = host_and_guest("hosting")?;
    assert!(
        ann.get::<bool>("SyncedSession.is_hosting()")?
            && !ben.get::<bool>("SyncedSession.is_hosting()")?
    );
    ann.run("thing(\"Rules\").label = \"no running\"")?;
    ben.until("thing(\"Rules\").label == \"no running\"")?;
    ben.run("thing(\"Rules\").label = \"run\"")?;
    ben.until("thing(\"Rules\").label == \"no running\"")?;
    ben.run("synced(\"Cup1\").request_ownership(); thing(\"Cup1\").position = Vector3(1, 2, 3)")?;
    ann.until(
        "synced(\"Cup1\").get_owner_id() == 2 and thing(\"Cup1\").position == Vector3(1, 2, 3)",
    )?;
    let mut both = [ann, ben];
    agree(&mut both)?;
    let [ann, ben] = both;
    ben.quit_expecting(&["is not synced: this player may not write the node"])?;
    ann.quit()
}

#[test]
fn where_the_port_is_taken_hosting_says_so_and_joining_works() -> Outcome {
    let folder = folder::fresh("port-taken")?;
    let mut players = opened(&Godot::find()?, &folder, &["ann", "ben"], "things")?;
    let port = host(&mut players[0])?;
    assert!(players[1].get::<bool>(&format!(
        "SyncedSession.host({{port = {port}}}) == ERR_ALREADY_IN_USE"
    ))?);
    players[1].run(&format!(
        "SyncedSession.connect_to_server(\"synced://127.0.0.1:{port}\")"
    ))?;
    players[1].until("SyncedSession.is_joined()")?;
    agree(&mut players)?;
    // The guest first: see below for the other order.
    players.into_iter().rev().try_for_each(Player::quit)
}

#[test]
fn when_the_host_leaves_the_guest_is_told_and_keeps_its_own_scene() -> Outcome {
    let [ann, mut ben] = host_and_guest("host-leaves")?;
    ann.quit()?;
    ben.until("journal.count(\"session_lost\") + journal.count(\"session_failed\") > 0")?;
    ben.run("SyncedSession.leave()")?;
    ben.until("SyncedSession.get_state() == SyncedSession.STATE_OFFLINE and has_thing(\"Cup1\")")?;
    ben.quit()
}

fn host_and_guest(name: &str) -> Outcome<[Player; 2]> {
    let folder = folder::fresh(name)?;
    let mut players = opened(&Godot::find()?, &folder, &["ann", "ben"], "things")?;
    host(&mut players[0])?;
    let invite: String = players[0].get("SyncedSession.get_invite_url()")?;
    players[1].run(&format!("SyncedSession.connect_to_server({invite:?})"))?;
    players[1].until("SyncedSession.is_joined()")?;
    players
        .try_into()
        .map_err(|_| synced_tests::Failure::new("not two players"))
}

/// Hosts at a free port, and gives it.
fn host(player: &mut Player) -> Outcome<u16> {
    player.run("SyncedSession.host({port = 0})")?;
    player.until("SyncedSession.is_joined()")?;
    player.get("SyncedSession.get_invite_url().get_slice(\"#\", 0).get_slice(\":\", 2).to_int()")
}
