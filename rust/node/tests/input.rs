//! What a tracked node's owner may say of it, and who is told of it later.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Table, config, words::*};
use glam::{Quat, Vec3};
use synced_node::{
    InputLimits, Limits, NodeConfig, Rate, Refused,
    config::{MOVE_JUDGED_MAX, MOVE_SLACK_M},
};
use synced_protocol::{
    id::{NodeId, PlayerId},
    input::{HandJoints, InputFrame, JOINTS, Joint, Pose, Precision, decode_batch},
    link::{CloseCode, ConnectionId},
    live::{Fit, LiveWriter},
    message::LivePose,
    mutation::{Access, Mutation, Policy, Spawn, Transfer},
    time::Micros,
};

const MILLISECOND: Micros = Micros::from_millis(1);

/// Ann holds a hand, Bob watches.
struct Hands {
    table: Table,
    ann: ConnectionId,
    bob: ConnectionId,
    hand: NodeId,
    sequence: u32,
}

impl Hands {
    fn new() -> Self {
        Self::with(InputLimits::DEFAULT)
    }

    fn with(input: InputLimits) -> Self {
        let limits = Limits {
            input,
            datagrams: Rate::new(100_000, 100_000),
            ..Limits::DEFAULT
        };
        let mut table = Table::with(NodeConfig { limits, ..config() });
        let [ann, bob] = ["Ann", "Bob"].map(|name| table.join(name));
        let mut spawn = instance(table.player(ann), 1);
        spawn.policy.transfer = Transfer::Always;
        let hand = spawn.node;
        table.propose(ann, Mutation::Spawn(spawn));
        Self {
            table,
            ann,
            bob,
            hand,
            sequence: 0,
        }
    }

    /// A sample of now that stands still in the middle.
    fn still(&self) -> InputFrame {
        InputFrame {
            sampled_at: self.table.session_time(),
            ..InputFrame::default()
        }
    }

    fn at(&self, x: f32) -> InputFrame {
        InputFrame {
            position: Vec3::new(x, 0.0, 0.0),
            ..self.still()
        }
    }

    /// Sends whatever the writer is told to; returns whether it was relayed.
    fn send(&mut self, write: impl FnOnce(&mut LiveWriter, NodeId) -> Fit) -> bool {
        let (id, now) = (self.ann, self.table.session_time());
        self.send_as(id, now, write)
    }

    fn send_as(
        &mut self,
        id: ConnectionId,
        sent_at: Micros,
        write: impl FnOnce(&mut LiveWriter, NodeId) -> Fit,
    ) -> bool {
        let mut writer = LiveWriter::default();
        writer.begin(self.sequence, sent_at);
        self.sequence += 1;
        assert_eq!(write(&mut writer, self.hand), Fit::Written);
        let heard = self.table.client(self.bob).datagrams.len();
        self.table.send_datagram(id, writer.bytes().to_vec());
        self.table.client(self.bob).datagrams.len() > heard
    }

    fn send_frames(&mut self, frames: &[InputFrame]) -> bool {
        self.send(|writer, hand| writer.input(hand, frames, Precision::Exact))
    }

    fn refused(&self) -> Refused {
        self.table.stats().refused
    }

    /// What a player who joins now is told of tracked nodes.
    fn told_late(&mut self) -> Vec<LivePose> {
        let id = self.table.join("Late");
        let poses = self.table.client(id).poses.clone();
        self.table.lose(id);
        poses
    }

    /// Where the newest sample is that a player who joins now is told of.
    fn seen_late(&mut self) -> Vec<(NodeId, Micros, f32)> {
        let seen = self.told_late().into_iter().map(|pose| {
            let mut newest = InputFrame::default();
            decode_batch(&pose.batch, pose.sent_at, |frame| newest = frame).unwrap();
            (
                pose.node,
                newest.sampled_at,
                (newest.position.x * 10.0).round(),
            )
        });
        seen.collect()
    }
}

#[test]
fn a_hand_as_fast_as_it_may_be_is_relayed_and_a_faster_one_is_not() {
    let mut hands = Hands::new();
    let moving = |hands: &Hands, mps: f32| InputFrame {
        linear_velocity: Vec3::new(0.0, -mps, 0.0),
        ..hands.still()
    };
    let fast = moving(&hands, 49.9);
    assert!(hands.send_frames(&[fast]));
    let faster = moving(&hands, 50.1);
    assert!(!hands.send_frames(&[faster]));
    let turning = |hands: &Hands, radps: f32| InputFrame {
        angular_velocity: Vec3::new(0.0, radps, 0.0),
        ..hands.still()
    };
    let fast = turning(&hands, 99.9);
    assert!(hands.send_frames(&[fast]));
    let faster = turning(&hands, 100.1);
    assert!(!hands.send_frames(&[faster]));
    let expected = Refused {
        speed: 1,
        angular_speed: 1,
        ..Refused::default()
    };
    assert_eq!(hands.refused(), expected);
    let counters = hands.table.stats().counters;
    assert_eq!((counters.blocks_relayed, counters.blocks_refused), (2, 2));
}

