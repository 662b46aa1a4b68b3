//! Bad input, and what it gets. Whoever behaves notices nothing of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Table, config, game, openings::*, words::*};
use proptest::prelude::*;
use synced_node::NodeConfig;
use synced_protocol::{
    control::{self, MAGIC, PROTOCOL_VERSION},
    hlc::HlcTimestamp,
    id::{ClientSeq, NodeId, PlayerId},
    limits::{MAX_DATAGRAM_BYTES, MAX_GAME_BYTES, MAX_NAME_BYTES},
    link::{CloseCode, ConnectionId},
    live::relay_header,
    message::{ClientMessage, Game, Hello, Refusal},
    mutation::Mutation,
    time::Micros,
    value::Value,
};

fn first_frame_gets(frame: Vec<u8>) -> (Table, ConnectionId) {
    let mut table = Table::new();
    let id = table.connect();
    table.send_frame(id, frame);
    (table, id)
}

fn hello_gets(hello: Hello) -> Option<Refusal> {
    let message = ClientMessage::Hello(hello);
    let frame = control::encode_first(&message).unwrap();
    let (table, id) = first_frame_gets(frame.into());
    let client = table.client(id);
    let refused = client.refused.is_some();
    assert_eq!(client.closed, refused.then_some(CloseCode::Refused));
    assert_eq!(client.welcome.is_some(), !refused);
    client.refused.clone()
}

#[test]
fn another_protocol_version_is_refused_and_both_are_named() {
    let client = PROTOCOL_VERSION + 1;
    let mut frame = MAGIC.to_vec();
    frame.extend_from_slice(&client.to_le_bytes());
    frame.extend_from_slice(b"whatever that version says");
    let (table, id) = first_frame_gets(frame);
    let server = PROTOCOL_VERSION;
    let refusal = Refusal::ProtocolVersion { server, client };
    assert_eq!(table.client(id).refused, Some(refusal));
    assert_eq!(table.closed(id), Some(CloseCode::Refused));
    assert_eq!(table.stats().cut_offs.refused, 1);
}

#[test]
fn another_game_or_version_of_it_is_refused_and_both_are_named() {
    let other = |name: &str, version: &str| Game {
        name: name.to_owned(),
        version: version.to_owned(),
    };
    for client in [other("plates", "1.0"), other("cups", "1.1")] {
        let hello = Hello {
            game: client.clone(),
            ..hello("Mal")
        };
        let refusal = Refusal::Game {
            server: game(),
            client,
        };
        assert_eq!(hello_gets(hello), Some(refusal));
    }
}

#[test]
fn names_past_their_limits_are_refused() {
    let named = |length| hello(&"x".repeat(length));
    assert_eq!(hello_gets(named(MAX_NAME_BYTES)), None);
    let too_long = Some(Refusal::NameTooLong);
    assert_eq!(hello_gets(named(MAX_NAME_BYTES + 1)), too_long);
    let long_game = Game {
        version: "1".repeat(MAX_GAME_BYTES + 1),
        ..game()
    };
    let hello = Hello {
        game: long_game,
        ..hello("Mal")
    };
    assert_eq!(hello_gets(hello), too_long);
}

#[test]
fn a_full_session_refuses_but_lets_its_own_come_back() {
    let mut table = Table::with(NodeConfig {
        players_max: 2,
        ..config()
    });
    let (_, bob) = (table.join("Ann"), table.join("Bob"));
    table.lose(bob);
    let cid = table.join("Cid");
    let refusal = Refusal::Full { players_max: 2 };
    assert_eq!(table.client(cid).refused, Some(refusal));
    let back = table.come_back(bob);
    assert!(table.client(back).welcome().resumed);
    table.send(back, &ClientMessage::Leave);
    let dan = table.join("Dan");
    table.assert_agree(&[dan]);
}

#[test]
fn a_peer_that_says_nothing_is_cut_off_after_the_handshake_timeout() {
    let mut table = Table::new();
    let ann = table.join("Ann");
    let mute = table.connect();
    table.pass(config().handshake_timeout - Micros(1));
    assert_eq!(table.closed(mute), None);
    table.pass(Micros(1));
    assert_eq!(table.closed(mute), Some(CloseCode::HandshakeTimeout));
    table.assert_agree(&[ann]);
    assert_eq!(table.stats().cut_offs.handshake_timeout, 1);
}

