//! The live lane, as players meet it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bytes::Bytes;
use common::{Table, config, words::*};
use synced_node::config::{ROUND_BYTES_MAX, ROUND_PLAYERS_MIN, ROUND_TIME_PER_PLAYER};
use synced_protocol::{
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId},
    input::{InputFrame, Precision},
    link::ConnectionId,
    live::{BlockKind, Datagram, Fit, Live, LiveWriter, Loss, NodeRef, encode_ping},
    message::ClientMessage,
    mutation::{Access, Mutation, Policy, Spawn},
    time::Micros,
    value::Value,
};

/// Three players; the first owns a cup.
fn table() -> (Table, [ConnectionId; 3], NodeId) {
    let mut table = Table::new();
    let ids = ["Ann", "Bob", "Cid"].map(|name| table.join(name));
    let cup = table.spawn(ids[0], 1);
    (table, ids, cup)
}

/// What a client heard live, in full.
fn heard(table: &Table, id: ConnectionId) -> Vec<(PlayerId, HlcTimestamp, Live<'_>)> {
    let datagrams = table.client(id).datagrams.iter();
    let down = datagrams.map(|bytes| match Datagram::decode(bytes).unwrap() {
        Datagram::Down { player, hlc, live } => (player, hlc, live),
        other => panic!("{other:?}"),
    });
    down.collect()
}

fn values(live: &Live<'_>) -> Vec<(NodeId, Micros, Value)> {
    let blocks = live.blocks().map(Result::unwrap);
    let values = blocks.map(|block| match (block.node, block.kind) {
        (NodeRef::Id(node), BlockKind::Value { stamp, value, .. }) => (node, stamp, value),
        _ => panic!("nothing but values was sent"),
    });
    values.collect()
}

#[test]
fn a_live_value_goes_to_everyone_else_at_once_with_the_leaders_stamp() {
    let (mut table, [ann, bob, cid], cup) = table();
    let sent_at = table.session_time() - Micros(700);
    table.send_datagram(ann, live(5, sent_at, &[(cup, LIVE, Value::Int(3))]));
    table.send_datagram(ann, live(6, sent_at, &[(cup, LIVE, Value::Int(4))]));
    for id in [bob, cid] {
        let heard = heard(&table, id);
        let (player, hlc, live) = &heard[0];
        assert_eq!(*player, table.player(ann));
        assert_eq!(hlc.physical(), table.session_time());
        assert_eq!((live.sequence, live.sent_at), (5, sent_at));
        assert_eq!(values(live), [(cup, sent_at, Value::Int(3))]);
        assert!(heard[1].1 > *hlc);
    }
    assert_eq!(table.client(ann).datagrams.len(), 0);
    let propagation = table.stats().propagation;
    assert_eq!(propagation.count, 2);
    assert!(propagation.max_us.abs_diff(700) <= 7, "{propagation:?}");
}

/// A table at which rounds are, and two of its players, of whom the first owns a cup.
fn crowd() -> (Table, [ConnectionId; 2], NodeId) {
    let mut table = Table::new();
    let ids: Vec<_> = (0..ROUND_PLAYERS_MIN)
        .map(|number| table.join(&format!("Player {number}")))
        .collect();
    let cup = table.spawn(ids[0], 1);
    (table, [ids[0], ids[1]], cup)
}

#[test]
fn where_many_play_what_comes_within_a_round_waits_for_its_end() {
    let (mut table, [ann, bob], cup) = crowd();
    let round = Micros(ROUND_TIME_PER_PLAYER.0 * ROUND_PLAYERS_MIN as u64);
    let send = |table: &mut Table, sequence: u32| {
        let now = table.session_time();
        let value = Value::Int(sequence.into());
        table.send_datagram(ann, live(sequence, now, &[(cup, LIVE, value)]));
        table.client(bob).datagrams.len()
    };
    assert_eq!(send(&mut table, 1), 1);
    table.pass(Micros(1));
    assert_eq!([2, 3].map(|sequence| send(&mut table, sequence)), [1, 1]);
    table.pass(Micros(round.0 - 2));
    assert_eq!(table.client(bob).datagrams.len(), 1);
    table.pass(Micros(1));
    let sequences: Vec<_> = heard(&table, bob)
        .iter()
        .map(|(_, _, live)| live.sequence)
        .collect();
    assert_eq!(sequences, [1, 2, 3]);
    assert_eq!(send(&mut table, 4), 3, "the next round has begun");
    table.pass(round);
    table.pass(round);
    assert_eq!(send(&mut table, 5), 5, "none had begun");
}

