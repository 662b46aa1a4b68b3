//! How connections come up and end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod support;

use std::{
    net::{SocketAddr, UdpSocket},
    thread,
    time::Duration,
};

use support::{Pair, Puppeteer, client_config, loopback, relay::Relay, server_config};
use synced_protocol::link::{CloseCode, CloseReason, Event, Output};
use synced_transport::{ServerConfig, ServerEndpoint, TransportError};

fn nobody() -> SocketAddr {
    UdpSocket::bind(loopback()).unwrap().local_addr().unwrap()
}

fn hasty_client(server: SocketAddr) -> Puppeteer {
    let mut config = client_config(server);
    config.connect_timeout = Duration::from_millis(500);
    Puppeteer::client(config)
}

fn assert_unreachable(reason: &CloseReason, server: SocketAddr) {
    let CloseReason::Unreachable(text) = reason else {
        panic!("{reason:?}")
    };
    assert!(text.contains(&server.to_string()), "{text}");
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let server = nobody();
    assert_unreachable(&hasty_client(server).closed_reason(), server);
}

#[test]
fn something_that_does_not_speak_quic_is_unreachable() {
    let socket = UdpSocket::bind(loopback()).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut packet = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let _ = socket.send_to(b"HTTP/1.1 400 Bad Request\r\n\r\n", from);
            let _ = socket.send_to(&packet[..length], from);
            if length == 1 {
                return;
            }
        }
    });
    assert_unreachable(&hasty_client(address).closed_reason(), address);
    UdpSocket::bind(loopback())
        .unwrap()
        .send_to(&[0], address)
        .unwrap();
}

#[test]
fn a_name_without_an_address_is_unreachable_and_named() {
    let mut config = client_config(nobody());
    config.server = "no-such-host.invalid".parse().unwrap();
    let reason = Puppeteer::client(config).closed_reason();
    let CloseReason::Unreachable(text) = reason else {
        panic!("{reason:?}")
    };
    assert!(text.contains("no-such-host.invalid"), "{text}");
}

#[test]
fn a_name_is_resolved_and_each_of_its_addresses_is_tried() {
    // The name may stand for an IPv6 address first, where nothing listens.
    let (_server, address) = Puppeteer::server(server_config());
    let mut config = client_config(address);
    config.server = format!("localhost:{}", address.port()).parse().unwrap();
    Puppeteer::client(config).connected();
}

#[test]
fn a_client_that_comes_before_its_server_gets_through_within_the_timeout() {
    let address = nobody();
    let client = Puppeteer::client(client_config(address));
    thread::sleep(Duration::from_millis(50));
    let mut config = server_config();
    config.listen = address;
    let (_server, _) = Puppeteer::server(config);
    client.connected();
}

#[test]
fn every_attempt_has_a_name_of_its_own() {
    let client = hasty_client(nobody());
    let (first, _) = client.closed();
    client.does(Output::Connect);
    let (second, _) = client.closed();
    assert_ne!(first, second);
}

#[test]
fn what_was_sent_before_a_close_arrives_and_then_the_code() {
    let pair = Pair::new();
    for number in 0..100_u8 {
        pair.server.sends(pair.at_server, vec![number; 5000]);
    }
    pair.server.closes(pair.at_server, CloseCode::Refused);
    for number in 0..100_u8 {
        assert_eq!(pair.client.frame().1, vec![number; 5000]);
    }
    assert_eq!(
        pair.client.closed(),
        (pair.at_client, CloseReason::ByPeer(CloseCode::Refused))
    );
    assert_eq!(
        pair.server.closed(),
        (pair.at_server, CloseReason::ByUs(CloseCode::Refused))
    );
}

#[test]
fn after_asking_to_close_a_logic_hears_of_the_connection_once_more() {
    let pair = Pair::new();
    pair.server.closes(pair.at_server, CloseCode::Done);
    pair.client.sends(pair.at_client, "too late");
    pair.client.casts(pair.at_client, "too late");
    assert_eq!(
        pair.server.closed_reason(),
        CloseReason::ByUs(CloseCode::Done)
    );
    assert!(pair.server.join().is_empty());
}

