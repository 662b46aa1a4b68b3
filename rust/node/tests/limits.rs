//! Rates and sizes, at their limit and past it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Table, config, openings::*, words::*};
use synced_node::{Limits, NodeConfig, Rate};
use synced_protocol::{
    id::NodeId,
    limits::{MAX_DATAGRAM_BYTES, MAX_FRAME_BYTES, MAX_UNWANTED_NODES},
    link::CloseCode,
    live::{Datagram, Loss, MAX_UP_DATAGRAM_BYTES, encode_ping},
    message::ClientMessage,
    mutation::{Limit, Mutation, Rejection},
    time::Micros,
    value::Value,
};

#[test]
fn the_largest_datagram_of_a_player_fits_when_relayed() {
    let (mut table, ann, mal) = table();
    let cup = table.spawn(mal, 1);
    let block = |bytes: usize| (cup, LIVE, Value::PackedByteArray(vec![1; bytes]));
    let values = [block(500), block(500)];
    let short = live(0, table.session_time(), &values).len();
    let values = [
        block(500),
        block(500),
        block(MAX_UP_DATAGRAM_BYTES - short - 4),
    ];
    let datagram = live(0, table.session_time(), &values);
    assert_eq!(datagram.len(), MAX_UP_DATAGRAM_BYTES);
    table.send_datagram(mal, datagram);
    assert_eq!(table.client(ann).datagrams[0].len(), MAX_DATAGRAM_BYTES);
}

#[test]
fn of_more_nodes_than_a_player_may_not_want_the_others_are_relayed() {
    let (mut table, ann, mal) = table();
    let [last, beyond] = [1, 2].map(|counter| table.spawn(ann, counter));
    let unwanted = (1..MAX_UNWANTED_NODES as u64).map(NodeId);
    for node in unwanted.chain([last, beyond]) {
        table.send(mal, &interest(node));
    }
    let values = [last, beyond].map(|node| (node, LIVE, Value::Int(1)));
    table.send_datagram(ann, live(0, table.session_time(), &values));
    let bytes = &table.client(mal).datagrams[0];
    let Datagram::Down { live, .. } = Datagram::decode(bytes).unwrap() else {
        panic!("{bytes:?}");
    };
    let nodes: Vec<_> = live.blocks().map(|block| block.unwrap().node).collect();
    assert_eq!(nodes, [beyond.into()]);
}

#[test]
fn who_cannot_stop_telling_what_it_does_not_want_is_cut_off() {
    let interests = Rate::new(10, 20);
    let (mut table, ann, mal) = table_with(Limits {
        interests,
        ..Limits::DEFAULT
    });
    (0..20).for_each(|number| table.send(mal, &interest(NodeId(number))));
    table.pass(Micros::from_millis(100));
    table.send(mal, &interest(NodeId(20)));
    assert_eq!(table.closed(mal), None);
    table.send(mal, &interest(NodeId(21)));
    assert_cut(table, ann, mal, CloseCode::Flooding);
}

fn interest(node: NodeId) -> ClientMessage {
    ClientMessage::Interest {
        node,
        wanted: false,
    }
}

#[test]
fn a_mutation_past_its_size_is_rejected_with_its_limit() {
    let (mut table, ann, mal) = table();
    let cup = table.spawn(mal, 1);
    let value = || (CONFIRMED, Value::PackedByteArray(vec![0; 16_000]));
    let set = |count| Mutation::SetProperties {
        node: cup,
        properties: vec![value(); count],
    };
    let seq = table.propose(mal, set(3));
    let reason = Rejection::TooLarge(Limit::MutationBytes);
    let expected = [(seq, table.log_index(), reason)];
    assert_eq!(table.client(mal).rejected[..], expected);
    table.propose(mal, set(2));
    assert_eq!(table.client(mal).rejected.len(), 1);
    table.assert_agree(&[ann, mal]);
}

#[test]
fn proposals_past_the_rate_are_rejected_and_a_lasting_flood_of_them_is_cut_off() {
    let proposals = Rate::new(10, 5);
    let (mut table, ann, mal) = table_with(Limits {
        proposals,
        ..Limits::DEFAULT
    });
    let nowhere = NodeId(1);
    let reasons = |table: &mut Table, count: usize| {
        table.client_mut(mal).rejected.clear();
        for _ in 0..count {
            table.propose(mal, despawn(nowhere));
        }
        let rejected = &table.client(mal).rejected;
        rejected.iter().map(|told| told.2).collect::<Vec<_>>()
    };
    assert_eq!(reasons(&mut table, 5), [Rejection::NodeMissing(nowhere); 5]);
    assert_eq!(reasons(&mut table, 2), [Rejection::TooMany; 2]);
    table.pass(Micros::from_millis(100));
    assert_eq!(reasons(&mut table, 1), [Rejection::NodeMissing(nowhere)]);
    assert_eq!(table.stats().counters.proposals_throttled, 2);
    reasons(&mut table, 40);
    assert_cut(table, ann, mal, CloseCode::Flooding);
}

