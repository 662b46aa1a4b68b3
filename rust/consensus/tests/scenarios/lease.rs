//! The lease: whoever holds it is the only one. That nobody holds it beside another is checked after every event of every test; these
//! make it hard.

use synced_protocol::{id::ServerId, time::Micros};

use crate::{
    cluster::{Cluster, GROUP, server},
    server::Clock,
};

fn holds(cluster: &Cluster, id: ServerId) -> bool {
    let server = &cluster.servers[&id];
    server
        .consensus()
        .holds_lease(GROUP, server.clock.local(cluster.now))
}

#[test]
fn a_leader_holds_its_lease_all_the_time_while_it_is_heard() {
    let mut cluster = Cluster::new(5, 30);
    let leader = cluster.elect();
    cluster.run_ms(5);
    for _ in 0..2_000 {
        cluster.run(Micros(137));
        assert!(holds(&cluster, leader));
    }
    assert_eq!(cluster.status(leader).counters.leaderships_lost, 0);
}

#[test]
fn a_leader_that_no_quorum_hears_loses_its_lease_before_another_is_elected() {
    for seed in 0..100 {
        let mut cluster = Cluster::new(5, 3_000 + seed);
        let leader = cluster.elect();
        let span = Micros(cluster.chance.between(10_000, 12_000));
        cluster.run(span);
        cluster.faults.isolate(leader, (3..=5).map(server));
        cluster.run_until(Micros::from_millis(10), |c| !holds(c, leader));
        assert_eq!(cluster.leader(), Some(leader), "nobody else leads yet");
        cluster.run_until(Micros::from_millis(10), |c| c.leader() != Some(leader));
        cluster.run_ms(50);
    }
}

#[test]
fn one_way_partitions_and_clocks_that_differ_never_give_two_leases() {
    let mut seen = 0;
    for seed in 0..60 {
        let mut cluster = Cluster::new(5, 4_000 + seed);
        for id in 1..=5 {
            // As far apart as the lease allows for: one in a hundred.
            let drift_ppm =
                [-5_000, 0, 5_000][usize::try_from(cluster.chance.between(0, 2)).unwrap()];
            cluster.kill(server(id));
            cluster.set_clock(
                server(id),
                Clock {
                    ahead: Micros(u64::from(id) * 77_777),
                    drift_ppm,
                },
            );
            cluster.start(server(id));
        }
        for _ in 0..40 {
            let all: Vec<ServerId> = cluster.alive();
            let (one, other) = (cluster.chance.pick(&all), cluster.chance.pick(&all));
            match cluster.chance.between(0, 3) {
                0 => cluster.faults.cut.clear(),
                _ => drop(cluster.faults.cut.insert((one, other))),
            }
            let span = Micros(cluster.chance.between(500, 15_000));
            cluster.run(span);
        }
        seen += cluster.checks.leases_seen;
    }
    assert!(seen > 100_000, "leases are held most of the time: {seen}");
}

#[test]
fn a_leader_that_stalls_has_no_lease_when_it_wakes_though_it_has_heard_nothing_yet() {
    let mut cluster = Cluster::new(5, 31);
    let leader = cluster.elect();
    cluster.run_ms(10);
    let until = cluster.now + Micros::from_millis(40);
    cluster.servers.get_mut(&leader).unwrap().stalled_until = until;
    cluster.run_until(Micros::from_millis(20), |c| c.leader() != Some(leader));
    assert!(!holds(&cluster, leader));
    cluster.run_ms(60);
    cluster.converge(Micros::from_millis(100));
    assert_eq!(
        cluster.status(leader).counters.leaderships_lost,
        1,
        "it counts as spurious"
    );
}

/// As when servers are restarted one by one to wait longer, and the leader is the first of them.
#[test]
fn a_leader_that_would_wait_longer_than_its_followers_has_a_lease_as_short_as_their_promises() {
    for seed in 0..20 {
        let mut cluster = Cluster::with(5, 6_500 + seed, &[GROUP], |config| {
            if config.replica.server() == server(1) {
                (config.election_ticks, config.quorum_silence_ticks) = (40, 160);
            }
        });
        let first = cluster.elect();
        cluster.run_ms(10);
        cluster
            .act(first, |c, _| c.transfer(GROUP, Some(server(1))))
            .unwrap();
        cluster.run_until(Micros::from_millis(20), |c| c.leader() == Some(server(1)));
        cluster.run_ms(10);
        assert!(holds(&cluster, server(1)));
        cluster.faults.isolate(server(1), (2..=5).map(server));
        cluster.run_until(Micros::from_millis(20), |c| c.leader() != Some(server(1)));
        // That nobody else holds a lease is checked after every event.
        assert!(!holds(&cluster, server(1)));
        cluster.run_ms(100);
    }
}

#[test]
fn when_all_stall_at_once_the_leader_stays() {
    let mut stayed = 0;
    for seed in 0..50 {
        let mut cluster = Cluster::new(5, 5_000 + seed);
        let leader = cluster.elect();
        let term = cluster.status(leader).term;
        cluster.run_ms(10);
        // As when the machine under all of them stops: they wake at times that differ by a little.
        for id in cluster.alive() {
            let late = Micros(cluster.chance.between(0, 1_000));
            cluster.servers.get_mut(&id).unwrap().stalled_until =
                cluster.now + Micros::from_millis(100) + late;
        }
        cluster.run_ms(150);
        cluster.converge(Micros::from_millis(100));
        stayed += u32::from(cluster.status(leader).term == term);
    }
    assert_eq!(stayed, 50);
}

#[test]
fn one_that_alone_does_not_hear_the_leader_deposes_nobody() {
    let mut cluster = Cluster::new(5, 32);
    let leader = cluster.elect();
    cluster.run_ms(10);
    let term = cluster.status(leader).term;
    cluster.faults.cut.insert((leader, server(3)));
    cluster.run_ms(200);
    assert_eq!(
        (cluster.leader(), cluster.status(leader).term),
        (Some(leader), term)
    );
    assert!(
        cluster.status(server(3)).counters.elections_started > 10,
        "it tries"
    );
    assert!(
        cluster.status(server(2)).counters.votes_withheld > 10,
        "the others are loyal"
    );
    assert_eq!(cluster.status(leader).counters.leaderships_lost, 0);
    assert!(holds(&cluster, leader));
}

/// Two do not hear the leader and would elect another; the two that do hear it are restarted and have forgotten that they do.
#[test]
fn voters_that_were_restarted_keep_the_promises_that_they_have_forgotten() {
    for seed in 0..50 {
        let mut cluster = Cluster::new(5, 9_000 + seed);
        let leader = cluster.elect();
        assert_eq!(leader, server(1));
        cluster.run_ms(10);
        for id in [4, 5].map(server) {
            cluster.faults.isolate(leader, [id]);
        }
        let span = Micros(cluster.chance.between(20_000, 30_000));
        cluster.run(span);
        assert_eq!(cluster.leader(), Some(leader));
        for id in [2, 3].map(server) {
            cluster.kill(id);
            cluster.start(id);
            cluster.faults.isolate(leader, [id]);
        }
        // That there is one lease at most is checked all along.
        assert!(holds(&cluster, leader));
        cluster.run_until(Micros::from_millis(30), |c| c.leader() != Some(leader));
        cluster.run_ms(5);
        assert!(!holds(&cluster, leader));
    }
}
