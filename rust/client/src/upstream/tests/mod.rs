//! The live lane's sending end against what a receiver makes of it.

mod aside;
mod pace;
mod samples;

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
        upstream.connected(START, Micros::from_secs(1), Interruption::Long);
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

    fn end_frame(&mut self) {
        self.upstream.end_frame(self.now);
    }

    /// Wakes just as asked for until `end`.
    fn run_until(&mut self, end: Micros) {
        loop {
            let sent = &mut self.sent;
            let now = self.now;
            self.upstream.poll(
                now,
                &self.clock,
                Names::default(),
                &mut self.meter,
                |bytes| sent.push((now, bytes)),
            );
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
        let node = block.node.resolve(PlayerId::SERVER, |_| None).unwrap();
        match block.kind {
            BlockKind::Input { batch } => {
                let times = content.samples.entry(node).or_default();
                decode_batch(batch, live.sent_at, |frame| times.push(frame.sampled_at)).unwrap();
            }
            BlockKind::Value { value, .. } => match value {
                Value::Int(value) => content.values.push((node, value)),
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