#[test]
fn a_transaction_that_costs_much_counts_as_many_proposals() {
    let proposals = Rate::new(1, 100);
    let (mut table, _, mal) = table_with(Limits {
        proposals,
        ..Limits::DEFAULT
    });
    let player = table.player(mal);
    let spawns = |range: std::ops::Range<u32>| {
        let spawn = |counter| {
            let mut spawn = instance(player, counter);
            if counter > 1 {
                spawn.parent.anchor = NodeId::spawned(player, 1);
            }
            Mutation::Spawn(spawn)
        };
        synced_protocol::mutation::Transaction {
            guards: vec![],
            steps: range.map(spawn).collect(),
        }
    };
    for start in (1..641).step_by(64) {
        table.propose(mal, spawns(start..start + 64));
    }
    let root = NodeId::spawned(player, 1);
    let cycle = Mutation::Reparent {
        node: root,
        parent: synced_protocol::mutation::ParentRef {
            anchor: root,
            path: String::new(),
        },
    };
    for _ in 0..9 {
        table.propose(mal, cycle.clone());
    }
    let reasons: Vec<_> = table
        .client(mal)
        .rejected
        .iter()
        .map(|told| told.2)
        .collect();
    assert!(reasons.contains(&Rejection::WouldCycle(root)));
    assert_eq!(reasons.last(), Some(&Rejection::TooMany));
}

#[test]
fn bytes_past_their_rate_are_a_flood_on_either_lane() {
    for on_live_lane in [false, true] {
        let (mut table, ann, mal) = table_with(Limits {
            bytes: Rate::new(1, 600),
            ..Limits::DEFAULT
        });
        let mut sent = 0;
        while table.closed(mal).is_none() {
            if on_live_lane {
                table.send_datagram(mal, encode_ping(Micros::ZERO, Loss::NONE).to_vec());
            } else {
                table.propose(mal, despawn(NodeId(1)));
            }
            sent += 1;
            assert!(sent < 100);
        }
        assert!(sent > 5, "{sent}");
        assert_eq!(table.closed(mal), Some(CloseCode::Flooding));
        assert_eq!(table.closed(ann), None);
    }
}

#[test]
fn datagrams_past_the_rate_are_dropped_and_a_lasting_flood_of_them_is_cut_off() {
    let datagrams = Rate::new(10, 5);
    let (mut table, ann, mal) = table_with(Limits {
        datagrams,
        ..Limits::DEFAULT
    });
    let cup = table.spawn(mal, 1);
    let send = |table: &mut Table, count| {
        let before = table.client(ann).datagrams.len();
        for number in 0..count {
            let value = [(cup, LIVE, Value::Int(number))];
            let datagram = live(0, table.session_time(), &value);
            table.send_datagram(mal, datagram);
        }
        table.client(ann).datagrams.len() - before
    };
    assert_eq!(send(&mut table, 7), 5);
    table.pass(Micros::from_millis(200));
    assert_eq!(send(&mut table, 3), 2);
    assert_eq!(table.stats().counters.datagrams_throttled, 3);
    assert_eq!(table.closed(mal), None);
    send(&mut table, 40);
    assert_eq!(table.closed(mal), Some(CloseCode::Flooding));
    assert_eq!(table.stats().cut_offs.flooding, 1);
}

#[test]
fn a_peer_for_whom_too_much_waits_is_cut_off() {
    let limits = Limits {
        snapshot_bytes: Rate::new(0, MAX_FRAME_BYTES as u32),
        backlog_bytes_max: 300_000,
        ..Limits::DEFAULT
    };
    let mut table = Table::with(NodeConfig { limits, ..config() });
    let ann = table.join("Ann");
    let big = Value::PackedByteArray(vec![1; 16_000]);
    for counter in 1..=10 {
        let node = table.spawn(ann, counter);
        table.propose(ann, set(node, CONFIRMED, big.clone()));
    }
    let slow = table.join("Mal");
    for _ in 0..20 {
        table.propose(
            ann,
            set(
                NodeId::spawned(table.player(ann), 1),
                CONFIRMED,
                big.clone(),
            ),
        );
    }
    assert_eq!(table.closed(slow), Some(CloseCode::TooSlow));
    assert_eq!(table.stats().cut_offs.too_slow, 1);
    table.assert_agree(&[ann]);
}
