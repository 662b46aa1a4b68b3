//! Getting into a session, or not.

use std::net::{SocketAddr, UdpSocket};

use synced_tests::{
    Failure, Outcome, folder,
    godot::Godot,
    play::{Play, game, opened},
    server::SyncedServer,
};

#[test]
fn a_player_of_another_game_or_version_is_refused_with_both_named() -> Outcome {
    let play = Play::begin("refused")?;
    let mut ann = play.open("ann", "things")?;
    for (setting, ours, theirs) in [
        ("game_version", "version \"1\"", "version \"2\""),
        ("game_name", "\"SyncedNode end-to-end tests\"", "\"Chess\""),
    ] {
        let other = theirs.trim_start_matches("version ");
        ann.run(&format!(
            "SyncedSession.{setting} = {other}; SyncedSession.connect_to_server({:?})",
            play.server().url()
        ))?;
        ann.until("journal.count(\"session_failed\") == 1")?;
        let (reason,): (String,) = ann.get("journal.last(\"session_failed\")")?;
        assert!(reason.contains(ours) && reason.contains(theirs), "{reason}");
        assert!(ann.get::<bool>("SyncedSession.get_state() == SyncedSession.STATE_OFFLINE")?);
        ann.run(&format!(
            "SyncedSession.{setting} = \"\"; journal.all(\"session_failed\").clear()"
        ))?;
    }
    play.connect(&mut ann)?;
    play.end([ann])
}

#[test]
fn a_server_that_is_not_there_or_does_not_answer_fails_the_session_with_a_reason() -> Outcome {
    let silent = UdpSocket::bind("127.0.0.1:0").map_err(Failure::of("a silent port"))?;
    let silent_port = port_of(&silent)?;
    let closed_port =
        port_of(&UdpSocket::bind("127.0.0.1:0").map_err(Failure::of("a closed port"))?)?;
    let folder = folder::fresh("no-server")?;
    let mut ann = opened(&Godot::find()?, &folder, &["ann"], "things")?.remove(0);
    for port in [silent_port, closed_port] {
        ann.run(&format!(
            "SyncedSession.connect_to_server(\"synced://127.0.0.1:{port}\", {{timeout_msec = 500}})"
        ))?;
        ann.until("journal.count(\"session_failed\") == 1")?;
        let (reason,): (String,) = ann.get("journal.last(\"session_failed\")")?;
        assert!(!reason.is_empty());
        assert!(ann.get::<bool>("SyncedSession.get_state() == SyncedSession.STATE_OFFLINE")?);
        ann.run("journal.all(\"session_failed\").clear()")?;
    }
    ann.quit()
}

#[test]
fn a_retry_finds_a_server_that_starts_later() -> Outcome {
    let kept = UdpSocket::bind("127.0.0.1:0").map_err(Failure::of("a port"))?;
    let port = port_of(&kept)?;
    let folder = folder::fresh("retry")?;
    let mut ann = opened(&Godot::find()?, &folder, &["ann"], "things")?.remove(0);
    ann.run(&format!(
        "SyncedSession.connect_to_server(\"synced://127.0.0.1:{port}\", {{timeout_msec = 300, retry = true}}); await seconds(2.0)"
    ))?;
    assert!(
        ann.get::<bool>("SyncedSession.get_state() == SyncedSession.STATE_CONNECTING")?,
        "it gave up"
    );
    drop(kept);
    let server = SyncedServer::start(
        &folder,
        &game().at(SocketAddr::from(([127, 0, 0, 1], port))),
    )?;
    ann.until("SyncedSession.is_joined() and journal.count(\"session_joined\") == 1")?;
    assert_eq!(ann.get::<u32>("journal.count(\"session_failed\")")?, 0);
    ann.quit()?;
    server.stop()
}

#[test]
fn a_wrong_fingerprint_is_refused_and_the_right_one_named() -> Outcome {
    let play = Play::begin("fingerprint")?;
    let mut ann = play.open("ann", "things")?;
    let wrong = format!(
        "synced://{}#sha256={}",
        play.server().address(),
        "ab".repeat(32)
    );
    ann.run(&format!("SyncedSession.connect_to_server({wrong:?})"))?;
    ann.until("journal.count(\"session_failed\") == 1")?;
    let (reason,): (String,) = ann.get("journal.last(\"session_failed\")")?;
    let url = play.server().url();
    let right = url.split_once("sha256=").map_or("", |(_, digits)| digits);
    assert!(reason.contains(right), "{reason}");
    play.end([ann])
}

#[test]
fn a_player_who_left_can_join_again_and_finds_what_was_there() -> Outcome {
    let play = Play::begin("join-again")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("thing(\"Board\").label = \"hello\"; spawner().spawn(\"res://things/thing.tscn\", {label = \"new\"})")?;
    ben.until("thing(\"Board\").label == \"hello\" and labelled(\"new\").size() == 1")?;
    ben.run("SyncedSession.leave()")?;
    ben.until("journal.count(\"session_left\") == 1 and labelled(\"new\").is_empty()")?;
    ann.until("journal.all(\"player_left\") == [[2]]")?;
    ben.run("thing(\"Board\").label = \"alone\"")?;
    play.connect(&mut ben)?;
    ben.until("thing(\"Board\").label == \"hello\" and labelled(\"new\").size() == 1 and me == 3")?;
    let mut both = [ann, ben];
    synced_tests::play::agree(&mut both)?;
    play.end(both)
}

fn port_of(socket: &UdpSocket) -> Outcome<u16> {
    socket
        .local_addr()
        .map(|address| address.port())
        .map_err(Failure::of("the port of a socket"))
}
