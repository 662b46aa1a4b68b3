//! The live lane's sending end against what a receiver makes of it.

use std::collections::BTreeMap;

use rtrb::{Producer, RingBuffer};
use synced_protocol::{
    input::{HandJoints, InputFrame, Pose, decode_batch},
    live::{BlockKind, Datagram},
};

use super::*;

const START: Micros = Micros::from_secs(50);
const HAND: NodeId = NodeId(1);
const VALUE: PropertyId = PropertyId(0);

struct Bench {
    upstream: Upstream,
    clock: ClockSync,
    meter: Meter,
    now: Micros,
    sent: Vec<(Micros, Bytes)>,
}

/// With every sample sent, for tests that count them.
fn all_samples() -> LiveConfig {
    LiveConfig {
        thinning: false,
        ..LiveConfig::default()
    }
}

impl Bench {
    fn new(config: LiveConfig) -> Self {
        let mut upstream = Upstream::new(config);
        upstream.connected(START, Micros::from_secs(1));
        Self {
            upstream,
            clock: ClockSync::new(START, START + Micros::from_secs(1_000)),
            meter: Meter::default(),
            now: START,
            sent: Vec::new(),
        }
    }

    fn tracker(&mut self, node: NodeId) -> Producer<InputFrame> {
        let (producer, consumer) = RingBuffer::new(1_024);
        assert!(self.upstream.attach(node, TrackerFeed::new(consumer)));
        producer
    }

    fn set(&mut self, node: u64, value: i64) {
        let key = (NodeId(node), VALUE);
        let stamp = self.clock.session_time(self.now);
        assert!(self.upstream.set(self.now, key, stamp, Value::Int(value)));
    }

    /// Wakes just as asked for until `end`.
    fn run_until(&mut self, end: Micros) {
        loop {
            let sent = &mut self.sent;
            let now = self.now;
            self.upstream
                .poll(now, &self.clock, &mut self.meter, |bytes| {
                    sent.push((now, bytes))
                });
            match self.upstream.poll_deadline(now) {
                Some(next) if next <= end => self.now = next.max(now + Micros(1)),
                _ => break,
            }
        }
        self.now = end;
    }

    fn run_for(&mut self, span: Micros) {
        self.run_until(self.now + span);
    }

    fn bytes(&self) -> usize {
        self.sent.iter().map(|(_, bytes)| bytes.len()).sum()
    }
}

/// The samples and values of one datagram.
#[derive(Default)]
struct Content {
    sequence: u32,
    samples: BTreeMap<NodeId, Vec<Micros>>,
    values: Vec<(NodeId, i64)>,
    aims: Vec<(Micros, Pose)>,
    joints: Vec<Micros>,
}

fn content(bytes: &[u8]) -> Content {
    assert!(bytes.len() <= MAX_UP_DATAGRAM_BYTES);
    let Ok(Datagram::Up(live)) = Datagram::decode(bytes) else {
        panic!("not a datagram");
    };
    let mut content = Content {
        sequence: live.sequence,
        ..Content::default()
    };
    for block in live.blocks() {
        let block = block.unwrap();
        match block.kind {
            BlockKind::Input { batch } => {
                let times = content.samples.entry(block.node).or_default();
                decode_batch(batch, live.sent_at, |frame| times.push(frame.sampled_at)).unwrap();
            }
            BlockKind::Value { value, .. } => match value {
                Value::Int(value) => content.values.push((block.node, value)),
                other => panic!("{other:?}"),
            },
            BlockKind::Aim { stamp, aim } => content.aims.push((stamp, aim)),
            BlockKind::Joints { stamp, .. } => content.joints.push(stamp),
        }
    }
    content
}

fn sample(at: Micros) -> InputFrame {
    let t = (at.0 % 10_000_000) as f32 * 1e-6;
    InputFrame {
        sampled_at: at,
        position: glam::Vec3::new((3.0 * t).sin(), 1.5, (2.0 * t).cos()),
        orientation: glam::Quat::from_rotation_y(5.0 * t),
        ..InputFrame::default()
    }
}

