//! Followers that are late, or hear little, and none of which deposes its leader for that.

use synced_protocol::{id::ServerId, time::Micros};

use crate::cluster::{Cluster, GROUP, server};

fn elections_started(cluster: &Cluster) -> u64 {
    let of = |id: &ServerId| cluster.status(*id).counters.elections_started;
    cluster.alive().iter().map(of).sum()
}

/// A leader that has led for a moment.
fn led(seed: u64) -> (Cluster, ServerId) {
    let mut cluster = Cluster::new(5, seed);
    let leader = cluster.elect();
    cluster.run_ms(10);
    (cluster, leader)
}

#[test]
fn who_hears_no_heartbeats_but_appends_does_not_stand() {
    let (mut cluster, leader) = led(60);
    cluster.faults.lost_permille = 1_000;
    let before = elections_started(&cluster);
    for _ in 0..300 {
        cluster.propose(leader, GROUP, "word").unwrap();
        cluster.run_ms(1);
    }
    assert_eq!(cluster.leader(), Some(leader));
    assert_eq!(elections_started(&cluster), before);
    cluster.run_ms(20);
    assert!(elections_started(&cluster) > before, "now it hears nothing");
}

#[test]
fn however_much_is_proposed_each_follower_is_sent_a_heartbeat_in_each_tick() {
    let (mut cluster, leader) = led(61);
    let delay_max = cluster.faults.delay.1;
    for _ in 0..30 {
        for _ in 0..10 {
            let _ = cluster.propose(leader, GROUP, vec![1; 60_000]);
            cluster.run(Micros(100));
        }
        for peer in cluster.status(leader).peers {
            let silence = peer.silence.unwrap();
            assert!(silence <= Micros(1_000) + delay_max + delay_max, "{peer:?}");
        }
    }
    assert!(cluster.state(leader).entries.len() > 150);
    assert_eq!(elections_started(&cluster), 1);
}

#[test]
fn who_stalls_alone_and_reads_what_waited_before_it_counts_its_ticks_does_not_stand() {
    for stall_ms in [3, 10, 100, 1_000] {
        let (mut cluster, leader) = led(62);
        let term = cluster.status(leader).term;
        let before = elections_started(&cluster);
        for id in [2, 5].map(server) {
            let until = cluster.now + Micros::from_millis(stall_ms);
            cluster.servers.get_mut(&id).unwrap().stalled_until = until;
            cluster.run_ms(stall_ms + 20);
        }
        assert_eq!(cluster.leader(), Some(leader));
        assert_eq!(cluster.status(leader).term, term);
        assert_eq!(elections_started(&cluster), before, "{stall_ms} ms");
    }
}

#[test]
fn who_stood_in_vain_follows_again_in_the_same_term() {
    for deaf in 2..=5 {
        let (mut cluster, leader) = led(63);
        let term = cluster.status(leader).term;
        cluster.faults.cut.insert((leader, server(deaf)));
        cluster.run_ms(60);
        let tried = cluster.status(server(deaf)).counters.elections_started;
        assert!(tried > 2, "{tried}");
        cluster.faults.cut.clear();
        cluster.converge(Micros::from_millis(20));
        for id in cluster.alive() {
            let status = cluster.status(id);
            assert_eq!((status.leader, status.term), (Some(leader), term));
        }
        let after = elections_started(&cluster);
        cluster.run_ms(100);
        assert_eq!(elections_started(&cluster), after);
        assert_eq!(cluster.status(leader).counters.leaderships_lost, 0);
    }
}

#[test]
fn a_leader_that_stalls_often_is_waited_for_and_is_replaced_soon_once_it_stalls_no_more() {
    let (mut cluster, leader) = led(64);
    let stall = |cluster: &mut Cluster, stall_ms| {
        let before = elections_started(cluster);
        let until = cluster.now + Micros::from_millis(stall_ms);
        cluster.servers.get_mut(&leader).unwrap().stalled_until = until;
        cluster.run_ms(stall_ms + 2);
        elections_started(cluster) - before
    };
    for stall_ms in [3, 4, 5, 7] {
        for _ in 0..4 {
            assert_eq!(stall(&mut cluster, stall_ms), 0, "{stall_ms} ms");
        }
    }
    cluster.run_ms(2_100);
    assert!(stall(&mut cluster, 7) > 0, "that is forgotten");
}
