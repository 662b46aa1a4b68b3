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
use synced_protocol::link::{CloseCode, CloseReason, ConnectionId, Event, Target};
use synced_transport::{ClientThread, ServerConfig, ServerEndpoint, TransportError};

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
fn every_attempt_ends_under_the_name_that_it_was_given() {
    let client = Puppeteer::idle_client(client_config(nobody()));
    let attempts: Vec<_> = (0..3)
        .map(|_| client.connects_to(Target::At("no-such-host.invalid".to_owned())))
        .collect();
    let mut ended: Vec<_> = attempts.iter().map(|_| client.closed().0).collect();
    ended.sort();
    assert_eq!(ended, attempts);
}

#[test]
fn several_connections_are_up_at_once_and_kept_apart() {
    let (servers, client) = (
        [(); 3].map(|()| Puppeteer::echo_server(server_config())),
        Puppeteer::idle_client(client_config(nobody())),
    );
    let connections: Vec<_> = servers
        .iter()
        .map(|(_, address)| client.connects_to(Target::At(address.to_string())))
        .collect();
    let mut up: Vec<_> = connections.iter().map(|_| client.connected()).collect();
    up.sort();
    assert_eq!(up, connections);
    for &connection in &connections {
        client.sends(connection, connection.to_string());
        assert_eq!(client.frame(), (connection, connection.to_string().into()));
    }
    client.closes(connections[1], CloseCode::Done);
    assert_eq!(client.closed().0, connections[1]);
    client.sends(connections[2], "still up");
    assert_eq!(client.frame().1, "still up");
}

#[test]
fn of_several_configured_servers_one_that_is_up_is_found() {
    let (_server, address) = Puppeteer::server(server_config());
    let mut config = client_config(address);
    let servers = format!("{},no-such-host.invalid,{address}", nobody());
    config.server = servers.parse().unwrap();
    let client = Puppeteer::client(config);
    for _ in 0..3 {
        client.connected();
        client.connects();
    }
}

#[test]
fn an_attempt_that_is_closed_before_it_is_up_ends_at_once_and_never_comes_up() {
    let address = nobody();
    let client = Puppeteer::idle_client(client_config(address));
    let given_up = client.connects();
    client.closes(given_up, CloseCode::Done);
    let ended = client.closed();
    assert_eq!(ended, (given_up, CloseReason::ByUs(CloseCode::Done)));
    let mut config = server_config();
    config.listen = address;
    let (server, _) = Puppeteer::server(config);
    let wanted = client.connects();
    assert_eq!(client.connected(), wanted);
    server.connected();
    client.join();
    assert_eq!(server.closed_reason(), CloseReason::ByPeer(CloseCode::Done));
    assert!(server.join().is_empty());
}

#[test]
fn an_attempt_can_be_given_up_at_every_moment_and_leaves_no_connection() {
    let (server, address) = Puppeteer::server(server_config());
    let client = Puppeteer::idle_client(client_config(address));
    for step in 0..40 {
        let connection = client.connects();
        thread::sleep(Duration::from_micros(step * 100));
        client.closes(connection, CloseCode::Done);
        let up = |event: &Event| matches!(event, Event::Connected { .. });
        let mut last = client.next();
        if up(&last) {
            last = client.next();
        }
        let Event::Closed {
            connection: ended,
            reason,
        } = last
        else {
            panic!("{last:?}")
        };
        assert_eq!(
            (ended, reason),
            (connection, CloseReason::ByUs(CloseCode::Done))
        );
    }
    let last = client.connects();
    assert_eq!(client.connected(), last);
    client.sends(last, "the only one left");
    let (mut up, mut done) = (Vec::<ConnectionId>::new(), false);
    while !(done && up.len() == 1) {
        match server.next() {
            Event::Connected { connection, .. } => up.push(connection),
            Event::Closed { connection, .. } => up.retain(|&other| other != connection),
            Event::Frame { bytes, .. } => done = bytes == "the only one left",
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_stop_ends_the_attempts_too() {
    let client = Puppeteer::idle_client(client_config(nobody()));
    let attempt = client.connects();
    client.sends(attempt, "nowhere to go");
    client.closes(ConnectionId(u64::MAX), CloseCode::Done);
    // The first attempt is under way once a later one has ended.
    let later = client.connects_to(Target::At("no port:x".to_owned()));
    assert_eq!(client.closed().0, later);
    let last = client.join();
    assert!(
        matches!(last[..], [Event::Closed { connection, reason: CloseReason::ByUs(CloseCode::Done) }] if connection == attempt),
        "{last:?}"
    );
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
    client.connects();
    let second = client.connected();
    assert_ne!(first, second);
    client.sends(second, "back again");
    server.connected();
    assert_eq!(server.frame().1, "back again");
}

#[test]
fn a_client_learns_that_its_server_was_restarted_without_waiting_for_the_idle_timeout() {
    let config = server_config();
    let [(_before, address), (_after, again)] = [(); 2].map(|()| Puppeteer::server(config.clone()));
    let relay = Relay::to(address);
    let client = Puppeteer::client(client_config(relay.address));
    client.connected();
    relay.lead_to(again);
    let CloseReason::Unreachable(why) = client.closed_reason() else {
        panic!("not by its word")
    };
    assert!(why.contains("no longer knows this connection"), "{why}");
}

#[test]
fn another_server_in_its_place_cannot_end_a_connection() {
    let [(_before, address), (_other, elsewhere)] =
        [(); 2].map(|()| Puppeteer::server(server_config()));
    let relay = Relay::to(address);
    let client = Puppeteer::client(client_config(relay.address));
    client.connected();
    relay.lead_to(elsewhere);
    assert_eq!(client.closed_reason(), CloseReason::TimedOut);
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
    second.connects();
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

#[test]
fn clients_that_share_a_thread_end_each_by_itself_and_the_thread_after_the_last() {
    let (_server, address) = Puppeteer::echo_server(server_config());
    let thread = ClientThread::start().unwrap();
    let [one, other] = [(); 2].map(|()| Puppeteer::client_in(&thread, client_config(address)));
    drop(thread);
    for client in [one, other] {
        let connection = client.connected();
        client.sends(connection, "still here");
        assert_eq!(client.frame(), (connection, "still here".into()));
        client.finishes();
        let events = client.join();
        let closed = |event: &Event| {
            matches!(
                event,
                Event::Closed {
                    reason: CloseReason::ByUs(_),
                    ..
                }
            )
        };
        assert!(events.iter().all(closed), "{events:?}");
    }
}