#[test]
fn a_first_frame_that_is_no_hello_is_malformed() {
    let leave = control::encode_first(&ClientMessage::Leave)
        .unwrap()
        .to_vec();
    let hello = control::encode_first(&ClientMessage::Hello(hello("Mal"))).unwrap();
    let mut longer = hello.to_vec();
    longer.push(0);
    let shorter = hello[..hello.len() - 1].to_vec();
    for frame in [leave, longer, shorter, b"GET / HTTP/1.1".to_vec(), vec![]] {
        let (table, id) = first_frame_gets(frame);
        assert_eq!(table.closed(id), Some(CloseCode::Malformed));
        assert_eq!(table.client(id).welcome, None);
        assert_eq!(table.stats().players, 0);
    }
}

#[test]
fn a_frame_that_cannot_be_decoded_cuts_its_sender_off() {
    let again = control::encode(&ClientMessage::Hello(hello("Mal"))).unwrap();
    let truncated = control::encode(&ClientMessage::Propose {
        seq: ClientSeq(1),
        transaction: despawn(NodeId(1)).into(),
    })
    .unwrap();
    let truncated = truncated.slice(..truncated.len() - 1);
    let garbage = vec![0xff; 100].into();
    for frame in [again, truncated, garbage, vec![].into()] {
        let (mut table, ann, mal) = table();
        table.send_frame(mal, frame);
        assert_eq!(table.stats().cut_offs.malformed, 1);
        assert_cut(table, ann, mal, CloseCode::Malformed);
    }
}

#[test]
fn a_datagram_that_cannot_be_decoded_or_is_not_a_clients_cuts_its_sender_off() {
    let up = live(0, Micros::ZERO, &[]);
    let mut bad_block = up.clone();
    bad_block.extend_from_slice(&[9; 20]);
    let mut down = relay_header(PlayerId(1), HlcTimestamp::ZERO).to_vec();
    down.extend_from_slice(&[0; 12]);
    let pong = [vec![4], vec![0; 24]].concat();
    let mut too_long = up.clone();
    too_long.resize(MAX_DATAGRAM_BYTES, 0);
    let unknown = vec![77; 30];
    for datagram in [
        vec![],
        up[..5].to_vec(),
        bad_block,
        down,
        pong,
        too_long,
        unknown,
    ] {
        let (mut table, ann, mal) = table();
        table.send_datagram(mal, datagram);
        assert_cut(table, ann, mal, CloseCode::Malformed);
    }
}

#[test]
fn a_datagram_with_good_blocks_before_the_bad_one_is_not_relayed_at_all() {
    let (mut table, ann, mal) = table();
    let cup = table.spawn(mal, 1);
    let mut bytes = live(0, table.session_time(), &[(cup, LIVE, Value::Int(1))]);
    bytes.push(9);
    table.send_datagram(mal, bytes);
    assert_cut(table, ann, mal, CloseCode::Malformed);
}

proptest! {
    #[test]
    fn no_frame_and_no_datagram_does_more_than_cut_its_sender_off(
        inputs in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 1..20),
    ) {
        let (mut table, ann, mal) = table();
        for (is_frame, bytes) in inputs {
            if is_frame {
                table.send_frame(mal, bytes);
            } else {
                table.send_datagram(mal, bytes);
            }
        }
        table.spawn(ann, 1);
        table.assert_agree(&[ann]);
    }

    #[test]
    fn no_spoiled_message_does_more_than_cut_its_sender_off(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), which in 0..4_usize,
    ) {
        let (mut table, ann, mal) = table();
        let player = table.player(mal);
        let cup = table.spawn(mal, 1);
        let propose = |mutation: Mutation| {
            let (seq, transaction) = (ClientSeq(9), mutation.into());
            control::encode(&ClientMessage::Propose { seq, transaction }).unwrap().to_vec()
        };
        let mut message = match which {
            0 => propose(Mutation::Spawn(instance(player, 2))),
            1 => propose(set(cup, CONFIRMED, Value::Array(vec![Value::Int(1), Value::Nil]))),
            2 => live(0, table.session_time(), &[(cup, LIVE, Value::Vector3([0.0; 3]))]),
            _ => control::encode_first(&ClientMessage::Hello(hello("Mal"))).unwrap().to_vec(),
        };
        let at = at.index(message.len());
        message[at] = byte;
        match which {
            2 => table.send_datagram(mal, message),
            3 => {
                let stranger = table.connect();
                table.send_frame(stranger, message);
            }
            _ => table.send_frame(mal, message),
        }
        table.spawn(ann, 1);
        table.assert_agree(&[ann]);
    }
}
