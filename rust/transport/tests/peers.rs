//! Servers of a cluster among themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod support;

use std::net::{SocketAddr, UdpSocket};

use bytes::Bytes;
use support::{
    cluster::{Cluster, Heard, MemoryDisk, Server, meet},
    loopback,
    relay::Relay,
};
use synced_protocol::{
    id::ServerId,
    limits::{MAX_DATAGRAM_BYTES, MAX_PEER_FRAME_BYTES, MAX_UDP_PAYLOAD_BYTES},
    peer::{PeerAddress, PeerEvent, PeerOutput},
};
use synced_transport::{ClusterEndpoint, PeerConfig, ServerConfig, TransportError};

const ONE: ServerId = ServerId(1);
const TWO: ServerId = ServerId(2);

fn numbered(number: u32) -> Bytes {
    let length = 4 + (number as usize * 7919) % 300;
    let mut frame = vec![0; length];
    frame[..4].copy_from_slice(&number.to_le_bytes());
    frame.into()
}

fn free_address() -> SocketAddr {
    UdpSocket::bind(loopback()).unwrap().local_addr().unwrap()
}

#[test]
fn two_servers_find_each_other_and_talk_by_every_lane() {
    let (one, two) = Cluster::new().pair();
    for (from, to) in [(&one, &two), (&two, &one)] {
        from.sends(to.id, "frame");
        assert_eq!(to.frame(), "frame");
        from.sends_bulk(to.id, "bulk");
        assert_eq!(to.bulk(), "bulk");
        from.casts(to.id, "datagram");
        assert_eq!(to.datagram(), "datagram");
    }
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
fn ten_thousand_frames_arrive_in_order_and_once_by_both_lanes_in_both_directions() {
    const FRAMES: u32 = 10_000;
    let (one, two) = Cluster::new().pair();
    for number in 0..FRAMES {
        for (from, to) in [(&one, TWO), (&two, ONE)] {
            from.sends(to, numbered(number));
            from.sends_bulk(to, numbered(number));
        }
    }
    for server in [&one, &two] {
        let (mut frames, mut bulk) = (0, 0);
        while frames + bulk < 2 * FRAMES {
            let (next, bytes) = match server.next_of_peers() {
                PeerEvent::Frame { bytes, .. } => (&mut frames, bytes),
                PeerEvent::Bulk { bytes, .. } => (&mut bulk, bytes),
                other => panic!("{other:?}"),
            };
            assert_eq!(bytes, numbered(*next));
            *next += 1;
        }
        assert!(server.heard_meanwhile().is_empty());
    }
}

#[test]
fn the_smallest_and_the_largest_pass_and_what_is_larger_harms_nothing() {
    let (one, two) = Cluster::new().pair();
    for length in [1, MAX_PEER_FRAME_BYTES] {
        let frame = Bytes::from(vec![9; length]);
        one.sends(TWO, frame.clone());
        assert_eq!(two.frame(), frame);
        one.sends_bulk(TWO, frame.clone());
        assert_eq!(two.bulk(), frame);
    }
    for length in [0, MAX_DATAGRAM_BYTES] {
        one.casts(TWO, vec![9; length]);
        assert_eq!(two.datagram().len(), length);
    }
    one.sends(TWO, vec![9; MAX_PEER_FRAME_BYTES + 1]);
    one.sends(TWO, "");
    one.casts(TWO, vec![9; MAX_DATAGRAM_BYTES + 1]);
    one.sends(TWO, "still here");
    assert_eq!(two.frame(), "still here");
    assert_eq!(one.stats.counters().datagrams_dropped, 1);
}

#[test]
fn what_is_sent_to_a_server_that_is_not_connected_is_dropped() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.start(1), cluster.start(2));
    one.sends(TWO, "too early");
    one.casts(TWO, "too early");
    meet(&one, &two);
    one.sends(TWO, "in time");
    assert_eq!(two.frame(), "in time");
}

#[test]
fn a_burst_of_datagrams_between_servers_gets_through_whole() {
    let (one, two) = Cluster::new().pair();
    let datagrams = |count| (0..count).map(|_| Bytes::from(vec![7; 1000]));
    let cast = |bytes| PeerOutput::Datagram { server: TWO, bytes };
    one.does_all(datagrams(100).map(cast));
    for _ in 0..100 {
        two.datagram();
    }
    assert_eq!(one.stats.counters().datagrams_dropped, 0);
}

