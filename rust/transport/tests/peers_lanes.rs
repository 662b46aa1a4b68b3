//! What goes in at one server of a cluster comes out at another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod support;

use bytes::Bytes;
use support::{
    cluster::{Cluster, Heard, Server, meet},
    disk::MemoryDisk,
    relay::Relay,
};
use synced_protocol::{
    id::ServerId,
    limits::{MAX_DATAGRAM_BYTES, MAX_PEER_FRAME_BYTES, MAX_UDP_PAYLOAD_BYTES},
    peer::{PeerEvent, PeerOutput},
};

const ONE: ServerId = ServerId(1);
const TWO: ServerId = ServerId(2);

fn numbered(number: u32) -> Bytes {
    let length = 4 + (number as usize * 7919) % 300;
    let mut frame = vec![0; length];
    frame[..4].copy_from_slice(&number.to_le_bytes());
    frame.into()
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
fn small_frames_of_one_turn_share_their_packets() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.start(1), cluster.start(2));
    let relay = Relay::to(two.peer_addr);
    two.knows(&[one.address()]);
    one.knows(&[two.address_at(relay.address)]);
    assert_eq!((one.up(), two.up()), (TWO, ONE));
    let (before, _) = relay.watched();
    let frame = Bytes::from_static(b"twenty bytes, more..");
    one.does_all((0..200).map(|_| PeerOutput::Frame {
        server: TWO,
        bytes: frame.clone(),
    }));
    for _ in 0..200 {
        assert_eq!(two.frame(), frame);
    }
    let (after, _) = relay.watched();
    // What the frames need is four; the rest is what servers say to each other meanwhile.
    assert!(after - before < 50, "{} packets", after - before);
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