/// Runs while trackers are fed at their interval, each sample just when it is taken.
fn feed(bench: &mut Bench, trackers: &mut [Producer<InputFrame>], interval: Micros, count: u64) {
    for _ in 0..count {
        let at = bench.now + interval;
        bench.run_until(at);
        for tracker in &mut *trackers {
            tracker.push(sample(at)).unwrap();
        }
    }
}

/// The times of all samples that a receiver has when so many datagrams from the one at `lost` on never came.
fn received_without(bench: &Bench, lost: usize, count: usize, node: NodeId) -> Vec<Micros> {
    let lost = lost..lost + count;
    let others = bench
        .sent
        .iter()
        .enumerate()
        .filter(|(place, _)| !lost.contains(place));
    let mut times: Vec<_> = others
        .flat_map(|(_, (_, bytes))| content(bytes).samples.remove(&node).unwrap_or_default())
        .collect();
    times.sort();
    times.dedup();
    times
}

#[test]
fn the_loss_of_any_two_datagrams_in_a_row_loses_no_sample_at_any_rate_of_samples_and_at_any_pace() {
    for (interval_us, count) in [(250, 200), (1_000, 100), (11_111, 20), (40_000, 8)] {
        for pace in [1, 4, 20].map(Micros::from_millis) {
            let mut bench = Bench::new(LiveConfig {
                local_delta_max_age: pace,
                ..all_samples()
            });
            let mut hands = [HAND, NodeId(2)].map(|node| bench.tracker(node));
            feed(&mut bench, &mut hands, Micros(interval_us), count);
            bench.run_for(Micros::from_millis(400));
            assert!(bench.sent.len() > 2);
            for lost in 0..bench.sent.len() - 1 {
                let times = received_without(&bench, lost, 2, HAND);
                assert_eq!(
                    times.len() as u64,
                    count,
                    "every {interval_us} us, sent every {pace:?}, without {lost} and the next"
                );
            }
        }
    }
}

#[test]
fn a_backlog_of_samples_goes_in_several_datagrams_and_loses_nothing_either() {
    let mut bench = Bench::new(all_samples());
    let mut hands: Vec<_> = (1..=2).map(|node| bench.tracker(NodeId(node))).collect();
    bench.run_for(Micros::from_millis(10));
    let taken = bench.now;
    for ms in 0..100 {
        let at = taken + Micros::from_millis(ms);
        hands
            .iter_mut()
            .for_each(|hand| hand.push(sample(at)).unwrap());
    }
    bench.now = taken + Micros::from_millis(200);
    bench.run_for(Micros::from_millis(200));
    for lost in 0..bench.sent.len() {
        assert_eq!(
            received_without(&bench, lost, 2, HAND).len(),
            100,
            "without {lost}"
        );
    }
}

#[test]
fn more_samples_than_the_backlog_takes_are_dropped_from_its_old_end_and_counted() {
    let mut bench = Bench::new(all_samples());
    let mut hand = bench.tracker(HAND);
    bench.run_for(Micros::from_millis(10));
    let taken = bench.now;
    let count = crate::limits::TRACKER_BACKLOG_MAX as u64 + 40;
    let at = |place: u64| taken + Micros(10 * place);
    (1..=count).for_each(|place| hand.push(sample(at(place))).unwrap());
    bench.now = at(count);
    bench.run_for(Micros::from_millis(100));
    let times = received_without(&bench, 0, 0, HAND);
    assert_eq!(times.len(), crate::limits::TRACKER_BACKLOG_MAX);
    assert_eq!(times.last(), Some(&bench.clock.session_time(at(count))));
    assert_eq!(bench.meter.counters.samples_dropped, 40);
}

#[test]
fn a_sample_from_a_time_that_has_not_come_is_taken_for_now_and_blocks_nothing() {
    let mut bench = Bench::new(all_samples());
    let mut hands = [bench.tracker(HAND)];
    hands[0]
        .push(sample(bench.now + Micros::from_secs(3_600)))
        .unwrap();
    feed(&mut bench, &mut hands, Micros::from_millis(1), 10);
    bench.run_for(Micros::from_millis(100));
    assert_eq!(received_without(&bench, 0, 0, HAND).len(), 11);
}