#[test]
fn the_bulk_lane_gives_way_to_the_ordered_lane() {
    const BULK: usize = 60;
    let (one, two) = Cluster::new().pair();
    let frame = Bytes::from(vec![7; MAX_PEER_FRAME_BYTES]);
    let bulk = || PeerOutput::Bulk {
        server: TWO,
        bytes: frame.clone(),
    };
    one.does_all((0..BULK).map(|_| bulk()));
    two.bulk();
    one.sends(TWO, "urgent");
    let mut before = 1;
    while let PeerEvent::Bulk { .. } = two.next_of_peers() {
        before += 1;
    }
    assert!(before < BULK, "the urgent frame came after all of the bulk");
    for _ in before..BULK {
        two.bulk();
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
fn a_server_that_is_not_wanted_any_more_gets_what_was_sent_before_and_is_parted_with() {
    let (one, two) = Cluster::new().pair();
    for number in 0..100 {
        one.sends(TWO, numbered(number));
    }
    one.knows(&[]);
    assert_eq!(one.down(), TWO);
    for number in 0..100 {
        assert_eq!(two.frame(), numbered(number));
    }
    assert_eq!(two.down(), ONE);
    one.knows(&[two.address()]);
    assert_eq!(one.up(), TWO);
    assert_eq!(two.up(), ONE);
}

#[test]
fn what_was_sent_by_one_lane_before_a_parting_arrives_though_the_other_lane_ends_first() {
    const FRAMES: u32 = 1000;
    let cluster = Cluster::new();
    // Frames wait at a server that takes its time, while the other has long seen them arrive and closes.
    let slow = |_: &PeerEvent| {
        std::thread::sleep(std::time::Duration::from_micros(200));
        None
    };
    for lane in [Server::sends::<Bytes>, Server::sends_bulk::<Bytes>] {
        let one = cluster.start(1);
        let two = Server::answering(cluster.peer_config(2), MemoryDisk::default(), slow);
        meet(&one, &two);
        for number in 0..FRAMES {
            lane(&one, TWO, numbered(number));
        }
        one.knows(&[]);
        for number in 0..FRAMES {
            let (PeerEvent::Frame { bytes, .. } | PeerEvent::Bulk { bytes, .. }) =
                two.next_of_peers()
            else {
                panic!("the connection ended before frame {number}")
            };
            assert_eq!(bytes, numbered(number));
        }
        assert_eq!(two.down(), ONE);
    }
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
fn a_path_that_loses_packets_loses_no_frames() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.start(1), cluster.start(2));
    let relay = Relay::to(two.peer_addr);
    two.knows(&[one.address()]);
    one.knows(&[two.address_at(relay.address)]);
    assert_eq!((one.up(), two.up()), (TWO, ONE));
    relay.lose_one_of(7);
    for number in 0..2000 {
        one.sends(TWO, numbered(number));
        two.sends_bulk(ONE, numbered(number));
    }
    for number in 0..2000 {
        assert_eq!(two.frame(), numbered(number));
        assert_eq!(one.bulk(), numbered(number));
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
fn no_packet_between_servers_is_larger_than_the_protocol_allows() {
    for segmentation_offload in [true, false] {
        let cluster = Cluster::new();
        let start = |server| {
            let mut config = cluster.peer_config(server);
            config.segmentation_offload = segmentation_offload;
            Server::start(config, MemoryDisk::default())
        };
        let (one, two) = (start(1), start(2));
        let relay = Relay::to(two.peer_addr);
        two.knows(&[one.address()]);
        one.knows(&[two.address_at(relay.address)]);
        assert_eq!((one.up(), two.up()), (TWO, ONE));
        for (from, to) in [(&one, &two), (&two, &one)] {
            from.casts(to.id, vec![1; MAX_DATAGRAM_BYTES]);
            for _ in 0..4 {
                from.sends(to.id, vec![1; MAX_PEER_FRAME_BYTES]);
            }
            let mut frames = 0;
            while frames < 4 {
                frames += usize::from(matches!(to.next_of_peers(), PeerEvent::Frame { .. }));
            }
        }
        one.join();
        two.join();
        let (packets, largest_bytes) = relay.watched();
        assert!(packets > 1000, "{packets}");
        assert_eq!(largest_bytes, MAX_UDP_PAYLOAD_BYTES);
    }
}

#[test]
fn a_stopping_server_delivers_what_is_queued() {
    let (one, two) = Cluster::new().pair();
    one.does_all((0..200).map(|number| PeerOutput::Frame {
        server: TWO,
        bytes: numbered(number),
    }));
    // The frames have been handed over once this comes back.
    two.casts(ONE, "mark");
    one.datagram();
    let last = one.join();
    assert!(
        matches!(last[..], [Heard::Peer(PeerEvent::Down { server: TWO })]),
        "{last:?}"
    );
    for number in 0..200 {
        assert_eq!(two.frame(), numbered(number));
    }
    assert_eq!(two.down(), ONE);
}

#[test]
fn the_port_counts_what_goes_over_it() {
    let (one, two) = Cluster::new().pair();
    one.sends(TWO, vec![1; 50_000]);
    one.casts(TWO, vec![1; 1000]);
    for _ in 0..2 {
        two.next();
    }
    let (at_one, at_two) = (one.stats.clone(), two.stats.clone());
    assert_eq!(at_one.counters().connections, 1);
    one.join();
    two.join();
    let (at_one, at_two) = (at_one.counters(), at_two.counters());
    assert!(at_one.bytes_sent > 51_000 && at_two.bytes_received > 51_000);
    assert_eq!((at_one.datagrams_sent, at_two.datagrams_received), (1, 1));
    assert_eq!((at_one.connections, at_two.connections), (0, 0));
    assert_eq!(at_two.refused, 0);
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
