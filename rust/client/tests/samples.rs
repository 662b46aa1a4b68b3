//! Controller samples between players, through a node, in virtual time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    cup, game, hand, ms,
    network::{BAD, GOOD, Network, Path},
    paint,
};
use rtrb::{Producer, RingBuffer};
use synced_client::{SessionConfig, TrackerFeed};
use synced_protocol::{
    id::NodeId, input::InputFrame, live::Datagram, mutation::Mutation, time::Micros,
};

const ANN: usize = 0;
const BOB: usize = 1;

/// Two players, the first of whom has a hand that is tracked.
fn with_hand(path: Path, seed: u64) -> (Network, NodeId, Producer<InputFrame>) {
    let mut net = Network::new(path, seed);
    let mut config = SessionConfig::new(game(), "ann");
    config.live.thinning = false;
    net.join_with(config);
    net.join("bob");
    net.run_for(ms(1_500));
    let ann = net.players[ANN].game.player();
    let node = NodeId::spawned(ann, 1);
    let (samples, taken) = RingBuffer::new(256);
    let handle = &mut net.players[ANN].handle;
    handle.propose(Mutation::Spawn(cup(node, ann)));
    handle.attach_tracker(node, TrackerFeed::new(taken));
    net.run_for(ms(200));
    (net, node, samples)
}

/// The hand swings; each sample is taken at its time.
fn swing(net: &mut Network, samples: &mut Producer<InputFrame>, interval: Micros, count: u64) {
    for place in 0..count {
        net.run_for(interval);
        let sampled_at = net.local(ANN);
        samples.push(hand(sampled_at, place * interval.0)).unwrap();
    }
}

fn is_live(datagram: &Datagram<'_>) -> bool {
    matches!(datagram, Datagram::Up(_))
}

#[test]
fn every_third_datagram_lost_not_one_sample_is_missing_and_each_loss_is_counted_as_healed() {
    for (interval, count) in [(ms(1), 900), (ms(11), 90)] {
        let (mut net, node, mut samples) = with_hand(GOOD, 1);
        let mut number = 0;
        net.filter = Box::new(move |_, datagram| {
            number += u64::from(is_live(datagram));
            !is_live(datagram) || number % 3 != 0
        });
        swing(&mut net, &mut samples, interval, count);
        net.run_for(ms(200));
        let game = &net.players[BOB].game;
        let frames = &game.inputs[&node];
        assert_eq!(frames.len() as u64, count);
        for (place, frame) in frames.iter().enumerate() {
            let truth = hand(frame.sampled_at, place as u64 * interval.0);
            assert!(frame.position.distance(truth.position) < 1e-3);
        }
        net.run_for(Micros::from_secs(1));
        let counters = net.players[BOB].game.stats.counters;
        assert!(counters.live_lost > 20, "{counters:?}");
        // The last repetition is of one sample alone, which does not tell the pace of its source.
        assert!(
            counters.live_lost - counters.live_healed <= 1,
            "{counters:?}"
        );
    }
}

#[test]
fn over_a_path_that_loses_one_in_ten_both_ways_together_one_sample_in_five_hundred_is_missing() {
    let path = Path {
        loss_percent: 5,
        ..GOOD
    };
    let (mut net, node, mut samples) = with_hand(path, 2);
    swing(&mut net, &mut samples, ms(1), 5_000);
    net.run_for(ms(500));
    let count = net.players[BOB].game.inputs[&node].len();
    assert!(count >= 4_990, "{count} of 5000");
}

#[test]
fn however_datagrams_overtake_each_other_no_sample_is_told_twice_and_next_to_none_is_missing() {
    let (mut net, node, mut samples) = with_hand(BAD, 2);
    swing(&mut net, &mut samples, ms(1), 1_000);
    net.run_for(Micros::from_secs(1));
    // The game's own picture refuses a sample that was told before.
    let game = &net.players[BOB].game;
    assert!(
        game.inputs[&node].len() > 950,
        "{}",
        game.inputs[&node].len()
    );
    assert!(game.stats.counters.samples_late > 0);
}

#[test]
fn samples_are_told_in_session_time_within_a_millisecond_of_when_they_were_taken() {
    let (mut net, node, mut samples) = with_hand(GOOD, 3);
    swing(&mut net, &mut samples, ms(1), 100);
    let last = net.now + common::network::EPOCH_OFFSET;
    net.run_for(ms(100));
    let told = net.players[BOB].game.inputs[&node]
        .last()
        .unwrap()
        .sampled_at;
    assert!(
        told.offset_from(last).abs() < 1_000,
        "{told:?} for {last:?}"
    );
}

#[test]
fn the_stages_of_the_way_are_measured() {
    let (mut net, _, mut samples) = with_hand(GOOD, 4);
    swing(&mut net, &mut samples, ms(1), 1_500);
    net.run_for(Micros::from_secs(1));
    let [ann, bob] = [ANN, BOB].map(|place| net.players[place].game.stats.clone());
    let near = |found: u64, wanted: Micros| found.abs_diff(wanted.0) < 1_000;
    assert!(
        ann.capture.count > 1_400 && ann.capture.max_us <= 4_200,
        "{ann:?}"
    );
    assert!(near(bob.propagation.p50_us, GOOD.delay), "{bob:?}");
    assert!(near(bob.relay.p50_us, GOOD.delay), "{bob:?}");
    assert!(near(bob.publish.p50_us, GOOD.delay), "{bob:?}");
    assert!(near(ann.confirm.p50_us, GOOD.delay + GOOD.delay), "{ann:?}");
    assert_eq!(bob.world.digest, net.node.world().digest());
    assert_eq!(
        ann.counters.datagrams_malformed + bob.counters.datagrams_malformed,
        0
    );
}

#[test]
fn after_a_broken_link_samples_go_on_without_the_stale_ones() {
    let (mut net, node, mut samples) = with_hand(GOOD, 9);
    swing(&mut net, &mut samples, ms(1), 50);
    net.run_for(ms(50));
    net.break_links(ANN);
    swing(&mut net, &mut samples, ms(10), 200);
    net.run_for(ms(100));
    let away = net.players[BOB].game.inputs[&node].len() as u64;
    assert!(net.players[ANN].game.joins[1].resumed);
    // Those of the first second or so came to nobody, and are not told a second late.
    assert!((100..200).contains(&away), "{away}");
    swing(&mut net, &mut samples, ms(1), 50);
    net.run_for(ms(100));
    let game = &net.players[BOB].game;
    assert_eq!(game.inputs[&node].len() as u64, away + 50);
}

#[test]
fn what_went_by_during_an_absence_is_neither_a_loss_nor_a_long_way() {
    let (mut net, node, mut samples) = with_hand(GOOD, 10);
    swing(&mut net, &mut samples, ms(1), 100);
    net.break_links(BOB);
    for colour in 0..10 {
        net.players[ANN].handle.propose(paint(node, colour));
        swing(&mut net, &mut samples, ms(10), 20);
    }
    net.run_for(Micros::from_secs(2));
    let game = &net.players[BOB].game;
    assert!(game.joins[1].resumed);
    net.assert_all_agree();
    assert_eq!(game.stats.counters.live_lost, 0);
    assert!(
        Micros(game.stats.publish.max_us) < ms(10),
        "{:?}",
        game.stats.publish
    );
}
