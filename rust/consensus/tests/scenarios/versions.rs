//! Servers of two versions side by side.

use bytes::Bytes;
use synced_consensus::{PEER_VERSION, PeerVersions};
use synced_protocol::{error::DecodeError, time::Micros};

use crate::cluster::{Cluster, server};

const NEXT: PeerVersions = PeerVersions {
    min: PEER_VERSION,
    max: PEER_VERSION + 1,
};

#[test]
fn servers_are_upgraded_one_by_one_while_all_of_them_work_together() {
    let mut cluster = Cluster::new(5, 80);
    cluster.elect();
    for id in (1..=5).map(server) {
        cluster.commit("before");
        cluster.kill(id);
        cluster.servers.get_mut(&id).unwrap().config.versions = NEXT;
        cluster.run_ms(30);
        cluster.start(id);
        cluster.converge(Micros::from_millis(200));
        cluster.commit("after");
    }
    assert_eq!(
        cluster.servers[&server(1)].consensus().versions(server(5)),
        Some(NEXT)
    );
}

#[test]
fn a_server_that_is_two_versions_ahead_is_sent_nothing_and_the_others_go_on() {
    let mut cluster = Cluster::new(3, 81);
    let leader = cluster.elect();
    let far = PeerVersions {
        min: PEER_VERSION + 2,
        max: PEER_VERSION + 3,
    };
    let hello = [0, far.min, far.max, 0, 0, 0, 0, 0];
    let heard = cluster.act(leader, |c, now| {
        c.receive(now, server(3), Bytes::copy_from_slice(&hello))
    });
    assert_eq!(heard, Ok(()));
    assert_eq!(
        cluster.servers[&leader].consensus().versions(server(3)),
        Some(far)
    );
    cluster.run_ms(2);
    let before = cluster.status(server(3)).committed;
    cluster.commit("on");
    cluster.run_ms(2);
    assert_eq!(cluster.status(server(3)).committed, before);
}

#[test]
fn a_message_of_a_version_that_is_not_known_is_refused_and_counted() {
    let mut cluster = Cluster::new(3, 82);
    let leader = cluster.elect();
    let message = [PEER_VERSION + 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let heard = cluster.act(leader, |c, now| {
        c.receive(now, server(3), Bytes::copy_from_slice(&message))
    });
    assert!(matches!(heard, Err(DecodeError::BadTag { .. })));
    assert_eq!(cluster.status(leader).counters.messages_refused, 1);
}
