//! Who leads.

use synced_consensus::{ELECTION_TICKS, Role, STAGGER_TICKS};
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

#[test]
fn after_a_stall_at_most_two_ticks_are_made_up_for() {
    let mut cluster = Cluster::new(3, 4);
    let leader = cluster.elect();
    cluster.run_ms(10);
    cluster.servers.get_mut(&leader).unwrap().stalled_until = cluster.now + Micros(3_500);
    cluster.run(Micros(3_490));
    cluster.sent.clear();
    cluster.run(Micros(20));
    // Two heartbeats to each of two followers, of the same moment, so that they travel as one, or as two at most.
    assert!(
        (2..=4).contains(&cluster.sent["datagrams"]),
        "{:?}",
        cluster.sent
    );
    cluster.run_ms(50);
    assert_eq!(cluster.leader(), Some(leader));
    assert_eq!(cluster.status(leader).counters.leaderships_lost, 0);
}

#[test]
fn a_server_of_another_rank_stands_each_time_later_by_the_stagger() {
    for dead in 1..=2_u16 {
        let mut cluster = Cluster::new(5, 5);
        let leader = cluster.elect();
        cluster.run_ms(10);
        cluster.kill(leader);
        for id in 2..2 + dead - 1 {
            cluster.kill(server(id));
        }
        let took = cluster.run_until(Micros::from_millis(50), |c| c.leader().is_some());
        let waits = u64::from(ELECTION_TICKS + STAGGER_TICKS * u32::from(dead - 1)) * 1_000;
        assert!(
            (waits - 1_000..waits + 2_000).contains(&took.0),
            "{dead} dead: {took:?}"
        );
        assert_eq!(cluster.leader(), Some(server(dead + 1)));
    }
}
