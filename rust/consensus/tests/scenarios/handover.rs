//! Leadership that is given to another.

use synced_consensus::{ChangeError, ProposeError};
use synced_protocol::{id::ServerId, time::Micros};

use crate::cluster::{Cluster, GROUP, server};

fn holds_lease(cluster: &Cluster, id: ServerId) -> bool {
    let server = &cluster.servers[&id];
    server
        .consensus()
        .holds_lease(GROUP, server.clock.local(cluster.now))
}

#[test]
fn a_successor_leads_after_two_round_trips_and_the_lease_is_gone_at_once() {
    let mut cluster = Cluster::new(5, 40);
    let leader = cluster.elect();
    cluster.run_ms(10);
    assert!(holds_lease(&cluster, leader));
    let to = cluster.act(leader, |c, _| c.transfer(GROUP, Some(server(4))));
    assert_eq!(to, Ok(server(4)));
    assert!(!holds_lease(&cluster, leader));
    assert_eq!(
        cluster.propose(leader, GROUP, "x"),
        Err(ProposeError::NotLeading { leader: None })
    );
    let took = cluster.run_until(Micros::from_millis(10), |c| c.leader() == Some(server(4)));
    assert!(took <= Micros(1_500), "{took:?}");
    assert_eq!(
        cluster.status(leader).counters.leaderships_lost,
        0,
        "it was asked to"
    );
}

#[test]
fn a_transfer_under_load_loses_nothing_that_was_given_a_place() {
    let mut cluster = Cluster::new(5, 41);
    cluster.elect();
    let mut placed = Vec::new();
    for number in 0_u32..1_000 {
        if let Some(leader) = cluster.leader() {
            if let Ok(index) = cluster.propose(leader, GROUP, number.to_le_bytes().to_vec()) {
                placed.push((index, number));
            }
            if number.is_multiple_of(100) {
                cluster.act(leader, |c, _| c.transfer(GROUP, None)).unwrap();
            }
        }
        cluster.run(Micros(100));
    }
    cluster.converge(Micros::from_millis(100));
    let entries = &cluster.state(server(5)).entries;
    assert!(placed.len() > 850, "{}", placed.len());
    for (index, number) in placed {
        assert_eq!(entries[&index.0], number.to_le_bytes().to_vec());
    }
}

#[test]
fn a_successor_that_lags_is_caught_up_first() {
    let mut cluster = Cluster::new(3, 42);
    let leader = cluster.elect();
    for _ in 0..50 {
        cluster.propose(leader, GROUP, vec![0; 10_000]).unwrap();
    }
    cluster
        .act(leader, |c, _| c.transfer(GROUP, Some(server(3))))
        .unwrap();
    cluster.run_until(Micros::from_millis(20), |c| c.leader() == Some(server(3)));
    cluster.converge(Micros::from_millis(20));
    assert_eq!(cluster.state(server(3)).entries.len(), 50);
}

#[test]
fn a_successor_that_is_out_of_reach_is_refused_and_nothing_changes() {
    let mut cluster = Cluster::new(3, 43);
    let leader = cluster.elect();
    cluster.kill(server(2));
    cluster.run_ms(200);
    let to = |cluster: &mut Cluster, id| cluster.act(leader, |c, _| c.transfer(GROUP, Some(id)));
    assert_eq!(
        to(&mut cluster, server(2)),
        Err(ChangeError::NoSuccessor(server(2)))
    );
    assert_eq!(
        to(&mut cluster, leader),
        Err(ChangeError::NoSuccessor(leader))
    );
    assert_eq!(
        to(&mut cluster, server(9)),
        Err(ChangeError::NoSuccessor(server(9)))
    );
    let at_follower = cluster.act(server(3), |c, _| c.transfer(GROUP, None));
    assert_eq!(
        at_follower,
        Err(ChangeError::NotLeading {
            leader: Some(leader)
        })
    );
    cluster.commit("on");
    cluster.kill(server(3));
    cluster.run_ms(10);
    let nobody = cluster.act(leader, |c, _| c.transfer(GROUP, None));
    assert_eq!(nobody, Err(ChangeError::NobodyToLead));
}

#[test]
fn a_request_to_take_over_that_comes_late_never_meets_a_lease() {
    for late_ms in [1, 3, 6, 10, 30] {
        let mut cluster = Cluster::new(5, 44);
        let leader = cluster.elect();
        cluster.run_ms(10);
        // The request is on its way for long; nothing else to the successor is.
        cluster.faults.delay = (Micros::from_millis(late_ms), Micros::from_millis(late_ms));
        cluster
            .act(leader, |c, _| c.transfer(GROUP, Some(server(3))))
            .unwrap();
        cluster.faults.delay = (Micros(100), Micros(300));
        // That there is never more than one lease is checked after every event.
        cluster.run_ms(100);
        cluster.converge(Micros::from_millis(100));
        cluster.commit("on");
    }
}

#[test]
fn a_successor_that_never_comes_costs_one_election() {
    let mut cluster = Cluster::new(5, 45);
    let leader = cluster.elect();
    cluster.run_ms(10);
    cluster.kill(server(3));
    cluster
        .act(leader, |c, _| c.transfer(GROUP, Some(server(3))))
        .unwrap();
    let term = cluster.status(leader).term;
    let took = cluster.run_until(Micros::from_millis(50), |c| {
        c.leader().is_some_and(|id| c.status(id).term > term)
    });
    assert!(took <= Micros::from_millis(15), "{took:?}");
    cluster.commit("on");
}

/// Whoever was asked to take over may come late, whatever its leader was told to do since.
#[test]
fn to_ask_for_a_handover_again_does_not_bring_back_a_lease_that_was_given_away() {
    for second in [3, 4].map(server) {
        let mut cluster = Cluster::new(5, 46);
        let leader = cluster.elect();
        cluster.run_ms(10);
        let to = |cluster: &mut Cluster, id| {
            let asked = cluster.act(leader, |c, _| c.transfer(GROUP, Some(id)));
            assert_eq!(asked, Ok(id));
        };
        cluster.faults.cut.insert((leader, server(4)));
        cluster.propose(leader, GROUP, "4 lacks it").unwrap();
        cluster.run_ms(1);
        // The request is on its way for long. Who lacks something is not even asked.
        let late = Micros::from_millis(20);
        cluster.faults.delay = (late, late);
        to(&mut cluster, server(3));
        cluster.faults.delay = (Micros(100), Micros(300));
        cluster.run_ms(1);
        to(&mut cluster, second);
        let term = cluster.status(leader).term;
        let end = cluster.now + Micros::from_millis(40);
        while cluster.now < end {
            let led = cluster.status(leader).term == term;
            assert!(!(led && holds_lease(&cluster, leader)), "{second}");
            cluster.run(Micros(100));
        }
        cluster.faults.cut.clear();
        cluster.converge(Micros::from_millis(100));
        cluster.commit("on");
    }
}
