//! A node that leads, follows and leads again, as its log says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::VecDeque;

use bytes::Bytes;
use common::{Table, config, words::*};
use synced_node::{Limits, Log, News, Node, NodeConfig, Rate};
use synced_protocol::{
    id::{ClientSeq, LogIndex, ServerId, Term},
    link::{CloseCode, ConnectionId, Event},
    message::{ClientMessage, Commit, Leader, LogEntry},
    mutation::Rejection,
    replica::ReplicaError,
    time::Micros,
    value::Value,
};

/// Tells what it is told to tell, and commits at once while it has room.
#[derive(Debug)]
struct Script {
    news: VecDeque<News>,
    last: LogIndex,
    has_room: bool,
    has_lease: bool,
    leads: bool,
    snapshot: Vec<Bytes>,
}

impl Log for Script {
    fn append(&mut self, entry: LogEntry) -> Result<LogIndex, LogEntry> {
        if !self.leads || !self.has_room {
            return Err(entry);
        }
        self.last = self.last.next();
        let log_index = self.last;
        self.news
            .push_back(News::Committed(Commit { log_index, entry }));
        Ok(log_index)
    }

    fn poll(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    fn leads_from_the_start(&self) -> bool {
        false
    }

    fn holds_lease(&self, _now: Micros) -> bool {
        self.has_lease
    }

    fn leader(&self) -> Leader {
        Leader {
            from: ServerId(1),
            term: Term(1),
            leader: Some(ServerId(if self.leads { 1 } else { 2 })),
            servers: Vec::new(),
        }
    }

    fn snapshot(&mut self, parts: Vec<Bytes>) {
        self.snapshot = parts;
    }
}

fn table_with(limits: Limits) -> Table<Script> {
    let log = Script {
        news: VecDeque::new(),
        last: LogIndex(0),
        has_room: true,
        has_lease: true,
        leads: false,
        snapshot: Vec::new(),
    };
    let config = NodeConfig { limits, ..config() };
    Table::on(Node::with_log(config, log, [3; 32]))
}

fn leading() -> Table<Script> {
    let mut table = table_with(Limits::DEFAULT);
    lead(&mut table);
    table
}

fn tell(table: &mut Table<Script>, news: News) {
    table.node.log().news.push_back(news);
    table.handle(Event::Woken);
}

fn lead(table: &mut Table<Script>) {
    table.node.log().leads = true;
    tell(table, News::Leading { term: Term(1) });
}

fn follow(table: &mut Table<Script>) {
    table.node.log().leads = false;
    let (term, leader) = (Term(1), Some(ServerId(2)));
    tell(table, News::Following { term, leader });
}

/// What the node writes down for its log when it is asked to, while Ann spawns one node after the other.
fn written_down(table: &mut Table<Script>) -> Vec<Bytes> {
    tell(table, News::SnapshotWanted);
    let ann = ConnectionId(1);
    let mut counter = 100;
    while table.node.log().snapshot.is_empty() {
        counter += 1;
        assert!(counter < 1_000, "it comes to an end");
        table.spawn(ann, counter);
        table.handle(Event::Woken);
    }
    std::mem::take(&mut table.node.log().snapshot)
}

/// The player comes by the connection that it has.
fn hello_again(table: &mut Table<Script>, id: ConnectionId) {
    let hello = table.client(id).hello_again();
    let knew = table.client(id).clone().reborn_where_it_is();
    *table.client_mut(id) = knew;
    table.send(id, &ClientMessage::Hello(hello));
}

fn value_of(table: &Table<Script>, id: ConnectionId, node: synced_protocol::id::NodeId) -> Value {
    let node = table.world_of(id).node(node).unwrap();
    node.property(CONFIRMED).unwrap().value().clone()
}

#[test]
fn until_it_leads_a_node_says_who_does_and_whoever_watches_hears_when_it_leads() {
    let mut table = table_with(Limits::DEFAULT);
    let ann = table.join("Ann");
    assert_eq!(table.client(ann).welcome, None);
    let told: Vec<_> = table
        .client(ann)
        .told
        .iter()
        .map(|said| said.leader)
        .collect();
    assert_eq!(told, [Some(ServerId(2))]);
    let bob = table.connect();
    table.send_first(bob, &ClientMessage::Watch);
    lead(&mut table);
    for id in [ann, bob] {
        let last = table.client(id).told.last().unwrap();
        assert_eq!(last.leader, Some(ServerId(1)));
    }
    assert_eq!(table.stats().counters.redirects, 1);
    let hello = ClientMessage::Hello(hello("Ann"));
    table.send(ann, &hello);
    table.assert_agree(&[ann]);
}

#[test]
fn without_its_lease_a_leader_welcomes_nobody_and_says_so_once_it_has_it() {
    let mut table = leading();
    let ann = table.join("Ann");
    table.lose(ann);
    table.node.log().has_lease = false;
    let back = table.come_back(ann);
    assert_eq!(table.client(back).welcome, None);
    assert_eq!(table.client(back).told.last().unwrap().leader, None);
    table.node.log().has_lease = true;
    table.handle(Event::Woken);
    assert_eq!(
        table.client(back).told.last().unwrap().leader,
        Some(ServerId(1))
    );
}

#[test]
fn without_its_lease_a_leader_rejects_nothing_by_itself() {
    let limits = Limits {
        proposals: Rate::new(1, 1),
        ..Limits::DEFAULT
    };
    let mut table = table_with(limits);
    lead(&mut table);
    let ann = table.join("Ann");
    let cup = table.spawn(ann, 1);
    table.node.log().has_lease = false;
    let over = table.propose(ann, set(cup, CONFIRMED, Value::Int(1)));
    assert_eq!(table.client(ann).rejected, []);
    table.node.log().has_lease = true;
    table.handle(Event::Woken);
    let told: Vec<_> = table
        .client(ann)
        .rejected
        .iter()
        .map(|it| (it.0, it.2))
        .collect();
    assert_eq!(told, [(over, Rejection::TooMany)]);
}

#[test]
fn what_was_rejected_in_an_earlier_time_of_office_and_is_proposed_again_is_decided_once() {
    let limits = Limits {
        proposals: Rate::new(1, 1),
        ..Limits::DEFAULT
    };
    let mut table = table_with(limits);
    lead(&mut table);
    let ann = table.join("Ann");
    let cup = table.spawn(ann, 1);
    let over = table.propose(ann, set(cup, CONFIRMED, Value::Int(1)));
    assert_eq!(table.client(ann).rejected.len(), 1);
    table.lose(ann);
    follow(&mut table);
    lead(&mut table);
    let back = table.come_back(ann);
    assert_eq!(table.client(back).welcome().last_seq, ClientSeq(1));
    assert_eq!(table.client(back).rejected, []);
    table.pass(Micros::from_secs(2));
    table.propose_as(back, over, set(cup, CONFIRMED, Value::Int(1)));
    assert_eq!(value_of(&table, back, cup), Value::Int(1));
    assert_eq!(table.client(back).rejected, []);
}

#[test]
fn what_the_log_has_no_room_for_waits_and_keeps_its_turn() {
    let mut table = leading();
    let ann = table.join("Ann");
    let cup = table.spawn(ann, 1);
    table.node.log().has_room = false;
    for number in 1..=3 {
        table.propose(ann, set(cup, CONFIRMED, Value::Int(number)));
    }
    let bob = table.join("Bob");
    assert_eq!(table.client(ann).commits.len(), 1);
    table.node.log().has_room = true;
    table.handle(Event::Woken);
    assert_eq!(table.client(ann).commits.len(), 5);
    assert_eq!(value_of(&table, ann, cup), Value::Int(3));
    table.assert_agree(&[ann, bob]);
}

#[test]
fn of_what_waits_for_the_log_there_is_a_limit_beyond_which_proposals_are_rejected_in_their_turn() {
    let limits = Limits {
        proposals: Rate::new(1_000_000, 1_000_000),
        ..Limits::DEFAULT
    };
    let mut table = table_with(limits);
    lead(&mut table);
    let ann = table.join("Ann");
    let cup = table.spawn(ann, 1);
    table.node.log().has_room = false;
    let most = synced_node::config::POSTPONED_MAX as u64;
    for number in 1..=most + 2 {
        table.propose(ann, set(cup, CONFIRMED, Value::Int(number as i64)));
    }
    assert_eq!(table.client(ann).rejected, []);
    table.node.log().has_room = true;
    table.handle(Event::Woken);
    let told: Vec<_> = table.client(ann).rejected.iter().map(|it| it.0.0).collect();
    assert_eq!(told, [most + 2, most + 3]);
    assert_eq!(value_of(&table, ann, cup), Value::Int(most as i64));
}

#[test]
fn what_waited_when_the_lead_was_lost_is_forgotten_and_counts_when_it_comes_again() {
    let mut table = leading();
    let ann = table.join("Ann");
    let cup = table.spawn(ann, 1);
    table.node.log().has_room = false;
    let seq = table.propose(ann, set(cup, CONFIRMED, Value::Int(1)));
    follow(&mut table);
    table.node.log().has_room = true;
    lead(&mut table);
    hello_again(&mut table, ann);
    assert_eq!(value_of(&table, ann, cup), Value::Int(0));
    table.propose_as(ann, seq, set(cup, CONFIRMED, Value::Int(1)));
    assert_eq!(value_of(&table, ann, cup), Value::Int(1));
    table.assert_agree(&[ann]);
}

#[test]
fn whoever_says_hello_twice_because_of_a_word_between_is_welcomed_twice_as_the_same() {
    let mut table = table_with(Limits::DEFAULT);
    let ann = table.join("Ann");
    lead(&mut table);
    table.send(ann, &ClientMessage::Hello(hello("Ann")));
    let player = table.player(ann);
    hello_again(&mut table, ann);
    assert_eq!(table.player(ann), player);
    assert!(table.client(ann).welcome().resumed);
    *table.client_mut(ann) = table.client(ann).clone().reborn_where_it_is();
    table.client_mut(ann).forget_world();
    table.send(ann, &ClientMessage::Hello(hello("Ann")));
    assert_eq!(table.player(ann), player);
    assert_eq!(table.stats().players, 1);
    table.pass(config().resume_grace + config().resume_grace);
    assert_eq!(table.stats().players, 1);
    table.assert_agree(&[ann]);
}

#[test]
fn who_asks_far_too_often_is_cut_off() {
    for message in [ClientMessage::Watch, ClientMessage::Hello(hello("Mal"))] {
        let mut table = table_with(Limits::DEFAULT);
        let mal = table.join("Mal");
        let most = synced_node::config::QUESTIONS.burst;
        for _ in 0..most {
            table.send(mal, &message);
        }
        assert_eq!(table.closed(mal), None);
        table.send(mal, &message);
        assert_eq!(table.closed(mal), Some(CloseCode::Flooding));
    }
}

#[test]
fn everything_passes_through_a_snapshot_and_players_go_on_from_it() {
    let mut table = leading();
    let (ann, bob) = (table.join("Ann"), table.join("Bob"));
    let cup = table.spawn(ann, 1);
    table.send(bob, &ClientMessage::Leave);
    let (knew, last) = (table.client(ann).clone(), table.log_index());
    let digest = table.node.world().replica_digest();
    let parts = written_down(&mut table);
    assert_ne!(table.node.world().replica_digest(), digest);

    let mut other = table_with(Limits::DEFAULT);
    let eve = other.join("Eve");
    tell(&mut other, News::Restored { parts });
    assert_eq!(other.node.world().replica_digest(), digest);
    other.node.log().last = last;
    lead(&mut other);
    other.send(eve, &ClientMessage::Hello(hello("Eve")));
    assert_eq!(
        other.player(eve).0,
        3,
        "ids of those who left are not given again"
    );
    let back = other.connect();
    let hello = knew.hello_again();
    *other.client_mut(back) = knew.reborn();
    other.send_first(back, &ClientMessage::Hello(hello));
    assert!(other.client(back).welcome().resumed);
    assert_eq!(other.client(back).welcome().last_seq, ClientSeq(1));
    other.propose_as(back, ClientSeq(1), despawn(cup));
    assert_eq!(other.stats().counters.duplicates, 1);
    other.assert_agree(&[eve, back]);
}

#[test]
fn a_snapshot_that_is_none_stops_the_node() {
    let mut table = leading();
    let ann = table.join("Ann");
    table.spawn(ann, 1);
    let parts = written_down(&mut table);
    assert!(parts.len() >= 3);
    let mut spoiled: Vec<Vec<Bytes>> = (0..parts.len())
        .map(|left_out| {
            let kept = parts
                .iter()
                .enumerate()
                .filter(|(place, _)| *place != left_out);
            kept.map(|(_, part)| part.clone()).collect()
        })
        .collect();
    spoiled.push(vec![Bytes::from_static(b"\x01\x07")]);
    spoiled.push(parts.iter().rev().cloned().collect());
    for parts in spoiled {
        let mut other = table_with(Limits::DEFAULT);
        let ann = other.join("Ann");
        tell(&mut other, News::Restored { parts });
        assert_eq!(other.closed(ann), Some(CloseCode::ServerStopping));
    }
    let mut other = table_with(Limits::DEFAULT);
    tell(&mut other, News::Restored { parts });
    assert_eq!(other.stats().players, 1);
}

#[test]
fn what_only_a_later_program_can_read_stops_the_node() {
    let mut table = table_with(Limits::DEFAULT);
    let ann = table.join("Ann");
    tell(&mut table, News::Unreadable(ReplicaError::OtherVersion(2)));
    assert_eq!(table.closed(ann), Some(CloseCode::ServerStopping));
}
