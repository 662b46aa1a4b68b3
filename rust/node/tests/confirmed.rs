//! The confirmed lane, as players meet it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{HOST_TOKEN, Table, config, openings::*, words::*};
use synced_node::{Limits, NodeConfig, Rate};
use synced_protocol::{
    id::LogIndex,
    link::{CloseCode, Event, Logic},
    message::{Change, ClientMessage, Hello, Resume},
    mutation::{Access, Mutation, Policy, Rejection, Spawn},
    time::Micros,
    value::Value,
};

#[test]
fn two_players_see_the_same_tree() {
    let (mut table, ann, bob, cup) = two_players_and_a_cup();
    table.spawn(bob, 1);
    table.propose(bob, give(cup, table.player(bob)));
    table.propose(bob, set(cup, CONFIRMED, Value::Int(5)));
    table.assert_agree(&[ann, bob]);
    assert_eq!(table.world_of(ann).nodes().len(), 2);
    assert_eq!(table.world_of(ann).players().len(), 2);
}

#[test]
fn of_two_players_who_grab_one_cup_exactly_one_gets_it_and_both_are_told() {
    for first_is_ann in [true, false] {
        let (mut table, ann, bob, cup) = two_players_and_a_cup();
        let (first, second) = if first_is_ann { (ann, bob) } else { (bob, ann) };
        let winner = table.player(first);
        table.propose(first, give(cup, winner));
        let seq = table.propose(second, give(cup, table.player(second)));
        for id in [ann, bob] {
            assert_eq!(table.world_of(id).node(cup).unwrap().owner(), winner);
        }
        let told = &table.client(second).rejected;
        let reason = Rejection::NotOwner {
            node: cup,
            owner: winner,
        };
        assert_eq!(told[..], [(seq, table.log_index(), reason)]);
        assert_eq!(table.client(first).rejected, []);
    }
}

#[test]
fn a_late_joiner_equals_the_others_and_follows() {
    let (mut table, ann, bob, cup) = two_players_and_a_cup();
    let cid = table.join("Cid");
    table.assert_agree(&[ann, bob, cid]);
    assert_eq!(table.client(cid).commits, [], "all was in the snapshot");
    table.propose(bob, give(cup, table.player(bob)));
    table.assert_agree(&[ann, bob, cid]);
    assert_eq!(table.client(cid).commits.len(), 1);
}

#[test]
fn rejections_and_commits_come_in_the_order_of_the_log() {
    let (mut table, _, bob, cup) = two_players_and_a_cup();
    table.propose(bob, despawn(cup));
    let rejected_at = table.client(bob).rejected[0].1;
    table.propose(bob, give(cup, table.player(bob)));
    let committed_at = table.client(bob).commits.last().unwrap().log_index;
    assert_eq!(rejected_at.next(), committed_at);
}

#[test]
fn a_player_who_says_so_leaves_at_once() {
    let (mut table, ann, bob, _) = two_players_and_a_cup();
    table.send(bob, &ClientMessage::Leave);
    assert_eq!(table.closed(bob), Some(CloseCode::Done));
    assert!(table.world_of(ann).player(table.player(bob)).is_none());
    let stranger = table.come_back(bob);
    assert_ne!(table.player(stranger), table.player(bob));
}

#[test]
fn who_brings_the_host_token_may_do_what_is_the_servers() {
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
    let spawn = instance(table.player(ann), 1);
    let cup = spawn.node;
    let policy = Policy {
        write: Access::Server,
        ..spawn.policy
    };
    table.propose(ann, Mutation::Spawn(Spawn { policy, ..spawn }));
    table.propose(ann, set(cup, CONFIRMED, Value::Int(1)));
    assert_eq!(table.client(ann).rejected[0].2, Rejection::ServerOnly(cup));
    table.propose(host, set(cup, CONFIRMED, Value::Int(2)));
    let node = table.world_of(ann).node(cup).unwrap();
    assert_eq!(node.property(CONFIRMED).unwrap().value(), &Value::Int(2));
    assert_ne!(table.client(host).welcome().token, HOST_TOKEN);
}

#[test]
fn commits_are_stamped_with_session_time_and_never_backwards() {
    let (mut table, ann, _, cup) = two_players_and_a_cup();
    table.pass(Micros::from_secs(3));
    table.propose(ann, give(cup, table.player(ann)));
    let commits = &table.client(ann).commits;
    let stamps: Vec<_> = commits.iter().map(|commit| commit.entry.hlc).collect();
    assert!(stamps.is_sorted_by(|a, b| a < b));
    assert_eq!(stamps.last().unwrap().physical(), table.session_time());
    assert_eq!(table.client(ann).welcome().session_time.0 % 1_000_000, 0);
}

#[test]
fn a_stopping_node_tells_everybody_and_hears_nothing_more() {
    let (mut table, ann, bob, _) = two_players_and_a_cup();
    let greeting = table.connect();
    assert!(!table.node.is_finished());
    table.node.stop();
    assert!(table.node.is_finished());
    table.deliver();
    for id in [ann, bob, greeting] {
        assert_eq!(table.closed(id), Some(CloseCode::ServerStopping));
    }
    let before = table.log_index();
    table.spawn(ann, 9);
    table.handle(Event::Woken);
    assert_eq!(table.log_index(), before);
    assert_eq!(table.node.poll_deadline(), None);
}

#[test]
fn a_large_world_comes_at_a_pace_and_what_is_committed_meanwhile_behind_it() {
    let rate = Rate::new(100_000, 70_000);
    let limits = Limits {
        snapshot_bytes: rate,
        ..Limits::DEFAULT
    };
    let mut table = Table::with(NodeConfig { limits, ..config() });
    let ann = table.join("Ann");
    let big = Value::PackedByteArray(vec![1; 16_000]);
    for counter in 1..=20 {
        let node = table.spawn(ann, counter);
        table.propose(ann, set(node, CONFIRMED, big.clone()));
    }
    let bob = table.join("Bob");
    let first = table.client(bob).snapshot_frames;
    assert!(first > 0 && !table.client(bob).has_world());
    table.spawn(ann, 21);
    table.pass(Micros::from_secs(1));
    let second = table.client(bob).snapshot_frames;
    assert!(second > first && !table.client(bob).has_world());
    table.pass(Micros::from_secs(3));
    table.spawn(ann, 22);
    assert!(matches!(
        table.client(bob).commits[0].entry.change,
        Change::Transaction { .. }
    ));
    table.assert_agree(&[ann, bob]);
}
