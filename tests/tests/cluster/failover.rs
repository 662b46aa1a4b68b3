//! Servers that are killed.

use std::{thread, time::Duration};

use synced_tests::{Outcome, cluster::SyncedCluster, headless::HeadlessPlayer, steady::Steady};
use synced_transport::clock;

use crate::{GAME, SOME, WRITE_INTERVAL, assert_same_worlds, five, follower, players};

#[test]
fn a_player_who_knows_a_follower_alone_is_led_to_the_leader_and_goes_on_when_two_leaders_are_killed()
-> Outcome {
    let mut cluster = five("two-kills")?;
    let follower = follower(&mut cluster)?;
    let known = cluster.url_of(follower)?;
    let steady = Steady::begin([&known, cluster.url()], GAME, WRITE_INTERVAL)?;
    steady.go_on(SOME)?;
    let mut killed = Vec::new();
    for _ in 0..2 {
        let leader = cluster.leader()?;
        killed.push((leader, clock::now()));
        cluster.kill(leader)?;
        steady.go_on(SOME)?;
        assert_ne!(cluster.leader()?, leader);
    }
    let story = steady.end()?;
    story.check()?;
    for (server, at) in killed {
        let gap = story.gap_at(at).unwrap();
        println!(
            "server {server} was killed: {} ms without a confirmation",
            gap.0 / 1_000
        );
    }
    assert_same_worlds(cluster)
}

#[test]
fn players_who_join_while_the_leader_dies_are_in_the_world_once() -> Outcome {
    const JOINING: u32 = 12;
    let mut cluster = five("joining")?;
    let leader = cluster.leader()?;
    let joining: Vec<_> = (0..JOINING)
        .map(|place| {
            let url = cluster.url().to_owned();
            let mut config = HeadlessPlayer::config(GAME.0, GAME.1, &format!("player {place}"));
            config.retry.first_connect = true;
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(2) * place);
                HeadlessPlayer::join(&url, config)
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(12));
    cluster.kill(leader)?;
    let joined = joining.into_iter().map(|thread| thread.join().unwrap());
    let players = joined.collect::<Outcome<Vec<_>>>()?;
    let counted = cluster.until("the leader counts its players", |status| {
        let leader = SyncedCluster::leader_of(status)?;
        let mut servers = status["servers"].as_array()?.iter();
        let leading = servers.find(|one| one["peer"]["server"] == leader)?;
        leading["answer"]["node"]["players"].as_u64()
    })?;
    assert_eq!(counted, u64::from(JOINING));
    drop(players);
    assert_same_worlds(cluster)
}

#[test]
fn with_three_of_five_gone_nothing_is_confirmed_until_one_is_back() -> Outcome {
    let mut cluster = five("three-kills")?;
    let steady = players(&cluster)?;
    steady.go_on(SOME)?;
    let gone: Vec<_> = cluster.running().into_iter().take(3).collect();
    for server in &gone {
        cluster.kill(*server)?;
    }
    cluster.until("nobody leads", |status| {
        status["leader"].is_null().then_some(())
    })?;
    let confirmed = steady.confirmed();
    thread::sleep(Duration::from_secs(1));
    assert_eq!(steady.confirmed(), confirmed, "confirmed without a quorum");
    let refused = cluster.command(&["status"])?.output().unwrap();
    assert_eq!(refused.status.code(), Some(8));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("more than half of the voters"), "{said}");

    cluster.run(gone[0])?;
    steady.go_on(SOME)?;
    steady.end()?.check()?;
    assert_same_worlds(cluster)
}

#[test]
fn a_leader_that_is_frozen_is_replaced_and_confirms_nothing_when_it_thaws() -> Outcome {
    let mut cluster = five("freeze")?;
    let steady = players(&cluster)?;
    steady.go_on(SOME)?;
    let leader = cluster.leader()?;
    cluster.process(leader)?.freeze()?;
    let since = cluster.until("another leads", |status| {
        let now = SyncedCluster::leader_of(status).filter(|now| *now != leader)?;
        SyncedCluster::answer(status, now)["term"].as_u64()
    })?;
    steady.go_on(SOME)?;
    cluster.process(leader)?.unfreeze()?;
    steady.go_on(SOME)?;
    steady.end()?.check()?;
    cluster.until("the one that was frozen takes part", |status| {
        SyncedCluster::takes_part(status, leader, since).then_some(())
    })?;
    assert_same_worlds(cluster)
}
