//! Who leaves lets everything rest where it was seen last.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{HOST_TOKEN, Table, config, words::*};
use synced_node::config::RESTED_ENTRY_BYTES;
use synced_protocol::{
    id::{LogIndex, NodeId, PlayerId},
    link::ConnectionId,
    message::{Change, ClientMessage, Hello, Resume},
    mutation::{Mutation, OnOwnerLeft, Policy},
    time::Micros,
    value::Value,
};

/// Ann watches a cup that Bob holds and has moved to 7.
fn with_a_moving_cup() -> (Table, [ConnectionId; 2], NodeId) {
    let mut table = Table::new();
    let [ann, bob] = ["Ann", "Bob"].map(|name| table.join(name));
    let cup = table.spawn(bob, 1);
    stream(&mut table, bob, cup, 7);
    (table, [ann, bob], cup)
}

fn stream(table: &mut Table, id: ConnectionId, node: NodeId, number: i64) {
    table.pass(Micros(10));
    let now = table.session_time();
    table.send_datagram(id, live(0, now, &[(node, LIVE, Value::Int(number))]));
}

fn leave(table: &mut Table, id: ConnectionId) {
    table.send(id, &ClientMessage::Leave);
}

fn confirmed(table: &Table, node: NodeId) -> Value {
    let node = table.node.world().node(node).unwrap();
    node.property(LIVE).unwrap().value().clone()
}

/// What a player heard of nodes that came to rest: how many values with each commit.
fn rested(table: &Table, id: ConnectionId) -> Vec<usize> {
    let commits = table.client(id).commits.iter();
    let values = commits.filter_map(|commit| match &commit.entry.change {
        Change::Rested { values, .. } => Some(values.len()),
        _ => None,
    });
    values.collect()
}

#[test]
fn what_a_lost_player_moved_rests_for_all_and_for_who_comes_late_where_it_was_seen_last() {
    let (mut table, [ann, bob], cup) = with_a_moving_cup();
    let player = table.player(bob);
    table.lose(bob);
    table.pass(config().resume_grace - Micros(1));
    assert_eq!(confirmed(&table, cup), Value::Int(0));
    table.pass(Micros(1));
    assert_eq!(confirmed(&table, cup), Value::Int(7));
    assert!(table.node.world().player(player).is_none());
    let late = table.join("Late");
    assert_eq!(table.client(late).live, []);
    table.assert_agree(&[ann, late]);
}

#[test]
fn who_says_so_and_leaves_lets_rest_before_being_gone() {
    let (mut table, [ann, bob], cup) = with_a_moving_cup();
    let player = table.player(bob);
    leave(&mut table, bob);
    let [.., rested, left] = &table.client(ann).commits[..] else {
        panic!("too little was heard");
    };
    assert!(matches!(&rested.entry.change, Change::Rested { player: of, .. } if *of == player));
    assert_eq!(left.entry.change, Change::PlayerLeft { player });
    assert_eq!(confirmed(&table, cup), Value::Int(7));
    assert_eq!(
        table.world_of(ann).node(cup).unwrap().owner(),
        PlayerId::SERVER
    );
    table.assert_agree(&[ann]);
}

#[test]
fn values_of_a_player_who_leaves_are_all_confirmed_however_many_they_are() {
    const CUPS: u32 = 300;
    let mut table = Table::new();
    let [ann, bob] = ["Ann", "Bob"].map(|name| table.join(name));
    let cups: Vec<_> = (1..=CUPS)
        .map(|counter| table.spawn(bob, counter))
        .collect();
    let large = |cup: NodeId| Value::PackedByteArray(vec![cup.counter() as u8; 500]);
    for (sequence, pair) in (0..).zip(cups.chunks(2)) {
        table.pass(Micros::from_millis(10));
        let values: Vec<_> = pair.iter().map(|cup| (*cup, LIVE, large(*cup))).collect();
        let datagram = live(sequence, table.session_time(), &values);
        table.send_datagram(bob, datagram);
    }
    leave(&mut table, bob);
    for cup in cups {
        assert_eq!(confirmed(&table, cup), large(cup));
    }
    let heard = rested(&table, ann);
    assert_eq!(heard.iter().sum::<usize>(), CUPS as usize);
    assert!(heard.len() > CUPS as usize * 500 / RESTED_ENTRY_BYTES);
    let late = table.join("Late");
    table.pass(Micros::from_millis(10));
    table.assert_agree(&[ann, late]);
}

