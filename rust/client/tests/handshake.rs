//! From the first words to the world, against a server that says just what the test wants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    cup, game, ms,
    scripted::{ME, OTHER, Script, TOKEN, commit, resumed, snapshot, spawn_cup, welcome},
};
use synced_client::{SessionConfig, limits::UPDATES_WAITING_MAX, update::EndReason};
use synced_protocol::{
    control::{PROTOCOL_VERSION, encode, encode_first},
    id::{ClientSeq, LogIndex, NodeId, PropertyId},
    link::{CloseCode, CloseReason, Event, Logic, Output},
    live::{Datagram, Pong, encode_pong},
    message::{LiveEntry, NodeEntry, Refusal, ServerMessage, SnapshotPart, Welcome},
    mutation::{Lane, PropertySpec},
    time::Micros,
    value::Value,
};

const MALFORMED: Option<CloseCode> = Some(CloseCode::Malformed);

#[test]
fn the_first_words_name_the_game_and_the_player_and_nothing_else() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    let hello = script.connect();
    assert_eq!((hello.game, hello.player_name.as_str()), (game(), "ann"));
    assert_eq!(hello.resume, None);
}

#[test]
fn a_host_shows_its_secret_with_the_first_words() {
    let mut config = SessionConfig::new(game(), "ann");
    config.host_token = Some(TOKEN);
    let hello = Script::new(config).connect();
    assert_eq!(hello.resume.map(|resume| resume.token), Some(TOKEN));
}

#[test]
fn another_protocol_version_ends_the_session_with_both_versions_named() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    let mut frame = encode_first(&ServerMessage::Refused(Refusal::NameTooLong))
        .unwrap()
        .to_vec();
    frame[4..6].copy_from_slice(&77_u16.to_le_bytes());
    script.frame(frame.into());
    let refusal = Refusal::ProtocolVersion {
        server: 77,
        client: PROTOCOL_VERSION,
    };
    assert_eq!(script.game.ended, Some(EndReason::Refused(refusal)));
    assert!(script.session.is_finished());
}

#[test]
fn a_certificate_that_is_not_trusted_and_a_server_that_said_goodbye_are_not_tried_again() {
    let mut config = SessionConfig::new(game(), "ann");
    config.retry.first_connect = true;
    let reasons = [
        CloseReason::Untrusted("another fingerprint".into()),
        CloseReason::ByPeer(CloseCode::Done),
        CloseReason::ByPeer(CloseCode::Superseded),
    ];
    for reason in reasons {
        let mut script = Script::new(config.clone());
        script.connect();
        script.lose(reason.clone());
        assert_eq!(script.game.ended, Some(EndReason::Closed(reason)));
    }
}

#[test]
fn a_server_that_is_silent_in_the_handshake_is_given_up_after_the_timeout() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    let timeout = SessionConfig::new(game(), "ann").handshake_timeout;
    script.now = script.now + timeout - Micros(1);
    script.event(Event::Woken);
    assert_eq!(script.game.ended, None);
    script.now = script.now + Micros(1);
    script.event(Event::Woken);
    let reason = CloseReason::ByUs(CloseCode::HandshakeTimeout);
    assert_eq!(script.closed_with(), Some(CloseCode::HandshakeTimeout));
    assert_eq!(script.game.ended, Some(EndReason::Closed(reason)));
}

#[test]
fn a_world_that_comes_slowly_but_steadily_is_waited_for() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    script.say_first(&ServerMessage::Welcome(welcome(ME, 10)));
    for place in 0..10 {
        script.now = script.now + Micros::from_secs(4);
        script.event(Event::Woken);
        let part = SnapshotPart {
            players: if place == 0 {
                snapshot(10).players
            } else {
                Vec::new()
            },
            last: place == 9,
            ..snapshot(10)
        };
        script.say(&ServerMessage::Snapshot(part));
    }
    assert_eq!(script.game.joins.len(), 1);
}

