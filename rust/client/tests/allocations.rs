//! What a session allocates while hands move.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use allocation_counter::measure;
use bytes::Bytes;
use common::{
    cup, game, hand, ms,
    scripted::{ME, OTHER, Script, commit, snapshot, transaction, welcome},
};
use rtrb::{Producer, RingBuffer};
use synced_client::{Session, SessionConfig, TrackerFeed, command::Command, playout};
use synced_protocol::{
    hlc::HlcTimestamp,
    id::{NodeId, PropertyId},
    input::{InputFrame, Precision},
    link::{Event, Logic},
    live::{LiveWriter, relay_header},
    message::ServerMessage,
    mutation::Mutation,
    time::Micros,
    value::Value,
};

/// Pings and what is told once a second.
const PER_SECOND_MAX: u64 = 16;

/// A session in which the other player has a hand.
fn session() -> Script {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    script.say_first(&ServerMessage::Welcome(welcome(ME, 10)));
    script.say(&ServerMessage::Snapshot(snapshot(10)));
    let theirs = Mutation::Spawn(cup(NodeId::spawned(OTHER, 1), OTHER));
    script.say(&commit(11, transaction(OTHER, 1, theirs)));
    script
}

/// What happened in a second.
#[derive(Debug, Default)]
struct Second {
    allocations: u64,
    outputs: u64,
    updates: u64,
}

impl Second {
    /// Has the session handle an event, and its outputs and updates read.
    fn handle(&mut self, session: &mut Session, now: Micros, event: Event) {
        let info = measure(|| {
            session.handle(now, event);
            while session.poll_output().is_some() {
                self.outputs += 1;
            }
            while session.poll_update().is_some() {
                self.updates += 1;
            }
        });
        self.allocations += info.count_total;
    }
}

#[test]
fn two_hands_at_a_kilohertz_are_sent_without_an_allocation_for_each_datagram() {
    let mut script = session();
    let mut hands: Vec<Producer<InputFrame>> = Vec::new();
    for counter in 1..=2 {
        let (samples, taken) = RingBuffer::new(64);
        hands.push(samples);
        let attach = Command::AttachTracker {
            node: NodeId::spawned(ME, counter),
            feed: TrackerFeed::new(taken),
        };
        script.session.command(script.now, attach);
    }
    let mut second = |script: &mut Script| {
        let mut second = Second::default();
        for at in 0..1_000 {
            script.now = script.now + ms(1);
            for samples in &mut hands {
                samples.push(hand(script.now, at * 1_000)).unwrap();
            }
            second.handle(&mut script.session, script.now, Event::Woken);
        }
        second
    };
    second(&mut script);
    let last = second(&mut script);
    assert!(last.outputs >= 250, "{last:?}");
    assert!(last.allocations <= PER_SECOND_MAX, "{last:?}");
}

#[test]
fn the_hand_of_another_is_received_and_shown_without_an_allocation_for_each_datagram() {
    let mut script = session();
    let session_start = Micros::from_secs(1_700_000_000);
    let mut sequence = 0;
    let mut writer = LiveWriter::default();
    let mut second = |script: &mut Script| {
        let mut second = Second::default();
        for batch in 1..=250_u64 {
            script.now = script.now + ms(4);
            sequence += 1;
            let sent_at = session_start + ms(4 * u64::from(sequence));
            let frames: Vec<_> = (0..12)
                .map(|back| hand(sent_at - ms(11 - back), batch * 4_000))
                .collect();
            writer.begin(sequence, sent_at);
            let _ = writer.input(NodeId::spawned(OTHER, 1), &frames, Precision::Fine);
            let header = relay_header(OTHER, HlcTimestamp::from_physical(sent_at));
            let bytes = Bytes::from([&header, &writer.bytes()[1..]].concat());
            let connection = script.connection();
            let event = Event::Datagram { connection, bytes };
            second.handle(&mut script.session, script.now, event);
        }
        second
    };
    for _ in 0..5 {
        second(&mut script);
    }
    let last = second(&mut script);
    assert!(last.updates >= 1_000, "{last:?}");
    assert!(last.allocations <= PER_SECOND_MAX, "{last:?}");
}

#[test]
fn a_hundred_objects_are_sent_without_an_allocation_for_each_value() {
    let mut script = session();
    let second = |script: &mut Script| {
        let mut second = Second::default();
        for frame in 0..60_u16 {
            script.now = script.now + Micros(16_667);
            let now = script.now;
            let info = measure(|| {
                for counter in 1..=100 {
                    let along = f32::from(frame) * 0.01;
                    script.session.command(now, moved(counter, now, along));
                }
            });
            second.allocations += info.count_total;
            second.handle(&mut script.session, now, Event::Woken);
            script.now = now + ms(5);
            second.handle(&mut script.session, script.now, Event::Woken);
        }
        second
    };
    second(&mut script);
    let last = second(&mut script);
    assert!(last.outputs >= 120, "{last:?}");
    assert!(last.allocations <= PER_SECOND_MAX, "{last:?}");
}

fn moved(counter: u32, at: Micros, along: f32) -> Command {
    let value = Value::Transform3D([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, along, 1.0, 2.0]);
    Command::SetLive {
        node: NodeId::spawned(ME, counter),
        property: PropertyId(0),
        at,
        value,
    }
}

#[test]
fn a_trajectory_that_is_as_long_as_it_gets_takes_and_shows_samples_without_an_allocation() {
    let mut trajectory = playout::Trajectory::new();
    let mut smoother = playout::Smoother::new();
    let mut second = |from: u64| {
        for at in from * 1_000..(from + 1) * 1_000 {
            // Every other one is late.
            let at = ms(1_000_000 + (at ^ 1));
            trajectory.insert(hand(at, at.0));
            let _ = smoother.show(&trajectory, at - ms(20));
            let _ = playout::fit_velocity(trajectory.range(at - ms(50), at), ms(50));
        }
    };
    (0..4).for_each(&mut second);
    let info = measure(|| second(4));
    assert_eq!(info.count_total, 0);
}