#[test]
fn a_head_and_two_hands_at_a_kilohertz_go_in_250_datagrams_a_second_within_the_age() {
    let mut bench = Bench::new(all_samples());
    let mut trackers = [1, 2, 3].map(|node| bench.tracker(NodeId(node)));
    feed(&mut bench, &mut trackers, Micros::from_millis(1), 2_000);
    assert!(
        (495..=502).contains(&bench.sent.len()),
        "{}",
        bench.sent.len()
    );
    let capture = bench.meter.stats().capture;
    assert!(capture.count > 3 * 1_995, "{capture:?}");
    assert!(capture.max_us <= 4_100, "{capture:?}");
}

#[test]
fn a_driver_that_wakes_late_loses_no_pace_and_one_that_was_away_catches_up_at_once() {
    let mut bench = Bench::new(LiveConfig::default());
    let _hand = bench.tracker(HAND);
    let pace = LiveConfig::default().local_delta_max_age;
    let mut next_after = |now| {
        let Bench {
            upstream,
            clock,
            meter,
            ..
        } = &mut bench;
        upstream.poll(now, clock, meter, |_| {});
        upstream.poll_deadline(now)
    };
    assert_eq!(next_after(START), Some(START + pace));
    let late = START + pace + Micros(900);
    assert_eq!(next_after(late), Some(START + pace + pace));
    let away = late + Micros::from_secs(1);
    assert_eq!(next_after(away), Some(away + pace));
}

#[test]
fn datagrams_are_numbered_without_gaps() {
    let mut bench = Bench::new(LiveConfig::default());
    let mut hands = [bench.tracker(HAND)];
    feed(&mut bench, &mut hands, Micros::from_millis(1), 100);
    let numbers = bench.sent.iter().map(|(_, bytes)| content(bytes).sequence);
    assert!(numbers.eq(0..bench.sent.len() as u32));
}

#[test]
fn a_change_waits_for_company_no_longer_than_its_age_and_a_full_datagram_not_at_all() {
    let mut bench = Bench::new(LiveConfig::default());
    bench.run_for(Micros::from_millis(10));
    let changed = bench.now;
    bench.set(1, 1);
    bench.run_for(Micros::from_millis(1));
    bench.set(2, 2);
    bench.run_for(Micros::from_millis(20));
    let [(at, bytes)] = bench.sent.as_slice() else {
        panic!("{} datagrams", bench.sent.len());
    };
    assert_eq!(*at, changed + LiveConfig::default().local_delta_max_age);
    assert_eq!(content(bytes).values, [(NodeId(1), 1), (NodeId(2), 2)]);

    bench.sent.clear();
    let changed = bench.now;
    (1..=64).for_each(|node| bench.set(node, 3));
    bench.run_for(Micros::from_millis(20));
    let values: usize = bench
        .sent
        .iter()
        .map(|(_, bytes)| content(bytes).values.len())
        .sum();
    assert_eq!(values, 64);
    assert!(
        bench.sent.iter().all(|(at, _)| *at == changed),
        "{:?}",
        bench.sent
    );
}

#[test]
fn under_the_rate_cap_every_property_has_its_turn_and_the_cap_is_kept() {
    let config = LiveConfig {
        bytes_per_second_max: 20_000,
        ..LiveConfig::default()
    };
    let mut bench = Bench::new(config);
    let mut hand = [bench.tracker(HAND)];
    let mut last_sent = BTreeMap::from_iter((2..502).map(|node| (NodeId(node), START)));
    let mut longest = Micros::ZERO;
    for round in 0..1_000 {
        (2..502).for_each(|node| bench.set(node, round));
        feed(&mut bench, &mut hand, Micros::from_millis(10), 1);
    }
    for (at, bytes) in &bench.sent {
        for (node, _) in content(bytes).values {
            let before = last_sent.insert(node, *at).unwrap();
            longest = longest.max(*at - before);
        }
    }
    // 500 values of 21 bytes and the samples between them fill the cap in a good half second.
    assert!(longest < Micros::from_millis(900), "{longest:?}");
    assert!(
        last_sent
            .values()
            .all(|at| bench.now - *at < Micros::from_millis(900))
    );
    let most = 10 * 20_000 + LIVE_BURST_BYTES_MAX as usize;
    assert!(
        bench.bytes() <= most && bench.bytes() > most / 2,
        "{}",
        bench.bytes()
    );
    assert_eq!(bench.meter.counters.samples_dropped, 0);
}

