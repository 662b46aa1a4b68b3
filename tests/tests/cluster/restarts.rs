//! Servers that stop and come back.

use synced_tests::{Outcome, cluster::SyncedCluster};

use crate::{SOME, all_caught_up, assert_same_worlds, five, follower, options, players};

const ALL: [u16; 5] = [1, 2, 3, 4, 5];

#[test]
fn a_server_that_was_killed_comes_back_as_itself_and_catches_up() -> Outcome {
    let mut cluster = five("restart")?;
    let steady = players(&cluster)?;
    let server = follower(&mut cluster)?;
    let before = incarnation(&cluster, server)?;
    steady.go_on(SOME)?;
    cluster.kill(server)?;
    steady.go_on(SOME)?;
    cluster.run(server)?;
    all_caught_up(&mut cluster, &ALL)?;
    assert_eq!(incarnation(&cluster, server)?, before);
    steady.end()?.check()?;
    assert_same_worlds(cluster)
}

#[test]
fn a_server_that_lost_its_disk_comes_back_as_a_new_replica_in_place_of_the_old_and_catches_up()
-> Outcome {
    let mut cluster = five("lost-disk")?;
    let steady = players(&cluster)?;
    let server = follower(&mut cluster)?;
    let before = incarnation(&cluster, server)?;
    steady.go_on(SOME)?;
    cluster.kill(server)?;
    cluster.lose_disk(server)?;
    steady.go_on(SOME)?;
    cluster.run(server)?;
    all_caught_up(&mut cluster, &ALL)?;
    assert!(incarnation(&cluster, server)? > before);
    assert!(cluster.process(server)?.output().contains("new replica"));
    steady.end()?.check()?;
    assert_same_worlds(cluster)
}

#[test]
fn a_rolling_restart_under_load_shows_players_no_error() -> Outcome {
    rolling_restart("rolling", options())
}

#[test]
fn a_rolling_restart_under_load_shows_players_no_error_when_commits_wait_for_disks() -> Outcome {
    rolling_restart("rolling-on-disk", options().on_disk())
}

fn rolling_restart(name: &str, options: synced_tests::cluster::ClusterOptions) -> Outcome {
    let folder = synced_tests::folder::fresh(&format!("cluster-{name}"))?;
    let mut cluster = SyncedCluster::start(&folder, &options)?;
    let steady = players(&cluster)?;
    steady.go_on(SOME)?;
    for server in ALL {
        cluster.stop(server)?;
        cluster.run(server)?;
        all_caught_up(&mut cluster, &ALL)?;
        steady.go_on(SOME)?;
    }
    let story = steady.end()?;
    story.check()?;
    let longest = story
        .gap_after(synced_protocol::time::Micros::ZERO)
        .unwrap();
    println!(
        "{} changes of the leader told; {} connections lost; at most {} ms without a confirmation",
        story.leader_changes,
        story.returns,
        longest.0 / 1_000
    );
    assert_same_worlds(cluster)
}

#[test]
fn a_cluster_of_which_every_server_was_killed_comes_back_with_everything_that_was_confirmed()
-> Outcome {
    let mut cluster = five("all-killed")?;
    let steady = players(&cluster)?;
    steady.go_on(SOME)?;
    for server in ALL {
        cluster.kill(server)?;
    }
    for server in ALL {
        cluster.run(server)?;
    }
    steady.go_on(SOME)?;
    steady.end()?.check()?;
    assert_same_worlds(cluster)
}

/// Which of its lives a server says that this is.
fn incarnation(cluster: &SyncedCluster, server: u16) -> Outcome<u64> {
    let status = cluster.status()?;
    let incarnation = SyncedCluster::answer(&status, server)["incarnation"].as_u64();
    Ok(incarnation.unwrap())
}
