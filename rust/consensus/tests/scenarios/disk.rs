//! Disks that fail.

use synced_consensus::{Config, ProposeError, Role};
use synced_protocol::{store::Durability, time::Micros};

use crate::cluster::{Cluster, GROUP, server};

#[test]
fn a_leader_whose_disk_is_full_has_another_take_over_at_once_and_takes_no_part_any_more() {
    for durability in [Durability::Memory, Durability::Disk] {
        let mut cluster = Cluster::with(5, 70, &[GROUP], |config: &mut Config| {
            config.durability = durability
        });
        let leader = cluster.elect();
        cluster.run_ms(20);
        let index = cluster.commit("before");
        cluster.servers.get_mut(&leader).unwrap().disk_fails =
            Some("disk full: data/log".to_owned());
        let _ = cluster.propose(leader, GROUP, "x");
        let took = cluster.run_until(Micros::from_millis(50), |c| {
            c.leader().is_some_and(|id| id != leader)
        });
        let bound = if durability == Durability::Memory {
            1_500
        } else {
            8_000
        };
        assert!(took <= Micros(bound), "{took:?}");
        cluster.commit("after");
        cluster.run_ms(20);
        let status = cluster.status(leader);
        assert_eq!(
            (status.role, status.failure.as_deref()),
            (Role::Failed, Some("disk full: data/log"))
        );
        assert_eq!(status.counters.leaderships_lost, 0);
        assert_eq!(status.leader, cluster.leader(), "it still knows who leads");
        let refused = cluster.propose(leader, GROUP, "y");
        assert_eq!(
            refused,
            Err(ProposeError::NotLeading {
                leader: cluster.leader()
            })
        );
        assert_eq!(cluster.state(server(4)).entries[&index.0], "before");
    }
}

#[test]
fn a_follower_whose_disk_fails_neither_votes_nor_acknowledges_and_the_others_go_on() {
    let mut cluster = Cluster::new(3, 71);
    let leader = cluster.elect();
    cluster.servers.get_mut(&server(3)).unwrap().disk_fails = Some("input/output error".to_owned());
    cluster.commit("x");
    cluster.run_ms(10);
    assert_eq!(cluster.status(server(3)).role, Role::Failed);
    cluster.commit("on");
    let matched = cluster
        .status(leader)
        .peers
        .iter()
        .find(|p| p.replica.server() == server(3))
        .unwrap()
        .matched;
    assert!(matched < cluster.status(leader).committed);
    // With the leader gone there is one that can vote, and that is not enough.
    cluster.kill(leader);
    cluster.run_ms(300);
    assert_eq!(cluster.leader(), None);
}