#[test]
fn values_have_their_turn_even_where_the_samples_alone_are_more_than_the_cap() {
    let config = LiveConfig {
        bytes_per_second_max: 10_000,
        ..all_samples()
    };
    let mut bench = Bench::new(config);
    let mut trackers: Vec<_> = (1..=16).map(|node| bench.tracker(NodeId(node))).collect();
    for round in 0..100 {
        bench.set(99, round);
        feed(&mut bench, &mut trackers, Micros::from_millis(1), 50);
    }
    let last_half = &bench.sent[bench.sent.len() / 2..];
    let values = last_half
        .iter()
        .filter(|(_, bytes)| !content(bytes).values.is_empty());
    assert!(values.count() >= 3);
    assert!(bench.meter.counters.samples_dropped > 0);
}

#[test]
fn no_more_datagrams_leave_than_the_leader_takes_even_if_configured_so() {
    let config = LiveConfig {
        local_delta_max_age: Micros(100),
        ..all_samples()
    };
    let mut bench = Bench::new(config);
    let mut hand = [bench.tracker(HAND)];
    feed(&mut bench, &mut hand, Micros(250), 8_000);
    let most = 2 * LIVE_DATAGRAMS_PER_SECOND_MAX + LIVE_BURST_DATAGRAMS_MAX;
    assert!(bench.sent.len() <= most as usize, "{}", bench.sent.len());
    bench.run_for(Micros::from_millis(10));
    assert_eq!(received_without(&bench, 0, 0, HAND).len(), 8_000);
}

#[test]
fn a_tracker_that_was_detached_sends_its_last_samples_as_often_as_all_others_and_is_gone() {
    let mut bench = Bench::new(all_samples());
    let mut hands = [bench.tracker(HAND)];
    feed(&mut bench, &mut hands, Micros::from_millis(1), 10);
    bench.upstream.detach(HAND);
    bench.run_for(Micros::from_millis(200));
    for lost in 0..bench.sent.len() {
        assert_eq!(received_without(&bench, lost, 2, HAND).len(), 10);
    }
    assert_eq!(
        bench.upstream.poll_deadline(bench.now),
        None,
        "nothing is left to do"
    );
}

#[test]
fn there_is_a_most_of_trackers() {
    let mut bench = Bench::new(LiveConfig::default());
    let _kept: Vec<_> = (0..TRACKERS_MAX as u64)
        .map(|node| bench.tracker(NodeId(node)))
        .collect();
    let attach = |bench: &mut Bench, node| {
        let feed = TrackerFeed::new(RingBuffer::new(1).1);
        bench.upstream.attach(NodeId(node), feed)
    };
    assert!(!attach(&mut bench, TRACKERS_MAX as u64));
    assert!(
        attach(&mut bench, 0),
        "one that is there can change its source"
    );
}

/// A controller with an aim and joints.
fn whole_hand(bench: &mut Bench) -> (Producer<InputFrame>, Producer<Pose>, Producer<HandJoints>) {
    let (samples, samples_out) = RingBuffer::new(1_024);
    let (aim, aim_out) = RingBuffer::new(16);
    let (joints, joints_out) = RingBuffer::new(16);
    let feed = TrackerFeed {
        aim: aim_out,
        joints: joints_out,
        ..TrackerFeed::new(samples_out)
    };
    assert!(bench.upstream.attach(HAND, feed));
    (samples, aim, joints)
}

#[test]
fn an_aim_goes_when_it_moves_and_four_times_a_second_when_it_rests() {
    let mut bench = Bench::new(LiveConfig::default());
    let (_samples, mut aim, _joints) = whole_hand(&mut bench);
    let pose = |metres: f32| Pose {
        position: glam::Vec3::X * metres,
        ..Pose::default()
    };
    bench.run_for(Micros::from_millis(10));
    for place in 0..100 {
        aim.push(pose(
            if place < 50 { 0.1 } else { 0.2 } + 1e-4 * (place % 2) as f32,
        ))
        .unwrap();
        bench.run_for(Micros::from_millis(10));
    }
    let aims: Vec<_> = bench
        .sent
        .iter()
        .flat_map(|(_, bytes)| content(bytes).aims)
        .collect();
    let moved = aims.windows(2).filter(|pair| pair[0].0 != pair[1].0);
    assert_eq!(moved.count(), 1, "{aims:?}");
    assert_eq!(aims.len(), 4, "{aims:?}");
}

