//! What goes in at one end comes out at the other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod support;

use bytes::Bytes;
use support::{Pair, Puppeteer, client_config, relay::Relay, server_config};
use synced_protocol::{
    limits::{MAX_DATAGRAM_BYTES, MAX_FRAME_BYTES, MAX_UDP_PAYLOAD_BYTES},
    link::Event,
};

const FRAMES: u32 = 10_000;

fn numbered(number: u32) -> Bytes {
    let length = 4 + (number as usize * 7919) % 300;
    let mut frame = vec![0; length];
    frame[..4].copy_from_slice(&number.to_le_bytes());
    frame.into()
}

#[test]
fn ten_thousand_frames_arrive_in_order_and_once_in_both_directions() {
    let pair = Pair::new();
    for number in 0..FRAMES {
        pair.client.sends(pair.at_client, numbered(number));
        pair.server.sends(pair.at_server, numbered(number));
    }
    for number in 0..FRAMES {
        assert_eq!(pair.server.frame(), (pair.at_server, numbered(number)));
        assert_eq!(pair.client.frame(), (pair.at_client, numbered(number)));
    }
    assert!(pair.server.happened_meanwhile().is_empty());
    assert!(pair.client.happened_meanwhile().is_empty());
}

#[test]
fn the_smallest_and_the_largest_frame_pass() {
    let pair = Pair::new();
    for length in [1, MAX_FRAME_BYTES] {
        let frame = Bytes::from(vec![9; length]);
        pair.server.sends(pair.at_server, frame.clone());
        assert_eq!(pair.client.frame().1, frame);
    }
}

#[test]
fn datagrams_go_both_ways_up_to_the_largest() {
    let pair = Pair::new();
    for length in [0, 1, MAX_DATAGRAM_BYTES] {
        let datagram = Bytes::from(vec![3; length]);
        pair.client.casts(pair.at_client, datagram.clone());
        assert_eq!(pair.server.datagram(), datagram);
        pair.server.casts(pair.at_server, datagram.clone());
        assert_eq!(pair.client.datagram(), datagram);
    }
}

#[test]
fn a_datagram_too_large_is_dropped_and_counted_and_harms_nothing() {
    let pair = Pair::new();
    pair.client
        .casts(pair.at_client, vec![0; MAX_DATAGRAM_BYTES + 1]);
    pair.client.casts(pair.at_client, "after");
    assert_eq!(pair.server.datagram(), "after");
    assert_eq!(pair.client.handle.stats().counters().datagrams_dropped, 1);
}

#[test]
fn a_burst_larger_than_the_send_buffer_loses_old_datagrams_counts_them_and_keeps_the_newest() {
    let pair = Pair::new();
    let burst: u32 = 200;
    for number in 0..burst {
        let mut datagram = vec![0; 1000];
        datagram[..4].copy_from_slice(&number.to_le_bytes());
        pair.client.casts(pair.at_client, datagram);
    }
    let mut arrived = Vec::new();
    while arrived.last() != Some(&(burst - 1)) {
        let datagram = pair.server.datagram();
        arrived.push(u32::from_le_bytes(datagram[..4].try_into().unwrap()));
    }
    let dropped = pair.client.handle.stats().counters().datagrams_dropped;
    assert!(arrived.is_sorted());
    assert!(
        arrived.len() as u64 + dropped >= u64::from(burst),
        "{} arrived, {dropped} dropped",
        arrived.len()
    );
}

#[test]
fn many_clients_are_kept_apart() {
    let (server, address) = Puppeteer::echo_server(server_config());
    let clients: Vec<_> = (0..20_u8)
        .map(|_| Puppeteer::client(client_config(address)))
        .collect();
    for (number, client) in clients.iter().enumerate() {
        let connection = client.connected();
        client.sends(connection, vec![u8::try_from(number).unwrap()]);
    }
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(client.frame().1, vec![u8::try_from(number).unwrap()]);
    }
    let connected = server.happened_meanwhile();
    assert_eq!(
        connected
            .iter()
            .filter(|event| matches!(event, Event::Connected { .. }))
            .count(),
        20
    );
    assert_eq!(server.handle.stats().counters().connections, 20);
}

#[test]
fn the_endpoint_counts_bytes_packets_and_datagrams() {
    let pair = Pair::new();
    pair.client.sends(pair.at_client, vec![1; 50_000]);
    pair.client.casts(pair.at_client, vec![1; 1000]);
    for _ in 0..2 {
        pair.server.next();
    }
    let (client, server) = (pair.client.handle.stats(), pair.server.handle.stats());
    pair.client.join();
    pair.server.join();
    let (client, server) = (client.counters(), server.counters());
    assert!(client.bytes_sent > 51_000 && server.bytes_received > 51_000);
    assert!(client.bytes_received > 0 && server.bytes_sent > 0);
    assert!(client.packets_sent > 40);
    assert_eq!((client.datagrams_sent, server.datagrams_received), (1, 1));
    assert!(client.round_trip_us > 0);
    assert_eq!((client.connections, server.connections), (0, 0));
}

#[test]
fn no_packet_is_larger_than_the_protocol_allows_from_handshake_to_close() {
    for segmentation_offload in [true, false] {
        let mut config = server_config();
        config.segmentation_offload = segmentation_offload;
        let (server, address) = Puppeteer::echo_server(config);
        let relay = Relay::to(address);
        let mut config = client_config(relay.address);
        config.segmentation_offload = segmentation_offload;
        let client = Puppeteer::client(config);
        let connection = client.connected();
        client.casts(connection, vec![1; MAX_DATAGRAM_BYTES]);
        for _ in 0..10 {
            client.sends(connection, vec![1; MAX_FRAME_BYTES]);
        }
        let mut echoed = 0;
        while echoed < 10 {
            echoed += usize::from(matches!(client.next(), Event::Frame { .. }));
        }
        client.join();
        server.join();
        let (packets, largest_bytes) = relay.watched();
        assert!(packets > 1000, "{packets}");
        assert_eq!(largest_bytes, MAX_UDP_PAYLOAD_BYTES);
    }
}
