//! Entries, from the leader to everybody.

use bytes::Bytes;
use synced_consensus::{ENTRIES_IN_FLIGHT_BYTES_MAX, ProposeError};
use synced_protocol::{
    id::{GroupId, LogIndex},
    limits::MAX_FRAME_BYTES,
    time::Micros,
};

use crate::cluster::{Cluster, GROUP, server};

#[test]
fn an_entry_is_committed_after_one_round_trip_and_everybody_has_it_a_heartbeat_later() {
    let mut cluster = Cluster::new(5, 10);
    let leader = cluster.elect();
    cluster.run_ms(10);
    let began = cluster.now;
    let index = cluster.commit("x");
    assert!(cluster.now.since(began) <= Micros(600));
    cluster.run(Micros(1_300));
    for id in cluster.alive() {
        assert_eq!(cluster.state(id).entries[&index.0], "x");
    }
    assert_eq!(cluster.leader(), Some(leader));
}

#[test]
fn the_place_that_a_proposal_is_given_is_the_place_where_it_is_committed() {
    let mut cluster = Cluster::new(5, 11);
    let leader = cluster.elect();
    let mut proposed = Vec::new();
    for number in 0_u32..500 {
        let data = Bytes::copy_from_slice(&number.to_le_bytes());
        let index = cluster.propose(leader, GROUP, data.clone()).unwrap();
        proposed.push((index, data));
        let span = Micros(cluster.chance.between(0, 200));
        cluster.run(span);
    }
    cluster.converge(Micros::from_millis(100));
    for id in cluster.alive() {
        let entries = &cluster.state(id).entries;
        assert_eq!(entries.len(), proposed.len());
        assert!(
            proposed
                .iter()
                .all(|(index, data)| entries[&index.0] == *data)
        );
    }
}

#[test]
fn what_is_proposed_while_a_round_is_on_its_way_travels_together() {
    let mut cluster = Cluster::new(3, 12);
    let leader = cluster.elect();
    cluster.run_ms(10);
    cluster.faults.delay = (Micros(3_000), Micros(3_000));
    cluster.sent.clear();
    for _ in 0..100 {
        cluster.propose(leader, GROUP, "x").unwrap();
    }
    cluster.run(Micros(6_500));
    // The first alone, and its answer; then the other 99 in one.
    assert!(cluster.sent["frames"] <= 6, "{:?}", cluster.sent);
    cluster.converge(Micros::from_millis(200));
    assert_eq!(cluster.state(leader).entries.len(), 100);
}

#[test]
fn entries_as_large_as_any_are_replicated_and_larger_ones_refused() {
    let mut cluster = Cluster::new(3, 13);
    let leader = cluster.elect();
    for _ in 0..10 {
        cluster
            .propose(leader, GROUP, vec![1; MAX_FRAME_BYTES])
            .unwrap();
    }
    let larger = cluster.propose(leader, GROUP, vec![1; MAX_FRAME_BYTES + 1]);
    assert_eq!(larger, Err(ProposeError::Size));
    assert_eq!(
        cluster.propose(leader, GROUP, Bytes::new()),
        Err(ProposeError::Size)
    );
    cluster.converge(Micros::from_millis(100));
    assert_eq!(cluster.state(server(3)).entries.len(), 10);
}

#[test]
fn what_is_in_flight_is_bounded_and_flows_on_once_it_is_committed() {
    let mut cluster = Cluster::new(3, 14);
    let leader = cluster.elect();
    cluster.faults.isolate(leader, [server(2), server(3)]);
    let entry = vec![1; MAX_FRAME_BYTES];
    let fits = ENTRIES_IN_FLIGHT_BYTES_MAX / MAX_FRAME_BYTES;
    for _ in 0..fits {
        cluster.propose(leader, GROUP, entry.clone()).unwrap();
    }
    assert_eq!(
        cluster.propose(leader, GROUP, entry.clone()),
        Err(ProposeError::InFlight)
    );
    cluster.faults.cut.clear();
    cluster.converge(Micros::from_millis(500));
    let leader = cluster.leader().unwrap();
    assert!(cluster.propose(leader, GROUP, entry).is_ok());
}

#[test]
fn nobody_but_the_leader_can_propose_and_the_others_name_it() {
    let mut cluster = Cluster::new(3, 15);
    let leader = cluster.elect();
    cluster.run_ms(5);
    let refused = cluster.propose(server(2), GROUP, "x");
    assert_eq!(
        refused,
        Err(ProposeError::NotLeading {
            leader: Some(leader)
        })
    );
    let unknown = cluster.propose(leader, GroupId(9), "x");
    assert_eq!(unknown, Err(ProposeError::NotLeading { leader: None }));
}

#[test]
fn what_a_deposed_leader_had_appended_gives_way_to_what_its_successor_commits() {
    let mut cluster = Cluster::new(5, 16);
    let old = cluster.elect();
    cluster.commit("common");
    cluster.faults.isolate(old, (2..=5).map(server));
    for _ in 0..20 {
        cluster.propose(old, GROUP, "lost").unwrap();
    }
    cluster.run_until(Micros::from_millis(50), |c| {
        c.leader().is_some_and(|id| id != old)
    });
    let index = cluster.commit("kept");
    assert!(index <= LogIndex(10), "in the same place as one of those");
    cluster.faults.cut.clear();
    cluster.converge(Micros::from_millis(100));
    assert_eq!(cluster.state(old).entries[&index.0], "kept");
    assert!(
        !cluster
            .state(old)
            .entries
            .values()
            .any(|data| data == "lost")
    );
}

#[test]
fn replication_goes_on_over_lost_doubled_and_disordered_frames() {
    let mut cluster = Cluster::new(5, 17);
    cluster.elect();
    cluster.faults.frames_too = true;
    cluster.faults.lost_permille = 100;
    cluster.faults.doubled_permille = 100;
    cluster.faults.delay = (Micros(50), Micros(2_000));
    let mut committed = Vec::new();
    for number in 0..200_u32 {
        cluster.run_until(Micros::from_secs(1), |cluster| cluster.leader().is_some());
        let leader = cluster.leader().unwrap();
        if let Ok(index) = cluster.propose(leader, GROUP, number.to_le_bytes().to_vec()) {
            committed.push(index);
        }
        cluster.run_ms(3);
    }
    cluster.faults.lost_permille = 0;
    cluster.converge(Micros::from_secs(1));
    assert!(committed.len() > 150);
}

#[test]
fn heartbeats_of_many_groups_to_one_server_share_a_datagram() {
    let groups: Vec<GroupId> = (0..30).map(GroupId).collect();
    let mut cluster = Cluster::with(3, 18, &groups, |_| {});
    cluster.run_until(Micros::from_secs(1), |c| {
        groups.iter().all(|group| c.leader_of(*group).is_some())
    });
    cluster.run_ms(50);
    assert!(
        groups
            .iter()
            .all(|group| cluster.leader_of(*group) == Some(server(1)))
    );
    cluster.sent.clear();
    cluster.run_ms(100);
    // To each of two followers, and back, once a tick.
    let datagrams = cluster.sent["datagrams"];
    assert!(
        (380..=420).contains(&datagrams),
        "{datagrams} datagrams in 100 ticks"
    );
    assert_eq!(
        cluster.sent.get("frames"),
        None,
        "idle groups send nothing else"
    );
}