#[test]
fn a_round_ends_before_its_time_when_much_waits() {
    let (mut table, [ann, bob], cup) = crowd();
    let now = table.session_time();
    let value = Value::PackedByteArray(vec![7; 400]);
    let mut sent = 0;
    while table.client(bob).datagrams.len() <= 1 {
        sent += 1;
        table.send_datagram(ann, live(sent, now, &[(cup, LIVE, value.clone())]));
    }
    let bytes: usize = table.client(bob).datagrams[1..]
        .iter()
        .map(Bytes::len)
        .sum();
    assert!(
        (ROUND_BYTES_MAX..ROUND_BYTES_MAX + 1_200).contains(&bytes),
        "{bytes}"
    );
    assert_eq!(table.client(bob).datagrams.len(), sent as usize);
}

#[test]
fn all_receivers_share_one_copy() {
    let (mut table, [ann, bob, cid], cup) = table();
    let now = table.session_time();
    table.send_datagram(ann, live(0, now, &[(cup, LIVE, Value::Int(3))]));
    let at = |id| table.client(id).datagrams[0].as_ptr();
    assert_eq!(at(bob), at(cid));
}

#[test]
fn blocks_for_what_the_player_does_not_own_or_what_is_not_live_are_left_out() {
    let (mut table, [ann, bob, cid], cup) = table();
    let bobs = table.spawn(bob, 1);
    let now = table.session_time();
    let blocks = [
        (cup, LIVE, Value::Int(1)),
        (bobs, LIVE, Value::Int(2)),
        (cup, CONFIRMED, Value::Int(3)),
        (cup, synced_protocol::id::PropertyId(9), Value::Int(4)),
        (NodeId(99), LIVE, Value::Int(5)),
        (cup, LIVE, Value::Int(6)),
    ];
    table.send_datagram(ann, live(0, now, &blocks));
    let heard_live = &heard(&table, cid)[0].2;
    let expected = [1, 6].map(|number| (cup, now, Value::Int(number)));
    assert_eq!(values(heard_live), expected);
    let counters = table.stats().counters;
    assert_eq!((counters.blocks_relayed, counters.blocks_refused), (2, 4));
    table.send_datagram(ann, live(1, now, &blocks[1..5]));
    assert_eq!(
        table.client(cid).datagrams.len(),
        1,
        "nothing was left of it"
    );
}

/// What a datagram says of its sender's own nodes: counter, stamp and value.
fn own_values(live: &Live<'_>) -> Vec<(u32, Micros, Value)> {
    let blocks = live.blocks().map(Result::unwrap);
    let values = blocks.map(|block| match (block.node, block.kind) {
        (NodeRef::Own(counter), BlockKind::Value { stamp, value, .. }) => (counter, stamp, value),
        _ => panic!("nothing but values of own nodes was sent"),
    });
    values.collect()
}

#[test]
fn a_value_keeps_its_stamp_whatever_is_left_out_before_it() {
    let (mut table, [ann, bob, cid], cup) = table();
    let second = table.spawn(ann, 2);
    let third = table.spawn(ann, 3);
    table.send(bob, &interest(cup, false));
    table.send(cid, &interest(second, false));
    let now = table.session_time();
    let earlier = now - Micros(700);
    let mut writer = LiveWriter::default();
    writer.begin(0, now);
    let values = [
        (NodeRef::Own(9), now - Micros(900)),
        (NodeRef::Own(1), earlier),
        (NodeRef::Own(2), earlier),
        (NodeRef::Own(3), now),
    ];
    for (node, stamp) in values {
        let fit = writer.value(node, LIVE, stamp, &Value::Nil);
        assert_eq!(fit, Fit::Written);
    }
    table.send_datagram(ann, writer.bytes().to_vec());
    let heard_by = |id| own_values(&heard(&table, id)[0].2);
    let nil = Value::Nil;
    let of_third = (third.counter(), now, nil.clone());
    assert_eq!(heard_by(bob), [(2, earlier, nil.clone()), of_third.clone()]);
    assert_eq!(heard_by(cid), [(1, earlier, nil), of_third]);
    assert_eq!(table.stats().counters.blocks_refused, 1);
}

#[test]
fn a_short_name_that_means_no_node_or_two_of_them_is_left_out() {
    let (mut table, [ann, _, cid], cup) = table();
    let now = table.session_time();
    let mut writer = LiveWriter::default();
    writer.begin(0, now);
    for node in [NodeRef::Prefix(7), cup.into()] {
        assert_eq!(writer.value(node, LIVE, now, &Value::Nil), Fit::Written);
    }
    table.send_datagram(ann, writer.bytes().to_vec());
    assert_eq!(values(&heard(&table, cid)[0].2), [(cup, now, Value::Nil)]);
    assert_eq!(table.stats().counters.blocks_refused, 1);
}

