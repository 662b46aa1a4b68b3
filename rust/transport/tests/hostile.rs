//! What a peer gets that does not keep to the protocol, and that nobody else notices.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod support;

use bytes::Bytes;
use quinn::{ConnectionError, TransportConfig, VarInt};
use support::{
    Puppeteer, client_config,
    raw::{Raw, TempDir, dial, server_in},
};
use synced_protocol::{
    limits::{MAX_DATAGRAM_BYTES, MAX_FRAME_BYTES},
    link::{CloseCode, CloseReason, Event},
};
use synced_transport::limits::SEND_QUEUE_BYTES_MAX;

fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut stream = u32::try_from(bytes.len()).unwrap().to_le_bytes().to_vec();
    stream.extend_from_slice(bytes);
    stream
}

fn assert_broken(reason: &CloseReason, saying: &str) {
    let CloseReason::Broken(text) = reason else {
        panic!("{reason:?}")
    };
    assert!(text.contains(saying), "{text}");
}

async fn assert_cut_off(raw: &Raw, saying: &str) {
    assert_eq!(raw.told().await, CloseCode::Malformed);
    assert_broken(&raw.server.closed_reason(), saying);
}

/// The server still serves others.
fn assert_serving(raw: &Raw) {
    let other = Puppeteer::client(client_config(raw.address));
    let connection = other.connected();
    other.sends(connection, "still there?");
    assert_eq!(other.frame().1, "still there?");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_frame_longer_than_any_may_be_is_cut_off_before_its_bytes_arrive() {
    let mut raw = Raw::connect().await;
    let length = u32::try_from(MAX_FRAME_BYTES + 1).unwrap();
    raw.write(&length.to_le_bytes()).await;
    assert_cut_off(&raw, "65537 bytes").await;
    assert_serving(&raw);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_empty_frame_is_cut_off() {
    let mut raw = Raw::connect().await;
    raw.write(&[0; 4]).await;
    assert_cut_off(&raw, "frame of 0 bytes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn garbage_is_cut_off() {
    let mut raw = Raw::connect().await;
    raw.write(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_cut_off(&raw, "frame of").await;
    assert_serving(&raw);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stream_that_ends_within_a_frame_is_cut_off_and_the_frames_before_count() {
    for partial in [&[5, 0][..], &[5, 0, 0, 0, 1, 2]] {
        let mut raw = Raw::connect().await;
        raw.write(&framed(b"whole")).await;
        raw.write(partial).await;
        raw.send.finish().unwrap();
        assert_eq!(raw.told().await, CloseCode::Malformed);
        assert_eq!(raw.server.frame().1, "whole");
        assert_broken(&raw.server.closed_reason(), "within a frame");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stream_that_is_reset_is_cut_off() {
    let mut raw = Raw::connect().await;
    raw.write(&framed(b"whole")).await;
    raw.server.frame();
    raw.send.reset(VarInt::from_u32(1)).unwrap();
    assert_cut_off(&raw, "reset").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_peer_that_refuses_the_stream_to_it_is_cut_off() {
    let mut raw = Raw::connect().await;
    raw.receive.stop(VarInt::from_u32(1)).unwrap();
    raw.write(&framed(b"echo this")).await;
    assert_eq!(raw.told().await, CloseCode::Malformed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stream_that_ends_without_the_connection_is_cut_off_in_the_end() {
    let mut raw = Raw::connect().await;
    raw.write(&framed(b"whole")).await;
    raw.send.finish().unwrap();
    raw.server.frame();
    // Something must keep the connection from being idle.
    let alive = raw.keep_alive();
    assert_eq!(raw.told().await, CloseCode::Malformed);
    alive.await.unwrap();
    let last = raw.server.join();
    let Some(Event::Closed { reason, .. }) = last.last() else {
        panic!("{last:?}")
    };
    assert_broken(reason, "but not the connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_datagram_larger_than_any_may_be_is_cut_off() {
    let mut raw = Raw::connect().await;
    raw.write(&framed(b"hello")).await;
    raw.server.frame();
    raw.connection
        .send_datagram(vec![0; MAX_DATAGRAM_BYTES + 1].into())
        .unwrap();
    assert_cut_off(&raw, "datagram of").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_second_stream_and_a_stream_of_one_direction_cannot_be_opened() {
    let mut raw = Raw::connect().await;
    raw.write(&framed(b"first")).await;
    raw.server.frame();
    tokio::select! {
        biased;
        _ = raw.connection.open_bi() => panic!("a second stream was opened"),
        _ = raw.connection.open_uni() => panic!("a stream of one direction was opened"),
        echo = raw.receive.read_chunk(100, true) => assert_eq!(echo.unwrap().unwrap().bytes, framed(b"first")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_peer_without_datagrams_is_refused() {
    let dir = TempDir::new();
    let (server, address) = server_in(&dir.0);
    let mut transport = TransportConfig::default();
    transport.datagram_receive_buffer_size(None);
    let (_endpoint, connection) = dial(&dir.0, address, b"synced", transport).await;
    let error = connection.unwrap().closed().await;
    let ConnectionError::ApplicationClosed(close) = error else {
        panic!("{error}")
    };
    assert_eq!(
        close.error_code,
        VarInt::from_u32(CloseCode::Malformed.code())
    );
    assert!(server.join().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_peer_that_means_another_protocol_is_refused_at_the_handshake() {
    let dir = TempDir::new();
    let (server, address) = server_in(&dir.0);
    let (_endpoint, connection) = dial(&dir.0, address, b"h3", TransportConfig::default()).await;
    assert!(matches!(
        connection.unwrap_err(),
        ConnectionError::ConnectionClosed(_)
    ));
    assert!(server.join().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_that_stops_reading_is_cut_off_and_another_is_undisturbed() {
    const BURST: usize = 8;
    let mut raw = Raw::connect().await;
    raw.write(&framed(b"hello")).await;
    let (slow, _) = raw.server.frame();
    let other = Puppeteer::client(client_config(raw.address));
    let connection = other.connected();
    let frame = Bytes::from(vec![1; MAX_FRAME_BYTES]);
    let mut rounds = 0_u32;
    let reason = loop {
        for _ in 0..BURST {
            raw.server.sends(slow, frame.clone());
        }
        rounds += 1;
        other.sends(connection, rounds.to_le_bytes().to_vec());
        assert_eq!(other.frame().1, rounds.to_le_bytes().to_vec());
        let closed = raw
            .server
            .happened_meanwhile()
            .into_iter()
            .find_map(|event| match event {
                Event::Closed { connection, reason } => Some((connection, reason)),
                _ => None,
            });
        if let Some((id, reason)) = closed {
            assert_eq!(id, slow);
            break reason;
        }
    };
    assert_eq!(reason, CloseReason::ByUs(CloseCode::TooSlow));
    assert_eq!(raw.told().await, CloseCode::TooSlow);
    let sent_bytes = rounds as usize * BURST * MAX_FRAME_BYTES;
    assert!(
        sent_bytes >= SEND_QUEUE_BYTES_MAX,
        "cut off after {sent_bytes} bytes"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_that_takes_nothing_for_long_is_cut_off_however_little_waits_for_it() {
    let mut raw = Raw::connect().await;
    raw.write(&framed(b"hello")).await;
    let (slow, _) = raw.server.frame();
    for _ in 0..40 {
        raw.server.sends(slow, vec![1; MAX_FRAME_BYTES]);
    }
    // Something must keep the connection from being idle.
    let alive = raw.keep_alive();
    assert_eq!(raw.told().await, CloseCode::TooSlow);
    alive.await.unwrap();
    let last = raw.server.join().pop();
    let Some(Event::Closed { reason, .. }) = last else {
        panic!("{last:?}")
    };
    assert_eq!(reason, CloseReason::ByUs(CloseCode::TooSlow));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_that_does_not_read_holds_up_a_stop_no_longer_than_the_flush_may_take() {
    let mut raw = Raw::connect().await;
    raw.write(&framed(b"hello")).await;
    let (slow, _) = raw.server.frame();
    for _ in 0..60 {
        raw.server.sends(slow, vec![1; MAX_FRAME_BYTES]);
    }
    let (server, connection) = (raw.server, raw.connection);
    let last = tokio::task::spawn_blocking(move || server.join())
        .await
        .unwrap();
    assert!(matches!(
        last[..],
        [Event::Closed {
            reason: CloseReason::ByUs(CloseCode::ServerStopping),
            ..
        }]
    ));
    assert!(matches!(
        connection.closed().await,
        ConnectionError::ApplicationClosed(_)
    ));
}

#[test]
fn packets_that_are_not_quic_harm_nobody() {
    let dir = TempDir::new();
    let (_server, address) = server_in(&dir.0);
    let socket = std::net::UdpSocket::bind(support::loopback()).unwrap();
    for length in 0..1400_u16 {
        let packet: Vec<u8> = (0..length)
            .map(|n| (n.wrapping_mul(length) >> 3) as u8)
            .collect();
        socket.send_to(&packet, address).unwrap();
    }
    let client = Puppeteer::client(client_config(address));
    let connection = client.connected();
    client.sends(connection, "fine");
    assert_eq!(client.frame().1, "fine");
}
