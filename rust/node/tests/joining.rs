//! Whoever wants to join does so once, and a large world for many holds nobody up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Table, config, words::*};
use synced_node::{
    NodeConfig,
    config::{SNAPSHOT_PART_BYTES, SNAPSHOT_PART_INTERVAL},
};
use synced_protocol::{
    id::NodeId,
    link::{CloseCode, ConnectionId, Event, Logic as _},
    message::{ClientMessage, Hello, JoinKey, Refusal},
    mutation::Mutation,
    time::Micros,
    value::Value,
};

fn with_key(byte: u8) -> Hello {
    Hello {
        key: JoinKey([byte; 16]),
        ..hello("Ann")
    }
}

fn say_hello(table: &mut Table, hello: Hello) -> ConnectionId {
    let id = table.connect();
    table.send_first(id, &ClientMessage::Hello(hello));
    id
}

#[test]
fn a_client_that_did_not_hear_of_its_welcome_is_welcomed_as_the_same_player() {
    let mut table = Table::new();
    let first = say_hello(&mut table, with_key(1));
    table.lose(first);
    let second = say_hello(&mut table, with_key(1));
    let third = say_hello(&mut table, with_key(1));
    assert_eq!(table.closed(second), Some(CloseCode::Superseded));
    assert_eq!(table.player(third), table.player(first));
    assert_eq!(
        table.client(third).welcome().token,
        table.client(first).welcome().token
    );
    assert!(!table.client(third).welcome().resumed);
    assert_eq!(table.stats().counters.players_joined, 1);
    table.pass(config().resume_grace);
    assert_eq!(table.stats().players, 1);
    table.assert_agree(&[third]);
}

#[test]
fn another_key_is_another_player_and_so_is_the_same_once_the_player_has_left() {
    let mut table = Table::new();
    let ann = say_hello(&mut table, with_key(1));
    let bob = say_hello(&mut table, with_key(2));
    assert_ne!(table.player(ann), table.player(bob));
    table.send(ann, &ClientMessage::Leave);
    let again = say_hello(&mut table, with_key(1));
    assert_ne!(table.player(again), table.player(ann));
    assert_eq!(table.stats().players, 2);
}

#[test]
fn the_same_key_takes_no_second_place() {
    let mut table = Table::with(NodeConfig {
        players_max: 1,
        ..config()
    });
    for _ in 0..3 {
        let id = say_hello(&mut table, with_key(1));
        assert!(table.client(id).refused.is_none());
        table.lose(id);
    }
    let other = say_hello(&mut table, with_key(2));
    let full = Refusal::Full { players_max: 1 };
    assert_eq!(table.client(other).refused, Some(full));
}

const CUPS: u32 = 24;

/// The bytes that a cup holds: a few of them fill a part.
const CUP_BYTES: usize = 12 * 1024;

/// Ann has made a world of several parts.
fn with_a_large_world() -> (Table, ConnectionId) {
    let mut table = Table::new();
    let ann = table.join("Ann");
    for counter in 1..=CUPS {
        table.pass(Micros::from_millis(100));
        let mut cup = instance(table.player(ann), counter);
        cup.properties[0].value = Value::PackedByteArray(vec![counter as u8; CUP_BYTES]);
        table.propose(ann, Mutation::Spawn(cup));
    }
    assert_eq!(table.node.world().nodes().len(), CUPS as usize);
    (table, ann)
}

fn parts(table: &Table, id: ConnectionId) -> usize {
    table.client(id).snapshot_frames
}

/// Until the node has nothing more to say of itself.
fn until_made(table: &mut Table) {
    table.pass(Micros::from_millis(50));
}

#[test]
fn a_large_world_is_made_one_part_after_the_other() {
    let (mut table, _) = with_a_large_world();
    let bob = table.join("Bob");
    let mut made = parts(&table, bob);
    assert_eq!(made, 1);
    while !table.client(bob).has_world() {
        let now = table.now;
        table.handle(Event::Woken);
        assert_eq!(parts(&table, bob), made, "the next one is not due");
        table.now = table.node.poll_deadline().unwrap();
        assert!(table.now.since(now) <= SNAPSHOT_PART_INTERVAL);
        table.handle(Event::Woken);
        made += 1;
        assert_eq!(parts(&table, bob), made);
    }
    assert!(made > CUPS as usize * CUP_BYTES / SNAPSHOT_PART_BYTES);
    table.assert_agree(&[bob]);
}

#[test]
fn all_who_come_while_a_snapshot_is_made_share_the_next_one() {
    let (mut table, _) = with_a_large_world();
    let before = table.stats().counters;
    let many: Vec<_> = (0..10).map(|_| table.join("Somebody")).collect();
    until_made(&mut table);
    table.assert_agree(&many);
    let after = table.stats().counters;
    assert_eq!(after.snapshots_made - before.snapshots_made, 2);
    assert_eq!(after.snapshots_sent - before.snapshots_sent, 10);
}

#[test]
fn what_happens_while_a_snapshot_is_made_comes_behind_it() {
    let (mut table, ann) = with_a_large_world();
    let [bob, cleo] = ["Bob", "Cleo"].map(|name| table.join(name));
    let [first, last] = [1, CUPS].map(|counter| NodeId::spawned(table.player(ann), counter));
    let mut counter = CUPS;
    while !table.client(cleo).has_world() {
        counter += 1;
        table.spawn(ann, counter);
        table.propose(ann, set(last, CONFIRMED, Value::Int(counter.into())));
        table.propose(ann, despawn(first));
        table.pass(SNAPSHOT_PART_INTERVAL);
    }
    assert!(counter > CUPS + 10, "it takes a while");
    assert!(table.client(bob).commits.len() > 10);
    table.assert_agree(&[ann, bob, cleo]);
}

#[test]
fn who_is_gone_before_the_snapshot_is_made_keeps_nobody_else_from_it() {
    let (mut table, _) = with_a_large_world();
    let [first, second, third] = ["Bob", "Cleo", "Dan"].map(|name| table.join(name));
    table.pass(SNAPSHOT_PART_INTERVAL);
    table.lose(first);
    table.lose(second);
    until_made(&mut table);
    table.assert_agree(&[third]);
    let back = table.come_back(first);
    until_made(&mut table);
    assert_eq!(table.player(back), table.player(first));
    table.assert_agree(&[third, back]);
}

#[test]
fn live_values_that_do_not_fit_beside_the_world_come_in_parts_of_their_own() {
    let mut table = Table::new();
    let ann = table.join("Ann");
    let cups: Vec<_> = (1..=150)
        .map(|counter| {
            table.pass(Micros::from_millis(10));
            table.spawn(ann, counter)
        })
        .collect();
    let value = |cup: NodeId| Value::PackedByteArray(vec![cup.counter() as u8; 500]);
    for (sequence, pair) in (0..).zip(cups.chunks(2)) {
        table.pass(Micros::from_millis(10));
        let values: Vec<_> = pair.iter().map(|cup| (*cup, LIVE, value(*cup))).collect();
        table.send_datagram(ann, live(sequence, table.session_time(), &values));
    }
    let bob = table.join("Bob");
    until_made(&mut table);
    let told = table.client(bob).live.iter();
    let told: Vec<_> = told.map(|it| (it.node, it.value.clone())).collect();
    let expected: Vec<_> = cups.into_iter().map(|cup| (cup, value(cup))).collect();
    assert_eq!(told, expected);
    assert!(parts(&table, bob) > 1);
    table.assert_agree(&[bob]);
}
