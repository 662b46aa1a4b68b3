//! What comes with a hand, who is told of it and who does not want to be, through a node, in virtual time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    POSE, cup, game, hand, ms,
    network::{BAD, GOOD, Network, Path},
    scripted::{ME, OTHER, Script, snapshot, welcome},
};
use glam::{Quat, Vec3};
use rtrb::{Producer, RingBuffer};
use synced_client::{SessionConfig, TrackerFeed};
use synced_protocol::{
    id::{LogIndex, NodeId},
    input::{HandJoints, InputFrame, Pose, Precision, encode_batch},
    link::Event,
    message::{LivePose, NodeEntry, ServerMessage, SnapshotPart},
    mutation::Mutation,
    time::Micros,
    value::Value,
};

const ANN: usize = 0;
const BOB: usize = 1;

struct Hand {
    node: NodeId,
    samples: Producer<InputFrame>,
    aim: Producer<Pose>,
    joints: Producer<HandJoints>,
}

fn with_hand(path: Path, seed: u64) -> (Network, Hand) {
    let mut net = Network::new(path, seed);
    let [ann, _] = net.joined(["ann", "bob"]);
    let node = NodeId::spawned(ann, 1);
    let (samples, samples_out) = RingBuffer::new(256);
    let (aim, aim_out) = RingBuffer::new(16);
    let (joints, joints_out) = RingBuffer::new(16);
    let handle = &mut net.players[ANN].handle;
    handle.propose(Mutation::Spawn(cup(node, ann)));
    let feed = TrackerFeed {
        samples: samples_out,
        aim: aim_out,
        joints: joints_out,
        precision: Precision::Fine,
    };
    handle.attach_tracker(node, feed);
    net.run_for(ms(200));
    let hand = Hand {
        node,
        samples,
        aim,
        joints,
    };
    (net, hand)
}

impl Hand {
    /// Moves for so many milliseconds, a sample in each.
    fn swing(&mut self, net: &mut Network, millis: u64) {
        for at in 0..millis {
            net.run_for(ms(1));
            let sampled_at = net.local(ANN);
            self.samples.push(hand(sampled_at, at * 1_000)).unwrap();
        }
    }
}

fn pose(metres: f32) -> Pose {
    Pose {
        position: Vec3::Z * metres,
        orientation: Quat::from_rotation_x(metres),
    }
}

#[test]
fn an_aim_that_changes_comes_to_others_and_one_that_rests_comes_now_and_then() {
    let (mut net, mut hand) = with_hand(BAD, 1);
    for step in 0..3_u8 {
        let aim = pose(0.1 * f32::from(step));
        for _ in 0..50 {
            hand.aim.push(aim).unwrap();
            hand.swing(&mut net, 20);
        }
        let told = &net.players[BOB].game.aims[&hand.node];
        let newest = told.last().unwrap();
        assert!(newest.position.distance(aim.position) < 1e-3);
        assert!(newest.orientation.angle_between(aim.orientation) < 1e-2);
        assert!(told.len() <= 6 * (usize::from(step) + 1), "{told:?}");
    }
    assert!(net.players[ANN].game.aims.is_empty());
}

#[test]
fn an_aim_told_before_the_connection_or_never_again_comes_to_all_who_join() {
    let mut net = Network::new(GOOD, 6);
    let [ann] = net.joined(["ann"]);
    let node = NodeId::spawned(ann, 1);
    let (_samples, samples_out) = RingBuffer::new(16);
    let (mut aim, aim_out) = RingBuffer::new(16);
    let handle = &mut net.players[ANN].handle;
    handle.propose(Mutation::Spawn(cup(node, ann)));
    let feed = TrackerFeed {
        aim: aim_out,
        ..TrackerFeed::new(samples_out)
    };
    handle.attach_tracker(node, feed);
    net.run_for(ms(100));
    net.break_links(ANN);
    aim.push(pose(0.1)).unwrap();
    for name in ["bob", "cat"] {
        net.run_for(Micros::from_secs(3));
        net.break_links(ANN);
        net.run_for(Micros::from_secs(3));
        let joined = net.join(name);
        net.run_for(Micros::from_secs(1));
        let told = &net.players[joined].game.aims.get(&node);
        assert!(told.is_some_and(|told| !told.is_empty()), "{name}");
    }
    assert_eq!(net.players[ANN].game.joins.len(), 4);
}

