//! Who leads.

use synced_consensus::Role;
use synced_protocol::time::Micros;

use crate::{
    cluster::{Cluster, GROUP, server},
    server::Told,
};

#[test]
fn the_first_in_line_leads_and_all_others_know_it() {
    let mut cluster = Cluster::new(5, 1);
    assert_eq!(cluster.elect(), server(1));
    cluster.run_ms(5);
    let Some(Told::Leading(term)) = cluster.told(server(1), GROUP) else {
        panic!()
    };
    for other in 2..=5 {
        let follows = Told::Following(term, Some(server(1)));
        assert_eq!(cluster.told(server(other), GROUP), Some(follows));
        assert_eq!(cluster.status(server(other)).role, Role::Follower);
    }
}

#[test]
fn a_server_that_is_alone_leads_and_commits_by_itself() {
    let mut cluster = Cluster::new(1, 1);
    assert_eq!(cluster.elect(), server(1));
    let index = cluster.commit("alone");
    assert_eq!(cluster.state(server(1)).entries[&index.0], "alone");
    assert!(
        cluster.servers[&server(1)]
            .consensus()
            .holds_lease(GROUP, cluster.now + Micros(1_000))
    );
}

#[test]
fn a_killed_leader_is_followed_by_the_next_in_line_and_comes_back_as_a_follower() {
    let mut cluster = Cluster::new(5, 2);
    cluster.elect();
    let index = cluster.commit("before");
    cluster.kill(server(1));
    assert_eq!(cluster.elect(), server(2));
    cluster.commit("after");
    cluster.start(server(1));
    cluster.converge(Micros::from_millis(100));
    assert_eq!(cluster.leader(), Some(server(2)));
    assert_eq!(cluster.state(server(1)).entries[&index.0], "before");
    assert_eq!(cluster.status(server(2)).counters.leaderships_lost, 0);
}

#[test]
fn two_of_five_elect_nobody() {
    let mut cluster = Cluster::new(5, 3);
    cluster.elect();
    for id in 1..=3 {
        cluster.kill(server(id));
    }
    let term = cluster.status(server(4)).term;
    cluster.run_ms(500);
    assert_eq!(cluster.leader(), None);
    assert_eq!(
        cluster.status(server(4)).term,
        term,
        "pre-votes raise no term"
    );
}
