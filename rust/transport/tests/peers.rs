//! How servers of a cluster find each other, and part.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod support;

use std::net::{SocketAddr, UdpSocket};

use support::{
    cluster::{Cluster, Server, meet},
    disk::MemoryDisk,
    loopback,
    relay::Relay,
};
use synced_protocol::{
    id::ServerId,
    peer::{PeerAddress, PeerEvent},
};
use synced_transport::{ClusterEndpoint, PeerConfig, ServerConfig, TransportError};

const ONE: ServerId = ServerId(1);
const TWO: ServerId = ServerId(2);

fn free_address() -> SocketAddr {
    UdpSocket::bind(loopback()).unwrap().local_addr().unwrap()
}

#[test]
fn each_server_is_told_which_other_it_is_that_speaks() {
    let cluster = Cluster::new();
    let servers = [3, 1, 5, 2, 4].map(|server| cluster.start(server));
    let addresses: Vec<_> = servers.iter().map(Server::address).collect();
    for server in &servers {
        server.knows(&addresses);
    }
    for server in &servers {
        let mut up: Vec<_> = (0..4).map(|_| server.up().0).collect();
        up.sort_unstable();
        let others: Vec<_> = (1..=5).filter(|&other| other != server.id.0).collect();
        assert_eq!(up, others);
    }
    for from in &servers {
        for to in servers.iter().filter(|to| to.id != from.id) {
            from.sends(to.id, from.id.to_string());
            let PeerEvent::Frame { server, bytes } = to.next_of_peers() else {
                panic!("no frame")
            };
            assert_eq!((server, bytes), (from.id, from.id.to_string().into()));
        }
    }
}

#[test]
fn a_server_that_nobody_has_added_is_not_let_in_until_somebody_does() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.start(1), cluster.start(2));
    one.knows(&[two.address()]);
    two.has_refused(2);
    assert!(one.heard_meanwhile().is_empty());
    two.knows(&[one.address()]);
    assert_eq!(one.up(), TWO);
    assert_eq!(two.up(), ONE);
}

#[test]
fn to_name_the_same_servers_again_changes_nothing() {
    let (one, two) = Cluster::new().pair();
    one.knows(&[one.address(), two.address()]);
    two.knows(&[two.address(), one.address()]);
    one.sends(TWO, "as before");
    assert_eq!(two.frame(), "as before");
    two.sends(ONE, "as before");
    assert_eq!(one.frame(), "as before");
}

#[test]
fn a_server_that_was_restarted_is_found_again() {
    let cluster = Cluster::new();
    let one = cluster.start(1);
    let mut config = cluster.peer_config(2);
    config.listen = free_address();
    for round in 0..3 {
        let two = Server::start(config.clone(), MemoryDisk::default());
        meet(&one, &two);
        one.sends(TWO, "welcome back");
        assert_eq!(two.frame(), "welcome back");
        if round < 2 {
            two.join();
            assert_eq!(one.down(), TWO);
        }
    }
}

#[test]
fn a_server_that_was_restarted_finds_the_others_again() {
    let cluster = Cluster::new();
    let two = cluster.start(2);
    let mut config = cluster.peer_config(1);
    config.listen = free_address();
    for _ in 0..3 {
        let one = Server::start(config.clone(), MemoryDisk::default());
        meet(&one, &two);
        two.sends(ONE, "welcome back");
        assert_eq!(one.frame(), "welcome back");
        one.join();
        assert_eq!(two.down(), ONE);
    }
}

#[test]
fn a_path_that_dies_without_a_word_is_noticed_at_both_ends_and_another_one_taken() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.start(1), cluster.start(2));
    let relay = Relay::to(two.peer_addr);
    two.knows(&[one.address()]);
    one.knows(&[two.address_at(relay.address)]);
    assert_eq!((one.up(), two.up()), (TWO, ONE));
    relay.cut();
    assert_eq!((one.down(), two.down()), (TWO, ONE));
    one.knows(&[two.address()]);
    assert_eq!((one.up(), two.up()), (TWO, ONE));
}

#[test]
fn servers_that_did_not_hear_each_other_for_long_find_each_other_again_and_again() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.start(1), cluster.start(2));
    let relay = Relay::to(two.peer_addr);
    two.knows(&[one.address()]);
    one.knows(&[two.address_at(relay.address)]);
    assert_eq!((one.up(), two.up()), (TWO, ONE));
    for _ in 0..3 {
        relay.block(true);
        assert_eq!((one.down(), two.down()), (TWO, ONE));
        relay.block(false);
        assert_eq!((one.up(), two.up()), (TWO, ONE));
        one.sends(TWO, "there you are");
        assert_eq!(two.frame(), "there you are");
    }
}

