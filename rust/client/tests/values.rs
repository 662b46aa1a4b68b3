//! Live values between players, through a node, in virtual time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use common::{
    POSE, authored_cup, cup, give, ms,
    network::{BAD, GOOD, Network, Path, node_config},
};
use synced_protocol::{
    id::{NodeId, PlayerId},
    live::Datagram,
    mutation::{Mutation, Transfer},
    time::Micros,
    value::Value,
};

const ANN: usize = 0;
const BOB: usize = 1;

fn is_live(datagram: &Datagram<'_>) -> bool {
    matches!(datagram, Datagram::Up(_))
}

/// Two players and a cup that the first holds.
fn with_cup(path: Path, seed: u64) -> (Network, NodeId, [PlayerId; 2]) {
    let mut net = Network::new(path, seed);
    let players = net.joined(["ann", "bob"]);
    let cup = authored_cup();
    let handle = &mut net.players[ANN].handle;
    handle.propose(Mutation::Spawn(cup.clone()));
    handle.propose(give(cup.node, players[ANN]));
    net.run_for(ms(200));
    (net, cup.node, players)
}

fn move_cup(net: &mut Network, player: usize, node: NodeId, x: f32) {
    let at = net.local(player);
    let handle = &mut net.players[player].handle;
    handle.set_live(node, POSE, at, Value::Vector3([x, 0.0, 0.0]));
    net.run_for(ms(1));
}

fn rest_cup(net: &mut Network, player: usize, node: NodeId, x: f32) {
    let handle = &mut net.players[player].handle;
    handle.propose(Mutation::SetProperties {
        node,
        properties: vec![(POSE, Value::Vector3([x, 0.0, 0.0]))],
    });
    handle.forget_live(node);
}

fn seen(net: &Network, player: usize, node: NodeId) -> Option<&Value> {
    net.players[player]
        .game
        .live
        .get(&(node, POSE))
        .map(|(_, value)| value)
}

#[test]
fn a_pose_of_an_authored_node_takes_seventeen_bytes_on_its_way_and_rests_exactly() {
    let (mut net, cup, _) = with_cup(GOOD, 3);
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let kept = sizes.clone();
    net.filter = Box::new(move |from, datagram| {
        if let (ANN, Datagram::Up(live)) = (from, datagram) {
            let blocks = live.blocks().map(Result::unwrap);
            kept.lock()
                .unwrap()
                .extend(blocks.map(|block| block.raw.len()));
        }
        true
    });
    let pose = |x| Value::Transform3D([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, x, 1.5, -2.0]);
    let at = net.local(ANN);
    let handle = &mut net.players[ANN].handle;
    handle.set_live(cup, POSE, at, pose(0.123_456));
    net.run_for(ms(100));
    assert_eq!(*sizes.lock().unwrap(), [1 + 3 + 1 + 12]);
    let Some(Value::Transform3D(shown)) = seen(&net, BOB, cup) else {
        panic!("nothing is shown");
    };
    let off = (shown[9] - 0.123_456).abs();
    assert!(off > 0.0 && off < 1e-4, "{off}");

    let handle = &mut net.players[ANN].handle;
    handle.propose(Mutation::SetProperties {
        node: cup,
        properties: vec![(POSE, pose(0.123_456))],
    });
    handle.forget_live(cup);
    net.run_for(ms(200));
    for player in [ANN, BOB] {
        let node = &net.players[player].game.nodes[&cup];
        let (value, _) = &node.values[usize::from(POSE.0)];
        assert_eq!(value, &pose(0.123_456));
    }
    assert_eq!(live_sent(&mut net, ANN), 0, "at rest it costs nothing");
}

/// How many live datagrams a player sends in three seconds.
fn live_sent(net: &mut Network, player: usize) -> usize {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    net.filter = Box::new(move |from, datagram| {
        counted.fetch_add(
            usize::from(from == player && is_live(datagram)),
            Ordering::Relaxed,
        );
        true
    });
    net.run_for(Micros::from_secs(3));
    count.load(Ordering::Relaxed)
}

#[test]
fn a_live_value_that_was_lost_is_told_again_within_the_interval() {
    let (mut net, node, _) = with_cup(GOOD, 5);
    move_cup(&mut net, ANN, node, 1.0);
    net.run_for(ms(50));
    net.filter = Box::new(|_, datagram| !is_live(datagram));
    move_cup(&mut net, ANN, node, 2.0);
    net.run_for(ms(20));
    assert_eq!(
        seen(&net, BOB, node),
        Some(&Value::Vector3([1.0, 0.0, 0.0]))
    );
    net.filter = Box::new(|_, _| true);
    net.run_for(Micros::from_secs(1));
    assert_eq!(
        seen(&net, BOB, node),
        Some(&Value::Vector3([2.0, 0.0, 0.0]))
    );
}

#[test]
fn a_late_joiner_sees_what_is_live_at_once() {
    let (mut net, node, _) = with_cup(GOOD, 6);
    move_cup(&mut net, ANN, node, 7.0);
    net.run_for(ms(20));
    net.filter = Box::new(|_, datagram| !is_live(datagram));
    let late = net.join("cleo");
    net.run_for(ms(50));
    assert_eq!(
        seen(&net, late, node),
        Some(&Value::Vector3([7.0, 0.0, 0.0]))
    );
}

#[test]
fn where_a_cup_comes_to_rest_stays_whatever_still_comes_late() {
    for seed in 0..30 {
        let (mut net, node, _) = with_cup(BAD, seed);
        for place in 0..60 {
            move_cup(&mut net, ANN, node, place as f32);
        }
        // The game's own picture refuses a live value from before what was confirmed.
        rest_cup(&mut net, ANN, node, 99.0);
        net.run_for(Micros::from_secs(3));
        net.assert_all_agree();
        let value = &net.players[BOB].game.nodes[&node].values[1].0;
        assert_eq!(value, &Value::Vector3([99.0, 0.0, 0.0]));
    }
}