#[test]
fn joints_go_thirty_times_a_second_at_the_most_and_the_newest_of_them() {
    let mut bench = Bench::new(LiveConfig::default());
    let (_samples, _aim, mut joints) = whole_hand(&mut bench);
    bench.run_for(Micros::from_millis(10));
    for _ in 0..100 {
        bench.run_for(Micros::from_millis(10));
        let sampled_at = bench.now;
        joints
            .push(HandJoints {
                sampled_at,
                ..HandJoints::default()
            })
            .unwrap();
    }
    bench.run_for(Micros::from_millis(100));
    let stamps: Vec<_> = bench
        .sent
        .iter()
        .flat_map(|(_, bytes)| content(bytes).joints)
        .collect();
    assert!((28..=31).contains(&stamps.len()), "{}", stamps.len());
    let last = bench
        .clock
        .session_time(bench.now - Micros::from_millis(100));
    assert_eq!(stamps.last(), Some(&last));
}

#[test]
fn a_smooth_hand_is_sent_in_a_quarter_of_its_samples_and_a_struck_one_in_more() {
    let sent = |thinning, struck: bool| {
        let mut bench = Bench::new(LiveConfig {
            thinning,
            ..LiveConfig::default()
        });
        let mut hand = bench.tracker(HAND);
        for place in 0..1_000_u64 {
            let at = bench.now + Micros::from_millis(1);
            bench.run_until(at);
            let mut frame = moving(at);
            if struck && place % 100 < 10 {
                frame.position.y += 1e-3 * (place % 3) as f32;
            }
            hand.push(frame).unwrap();
        }
        bench.run_for(Micros::from_millis(100));
        let counters = bench.meter.counters;
        assert_eq!(
            counters.samples_sent + counters.samples_thinned,
            counters.samples_captured
        );
        (counters.samples_sent, bench.bytes())
    };
    let (all, bytes_of_all) = sent(false, false);
    let (few, bytes_of_few) = sent(true, false);
    assert_eq!(all, 1_000);
    assert!((249..=260).contains(&few), "{few}");
    assert!(
        bytes_of_few * 20 < bytes_of_all * 17,
        "{bytes_of_few} of {bytes_of_all}"
    );
    let (struck, _) = sent(true, true);
    assert!(struck > few + 60, "{struck}");
}

/// A sample whose velocities are those of its motion.
fn moving(at: Micros) -> InputFrame {
    let t = (at.0 % 10_000_000) as f32 * 1e-6;
    InputFrame {
        linear_velocity: glam::Vec3::new(3.0 * (3.0 * t).cos(), 0.0, -2.0 * (2.0 * t).sin()),
        angular_velocity: glam::Vec3::Y * 5.0,
        ..sample(at)
    }
}

#[test]
fn the_more_is_lost_the_more_is_repeated_and_the_cap_takes_that_back_before_anything_waits() {
    let repeated = |loss: u16, bytes_per_second_max| {
        let mut bench = Bench::new(LiveConfig {
            bytes_per_second_max,
            ..all_samples()
        });
        let others = 1;
        for second in 0..60 {
            let now = Micros::from_secs(second);
            bench
                .upstream
                .learn_loss(now, Loss(loss), Loss::NONE, others);
        }
        let mut hands = [bench.tracker(HAND)];
        feed(&mut bench, &mut hands, Micros::from_millis(1), 3_000);
        let capture = bench.meter.stats().capture;
        assert!(capture.max_us <= 4_100, "{capture:?}");
        let counters = bench.meter.counters;
        counters.samples_repeated as f64 / counters.samples_sent as f64
    };
    let near = |found: f64, wanted: f64| (found - wanted).abs() < 0.05;
    let enough = LiveConfig::default().bytes_per_second_max;
    assert!(near(repeated(0, enough), 2.0));
    assert!(near(repeated(2_500, enough), 4.0));
    let held_back = repeated(2_500, 15_000);
    assert!(held_back < 3.0, "{held_back}");
}