#[test]
fn who_joins_late_is_told_the_place_that_those_who_were_there_saw() {
    let (mut table, [ann, bob, _], _) = table();
    let pose = Value::Transform3D([
        1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.123_456, 1.0, 2.0,
    ]);
    let now = table.session_time();
    let mut writer = LiveWriter::with_precision(Some(Precision::Fine));
    writer.begin(0, now);
    let fit = writer.value(NodeRef::Own(1), LIVE, now, &pose);
    assert_eq!(fit, Fit::Written);
    assert!(writer.bytes().len() <= 13 + 16);
    table.send_datagram(ann, writer.bytes().to_vec());
    let seen = own_values(&heard(&table, bob)[0].2)[0].2.clone();
    assert_ne!(seen, pose);
    let late = table.join("Dan");
    let told = &table.client(late).live;
    assert_eq!(told.last().map(|entry| &entry.value), Some(&seen));
}

#[test]
fn input_is_relayed_as_it_came_and_only_from_the_owner() {
    let (mut table, [ann, bob, cid], cup) = table();
    let now = table.session_time();
    let mut writer = LiveWriter::default();
    writer.begin(0, now);
    let frame = InputFrame {
        sampled_at: now,
        ..InputFrame::default()
    };
    assert_eq!(
        writer.input(cup, &[frame; 3], Precision::Fine),
        Fit::Written
    );
    table.send_datagram(bob, writer.bytes().to_vec());
    table.send_datagram(ann, writer.bytes().to_vec());
    let datagrams = &table.client(cid).datagrams;
    assert_eq!(datagrams.len(), 1);
    assert!(datagrams[0].ends_with(&writer.bytes()[1..]));
}

#[test]
fn who_gave_a_node_away_sends_no_more_of_it_and_the_new_owner_does() {
    let (mut table, [ann, bob, cid], cup) = table();
    table.propose(ann, give(cup, table.player(bob)));
    let datagram = live(0, table.session_time(), &[(cup, LIVE, Value::Int(1))]);
    table.send_datagram(ann, datagram.clone());
    table.send_datagram(bob, datagram);
    let players: Vec<_> = heard(&table, cid).iter().map(|heard| heard.0).collect();
    assert_eq!(players, [table.player(bob)]);
}

#[test]
fn an_owner_whom_the_policy_lets_not_write_sends_nothing() {
    let (mut table, [ann, bob, _], _) = table();
    let spawn = instance(table.player(ann), 2);
    let policy = Policy {
        write: Access::Server,
        ..spawn.policy
    };
    let node = spawn.node;
    table.propose(ann, Mutation::Spawn(Spawn { policy, ..spawn }));
    let datagram = live(0, table.session_time(), &[(node, LIVE, Value::Int(1))]);
    table.send_datagram(ann, datagram);
    assert_eq!(table.client(bob).datagrams.len(), 0);
}

#[test]
fn a_datagram_from_too_far_in_the_future_is_dropped_and_counted() {
    let (mut table, [ann, bob, _], cup) = table();
    let latest = table.session_time() + config().clock_offset_max;
    let value = [(cup, LIVE, Value::Int(1))];
    table.send_datagram(ann, live(0, latest + Micros(1), &value));
    assert_eq!(table.client(bob).datagrams.len(), 0);
    assert_eq!(table.stats().counters.datagrams_ahead, 1);
    table.send_datagram(ann, live(1, latest, &value));
    assert_eq!(table.client(bob).datagrams.len(), 1);
}

#[test]
fn a_ping_is_answered_at_once_also_before_the_handshake() {
    let (mut table, [ann, ..], _) = table();
    let stranger = table.connect();
    for id in [ann, stranger] {
        table.send_datagram(id, encode_ping(Micros(123), Loss::NONE).to_vec());
        let bytes = &table.client(id).datagrams[0];
        let Datagram::Pong(pong) = Datagram::decode(bytes).unwrap() else {
            panic!("{bytes:?}");
        };
        assert_eq!(pong.ping_sent_at, Micros(123));
        assert_eq!(pong.received_at, table.session_time());
        assert_eq!(pong.sent_at, table.session_time());
    }
}

#[test]
fn live_values_of_a_peer_that_has_not_joined_go_nowhere() {
    let (mut table, [ann, ..], cup) = table();
    let stranger = table.connect();
    let datagram = live(0, table.session_time(), &[(cup, LIVE, Value::Int(1))]);
    table.send_datagram(stranger, datagram);
    assert_eq!(table.client(ann).datagrams.len(), 0);
    assert_eq!(table.closed(stranger), None);
}

