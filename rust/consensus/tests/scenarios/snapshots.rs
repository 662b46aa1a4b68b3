//! Logs that are cut short, and followers that need what was cut.

use synced_consensus::Config;
use synced_protocol::{id::LogIndex, time::Micros};

use crate::cluster::{Cluster, GROUP, server};

const KEPT: usize = 256 * 1024;

fn compacting(seed: u64) -> Cluster {
    Cluster::with(5, seed, &[GROUP], |config: &mut Config| {
        config.log_bytes_kept_max = KEPT
    })
}

fn load(cluster: &mut Cluster, entries: u32) {
    for _ in 0..entries {
        if let Some(leader) = cluster.leader() {
            let _ = cluster.propose(leader, GROUP, vec![1; 8_000]);
        }
        cluster.run(Micros(500));
    }
}

#[test]
fn logs_stay_below_their_bound_on_every_replica_and_on_disk() {
    let mut cluster = compacting(60);
    cluster.elect();
    load(&mut cluster, 500);
    cluster.converge(Micros::from_millis(100));
    for id in cluster.alive() {
        let status = cluster.status(id);
        assert!(status.log_bytes <= 2 * KEPT, "{}", status.log_bytes);
        assert!(status.snapshot > LogIndex(400), "{}", status.snapshot);
        let on_disk = &cluster.servers[&id].groups[&GROUP].stored.entries;
        assert!(on_disk.len() * 8_000 <= 2 * KEPT);
    }
}

#[test]
fn a_follower_that_missed_more_than_the_log_holds_catches_up_by_a_snapshot_while_traffic_goes_on() {
    let mut cluster = compacting(61);
    let leader = cluster.elect();
    load(&mut cluster, 20);
    cluster.kill(server(5));
    load(&mut cluster, 300);
    cluster.start(server(5));
    let missing = cluster.status(leader).last.0 - cluster.status(server(5)).last.0;
    let before = cluster.status(leader).committed;
    while cluster.status(server(5)).committed < before {
        load(&mut cluster, 1);
    }
    let during = cluster.status(leader).committed.0 - before.0;
    assert!(missing > 250 && during > 5, "{missing} {during}");
    cluster.converge(Micros::from_millis(100));
    assert_eq!(cluster.status(server(5)).counters.snapshots_received, 1);
    assert_eq!(cluster.status(leader).counters.snapshots_sent, 1);
    assert_eq!(cluster.state(server(5)), cluster.state(leader));
}

#[test]
fn a_follower_that_missed_less_needs_no_snapshot_even_if_one_was_taken_meanwhile() {
    let mut cluster = compacting(62);
    let leader = cluster.elect();
    load(&mut cluster, 20);
    let taken = cluster.status(leader).snapshot;
    while cluster.status(leader).snapshot == taken {
        cluster.kill(server(5));
        load(&mut cluster, 10);
        cluster.start(server(5));
    }
    cluster.converge(Micros::from_millis(100));
    assert_eq!(cluster.status(server(5)).counters.snapshots_received, 0);
}

#[test]
fn a_snapshot_goes_on_where_it_was_when_the_connection_breaks() {
    let mut cluster = compacting(63);
    let leader = cluster.elect();
    cluster.kill(server(5));
    load(&mut cluster, 400);
    cluster.start(server(5));
    // No further load: it stays the same snapshot.
    cluster.run(Micros(3_000));
    assert!(
        cluster
            .status(leader)
            .peers
            .iter()
            .any(|peer| peer.in_snapshot)
    );
    cluster.sent.clear();
    for (one, other) in [(leader, server(5)), (server(5), leader)] {
        cluster.act(one, |c, now| c.peer_down(now, other));
        cluster.act(one, |c, now| c.peer_up(now, other));
    }
    cluster.converge(Micros::from_millis(200));
    assert_eq!(cluster.state(server(5)), cluster.state(leader));
    let parts = cluster.state(leader).parts().len() as u64;
    assert!(
        parts > 40 && cluster.sent["bulk"] < parts,
        "{:?} of {parts}",
        cluster.sent
    );
}

#[test]
fn a_snapshot_arrives_though_parts_of_it_are_lost() {
    let mut cluster = compacting(64);
    let leader = cluster.elect();
    cluster.kill(server(5));
    load(&mut cluster, 200);
    cluster.start(server(5));
    cluster.faults.frames_too = true;
    cluster.faults.lost_permille = 50;
    cluster.run_until(Micros::from_secs(10), |c| {
        c.status(server(5)).counters.snapshots_received > 0
    });
    cluster.faults.lost_permille = 0;
    cluster.converge(Micros::from_secs(1));
    assert_eq!(
        cluster.state(server(5)),
        cluster.state(cluster.leader().unwrap_or(leader))
    );
}

#[test]
fn a_leader_that_dies_while_it_sends_a_snapshot_is_replaced_by_one_that_sends_its_own() {
    let mut cluster = compacting(65);
    let leader = cluster.elect();
    cluster.kill(server(5));
    load(&mut cluster, 300);
    cluster.start(server(5));
    cluster.run(Micros(1_500));
    cluster.kill(leader);
    cluster.run_until(Micros::from_millis(50), |c| {
        c.leader().is_some_and(|id| id != leader)
    });
    cluster.converge(Micros::from_millis(500));
    assert_eq!(
        cluster.state(server(5)),
        cluster.state(cluster.leader().unwrap())
    );
}

#[test]
fn a_state_that_is_too_large_is_not_taken_and_that_is_counted() {
    let mut cluster = Cluster::new(1, 66);
    let leader = cluster.elect();
    let asked = |cluster: &Cluster| cluster.status(leader).counters.snapshots_refused;
    cluster.servers.get_mut(&leader).unwrap().oversized = true;
    load(&mut cluster, 1_200);
    assert!(asked(&cluster) > 0);
    assert_eq!(cluster.status(leader).snapshot, LogIndex(1));
}

#[test]
fn of_a_snapshot_at_most_eight_parts_are_on_their_way_at_once() {
    let mut cluster = compacting(67);
    let leader = cluster.elect();
    cluster.kill(server(5));
    load(&mut cluster, 400);
    cluster.start(server(5));
    cluster.run_until(Micros::from_millis(50), |c| {
        c.status(leader).peers.iter().any(|peer| peer.in_snapshot)
    });
    cluster.faults.delay = (Micros(2_000), Micros(2_000));
    cluster.run(Micros(2_500));
    cluster.bulk_bytes = 0;
    // Less than a round trip: whatever is sent in it was not answered yet.
    cluster.run(Micros(3_900));
    assert!(
        cluster.bulk_bytes > 0 && cluster.bulk_bytes <= 9 * 65 * 1024,
        "{}",
        cluster.bulk_bytes
    );
    cluster.faults.delay = (Micros(100), Micros(300));
    cluster.converge(Micros::from_secs(1));
}
