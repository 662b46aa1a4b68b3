//! Whom a server of a cluster does not talk to, and what another server gets that does not keep to the protocol.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod support;

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use quinn::{Connection, ConnectionError, VarInt};
use support::{
    cluster::{Cluster, Server, meet},
    peer::{RawPeer, Shown, as_server_1, dial, open_lanes, peer_nowhere},
};
use synced_protocol::{
    id::ServerId,
    limits::{MAX_DATAGRAM_BYTES, MAX_PEER_FRAME_BYTES},
    link::CloseCode,
    peer::PeerOutput,
};
use synced_transport::{
    cluster::{Files, OPERATOR_FILES, SERVER_FILES},
    limits::PEER_QUEUE_BYTES_MAX,
};

const PEER: &str = "synced-peer/1";
const OPERATOR: &str = "synced-operator/1";

/// Server 2, which knows a server 1 that is not there.
fn lonely(cluster: &Cluster) -> Server {
    let server = cluster.start(2);
    server.knows(&[peer_nowhere(1)]);
    server
}

/// The server has heard nothing of what the test did, and takes in those whom it should.
fn assert_undisturbed(cluster: &Cluster, server: &Server) {
    assert!(server.heard_meanwhile().is_empty());
    meet(&cluster.start(1), server);
}

async fn end_of(
    cluster: &Cluster,
    server: &Server,
    certificate: Option<(&Path, Files)>,
    protocol: &str,
) -> ConnectionError {
    let shown = Shown {
        certificate,
        protocol,
    };
    match dial(cluster, server.peer_addr, shown).await {
        Err(error) => error,
        Ok((_endpoint, connection)) => connection.closed().await,
    }
}

/// The TLS alert that the connection was refused with.
fn alert(error: &ConnectionError) -> u64 {
    match error {
        ConnectionError::ConnectionClosed(close) => u64::from(close.error_code) - 0x100,
        other => panic!("no alert: {other:?}"),
    }
}

