//! The live lane's sending end against what a receiver makes of it.

use std::collections::BTreeMap;

use rtrb::{Producer, RingBuffer};
use synced_protocol::{
    input::decode_batch,
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
        assert!(self.upstream.attach(node, consumer));
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
            other => panic!("{other:?}"),
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

/// The times of all samples that a receiver has when the datagram at `lost` never came.
fn received_without(bench: &Bench, lost: usize, node: NodeId) -> Vec<Micros> {
    let others = bench
        .sent
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != lost);
    let mut times: Vec<_> = others
        .flat_map(|(_, (_, bytes))| content(bytes).samples.remove(&node).unwrap_or_default())
        .collect();
    times.sort();
    times.dedup();
    times
}

#[test]
fn the_loss_of_any_one_datagram_loses_no_sample_at_any_rate_of_samples() {
    for (interval_us, count) in [(250, 200), (1_000, 60), (11_111, 20), (40_000, 8)] {
        let mut bench = Bench::new(LiveConfig::default());
        let mut hands = [HAND, NodeId(2)].map(|node| bench.tracker(node));
        feed(&mut bench, &mut hands, Micros(interval_us), count);
        bench.run_for(Micros::from_millis(100));
        assert!(bench.sent.len() > 2);
        for lost in 0..bench.sent.len() {
            let times = received_without(&bench, lost, HAND);
            assert_eq!(
                times.len() as u64,
                count,
                "every {interval_us} us without {lost}"
            );
        }
    }
}

#[test]
fn a_backlog_of_samples_goes_in_several_datagrams_and_loses_nothing_either() {
    let mut bench = Bench::new(LiveConfig::default());
    let mut hands: Vec<_> = (1..=8).map(|node| bench.tracker(NodeId(node))).collect();
    bench.run_for(Micros::from_millis(10));
    let taken = bench.now;
    for ms in 0..200 {
        let at = taken + Micros::from_millis(ms);
        hands
            .iter_mut()
            .for_each(|hand| hand.push(sample(at)).unwrap());
    }
    bench.now = taken + Micros::from_millis(200);
    bench.run_for(Micros::from_millis(200));
    for lost in 0..bench.sent.len() {
        assert_eq!(
            received_without(&bench, lost, HAND).len(),
            200,
            "without {lost}"
        );
    }
}

#[test]
fn more_samples_than_the_backlog_takes_are_dropped_from_its_old_end_and_counted() {
    let mut bench = Bench::new(LiveConfig::default());
    let mut hand = bench.tracker(HAND);
    bench.run_for(Micros::from_millis(10));
    let taken = bench.now;
    let count = crate::limits::TRACKER_BACKLOG_MAX as u64 + 40;
    (1..=count).for_each(|us| hand.push(sample(taken + Micros(us))).unwrap());
    bench.now = taken + Micros::from_millis(1);
    bench.run_for(Micros::from_millis(100));
    let times = received_without(&bench, usize::MAX, HAND);
    assert_eq!(times.len(), crate::limits::TRACKER_BACKLOG_MAX);
    assert_eq!(
        times.last(),
        Some(&bench.clock.session_time(taken + Micros(count)))
    );
    assert_eq!(bench.meter.counters.samples_dropped, 40);
}

#[test]
fn a_sample_from_a_time_that_has_not_come_is_taken_for_now_and_blocks_nothing() {
    let mut bench = Bench::new(LiveConfig::default());
    let mut hands = [bench.tracker(HAND)];
    hands[0]
        .push(sample(bench.now + Micros::from_secs(3_600)))
        .unwrap();
    feed(&mut bench, &mut hands, Micros::from_millis(1), 10);
    bench.run_for(Micros::from_millis(100));
    assert_eq!(received_without(&bench, usize::MAX, HAND).len(), 11);
}

#[test]
fn a_head_and_two_hands_at_a_kilohertz_go_in_250_datagrams_a_second_within_the_age() {
    let mut bench = Bench::new(LiveConfig::default());
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
        ..LiveConfig::default()
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
        ..LiveConfig::default()
    };
    let mut bench = Bench::new(config);
    let mut hand = [bench.tracker(HAND)];
    feed(&mut bench, &mut hand, Micros(250), 8_000);
    let most = 2 * LIVE_DATAGRAMS_PER_SECOND_MAX + LIVE_BURST_DATAGRAMS_MAX;
    assert!(bench.sent.len() <= most as usize, "{}", bench.sent.len());
    bench.run_for(Micros::from_millis(10));
    assert_eq!(received_without(&bench, usize::MAX, HAND).len(), 8_000);
}

#[test]
fn a_tracker_that_was_detached_sends_its_last_samples_twice_and_is_gone() {
    let mut bench = Bench::new(LiveConfig::default());
    let mut hands = [bench.tracker(HAND)];
    feed(&mut bench, &mut hands, Micros::from_millis(1), 10);
    bench.upstream.detach(HAND);
    bench.run_for(Micros::from_millis(200));
    for lost in 0..bench.sent.len() {
        assert_eq!(received_without(&bench, lost, HAND).len(), 10);
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
    let attach =
        |bench: &mut Bench, node| bench.upstream.attach(NodeId(node), RingBuffer::new(1).1);
    assert!(!attach(&mut bench, TRACKERS_MAX as u64));
    assert!(
        attach(&mut bench, 0),
        "one that is there can change its source"
    );
}