#[test]
fn who_gave_a_cup_away_moves_it_no_more_and_who_got_it_does() {
    let (mut net, node, [_, bob]) = with_cup(BAD, 7);
    let cleo = net.join("cleo");
    net.run_for(ms(300));
    move_cup(&mut net, ANN, node, 1.0);
    net.players[ANN].handle.propose(give(node, bob));
    net.run_for(ms(200));
    // Neither knows better: the one still moves it, the other has not moved it yet.
    for place in 0..50 {
        move_cup(&mut net, ANN, node, 100.0 + place as f32);
    }
    net.run_for(ms(200));
    assert_eq!(
        seen(&net, cleo, node),
        None,
        "what the new owner has not said, nobody has"
    );
    move_cup(&mut net, BOB, node, 5.0);
    net.run_for(Micros::from_secs(1));
    assert_eq!(
        seen(&net, cleo, node),
        Some(&Value::Vector3([5.0, 0.0, 0.0]))
    );
}

#[test]
fn what_was_moved_before_the_grab_was_confirmed_is_told_again_as_soon_as_it_is() {
    let (mut net, node, [_, bob]) = with_cup(GOOD, 8);
    net.players[ANN]
        .handle
        .propose(give(node, PlayerId::SERVER));
    net.run_for(ms(100));
    let mut number = 0;
    net.filter = Box::new(move |player, datagram| {
        number += u64::from(player == BOB && is_live(datagram));
        number != 1 || !is_live(datagram)
    });
    net.players[BOB].handle.propose(give(node, bob));
    move_cup(&mut net, BOB, node, 3.0);
    net.run_for(ms(30));
    assert_eq!(
        seen(&net, ANN, node),
        Some(&Value::Vector3([3.0, 0.0, 0.0]))
    );
}

#[test]
fn a_cup_that_is_held_is_told_of_again_and_again_until_it_rests_or_goes() {
    let (mut net, node, _) = with_cup(GOOD, 11);
    move_cup(&mut net, ANN, node, 1.0);
    assert!((3..=12).contains(&live_sent(&mut net, ANN)));
    net.players[ANN].handle.propose(Mutation::SetProperties {
        node,
        properties: vec![(POSE, Value::Nil)],
    });
    net.run_for(ms(50));
    assert_eq!(live_sent(&mut net, ANN), 0, "it rests");

    move_cup(&mut net, ANN, node, 2.0);
    net.players[ANN].handle.propose(Mutation::Despawn { node });
    net.run_for(ms(50));
    assert_eq!(live_sent(&mut net, ANN), 0, "it is gone");
}

#[test]
fn a_cup_that_was_given_away_is_not_told_of_any_more() {
    let (mut net, node, [_, bob]) = with_cup(GOOD, 14);
    move_cup(&mut net, ANN, node, 1.0);
    net.players[ANN].handle.propose(give(node, bob));
    net.run_for(ms(50));
    assert_eq!(live_sent(&mut net, ANN), 0);
}

#[test]
fn a_change_at_a_time_that_has_not_come_is_taken_for_now_and_comes_to_rest_all_the_same() {
    let (mut net, node, _) = with_cup(GOOD, 13);
    let later = net.local(ANN) + Micros::from_secs(3_600);
    let handle = &mut net.players[ANN].handle;
    handle.set_live(node, POSE, later, Value::Nil);
    net.run_for(ms(50));
    net.players[ANN].handle.propose(Mutation::SetProperties {
        node,
        properties: vec![(POSE, Value::Nil)],
    });
    net.run_for(ms(50));
    assert_eq!(live_sent(&mut net, ANN), 0);
}

#[test]
fn a_cup_that_was_lost_during_an_absence_is_not_told_of_any_more() {
    let mut config = node_config();
    config.limits.kept_frames_max = 0;
    config.resume_grace = Micros::from_secs(10);
    let mut net = Network::with_node(GOOD, 12, config);
    let [ann, bob] = net.joined(["ann", "bob"]);
    let node = NodeId::spawned(ann, 1);
    let mut spawn = cup(node, ann);
    spawn.policy.transfer = Transfer::Always;
    net.players[ANN].handle.propose(Mutation::Spawn(spawn));
    net.run_for(ms(50));
    move_cup(&mut net, ANN, node, 1.0);
    net.break_links(ANN);
    net.players[BOB].handle.propose(give(node, bob));
    net.run_for(Micros::from_secs(2));
    assert_eq!(net.players[ANN].game.nodes[&node].owner, bob);
    assert_eq!(live_sent(&mut net, ANN), 0);
}

#[test]
fn what_a_killed_player_had_in_the_hand_rests_at_one_place_for_everyone() {
    let (mut net, cup, _) = with_cup(BAD, 5);
    let cleo = net.join("cleo");
    net.run_for(ms(500));
    for x in 1..=50 {
        move_cup(&mut net, ANN, cup, x as f32);
    }
    net.break_links(ANN);
    net.players[ANN].handle.leave();
    net.run_for(node_config().resume_grace + Micros::from_secs(1));
    let late = net.join("late");
    net.run_for(Micros::from_secs(1));
    net.assert_all_agree();
    let rested = net.node.world().node(cup).unwrap();
    let rested = rested.property(POSE).unwrap().value();
    assert_ne!(*rested, Value::Vector3([0.0; 3]));
    for player in [BOB, cleo, late] {
        let (shown, _) = &net.players[player].game.nodes[&cup].values[1];
        assert_eq!(shown, rested);
        assert_eq!(seen(&net, player, cup), None, "nothing is shown over it");
    }
}
