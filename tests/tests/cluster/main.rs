//! Five real servers on this machine, and players who go on whatever becomes of them.
//!
//! What a player was told as confirmed must be there afterwards, and be seen by others once and in its place; [`Steady`] checks it.
//! No test asserts how long something takes. The files of the last run of each are in `target/runs`.

#![expect(clippy::unwrap_used, reason = "so a test fails")]

mod disk;
mod failover;
mod linearizable;
mod membership;
mod operator;
mod partition;
mod recover;
mod refusals;
mod restarts;

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use synced_tests::{
    Outcome,
    cluster::{ClusterOptions, SyncedCluster},
    folder,
    steady::Steady,
};

const GAME: (&str, &str) = ("Cluster tests", "1");
/// How often players write.
const WRITE_INTERVAL: Duration = Duration::from_millis(5);
/// How long a command or a line in a log may take on a busy machine.
const CLUSTER_COMMAND_TIME: Duration = Duration::from_secs(60);
/// How many writes count as going on.
const SOME: u64 = 200;

fn five(test: &str) -> Outcome<SyncedCluster> {
    SyncedCluster::start(&folder::fresh(&format!("cluster-{test}"))?, &options())
}

fn options() -> ClusterOptions {
    ClusterOptions::new(GAME.0, GAME.1)
}

/// Players who know all servers.
fn players(cluster: &SyncedCluster) -> Outcome<Steady> {
    Steady::begin([cluster.url(), cluster.url()], GAME, WRITE_INTERVAL)
}

/// A running server that does not lead.
fn follower(cluster: &mut SyncedCluster) -> Outcome<u16> {
    let leader = cluster.leader()?;
    let found = cluster
        .running()
        .into_iter()
        .find(|server| *server != leader);
    Ok(found.unwrap())
}

/// Waits until these servers, and no others, decide, and each has what the leader has committed.
fn all_caught_up(cluster: &mut SyncedCluster, servers: &[u16]) -> Outcome {
    let wanted: BTreeSet<_> = servers.iter().copied().collect();
    cluster.until("all have caught up", |status| {
        let leader = SyncedCluster::leader_of(status)?;
        let leading = SyncedCluster::answer(status, leader);
        let committed = leading["committed"].as_u64()?;
        let has_all = |server: &u16| {
            SyncedCluster::answer(status, *server)["applied"].as_u64() >= Some(committed)
        };
        (voters(leading) == wanted && servers.iter().all(has_all)).then_some(())
    })
}

/// The servers that decide, by one server's word; none while that is changing.
fn voters(standing: &Value) -> BTreeSet<u16> {
    let voters = standing["voters"]
        .as_array()
        .filter(|_| standing["changing"] == false);
    let numbers = voters.into_iter().flatten().filter_map(Value::as_u64);
    numbers
        .map(|number| u16::try_from(number).unwrap())
        .collect()
}

/// Stops all servers, and sees that each had the same world at its end.
fn assert_same_worlds(mut cluster: SyncedCluster) -> Outcome {
    let running = cluster.running();
    all_caught_up_running(&mut cluster)?;
    let folders: Vec<_> = running
        .iter()
        .map(|server| cluster.folder(*server))
        .collect();
    cluster.end()?;
    let digests = folders.iter().map(|folder| {
        let stats = std::fs::read(folder.join("stats.json")).unwrap();
        let stats: Value = serde_json::from_slice(&stats).unwrap();
        (
            stats["node"]["log_index"].to_string(),
            stats["node"]["digest"].to_string(),
        )
    });
    let digests: BTreeSet<_> = digests.collect();
    assert_eq!(
        digests.len(),
        1,
        "the servers have different worlds: {digests:?}"
    );
    Ok(())
}

fn all_caught_up_running(cluster: &mut SyncedCluster) -> Outcome {
    let running = cluster.running();
    cluster.until("all that run have caught up", |status| {
        let leader = SyncedCluster::leader_of(status)?;
        let committed = SyncedCluster::answer(status, leader)["committed"].as_u64()?;
        let applied = |server: &u16| SyncedCluster::answer(status, *server)["applied"].as_u64();
        running
            .iter()
            .all(|server| applied(server) >= Some(committed))
            .then_some(())
    })
}
