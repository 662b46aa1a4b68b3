//! What players are told of the datagrams that do not arrive.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Table, words::*};
use synced_node::config::{LOSS_REPORT_AGE_MAX, LOSS_WINDOW};
use synced_protocol::{
    id::NodeId,
    link::ConnectionId,
    live::{Datagram, Loss, Pong, encode_ping},
    message::ClientMessage,
    time::Micros,
    value::Value,
};

fn ping(table: &mut Table, id: ConnectionId, down_loss: Loss) -> Pong {
    table.send_datagram(id, encode_ping(Micros(1), down_loss).to_vec());
    let bytes = table.client(id).datagrams.last().unwrap();
    match Datagram::decode(bytes).unwrap() {
        Datagram::Pong(pong) => pong,
        other => panic!("{other:?}"),
    }
}

/// Sends live datagrams for two seconds, except for every so manieth.
fn stream(table: &mut Table, id: ConnectionId, node: NodeId, lost_every: u32) {
    for sequence in 0..500 {
        table.pass(Micros::from_millis(4));
        if sequence % lost_every != 0 {
            let value = [(node, LIVE, Value::Int(1))];
            let datagram = live(sequence, table.session_time(), &value);
            table.send_datagram(id, datagram);
        }
    }
}

#[test]
fn each_player_is_told_of_its_own_loss_on_the_way_up_and_of_none_that_is_long_gone() {
    let mut table = Table::new();
    let [ann, bob] = ["Ann", "Bob"].map(|name| table.join(name));
    let cup = table.spawn(ann, 1);
    stream(&mut table, ann, cup, 10);
    let Loss(found) = ping(&mut table, ann, Loss::NONE).up_loss;
    assert!(found.abs_diff(1_000) < 30, "{found}");
    assert_eq!(ping(&mut table, bob, Loss::NONE).up_loss, Loss::NONE);
    table.pass(LOSS_WINDOW);
    assert_eq!(ping(&mut table, ann, Loss::NONE).up_loss, Loss::NONE);
}

#[test]
fn a_player_is_told_the_highest_loss_that_others_report_as_long_as_it_is_news() {
    let mut table = Table::new();
    let [ann, bob, cid] = ["Ann", "Bob", "Cid"].map(|name| table.join(name));
    ping(&mut table, bob, Loss(300));
    ping(&mut table, cid, Loss(200));
    assert_eq!(ping(&mut table, ann, Loss(900)).peers_loss, Loss(300));
    assert_eq!(ping(&mut table, bob, Loss(300)).peers_loss, Loss(900));
    table.pass(LOSS_REPORT_AGE_MAX);
    ping(&mut table, cid, Loss(100));
    assert_eq!(ping(&mut table, ann, Loss::NONE).peers_loss, Loss(300));
    table.pass(Micros(1));
    assert_eq!(ping(&mut table, ann, Loss::NONE).peers_loss, Loss(100));
    table.lose(cid);
    assert_eq!(ping(&mut table, ann, Loss::NONE).peers_loss, Loss::NONE);
}

#[test]
fn what_a_player_with_unwanted_nodes_or_one_that_has_not_joined_reports_does_not_count() {
    let mut table = Table::new();
    let [ann, bob] = ["Ann", "Bob"].map(|name| table.join(name));
    let stranger = table.connect();
    ping(&mut table, stranger, Loss::ALL);
    ping(&mut table, bob, Loss(400));
    assert_eq!(ping(&mut table, ann, Loss::NONE).peers_loss, Loss(400));
    let interest = |wanted| ClientMessage::Interest {
        node: NodeId(5),
        wanted,
    };
    table.send(bob, &interest(false));
    assert_eq!(ping(&mut table, ann, Loss::NONE).peers_loss, Loss::NONE);
    table.send(bob, &interest(true));
    assert_eq!(ping(&mut table, ann, Loss::NONE).peers_loss, Loss(400));
}
