//! How scenarios begin, and how some of them end.

use synced_node::{Limits, NodeConfig};
use synced_protocol::{
    id::{NodeId, PlayerId},
    link::{CloseCode, ConnectionId},
    time::Micros,
};

use super::{Table, config, words::*};

/// A table where Ann plays and Mal is about to misbehave.
pub fn table() -> (Table, ConnectionId, ConnectionId) {
    table_with(Limits::DEFAULT)
}

pub fn table_with(limits: Limits) -> (Table, ConnectionId, ConnectionId) {
    let mut table = Table::with(NodeConfig { limits, ..config() });
    let (ann, mal) = (table.join("Ann"), table.join("Mal"));
    (table, ann, mal)
}

/// Mal is cut off for `code`; Ann hears nothing of it until the grace is over, and plays on.
pub fn assert_cut(mut table: Table, ann: ConnectionId, mal: ConnectionId, code: CloseCode) {
    assert_eq!(table.closed(mal), Some(code));
    assert_eq!(table.client(ann).datagrams.len(), 0);
    let heard = table.client(ann).commits.len();
    table.pass(config().resume_grace - Micros(1));
    assert_eq!(table.client(ann).commits.len(), heard);
    table.spawn(ann, 1_000);
    table.assert_agree(&[ann]);
}

/// Two players, and a free cup that the first one spawned.
pub fn two_players_and_a_cup() -> (Table, ConnectionId, ConnectionId, NodeId) {
    let mut table = Table::new();
    let (ann, bob) = (table.join("Ann"), table.join("Bob"));
    let cup = table.spawn(ann, 1);
    table.propose(ann, give(cup, PlayerId::SERVER));
    (table, ann, bob, cup)
}