#[test]
fn a_server_that_was_killed_and_is_back_under_its_address_is_found_again() {
    let cluster = Cluster::new();
    let (one, config) = (cluster.start(1), cluster.peer_config(2));
    let [before, back] = [(); 2].map(|()| Server::start(config.clone(), MemoryDisk::default()));
    let relay = Relay::to(before.peer_addr);
    before.knows(&[one.address()]);
    one.knows(&[before.address_at(relay.address)]);
    assert_eq!(one.up(), TWO);
    back.knows(&[one.address()]);
    relay.lead_to(back.peer_addr);
    assert_eq!((one.down(), one.up(), back.up()), (TWO, TWO, ONE));
    back.sends(ONE, "as if nothing had been");
    assert_eq!(one.frame(), "as if nothing had been");
}

#[test]
fn a_silent_connection_stays_up() {
    let (one, two) = Cluster::new().pair();
    std::thread::sleep(3 * synced_transport::limits::PEER_IDLE_TIMEOUT);
    one.sends(TWO, "still here");
    assert_eq!(two.frame(), "still here");
}

#[test]
fn a_newer_connection_of_a_server_takes_the_place_of_the_one_before() {
    let cluster = Cluster::new();
    let (one, two) = cluster.pair();
    // As when the server was restarted elsewhere and the other has not noticed yet.
    let again = cluster.start(1);
    again.knows(&[two.address()]);
    assert_eq!(again.up(), TWO);
    assert_eq!(two.down(), ONE);
    assert_eq!(two.up(), ONE);
    assert_eq!(one.down(), TWO);
    one.join();
    let mut said = Vec::new();
    again.sends(TWO, "it is me");
    while said.last().is_none_or(|bytes| *bytes != "it is me") {
        match two.next_of_peers() {
            PeerEvent::Frame { bytes, .. } => said.push(bytes),
            // The one before may have come back for a moment.
            PeerEvent::Up { .. } => again.sends(TWO, "it is me"),
            PeerEvent::Down { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_address_that_is_none_keeps_nobody_from_the_others() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.start(1), cluster.start(2));
    two.knows(&[one.address()]);
    let nowhere = |server, address: &str| PeerAddress {
        server: ServerId(server),
        address: address.to_owned(),
    };
    one.knows(&[
        nowhere(3, "no port:x"),
        nowhere(4, "no-such-host.invalid:1"),
        two.address(),
    ]);
    assert_eq!(one.up(), TWO);
}

#[test]
fn a_name_is_looked_up_and_each_of_its_addresses_tried() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.start(1), cluster.start(2));
    two.knows(&[one.address()]);
    one.knows(&[PeerAddress {
        server: TWO,
        address: format!("localhost:{}", two.peer_addr.port()),
    }]);
    assert_eq!(one.up(), TWO);
}

#[test]
fn servers_whose_versions_overlap_talk_and_others_do_not() {
    for (ours, theirs, talk) in [
        (1..=1, 1..=2, true),
        (2..=3, 1..=2, true),
        (3..=4, 1..=2, false),
    ] {
        let cluster = Cluster::new();
        let speaking = |server, versions: &std::ops::RangeInclusive<u16>| {
            let mut config = cluster.peer_config(server);
            config.versions = versions.clone();
            Server::start(config, MemoryDisk::default())
        };
        let (one, two) = (speaking(1, &ours), speaking(2, &theirs));
        if talk {
            meet(&one, &two);
        } else {
            two.knows(&[one.address()]);
            one.knows(&[two.address()]);
            two.has_refused(2);
            assert!(one.heard_meanwhile().is_empty() && two.heard_meanwhile().is_empty());
        }
    }
}

#[test]
fn an_operators_credentials_make_no_server_and_a_port_in_use_is_named() {
    let cluster = Cluster::new();
    let bind = |config: PeerConfig| {
        let players = ServerConfig::new(loopback(), config.credentials.identity().clone());
        ClusterEndpoint::bind(players, config).unwrap_err()
    };
    let operator = bind(PeerConfig::new(loopback(), cluster.operator()));
    assert!(matches!(operator, TransportError::NotAServer));
    let server = cluster.start(1);
    let in_use = bind(PeerConfig::new(server.peer_addr, cluster.credentials(1)));
    assert!(in_use.to_string().contains("already in use"), "{in_use}");
}
