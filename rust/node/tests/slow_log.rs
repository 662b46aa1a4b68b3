//! Nothing is published before the log says that it is committed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::VecDeque;

use common::{Table, config, words::*};
use synced_node::{Limits, Log, News, Node, NodeConfig, Rate};
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId},
    link::{CloseCode, ConnectionId, Event},
    message::{ClientMessage, Commit, Hello, JoinKey, LogEntry},
    mutation::{Mutation, Rejection},
    time::Micros,
    value::Value,
};

/// Commits when it is told to.
#[derive(Debug, Default)]
struct SlowLog {
    last: LogIndex,
    entries: VecDeque<Commit>,
    committed: LogIndex,
}

impl Log for SlowLog {
    fn append(&mut self, entry: LogEntry) -> Result<LogIndex, LogEntry> {
        self.last = self.last.next();
        let log_index = self.last;
        self.entries.push_back(Commit { log_index, entry });
        Ok(log_index)
    }

    fn poll(&mut self) -> Option<News> {
        let committed = self.committed;
        let next = self.entries.front()?;
        if next.log_index > committed {
            return None;
        }
        self.entries.pop_front().map(News::Committed)
    }
}

fn table() -> Table<SlowLog> {
    Table::on(Node::with_log(config(), SlowLog::default(), [2; 32]))
}

fn commit(table: &mut Table<SlowLog>, count: u64) {
    table.node.log().committed.0 += count;
    table.handle(Event::Woken);
}

/// Ann has a cup, and Bob sees it.
fn with_a_cup() -> (Table<SlowLog>, [ConnectionId; 2], NodeId) {
    let mut table = table();
    let [ann, bob] = ["Ann", "Bob"].map(|name| table.join(name));
    commit(&mut table, 2);
    let cup = table.spawn(ann, 1);
    commit(&mut table, 1);
    (table, [ann, bob], cup)
}

fn stream(table: &mut Table<SlowLog>, id: ConnectionId, cup: NodeId, number: i64) {
    let now = table.session_time();
    table.send_datagram(id, live(0, now, &[(cup, LIVE, Value::Int(number))]));
}

/// Ann's cup is confirmed to have a value, and nothing is on its way through the log.
fn assert_rests_at(table: &Table<SlowLog>, cup: NodeId, number: i64) {
    let node = table.node.world().node(cup).unwrap();
    assert_eq!(node.property(LIVE).unwrap().value(), &Value::Int(number));
    assert_eq!(table.stats().players, 1);
}

#[test]
fn a_second_hello_before_the_join_is_committed_is_the_same_players() {
    let mut table = table();
    let hello = Hello {
        key: JoinKey([1; 16]),
        ..hello("Ann")
    };
    let [first, second] = [(); 2].map(|()| {
        let id = table.connect();
        table.send_first(id, &ClientMessage::Hello(hello.clone()));
        id
    });
    assert_eq!(table.closed(first), Some(CloseCode::Superseded));
    assert!(table.client(second).welcome.is_none());
    commit(&mut table, 2);
    assert_eq!(table.stats().players, 1);
    table.assert_agree(&[second]);
}

#[test]
fn who_leaves_before_the_join_is_committed_does_not_stay() {
    let mut table = table();
    let [ann, bob] = ["Ann", "Bob"].map(|name| table.join(name));
    table.send(ann, &ClientMessage::Leave);
    assert_eq!(table.closed(ann), Some(CloseCode::Done));
    commit(&mut table, 3);
    assert!(table.client(ann).welcome.is_none());
    assert_eq!(table.stats().players, 1);
    table.assert_agree(&[bob]);
    let again = table.connect();
    let hello = table.client(ann).hello("Ann");
    table.send_first(again, &ClientMessage::Hello(hello));
    commit(&mut table, 1);
    assert_eq!(table.stats().players, 2);
    table.assert_agree(&[again, bob]);
}

#[test]
fn a_player_is_welcomed_once_the_join_is_committed() {
    let mut table = table();
    let ann = table.join("Ann");
    assert_eq!(table.client(ann).welcome, None);
    commit(&mut table, 1);
    table.assert_agree(&[ann]);
    assert_eq!(table.world_of(ann).players().len(), 1);
}

#[test]
fn no_change_shows_before_it_is_committed_and_then_each_in_order() {
    let mut table = table();
    let (ann, bob) = (table.join("Ann"), table.join("Bob"));
    commit(&mut table, 2);
    let cup = table.spawn(ann, 1);
    table.propose(ann, set(cup, CONFIRMED, Value::Int(1)));
    table.propose(bob, despawn(cup));
    assert_eq!(table.client(bob).commits, []);
    commit(&mut table, 1);
    assert_eq!(table.client(bob).commits.len(), 1);
    commit(&mut table, 1);
    assert_eq!(table.client(bob).commits.len(), 2);
    assert_eq!(table.client(bob).rejected, []);
    commit(&mut table, 1);
    assert_eq!(table.client(bob).rejected.len(), 1);
    table.assert_agree(&[ann, bob]);
}

#[test]
fn what_a_joiner_did_not_see_committed_comes_after_the_snapshot() {
    let mut table = table();
    let ann = table.join("Ann");
    commit(&mut table, 1);
    table.spawn(ann, 1);
    let bob = table.join("Bob");
    table.spawn(ann, 2);
    commit(&mut table, 2);
    assert_eq!(table.world_of(bob).nodes().len(), 1);
    commit(&mut table, 1);
    assert_eq!(table.client(bob).commits.len(), 1);
    table.assert_agree(&[ann, bob]);
}

