//! Live properties: streamed while they change, confirmed where they rest.

use synced_tests::{
    Outcome,
    play::{Play, agree},
    relay::{Network, Relay},
};

/// Of a thousand packets, each way.
const LOST_PERMILLE: u16 = 50;
/// What is on its way is rounded by less, in metres; what rests is not rounded.
const PRECISION_M: f64 = 1e-4;

type Point = (f64, f64, f64);

#[test]
fn what_moves_is_shown_between_what_was_sent_and_rests_where_its_owner_left_it() -> Outcome {
    let play = Play::begin("live")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("synced(\"Cup1\").request_ownership()")?;
    ann.until("synced(\"Cup1\").is_owner()")?;
    ben.run("Watcher.begin(player, thing(\"Cup1\"))")?;
    ann.run("thing(\"Cup1\").position = Vector3(0, 1, 0); Mover.begin(player, [thing(\"Cup1\")] as Array[Node3D], 3.0)")?;
    ann.until("act(\"Mover\").is_done and is_settled()")?;
    ann.run("await seconds(0.5)")?;
    let sent: Vec<Point> = ann.get("as_numbers(act(\"Mover\").positions)")?;
    let seen: Vec<Point> = ben.get("as_numbers(act(\"Watcher\").positions)")?;

    let rest = *sent.last().expect("it moved");
    assert_eq!(
        seen.last(),
        Some(&rest),
        "it does not rest where its owner left it"
    );
    assert!(
        seen.windows(2)
            .all(|pair| pair[0].0 <= pair[1].0 + PRECISION_M),
        "it went back: {seen:?}"
    );
    let moving: Vec<_> = seen
        .iter()
        .filter(|point| point.0 > 0.0 && **point != rest)
        .collect();
    assert!(
        moving
            .iter()
            .all(|point| point.0 <= rest.0 + PRECISION_M && point.2 == 0.0),
        "it was shown where it never was: {seen:?}"
    );
    let is_sent = |point: &Point| {
        let mut near = sent
            .iter()
            .map(|sent| (sent.0 - point.0).abs() <= PRECISION_M);
        near.any(|is_near| is_near)
    };
    let between = moving.iter().filter(|point| !is_sent(point)).count();
    assert!(
        moving.len() > 20 && between > moving.len() / 2,
        "{between} of {} are interpolated",
        moving.len()
    );

    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn what_is_moved_in_hope_of_its_ownership_goes_back_when_another_gets_it() -> Outcome {
    let play = Play::begin("live-denied")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("synced(\"Cup1\").request_ownership(); thing(\"Cup1\").position = Vector3(1, 2, 3)")?;
    ben.until("thing(\"Cup1\").position == Vector3(1, 2, 3)")?;
    ann.until("is_settled()")?;
    ben.run("synced(\"Cup1\").request_ownership(); thing(\"Cup1\").position = Vector3(9, 9, 9)")?;
    ben.until("journal.of(synced(\"Cup1\"), \"ownership_denied\") == [[1]]")?;
    ben.until("thing(\"Cup1\").position == Vector3(1, 2, 3)")?;
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn who_passes_a_moving_thing_on_leaves_it_where_the_next_owner_takes_it() -> Outcome {
    let play = Play::begin("live-passed")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("synced(\"Cup1\").request_ownership()")?;
    ann.until("synced(\"Cup1\").is_owner()")?;
    ann.run("Mover.begin(player, [thing(\"Cup1\")] as Array[Node3D], 2.0)")?;
    ben.until("thing(\"Cup1\").position.x > 0.5")?;
    ann.run("synced(\"Cup1\").give_ownership(2)")?;
    ben.until("synced(\"Cup1\").is_owner()")?;
    ann.until("act(\"Mover\").is_done")?;
    ben.run("thing(\"Cup1\").position.y = 5.0")?;
    ann.until("thing(\"Cup1\").position.y == 5.0")?;
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn where_packets_are_lost_streams_heal_and_nothing_confirmed_is_missing() -> Outcome {
    let play = Play::begin("lossy")?;
    let relay = Relay::start(play.server().address(), Network::losing(LOST_PERMILLE), 1)?;
    let mut ann = play.join("ann", "things")?;
    let mut ben = play.open("ben", "things")?;
    play.connect_by(relay.address(), &mut ben)?;
    for player in [&mut ann, &mut ben] {
        player.run("spawner().spawn(\"res://things/hand.tscn\", {label = \"hand\"})")?;
        player.run("Churn.begin(player, world, me, 4.0)")?;
    }
    for player in [&mut ann, &mut ben] {
        player.until("act(\"Churn\").is_done")?;
        player.until("SyncedSession.get_stats().client.counters.live_lost > 10")?;
        player.until("SyncedSession.get_stats().client.counters.live_healed > 0")?;
    }
    let mut both = [ann, ben];
    agree(&mut both)?;
    for player in &mut both {
        assert_eq!(
            player.get::<u32>("SyncedSession.get_stats().client.counters.divergences")?,
            0
        );
    }
    play.end(both)
}