/// The way between two samples, a millisecond apart, that is just within the bounds.
const REACH: f32 = 50.0 * 1e-3 + MOVE_SLACK_M - 1e-3;

#[test]
fn who_is_suddenly_elsewhere_is_not_relayed_unless_the_jump_is_marked() {
    for in_one_batch in [true, false] {
        let mut hands = Hands::new();
        let step = |hands: &mut Hands, x: f32, is_jump: bool| {
            let before = hands.at(0.0);
            hands.table.pass(MILLISECOND);
            let after = InputFrame {
                is_jump,
                ..hands.at(x)
            };
            let mut send = |frames: &[InputFrame]| hands.send_frames(frames);
            if in_one_batch {
                send(&[before, after])
            } else {
                send(&[before]) && send(&[after])
            }
        };
        assert!(step(&mut hands, REACH, false));
        hands.table.pass(Micros::from_secs(1));
        assert!(!step(&mut hands, 0.3, false));
        hands.table.pass(Micros::from_secs(1));
        assert!(step(&mut hands, 0.3, true));
        assert_eq!(hands.refused().speed, 1, "{in_one_batch}");
    }
}

#[test]
fn who_was_refused_for_a_jump_is_heard_again_once_it_could_be_there() {
    let mut hands = Hands::new();
    let here = hands.at(0.0);
    assert!(hands.send_frames(&[here]));
    let refused = (0..100).take_while(|_| {
        hands.table.pass(MILLISECOND);
        let there = hands.at(1.02);
        !hands.send_frames(&[there])
    });
    assert_eq!(refused.count(), 18, "a metre less the slack at 50 m/s");
}

#[test]
fn who_was_not_heard_of_for_a_second_may_be_anywhere() {
    let mut hands = Hands::new();
    let here = hands.at(0.0);
    assert!(hands.send_frames(&[here]));
    hands.table.pass(MOVE_JUDGED_MAX);
    let too_soon = hands.at(200.0);
    assert!(!hands.send_frames(&[too_soon]));
    hands.table.pass(MILLISECOND);
    let there = hands.at(200.0);
    assert!(hands.send_frames(&[there]));
}

#[test]
fn nothing_is_relayed_from_beyond_the_area() {
    let mut hands = Hands::new();
    let (near, far) = (hands.at(9_999.9), hands.at(10_000.1));
    assert!(hands.send_frames(&[near]));
    assert!(!hands.send_frames(&[far]));
    let pose = |x: f32| Pose {
        position: Vec3::new(0.0, 0.0, x),
        orientation: Quat::IDENTITY,
    };
    let now = hands.table.session_time();
    let aims =
        [9_999.0, 10_001.0].map(|x| hands.send(|writer, hand| writer.aim(hand, now, &pose(x))));
    assert_eq!(aims, [true, false]);
    let joints = |x: f32| HandJoints {
        sampled_at: now,
        joints: [Joint {
            pose: pose(x),
            radius: 0.01,
        }; JOINTS],
    };
    let told =
        [9_999.0, 10_001.0].map(|x| hands.send(|writer, hand| writer.joints(hand, &joints(x))));
    assert_eq!(told, [true, false]);
    assert_eq!(hands.refused().area, 3);
}

#[test]
fn what_was_sampled_too_long_ago_is_not_relayed() {
    let mut hands = Hands::new();
    let old = hands.still();
    hands.table.pass(InputLimits::DEFAULT.age_max);
    assert!(hands.send_frames(&[old]));
    hands.table.pass(Micros(1));
    let new = hands.still();
    assert!(!hands.send_frames(&[old, new]));
    assert_eq!(hands.refused().age, 1);
}

#[test]
fn new_samples_past_their_rate_are_not_relayed_and_repeated_ones_do_not_count() {
    let mut hands = Hands::with(InputLimits {
        samples: Rate::new(1_000, 10),
        ..InputLimits::DEFAULT
    });
    let mut history = Vec::new();
    let mut next = |hands: &mut Hands, count: usize| {
        hands.table.pass(MILLISECOND);
        history.resize(history.len() + count, hands.still());
        let now = hands.table.session_time();
        for (place, frame) in history.iter_mut().rev().take(count).enumerate() {
            frame.sampled_at = now - Micros(place as u64);
        }
        let repeated = history.len().saturating_sub(40);
        hands.send_frames(&history[repeated..])
    };
    assert!((0..200).all(|_| next(&mut hands, 1)), "1 kHz is within it");
    assert!(next(&mut hands, 10), "so is the burst");
    assert!(!next(&mut hands, 12));
    assert_eq!(hands.refused().samples, 1);
}