#[test]
fn a_proposal_that_is_sent_again_before_it_is_committed_counts_once() {
    let mut table = table();
    let ann = table.join("Ann");
    commit(&mut table, 1);
    let cup = table.spawn(ann, 1);
    table.lose(ann);
    let back = table.come_back(ann);
    let again = instance(table.player(back), 1);
    table.propose_as(back, ClientSeq(1), Mutation::Spawn(again));
    commit(&mut table, 2);
    assert!(table.world_of(back).node(cup).is_some());
    assert_eq!(table.stats().counters.duplicates, 1);
    table.assert_agree(&[back]);
}

#[test]
fn a_peer_that_is_gone_before_its_join_is_committed_leaves_after_the_grace() {
    let mut table = table();
    let ann = table.join("Ann");
    table.lose(ann);
    commit(&mut table, 1);
    assert_eq!(table.stats().players, 1);
    table.pass(config().resume_grace);
    commit(&mut table, 1);
    assert_eq!(table.stats().players, 0);
}

#[test]
fn a_peer_that_speaks_before_it_is_welcomed_is_cut_off() {
    let mut table = table();
    let ann = table.join("Ann");
    table.send(ann, &ClientMessage::Watch);
    assert_eq!(table.closed(ann), Some(CloseCode::Malformed));
    table.pass(Micros::from_secs(60));
    commit(&mut table, 2);
    assert_eq!(table.stats().players, 0);
}

#[test]
fn what_a_player_streamed_before_the_last_proposal_does_not_undo_it_when_the_player_leaves() {
    let (mut table, [ann, bob], cup) = with_a_cup();
    stream(&mut table, ann, cup, 1);
    table.pass(Micros(10));
    table.propose(ann, set(cup, LIVE, Value::Int(2)));
    table.send(ann, &ClientMessage::Leave);
    commit(&mut table, 10);
    assert_rests_at(&table, cup, 2);
    table.assert_agree(&[bob]);
}

#[test]
fn what_a_player_streamed_after_the_last_proposal_is_confirmed_when_the_player_leaves() {
    for committed_before in [0, 1] {
        let (mut table, [ann, bob], cup) = with_a_cup();
        table.propose(ann, set(cup, LIVE, Value::Int(2)));
        table.pass(Micros(10));
        stream(&mut table, ann, cup, 3);
        table.pass(Micros(10));
        commit(&mut table, committed_before);
        table.send(ann, &ClientMessage::Leave);
        commit(&mut table, 10);
        assert_rests_at(&table, cup, 3);
        table.assert_agree(&[bob]);
    }
}

#[test]
fn what_another_player_has_taken_meanwhile_does_not_come_to_rest() {
    let (mut table, [ann, bob], cup) = with_a_cup();
    stream(&mut table, ann, cup, 1);
    table.propose(ann, give(cup, table.player(bob)));
    table.send(ann, &ClientMessage::Leave);
    commit(&mut table, 10);
    assert_rests_at(&table, cup, 0);
    table.assert_agree(&[bob]);
}

/// A table where nobody may propose more than twice in a second, and what is with the log.
fn table_with_two_proposals_a_second() -> Table<SlowLog> {
    let limits = Limits {
        proposals: Rate::new(2, 2),
        ..Limits::DEFAULT
    };
    let config = NodeConfig { limits, ..config() };
    Table::on(Node::with_log(config, SlowLog::default(), [2; 32]))
}

#[test]
fn a_proposal_that_does_not_get_into_the_log_is_rejected_when_those_before_it_are_decided() {
    let mut table = table_with_two_proposals_a_second();
    let ann = table.join("Ann");
    commit(&mut table, 1);
    let cup = table.spawn(ann, 1);
    table.propose(ann, set(cup, CONFIRMED, Value::Int(1)));
    let refused = table.propose(ann, set(cup, CONFIRMED, Value::Int(2)));
    table.pass(Micros::from_secs(1));
    table.propose(ann, set(cup, CONFIRMED, Value::Int(3)));
    commit(&mut table, 1);
    assert_eq!(table.client(ann).rejected, []);
    commit(&mut table, 1);
    let told = [(refused, LogIndex(3), Rejection::TooMany)];
    assert_eq!(table.client(ann).rejected, told);
    commit(&mut table, 1);
    assert_eq!(table.client(ann).rejected, told);
    let node = table.world_of(ann).node(cup).unwrap();
    assert_eq!(node.property(CONFIRMED).unwrap().value(), &Value::Int(3));
}

#[test]
fn who_comes_back_before_anything_is_decided_may_send_all_again_and_each_counts_once() {
    let mut table = table_with_two_proposals_a_second();
    let ann = table.join("Ann");
    commit(&mut table, 1);
    let cup = table.spawn(ann, 1);
    let steps = [1, 2].map(|number| set(cup, CONFIRMED, Value::Int(number)));
    let seqs = steps.clone().map(|step| table.propose(ann, step));
    table.lose(ann);
    let back = table.come_back(ann);
    assert_eq!(table.client(back).welcome().last_seq, ClientSeq(0));
    let again = instance(table.player(back), 1);
    table.propose_as(back, ClientSeq(1), Mutation::Spawn(again));
    table.pass(Micros::from_secs(5));
    for (seq, step) in seqs.into_iter().zip(steps) {
        table.propose_as(back, seq, step);
    }
    commit(&mut table, 10);
    let client = table.client(back);
    assert_eq!(client.commits.len(), 2);
    assert_eq!(
        client.rejected,
        [(seqs[1], LogIndex(3), Rejection::TooMany)]
    );
    let node = client.world().node(cup).unwrap();
    assert_eq!(node.property(CONFIRMED).unwrap().value(), &Value::Int(1));
    table.lose(back);
    let back = table.come_back(back);
    assert_eq!(table.client(back).welcome().last_seq, seqs[1]);
    table.assert_agree(&[back]);
}