fn told(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            String::from_utf8(close.reason.to_vec()).unwrap()
        }
        other => panic!("nothing was said: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn somebody_without_a_certificate_is_refused() {
    let cluster = Cluster::new();
    let server = lonely(&cluster);
    for (refusals, protocol) in [(1, PEER), (2, OPERATOR)] {
        assert_eq!(alert(&end_of(&cluster, &server, None, protocol).await), 116);
        server.has_refused(refusals);
    }
    assert_undisturbed(&cluster, &server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_and_an_operator_of_another_cluster_are_refused_whatever_it_is_called() {
    const UNKNOWN_AUTHORITY: u64 = 48;
    const BAD_SIGNATURE: u64 = 51;
    for (name, why) in [("dice", UNKNOWN_AUTHORITY), ("cups", BAD_SIGNATURE)] {
        let (cluster, other) = (Cluster::new(), Cluster::called(name));
        let server = lonely(&cluster);
        let (peer, operator) = (other.server_files(1), other.operator_files());
        for (shown, protocol) in [
            ((&*peer, SERVER_FILES), PEER),
            ((&*operator, OPERATOR_FILES), OPERATOR),
        ] {
            let end = end_of(&cluster, &server, Some(shown), protocol).await;
            assert_eq!(alert(&end), why);
        }
        server.has_refused(2);
        assert_undisturbed(&cluster, &server);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_whose_certificate_has_expired_is_refused() {
    const EXPIRED: u64 = 45;
    let cluster = Cluster::new();
    let server = lonely(&cluster);
    let hour = Duration::from_secs(3600);
    let dir = cluster.server_files_until(1, SystemTime::now() - hour);
    let end = end_of(&cluster, &server, Some((&dir, SERVER_FILES)), PEER).await;
    assert_eq!(alert(&end), EXPIRED);
    server.has_refused(1);
    // One made by the same hand is let in as long as it is valid.
    let dir = cluster.server_files_until(1, SystemTime::now() + hour);
    let shown = Shown {
        certificate: Some((&dir, SERVER_FILES)),
        protocol: PEER,
    };
    let (_endpoint, connection) = dial(&cluster, server.peer_addr, shown).await.unwrap();
    open_lanes(&connection).await;
    assert_eq!(server.up(), ServerId(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn somebody_who_speaks_another_version_or_another_protocol_is_refused() {
    let cluster = Cluster::new();
    let server = lonely(&cluster);
    let dir = cluster.server_files(1);
    for protocol in ["synced-peer/2", "synced-peer/0", "synced", "h3"] {
        let end = end_of(&cluster, &server, Some((&dir, SERVER_FILES)), protocol).await;
        assert_eq!(alert(&end), 120, "{protocol}");
    }
    server.has_refused(4);
    assert_undisturbed(&cluster, &server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_is_let_in_as_what_depends_on_the_certificate_alone() {
    let cluster = Cluster::new();
    let server = lonely(&cluster);
    let [one, two, three] = [1, 2, 3].map(|number| cluster.server_files(number));
    let operator = cluster.operator_files();
    for (shown, protocol, saying) in [
        ((&*one, SERVER_FILES), OPERATOR, "it asks as an operator"),
        ((&*operator, OPERATOR_FILES), PEER, "it talks like a server"),
        ((&*two, SERVER_FILES), PEER, "lower number"),
        ((&*three, SERVER_FILES), PEER, "lower number"),
    ] {
        let end = told(&end_of(&cluster, &server, Some(shown), protocol).await);
        assert!(end.contains(saying), "{end}");
    }
    server.knows(&[]);
    let end = told(&end_of(&cluster, &server, Some((&one, SERVER_FILES)), PEER).await);
    assert!(end.contains("not a member"), "{end}");
    server.has_refused(5);
    server.knows(&[peer_nowhere(1)]);
    assert_undisturbed(&cluster, &server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_opens_no_streams_or_wrong_ones_never_counts_as_connected() {
    for first in [None, Some(2), Some(0), Some(b'G')] {
        let cluster = Cluster::new();
        let server = lonely(&cluster);
        let (_endpoint, connection) = as_server_1(&cluster, &server).await;
        if let Some(byte) = first {
            let (mut send, _receive) = connection.open_bi().await.unwrap();
            send.write_all(&[byte]).await.unwrap();
        }
        let end = told(&connection.closed().await);
        assert!(end.contains("did not keep to the protocol"), "{end}");
        server.has_refused(1);
        assert_undisturbed(&cluster, &server);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_gives_an_attempt_up_has_done_nothing_wrong() {
    let cluster = Cluster::new();
    let server = lonely(&cluster);
    for _ in 0..3 {
        let (endpoint, connection) = as_server_1(&cluster, &server).await;
        connection.close(VarInt::from_u32(0), b"");
        endpoint.wait_idle().await;
    }
    assert_undisturbed(&cluster, &server);
    assert_eq!(server.stats.counters().refused, 0);
}

async fn assert_cut_off(raw: RawPeer, code: CloseCode) {
    let end = raw.connection.closed().await;
    let ConnectionError::ApplicationClosed(close) = end else {
        panic!("not closed by the server: {end:?}")
    };
    assert_eq!(close.error_code, VarInt::from_u32(code.code()));
    assert_eq!(raw.server.down(), ServerId(1));
    assert_undisturbed(&raw.cluster, &raw.server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_frame_longer_than_any_may_be_is_cut_off_before_its_bytes_arrive() {
    for bulk in [false, true] {
        let mut raw = RawPeer::connect().await;
        let lane = if bulk {
            &mut raw.bulk
        } else {
            &mut raw.ordered
        };
        let length = u32::try_from(MAX_PEER_FRAME_BYTES + 1).unwrap();
        lane.0.write_all(&length.to_le_bytes()).await.unwrap();
        assert_cut_off(raw, CloseCode::Malformed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_empty_frame_is_cut_off() {
    let mut raw = RawPeer::connect().await;
    raw.ordered.0.write_all(&[0; 4]).await.unwrap();
    assert_cut_off(raw, CloseCode::Malformed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lane_that_ends_within_a_frame_or_is_reset_is_cut_off() {
    let mut raw = RawPeer::connect().await;
    raw.ordered.0.write_all(&[5, 0, 0, 0, 1]).await.unwrap();
    raw.ordered.0.finish().unwrap();
    assert_cut_off(raw, CloseCode::Malformed).await;
    let mut raw = RawPeer::connect().await;
    raw.bulk.0.reset(VarInt::from_u32(1)).unwrap();
    assert_cut_off(raw, CloseCode::Malformed).await;
    let mut raw = RawPeer::connect().await;
    raw.bulk.1.stop(VarInt::from_u32(1)).unwrap();
    // It shows with the first frame after the peer's word has come.
    while raw.connection.close_reason().is_none() {
        raw.server.sends_bulk(ServerId(1), "who reads this?");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_cut_off(raw, CloseCode::Malformed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lane_that_ends_without_the_connection_is_cut_off_in_the_end() {
    let mut raw = RawPeer::connect().await;
    raw.ordered.0.finish().unwrap();
    assert_cut_off(raw, CloseCode::Malformed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_datagram_larger_than_any_may_be_is_cut_off() {
    let raw = RawPeer::connect().await;
    let datagram = vec![0; MAX_DATAGRAM_BYTES + 1];
    raw.connection.send_datagram(datagram.into()).unwrap();
    assert_cut_off(raw, CloseCode::Malformed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_third_stream_and_a_stream_of_one_direction_cannot_be_opened() {
    let mut raw = RawPeer::connect().await;
    raw.server.sends(ServerId(1), "here");
    let mut frame = [0; 8];
    tokio::select! {
        biased;
        _ = raw.connection.open_bi() => panic!("a third stream was opened"),
        _ = raw.connection.open_uni() => panic!("a stream of one direction was opened"),
        read = raw.ordered.1.read_exact(&mut frame) => read.unwrap(),
    }
    assert_eq!(&frame, b"\x04\0\0\0here");
}

fn fill(raw: &RawPeer, bytes: usize) {
    let frame = bytes::Bytes::from(vec![1; MAX_PEER_FRAME_BYTES]);
    let frames = (0..bytes / MAX_PEER_FRAME_BYTES).map(|_| PeerOutput::Frame {
        server: ServerId(1),
        bytes: frame.clone(),
    });
    raw.server.does_all(frames);
}

/// Lets the server hear of the peer, and the peer read nothing.
fn keep_alive(connection: &Connection) {
    let connection = connection.clone();
    tokio::spawn(async move {
        while connection
            .send_datagram(bytes::Bytes::from_static(b"alive"))
            .is_ok()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

async fn assert_too_slow(raw: RawPeer) {
    let end = raw.connection.closed().await;
    assert!(told(&end).contains("does not read"), "{end:?}");
    let down = |server: &Server| {
        while !matches!(
            server.next_of_peers(),
            synced_protocol::peer::PeerEvent::Down { .. }
        ) {}
    };
    down(&raw.server);
    assert_undisturbed(&raw.cluster, &raw.server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_for_which_too_much_is_waiting_is_cut_off() {
    let raw = RawPeer::connect().await;
    keep_alive(&raw.connection);
    fill(&raw, PEER_QUEUE_BYTES_MAX + 4 * 1024 * 1024);
    assert_too_slow(raw).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_takes_nothing_for_long_is_cut_off_however_little_waits_for_it() {
    let raw = RawPeer::connect().await;
    keep_alive(&raw.connection);
    fill(&raw, 8 * 1024 * 1024);
    assert_too_slow(raw).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_is_gone_without_a_word_is_down_soon() {
    let raw = RawPeer::connect().await;
    let RawPeer {
        server,
        connection,
        endpoint,
        ..
    } = raw;
    let id = ServerId(1);
    // Its socket is taken away under it, as by the end of the machine.
    endpoint
        .rebind(std::net::UdpSocket::bind("127.0.0.1:0").unwrap())
        .unwrap();
    drop(connection);
    assert_eq!(server.down(), id);
}

#[test]
fn packets_that_are_not_quic_harm_nobody() {
    let cluster = Cluster::new();
    let server = lonely(&cluster);
    let socket = std::net::UdpSocket::bind(support::loopback()).unwrap();
    for length in 0..1400_u16 {
        let packet: Vec<u8> = (0..length)
            .map(|n| (n.wrapping_mul(length) >> 3) as u8)
            .collect();
        socket.send_to(&packet, server.peer_addr).unwrap();
    }
    assert_undisturbed(&cluster, &server);
}
