//! The two halves of a session, each in its own hands.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use common::{
    cup, game, give,
    network::{GOOD, Network},
    paint,
};
use synced_client::{
    BridgedSession, Handle, Session, SessionConfig, bridge,
    limits::{COMMAND_RING, UPDATE_RETRY, UPDATE_RING},
    update::{EndReason, Update},
};
use synced_protocol::{
    id::{ClientSeq, NodeId, PlayerId},
    link::{Event, Logic},
    message::JoinKey,
    mutation::Mutation,
    time::Micros,
};

const NOW: Micros = Micros::from_secs(1);

fn halves() -> (Handle, BridgedSession, Arc<AtomicUsize>) {
    let wakes = Arc::new(AtomicUsize::new(0));
    let count = wakes.clone();
    let session = Session::new(SessionConfig::new(game(), "ann"), JoinKey([1; 16]), 1);
    let (handle, session) = bridge(session, move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    (handle, session, wakes)
}

/// What the game is told of its proposals when it leaves before any of them was sent.
fn read(handle: &mut Handle) -> Vec<Update> {
    std::iter::from_fn(|| handle.next_update()).collect()
}

#[test]
fn the_network_is_woken_once_a_flush_and_not_when_there_is_nothing_to_do() {
    let (mut handle, _session, wakes) = halves();
    handle.flush();
    assert_eq!(wakes.load(Ordering::Relaxed), 0);
    for colour in 0..10 {
        handle.propose(paint(NodeId(1), colour));
    }
    handle.flush();
    handle.flush();
    assert_eq!(wakes.load(Ordering::Relaxed), 1);
}

#[test]
fn a_game_that_drops_its_half_leaves_the_session() {
    let mut net = Network::new(GOOD, 3);
    let [ann, _] = net.joined(["ann", "bob"]);
    let (other, _, _) = halves();
    drop(std::mem::replace(&mut net.players[0].handle, other));
    net.run_for(Micros::from_secs(2));
    assert!(net.players[0].session.is_finished());
    assert!(net.node.world().player(ann).is_none());
    assert!(!net.players[1].game.players.contains_key(&ann));
}

#[test]
fn the_two_halves_can_live_in_two_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let (handle, session, _) = halves();
    assert_send(&handle);
    assert_send(&session);
}

#[test]
fn more_commands_than_the_ring_takes_wait_and_arrive_in_order() {
    let mut net = Network::new(GOOD, 1);
    let [ann] = net.joined(["ann"]);
    let count = COMMAND_RING as u64 + 500;
    let handle = &mut net.players[0].handle;
    let seqs: Vec<_> = (1..=count)
        .map(|counter| {
            let node = NodeId::spawned(ann, counter as u32);
            handle.propose(Mutation::Spawn(cup(node, ann)))
        })
        .collect();
    assert_eq!(seqs, (1..=count).map(ClientSeq).collect::<Vec<_>>());
    net.run_for(Micros::from_secs(5));
    assert_eq!(net.node.world().nodes().len() as u64, count);
    let own: Vec<_> = net.players[0]
        .game
        .commits
        .iter()
        .filter_map(|end| end.own)
        .collect();
    assert_eq!(own, seqs);
}

#[test]
fn a_game_that_pauses_misses_no_commit_and_then_catches_up() {
    let mut net = Network::new(GOOD, 2);
    let [ann, _] = net.joined(["ann", "bob"]);
    net.players[1].reads = false;
    let node = NodeId::spawned(ann, 1);
    net.players[0]
        .handle
        .propose(Mutation::Spawn(cup(node, ann)));
    for colour in 0..3 * UPDATE_RING as i64 {
        net.players[0].handle.propose(paint(node, colour));
        if colour % 400 == 0 {
            net.run_for(Micros::from_secs(1));
        }
    }
    net.run_for(Micros::from_secs(10));
    assert!(net.players[1].session.session().updates_waiting() > UPDATE_RING);
    net.players[1].reads = true;
    net.run_for(Micros::from_secs(1));
    net.assert_all_agree();
}

#[test]
fn updates_that_did_not_fit_are_tried_again_without_any_event() {
    let (mut handle, mut session, _) = halves();
    let rejected = |handle: &mut Handle| {
        let huge = synced_protocol::value::Value::PackedByteArray(vec![0; 20_000]);
        handle.propose(Mutation::Call {
            node: NodeId(1),
            method: "eat".into(),
            arguments: vec![huge],
        });
    };
    for _ in 0..UPDATE_RING + 10 {
        rejected(&mut handle);
        handle.flush();
        session.handle(NOW, Event::Woken);
    }
    assert_eq!(session.poll_deadline(), Some(NOW + UPDATE_RETRY));
    let first = read(&mut handle).len();
    assert_eq!(first, UPDATE_RING);
    session.handle(NOW + UPDATE_RETRY, Event::Woken);
    let numbers: Vec<_> = read(&mut handle)
        .into_iter()
        .filter_map(|update| match update {
            Update::Rejected { seq, .. } => Some(seq.0),
            _ => None,
        })
        .collect();
    assert_eq!(numbers.last(), Some(&(UPDATE_RING as u64 + 10)));
    assert!(numbers.is_sorted());
}

#[test]
fn the_driver_goes_on_until_the_game_has_the_last_word_or_is_gone() {
    let (mut handle, mut session, _) = halves();
    for _ in 0..UPDATE_RING {
        handle.propose(Mutation::Call {
            node: NodeId(1),
            method: "eat".into(),
            arguments: vec![synced_protocol::value::Value::PackedByteArray(vec![
                0;
                20_000
            ])],
        });
        handle.flush();
        session.handle(NOW, Event::Woken);
    }
    handle.leave();
    handle.flush();
    session.handle(NOW, Event::Woken);
    assert!(session.session().is_finished() && !session.is_finished());
    let last = read(&mut handle).pop();
    assert!(!matches!(last, Some(Update::Ended(_))));
    session.handle(NOW, Event::Woken);
    assert!(session.is_finished());
    let last = read(&mut handle).pop();
    assert!(matches!(last, Some(Update::Ended(EndReason::Left))));
    drop(session);
    assert!(handle.is_abandoned());
    handle.propose(give(NodeId(1), PlayerId(1)));
}