#[test]
fn a_block_that_breaks_a_bound_takes_no_other_with_it() {
    let mut hands = Hands::new();
    let other = hands.table.spawn(hands.ann, 2);
    let (far, near) = (hands.at(20_000.0), hands.at(0.1));
    assert!(hands.send(|writer, hand| {
        assert_eq!(writer.input(hand, &[far], Precision::Fine), Fit::Written);
        writer.input(other, &[near], Precision::Fine)
    }));
    let seen: Vec<_> = hands.seen_late().iter().map(|(node, ..)| *node).collect();
    assert_eq!(seen, [other]);
}

#[test]
fn a_batch_of_no_samples_that_can_be_read_ends_the_connection() {
    let mut hands = Hands::new();
    let mut writer = LiveWriter::default();
    writer.begin(0, hands.table.session_time());
    let frame = hands.still();
    assert_eq!(
        writer.input(hands.hand, &[frame], Precision::Fine),
        Fit::Written
    );
    let mut bytes = writer.bytes().to_vec();
    *bytes.last_mut().unwrap() = 0xff;
    hands.table.send_datagram(hands.ann, bytes);
    assert_eq!(hands.table.closed(hands.ann), Some(CloseCode::Malformed));
    assert_eq!(hands.table.client(hands.bob).datagrams.len(), 0);
}

#[test]
fn a_late_joiner_and_who_comes_back_to_a_snapshot_see_each_hand_where_it_is() {
    let mut hands = Hands::new();
    let old = hands.at(0.1);
    hands.table.pass(Micros::from_millis(10));
    let new = hands.at(0.2);
    let older = InputFrame {
        sampled_at: old.sampled_at - Micros(1),
        ..old
    };
    assert!(hands.send_frames(&[old, new]));
    assert!(hands.send_frames(&[older, old]), "it was overtaken");
    let expected = [(hands.hand, new.sampled_at, 2.0)];
    assert_eq!(hands.seen_late(), expected);

    hands.table.lose(hands.bob);
    hands.table.client_mut(hands.bob).forget_world();
    let bob = hands.table.come_back(hands.bob);
    let poses = hands.table.client(bob).poses.clone();
    assert_eq!(poses.len(), 1);
    assert_eq!(poses, hands.told_late());
}

#[test]
fn what_a_former_owner_said_of_a_hand_is_forgotten() {
    let mut hands = Hands::new();
    let here = hands.at(0.1);
    assert!(hands.send_frames(&[here]));
    let bob = hands.table.player(hands.bob);
    hands.table.propose(hands.ann, give(hands.hand, bob));
    assert_eq!(hands.told_late(), []);
    hands.table.pass(MILLISECOND);
    let (id, now, there) = (hands.bob, hands.table.session_time(), hands.at(3.0));
    hands.send_as(id, now, |writer, hand| {
        writer.input(hand, &[there], Precision::Fine)
    });
    assert_eq!(hands.seen_late(), [(hands.hand, now, 30.0)]);
}

#[test]
fn a_despawned_hand_and_one_whose_player_left_are_forgotten() {
    let mut hands = Hands::new();
    let other = hands.table.spawn(hands.ann, 2);
    let frame = hands.still();
    assert!(hands.send(|writer, hand| {
        assert_eq!(writer.input(hand, &[frame], Precision::Fine), Fit::Written);
        writer.input(other, &[frame], Precision::Fine)
    }));
    assert_eq!(hands.told_late().len(), 2);
    hands.table.propose(hands.ann, despawn(hands.hand));
    assert_eq!(hands.told_late().len(), 1);
    hands.table.lose(hands.ann);
    assert_eq!(hands.told_late().len(), 1, "its player may come back");
    hands.table.pass(config().resume_grace);
    assert_eq!(hands.told_late(), []);
}

#[test]
fn input_that_its_sender_may_not_write_is_refused_for_that_and_leaves_no_trace() {
    let mut hands = Hands::new();
    let policy = Policy {
        write: Access::Server,
        ..instance(PlayerId(1), 2).policy
    };
    let spawn = Spawn {
        policy,
        ..instance(hands.table.player(hands.ann), 2)
    };
    hands.hand = spawn.node;
    hands.table.propose(hands.ann, Mutation::Spawn(spawn));
    let frame = hands.still();
    assert!(!hands.send_frames(&[frame]));
    assert_eq!((hands.refused().authority, hands.told_late().len()), (1, 0));
}