fn interest(node: NodeId, wanted: bool) -> ClientMessage {
    ClientMessage::Interest { node, wanted }
}

#[test]
fn what_a_player_does_not_want_is_left_out_for_that_player_alone_until_it_is_wanted_again() {
    let (mut table, [ann, bob, cid], cup) = table();
    let plate = table.spawn(ann, 2);
    let now = table.session_time();
    let both = [(cup, LIVE, Value::Int(1)), (plate, LIVE, Value::Int(2))];
    table.send(bob, &interest(cup, false));
    table.send_datagram(ann, live(0, now, &both));
    table.send_datagram(ann, live(1, now, &both[..1]));
    table.send_datagram(ann, live(2, now, &both[1..]));
    table.send(bob, &interest(cup, true));
    table.send_datagram(ann, live(3, now, &both));
    let told = |id| -> Vec<_> {
        let heard = heard(&table, id).into_iter();
        heard
            .map(|(_, hlc, live)| (hlc, live.sequence, values(&live).len()))
            .collect()
    };
    let (all, wanted) = (told(cid), told(bob));
    assert_eq!(
        all.iter().map(|(_, s, n)| (*s, *n)).collect::<Vec<_>>(),
        [(0, 2), (1, 1), (2, 1), (3, 2)]
    );
    assert_eq!(wanted, [(all[0].0, 0, 1), all[2], all[3]]);
    assert_eq!(
        values(&heard(&table, bob)[0].2),
        [(plate, now, Value::Int(2))]
    );
}

#[test]
fn players_who_want_all_that_a_datagram_holds_share_one_copy_whatever_else_they_do_not_want() {
    let (mut table, [ann, bob, cid], cup) = table();
    table.send(bob, &interest(NodeId(99), false));
    let now = table.session_time();
    table.send_datagram(ann, live(0, now, &[(cup, LIVE, Value::Int(3))]));
    let at = |id| table.client(id).datagrams[0].as_ptr();
    assert_eq!(at(bob), at(cid));
}

#[test]
fn who_comes_back_or_joins_wants_everything_again() {
    let (mut table, [ann, bob, _], cup) = table();
    table.send(bob, &interest(cup, false));
    table.lose(bob);
    let bob = table.come_back(bob);
    let now = table.session_time();
    table.send_datagram(ann, live(0, now, &[(cup, LIVE, Value::Int(3))]));
    assert_eq!(table.client(bob).datagrams.len(), 1);
}

/// What a player who joins now is told of live values.
fn told_late(table: &mut Table) -> Vec<(NodeId, Micros, Value)> {
    let id = table.join("Late");
    let live = table.client(id).live.clone();
    table.lose(id);
    live.into_iter()
        .map(|entry| (entry.node, entry.stamp, entry.value))
        .collect()
}

#[test]
fn a_late_joiner_gets_the_newest_live_values() {
    let (mut table, [ann, ..], cup) = table();
    let now = table.session_time();
    let older = now - Micros(10);
    table.send_datagram(ann, live(1, now, &[(cup, LIVE, Value::Int(2))]));
    table.send_datagram(ann, live(0, older, &[(cup, LIVE, Value::Int(1))]));
    assert_eq!(told_late(&mut table), [(cup, now, Value::Int(2))]);
}

#[test]
fn a_confirmed_value_takes_the_place_of_live_ones_that_were_sent_before() {
    let (mut table, [ann, ..], cup) = table();
    let before = table.session_time();
    table.send_datagram(ann, live(0, before, &[(cup, LIVE, Value::Int(1))]));
    table.pass(Micros(1_000));
    table.propose(ann, set(cup, LIVE, Value::Int(2)));
    assert_eq!(told_late(&mut table), []);
    let late = live(1, before + Micros(500), &[(cup, LIVE, Value::Int(1))]);
    table.send_datagram(ann, late);
    assert_eq!(told_late(&mut table), []);
    let after = table.session_time() + Micros(1);
    table.send_datagram(ann, live(2, after, &[(cup, LIVE, Value::Int(3))]));
    assert_eq!(told_late(&mut table), [(cup, after, Value::Int(3))]);
}

#[test]
fn the_live_values_of_a_despawned_node_are_forgotten() {
    let (mut table, [ann, ..], cup) = table();
    let other = table.spawn(ann, 2);
    let now = table.session_time();
    let values = [cup, other].map(|node| (node, LIVE, Value::Int(1)));
    table.send_datagram(ann, live(0, now, &values));
    table.propose(ann, despawn(cup));
    assert_eq!(told_late(&mut table), [(other, now, Value::Int(1))]);
}