#[test]
fn a_first_frame_that_makes_no_sense_ends_the_try() {
    let first_frames = [
        ServerMessage::Snapshot(snapshot(10)),
        commit(11, spawn_cup(1)),
        resumed(0),
        ServerMessage::Welcome(Welcome {
            last_seq: ClientSeq(3),
            ..welcome(ME, 10)
        }),
    ];
    for first in first_frames {
        let mut script = Script::new(SessionConfig::new(game(), "ann"));
        script.connect();
        script.say_first(&first);
        assert_eq!(script.closed_with(), MALFORMED, "{first:?}");
    }
}

#[test]
fn a_stale_end_of_the_connection_before_does_not_end_the_try_after_it() {
    let mut script = Script::up();
    let before = script.connection();
    script.say(&resumed(0));
    script.wait_for_try();
    let reason = CloseReason::ByUs(CloseCode::Malformed);
    script.event(Event::Closed {
        connection: before,
        reason,
    });
    assert_eq!(script.game.tries, [1]);
    script.connect();
    script.event(Event::Frame {
        connection: before,
        bytes: b"late".as_slice().into(),
    });
    assert_eq!(script.closed_with(), None);
}

#[test]
fn a_try_that_fails_is_followed_by_another() {
    let mut script = Script::up();
    script.lose(CloseReason::TimedOut);
    script.wait_for_try();
    let failed = script.wanted().unwrap();
    script.event(Event::Closed {
        connection: failed,
        reason: CloseReason::Unreachable("nobody answers".into()),
    });
    assert_eq!(script.game.tries, [1, 2]);
    script.wait_for_try();
    script.connect();
}

#[test]
fn a_world_with_more_live_values_than_a_game_may_leave_unread_still_comes_up() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    script.say_first(&ServerMessage::Welcome(welcome(ME, 10)));
    let nodes_max = UPDATES_WAITING_MAX as u64 / 64 + 1;
    let connection = script.connection();
    for node in 0..nodes_max {
        let part = full_of_live_values(NodeId(1 << 63 | node), node == nodes_max - 1);
        let part = if node == 0 {
            part
        } else {
            SnapshotPart {
                players: Vec::new(),
                ..part
            }
        };
        let bytes = encode(&ServerMessage::Snapshot(part)).unwrap();
        script
            .session
            .handle(script.now, Event::Frame { connection, bytes });
    }
    script.event(Event::Woken);
    assert_eq!(
        (script.game.joins.len(), script.game.ended.as_ref()),
        (1, None)
    );
    assert_eq!(script.game.nodes.len() as u64, nodes_max);
}

/// A part with one node, all of whose properties are live.
fn full_of_live_values(node: NodeId, last: bool) -> SnapshotPart {
    let mut spawn = cup(node, OTHER);
    spawn.properties = (0..64)
        .map(|place| PropertySpec {
            path: format!(":p{place}"),
            lane: Lane::Live,
            value: Value::Nil,
        })
        .collect();
    let live = (0..64).map(|place| LiveEntry {
        node,
        property: PropertyId(place),
        stamp: ms(1),
        value: Value::Nil,
    });
    SnapshotPart {
        nodes: vec![NodeEntry {
            spawn,
            versions: vec![LogIndex(1); 64],
        }],
        live: live.collect(),
        last,
        ..snapshot(10)
    }
}

#[test]
fn a_leader_whose_clock_is_ahead_after_a_loss_is_followed_at_once() {
    let mut script = Script::up();
    script.now = script.now + Micros::from_secs(60);
    script.lose(CloseReason::TimedOut);
    script.wait_for_try();
    script.connect();
    let ahead = Micros::from_secs(1_800_000_000);
    let ServerMessage::Welcome(mut welcome) = resumed(0) else {
        panic!()
    };
    welcome.session_time = ahead;
    script.outputs.clear();
    script.say_first(&ServerMessage::Welcome(welcome));
    let ping = script.outputs.iter().find_map(|output| match output {
        Output::Datagram { bytes, .. } => Some(Datagram::decode(bytes)),
        _ => None,
    });
    let Some(Ok(Datagram::Ping { sent_at, .. })) = ping else {
        panic!("{ping:?}");
    };
    let pong = Pong {
        ping_sent_at: sent_at,
        received_at: ahead,
        sent_at: ahead,
        ..Pong::default()
    };
    script.datagram(encode_pong(&pong).to_vec());
    assert_eq!(script.now.shifted(script.game.clock.offset_us), ahead);
}