#[test]
fn a_server_can_close_before_the_client_has_said_anything() {
    let (server, address) = Puppeteer::server(server_config());
    let client = Puppeteer::client(client_config(address));
    client.connected();
    server.closes(server.connected(), CloseCode::HandshakeTimeout);
    assert_eq!(
        client.closed_reason(),
        CloseReason::ByPeer(CloseCode::HandshakeTimeout)
    );
}

#[test]
fn a_stopping_server_delivers_what_is_queued_and_says_goodbye() {
    let pair = Pair::new();
    for number in 0..200_u8 {
        pair.server.sends(pair.at_server, vec![number; 5000]);
    }
    // The frames have been handed over once this comes back.
    pair.client.casts(pair.at_client, "mark");
    pair.server.datagram();
    let last = pair.server.join();
    assert!(matches!(
        last[..],
        [Event::Closed {
            reason: CloseReason::ByUs(CloseCode::ServerStopping),
            ..
        }]
    ));
    for number in 0..200_u8 {
        assert_eq!(pair.client.frame().1, vec![number; 5000]);
    }
    assert_eq!(
        pair.client.closed_reason(),
        CloseReason::ByPeer(CloseCode::ServerStopping)
    );
}

#[test]
fn a_client_that_is_stopped_says_goodbye() {
    let pair = Pair::new();
    pair.client.join();
    assert_eq!(
        pair.server.closed_reason(),
        CloseReason::ByPeer(CloseCode::Done)
    );
}

#[test]
fn a_logic_that_is_finished_ends_its_driver_after_its_last_frame() {
    let pair = Pair::new();
    pair.client.sends(pair.at_client, "last");
    pair.client.finishes();
    assert_eq!(pair.server.frame().1, "last");
    assert_eq!(
        pair.server.closed_reason(),
        CloseReason::ByPeer(CloseCode::Done)
    );
    while !pair.client.handle.is_finished() {
        thread::yield_now();
    }
}

#[test]
fn a_dropped_handle_stops_its_driver() {
    let pair = Pair::new();
    drop(pair.client);
    assert_eq!(
        pair.server.closed_reason(),
        CloseReason::ByPeer(CloseCode::Done)
    );
}

#[test]
fn a_client_reconnects_after_its_server_was_restarted() {
    let config = server_config();
    let (server, address) = Puppeteer::server(config.clone());
    let client = Puppeteer::client(client_config(address));
    let first = client.connected();
    server.connected();
    server.join();
    assert_eq!(
        client.closed(),
        (first, CloseReason::ByPeer(CloseCode::ServerStopping))
    );
    let (server, _) = Puppeteer::server(ServerConfig {
        listen: address,
        ..config
    });
    client.does(Output::Connect);
    let second = client.connected();
    assert_ne!(first, second);
    client.sends(second, "back again");
    server.connected();
    assert_eq!(server.frame().1, "back again");
}

#[test]
fn a_peer_that_dies_without_a_word_times_out_at_both_ends() {
    let (server, address) = Puppeteer::server(server_config());
    let relay = Relay::to(address);
    let client = Puppeteer::client(client_config(relay.address));
    client.connected();
    server.connected();
    relay.cut();
    assert_eq!(server.closed_reason(), CloseReason::TimedOut);
    assert_eq!(client.closed_reason(), CloseReason::TimedOut);
}

#[test]
fn a_silent_connection_stays_up() {
    let pair = Pair::new();
    thread::sleep(synced_transport::limits::IDLE_TIMEOUT + Duration::from_secs(1));
    pair.client.sends(pair.at_client, "still here");
    assert_eq!(pair.server.frame().1, "still here");
}

#[test]
fn a_full_server_refuses_one_more_and_takes_it_when_a_place_is_free() {
    let mut config = server_config();
    config.connections_max = 1;
    let (server, address) = Puppeteer::server(config);
    let first = Puppeteer::client(client_config(address));
    first.connected();
    server.connected();
    let second = Puppeteer::client(client_config(address));
    assert_unreachable(&second.closed_reason(), address);
    first.join();
    server.closed();
    second.does(Output::Connect);
    second.connected();
}

#[test]
fn an_address_in_use_is_an_error_that_says_so() {
    let (_server, address) = Puppeteer::server(server_config());
    let mut config = server_config();
    config.listen = address;
    let error = ServerEndpoint::bind(config).unwrap_err();
    assert!(matches!(error, TransportError::Bind { .. }));
    assert!(error.to_string().contains("already in use"), "{error}");
}
