//! One driver for players, peers and a disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod support;

use std::sync::Arc;

use support::{
    Puppeteer, client_config,
    cluster::{Cluster, Heard, Server, meet},
    disk::{Kept, MemoryDisk, Pace},
};
use synced_protocol::{
    id::{GroupId, ServerId},
    link::{CloseReason, Event, Output, Target},
    peer::{PeerEvent, PeerOutput},
    store::{Durability, StoreWrite, WriteId},
};
use synced_transport::{Fingerprint, Trust};

fn write(id: u64) -> StoreWrite {
    StoreWrite {
        id: WriteId(id),
        group: GroupId(0),
        durability: Durability::Memory,
        snapshot: None,
        entries: Vec::new(),
        hard_state: None,
    }
}

fn stored(server: &Server) -> u64 {
    match server.next_of_peers() {
        PeerEvent::Stored { write } => write.0,
        other => panic!("expected a write to be done, saw {other:?}"),
    }
}

fn with_disk(pace: Pace) -> (Server, Arc<std::sync::Mutex<Kept>>) {
    let disk = MemoryDisk::at(pace);
    let kept = disk.kept.clone();
    let config = Cluster::new().peer_config(1);
    (Server::start(config, disk), kept)
}

#[test]
fn writes_reach_the_disk_in_order_and_the_logic_hears_when_each_is_done() {
    for pace in [Pace::AtOnce, Pace::Later] {
        let (server, kept) = with_disk(pace);
        server.does_all((1..=100).map(|id| PeerOutput::Store(write(id))));
        let mut done: Vec<_> = (0..100).map(|_| stored(&server)).collect();
        // Each write of the slow disk is done by a thread of its own.
        done.sort_unstable();
        assert!(done.into_iter().eq(1..=100));
        let writes = kept.lock().unwrap().writes.clone();
        assert!(writes.iter().map(|write| write.id.0).eq(1..=100));
    }
}

#[test]
fn a_full_disk_is_told_once_and_nothing_is_written_after_it() {
    for pace in [Pace::Full, Pace::FullLater] {
        let (server, kept) = with_disk(pace);
        server.does(PeerOutput::Store(write(1)));
        let PeerEvent::StoreFailed { reason } = server.next_of_peers() else {
            panic!("the disk is full")
        };
        assert!(reason.contains("no space left"), "{reason}");
        let before = kept.lock().unwrap().writes.len();
        server.does_all((2..5).map(|id| PeerOutput::Store(write(id))));
        assert!(server.join().is_empty());
        assert_eq!(kept.lock().unwrap().writes.len(), before);
    }
}

#[test]
fn the_disk_ends_when_the_server_does() {
    let (server, kept) = with_disk(Pace::AtOnce);
    server.does(PeerOutput::Store(write(1)));
    stored(&server);
    assert!(!kept.lock().unwrap().ended);
    server.join();
    assert!(kept.lock().unwrap().ended);
}

#[test]
fn players_and_peers_are_served_by_one_logic() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.start(1), cluster.start(2));
    meet(&one, &two);
    let player = Puppeteer::client(client_config(one.players_addr));
    let at_player = player.connected();
    player.sends(at_player, "hello");
    let Heard::Player(Event::Connected { connection, .. }) = one.next() else {
        panic!("no player")
    };
    assert!(matches!(one.next(), Heard::Player(Event::Frame { .. })));
    two.sends(ServerId(1), "of a peer");
    assert_eq!(one.frame(), "of a peer");
    one.does_to_players(Output::Frame {
        connection,
        bytes: "to a player".into(),
    });
    assert_eq!(player.frame().1, "to a player");
    assert_eq!(one.handle.stats().counters().connections, 1);
    assert_eq!(one.stats.counters().connections, 1);
}

#[test]
fn one_fingerprint_in_an_address_of_several_hosts_stands_for_every_server_under_any_name() {
    let cluster = Cluster::new();
    let servers = [1, 2].map(|server| cluster.start(server));
    let [one, two] = [&servers[0].players_addr, &servers[1].players_addr];
    let mut config = client_config(*one);
    let address = format!("{one},{two}#sha256={}", cluster.authority.fingerprint());
    config.server = address.parse().unwrap();
    let player = Puppeteer::idle_client(config);
    // The certificates name neither the address nor the host.
    for to in [
        Target::Configured,
        Target::Configured,
        Target::At(one.to_string()),
        Target::At(format!("localhost:{}", two.port())),
    ] {
        let asked = player.connects_to(to);
        assert_eq!(player.connected(), asked);
    }
}

#[test]
fn a_server_of_another_cluster_is_untrusted() {
    let (mine, other) = (Cluster::new(), Cluster::new());
    let server = other.start(1);
    for trust in [mine.authority.fingerprint(), Fingerprint([7; 32])] {
        let mut config = client_config(server.players_addr);
        config.trust = Trust::Fingerprint(trust);
        let reason = Puppeteer::client(config).closed_reason();
        assert!(matches!(reason, CloseReason::Untrusted(_)), "{reason:?}");
    }
}