#[test]
fn the_newest_joints_come_to_others() {
    let (mut net, mut hand) = with_hand(GOOD, 2);
    for place in 0..30_u16 {
        let mut joints = HandJoints {
            sampled_at: net.local(ANN),
            ..HandJoints::default()
        };
        joints.joints[4].pose.position = Vec3::Y * 1e-2 * f32::from(place);
        hand.joints.push(joints).unwrap();
        hand.swing(&mut net, 40);
    }
    let told = &net.players[BOB].game.joints[&hand.node];
    let there = told.joints[4].pose.position;
    assert!(there.distance(Vec3::Y * 0.29) < 2e-3, "{there}");
    let sent = net.now - ms(40) + common::network::EPOCH_OFFSET;
    assert!(told.sampled_at.offset_from(sent).abs() < 1_000);
}

#[test]
fn who_joins_later_is_told_where_a_hand_is_that_rests() {
    let (mut net, mut hand) = with_hand(GOOD, 3);
    hand.swing(&mut net, 100);
    net.run_for(Micros::from_secs(5));
    let last = *net.players[BOB].game.inputs[&hand.node].last().unwrap();
    let cat = net.join("cat");
    net.run_for(ms(500));
    let told = &net.players[cat].game.inputs[&hand.node];
    assert_eq!(told.last(), Some(&last));
}

#[test]
fn of_the_hands_in_a_snapshot_those_of_others_are_told_and_nonsense_is_counted() {
    let nodes = [(ME, 1), (OTHER, 1), (OTHER, 2)].map(|(owner, counter)| NodeEntry {
        spawn: cup(NodeId::spawned(owner, counter), owner),
        versions: vec![LogIndex(5), LogIndex(5)],
    });
    let sent_at = Micros::from_secs(1_700_000_000);
    let poses = nodes.iter().map(|node| {
        let mut batch = Vec::new();
        let frames = [hand(sent_at - ms(4), 0), hand(sent_at, 4_000)];
        encode_batch(&frames, Precision::Fine, sent_at, &mut batch);
        LivePose {
            node: node.spawn.node,
            sent_at,
            batch,
        }
    });
    let mut part = SnapshotPart {
        poses: poses.collect(),
        nodes: nodes.to_vec(),
        ..snapshot(10)
    };
    part.poses[2].batch.truncate(9);
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    script.say_first(&ServerMessage::Welcome(welcome(ME, 10)));
    script.say(&ServerMessage::Snapshot(part));
    let told = &script.game.inputs;
    assert_eq!(told[&NodeId::spawned(OTHER, 1)].len(), 2);
    assert!(!told.contains_key(&NodeId::spawned(ME, 1)));
    script.now = script.now + Micros::from_secs(2);
    script.event(Event::Woken);
    assert_eq!(script.game.stats.counters.datagrams_malformed, 1);
}

#[test]
fn what_is_not_wanted_is_not_sent_until_it_is_wanted_again_also_over_a_new_connection() {
    let (mut net, mut hand) = with_hand(GOOD, 5);
    let want = |net: &mut Network, wanted| {
        net.players[BOB].handle.set_interest(hand.node, wanted);
        net.run_for(ms(100));
    };
    let mut stream = |net: &mut Network| {
        let before = net.players[BOB].game.arrivals.len() + net.players[BOB].game.live_told;
        let at = net.local(ANN);
        let handle = &mut net.players[ANN].handle;
        handle.set_live(hand.node, POSE, at, Value::Float(at.0 as f64));
        for at in 0..100 {
            net.run_for(ms(1));
            let sampled_at = net.local(ANN);
            hand.samples
                .push(common::hand(sampled_at, at * 1_000))
                .unwrap();
        }
        net.run_for(ms(200));
        let game = &net.players[BOB].game;
        game.arrivals.len() + game.live_told - before
    };
    assert!(stream(&mut net) > 20);
    want(&mut net, false);
    assert_eq!(stream(&mut net), 0);
    net.break_links(BOB);
    net.run_for(Micros::from_secs(3));
    assert!(net.players[BOB].game.joins[1].resumed);
    assert_eq!(stream(&mut net), 0);
    want(&mut net, true);
    assert!(stream(&mut net) > 20);
}