#[test]
fn a_value_from_a_clock_that_is_ahead_rests_as_well() {
    let (mut table, [ann, bob], cup) = with_a_moving_cup();
    let ahead = table.session_time() + config().clock_offset_max;
    table.send_datagram(bob, live(1, ahead, &[(cup, LIVE, Value::Int(8))]));
    leave(&mut table, bob);
    assert_eq!(confirmed(&table, cup), Value::Int(8));
    let late = table.join("Late");
    assert_eq!(table.client(late).live, []);
    table.assert_agree(&[ann, late]);
}

#[test]
fn what_goes_with_its_owner_and_what_never_moved_needs_no_rest() {
    let mut table = Table::new();
    let [ann, bob] = ["Ann", "Bob"].map(|name| table.join(name));
    let mut hand = instance(table.player(bob), 1);
    hand.policy.on_owner_left = OnOwnerLeft::Despawn;
    let node = hand.node;
    table.propose(bob, Mutation::Spawn(hand));
    table.spawn(bob, 2);
    stream(&mut table, bob, node, 7);
    leave(&mut table, bob);
    assert!(rested(&table, ann).is_empty());
    assert!(table.node.world().node(node).is_none());
}

#[test]
fn what_rests_already_is_not_written_again() {
    let (mut table, [ann, bob], cup) = with_a_moving_cup();
    table.propose(bob, set(cup, LIVE, Value::Int(8)));
    leave(&mut table, bob);
    assert!(rested(&table, ann).is_empty());
    assert_eq!(confirmed(&table, cup), Value::Int(8));
}

#[test]
fn others_go_on_moving_what_is_theirs() {
    let (mut table, [ann, bob], cup) = with_a_moving_cup();
    table.propose(bob, give(cup, table.player(ann)));
    let other = table.spawn(ann, 1);
    stream(&mut table, ann, other, 9);
    leave(&mut table, bob);
    for node in [cup, other] {
        assert_eq!(confirmed(&table, node), Value::Int(0));
    }
    let late = table.join("Late");
    assert_eq!(table.client(late).live.len(), 2);
}

#[test]
fn who_comes_back_in_time_goes_on_moving() {
    let (mut table, [ann, bob], cup) = with_a_moving_cup();
    table.lose(bob);
    table.pass(config().resume_grace - Micros(1));
    let back = table.come_back(bob);
    table.pass(config().resume_grace);
    stream(&mut table, back, cup, 8);
    assert!(rested(&table, ann).is_empty());
    assert_eq!(confirmed(&table, cup), Value::Int(0));
    assert_eq!(table.client(ann).datagrams.len(), 2);
}

#[test]
fn what_the_server_owns_rests_when_the_hosting_player_who_moved_it_leaves() {
    let mut table = Table::new();
    let ann = table.join("Ann");
    let host = table.connect();
    let resume = Some(Resume {
        token: HOST_TOKEN,
        cursor: LogIndex::ZERO,
    });
    let hello = Hello {
        resume,
        ..hello("Host")
    };
    table.send_first(host, &ClientMessage::Hello(hello));
    let mut door = instance(table.player(host), 1);
    door.owner = PlayerId::SERVER;
    door.policy = Policy {
        on_owner_left: OnOwnerLeft::Despawn,
        ..door.policy
    };
    let node = door.node;
    table.propose(host, Mutation::Spawn(door));
    stream(&mut table, host, node, 7);
    leave(&mut table, host);
    assert_eq!(confirmed(&table, node), Value::Int(7));
    table.assert_agree(&[ann]);
}
