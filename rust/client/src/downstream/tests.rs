//! What of a player's datagrams is told, against a world that changes meanwhile.

use synced_protocol::{
    id::{ClientSeq, LogIndex},
    input::{InputFrame, Precision},
    live::{Datagram, LiveWriter, relay_header},
    message::{Change, JoinMark, LogEntry, PlayerEntry},
    mutation::{
        Access, Mutation, OnOwnerLeft, Origin, ParentRef, Policy, PropertySpec, Spawn, Transfer,
    },
    value::Value,
};

use super::*;
use crate::playout::MARGIN;

const ANN: PlayerId = PlayerId(1);
const BOB: PlayerId = PlayerId(2);
const CUP: NodeId = NodeId::spawned(ANN, 1);
const COLOUR: PropertyId = PropertyId(0);
const POSE: PropertyId = PropertyId(1);
const NOW: Micros = Micros::from_secs(100);

/// A world in which Ann owns a cup, and what a third player makes of the live lane there.
struct Bench {
    downstream: Downstream,
    world: World,
    counters: Counters,
    seqs: BTreeMap<PlayerId, u64>,
    /// When datagrams are sent and come.
    now: Micros,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            downstream: Downstream::default(),
            world: World::new(),
            counters: Counters::default(),
            seqs: BTreeMap::new(),
            now: NOW + Micros::from_secs(1),
        };
        for player in [ANN, BOB] {
            let name = String::new();
            let hosts = false;
            let player = PlayerEntry {
                player,
                name,
                hosts,
            };
            bench.commit(
                NOW,
                Change::PlayerJoined {
                    player,
                    mark: JoinMark::default(),
                },
            );
        }
        bench.propose(NOW, ANN, Mutation::Spawn(cup()));
        bench
    }

    fn commit(&mut self, at: Micros, change: Change) {
        let hlc = HlcTimestamp::from_physical(at);
        let mut effects = Vec::new();
        let index = LogIndex(self.world.log_index().0 + 1);
        let entry = LogEntry { hlc, change };
        let applied = self.world.apply(index, &entry, &mut effects);
        assert_eq!(applied, Ok(synced_world::Outcome::Applied));
        self.downstream.committed(hlc, &effects, &self.world);
    }

    fn propose(&mut self, at: Micros, player: PlayerId, mutation: Mutation) {
        let seq = self.seqs.entry(player).or_default();
        *seq += 1;
        let change = Change::Transaction {
            player,
            seq: ClientSeq(*seq),
            transaction: mutation.into(),
        };
        self.commit(at, change);
    }

    /// The updates told of one datagram.
    fn receive(
        &mut self,
        player: PlayerId,
        sequence: u32,
        write: impl FnOnce(&mut LiveWriter),
    ) -> Vec<Update> {
        let mut writer = LiveWriter::default();
        writer.begin(sequence, self.now);
        write(&mut writer);
        let header = relay_header(player, HlcTimestamp::ZERO);
        let bytes = [&header, &writer.bytes()[1..]].concat();
        let Ok(Datagram::Down { player, live, .. }) = Datagram::decode(&bytes) else {
            panic!("not a datagram");
        };
        let mut told = Vec::new();
        let received = Received {
            player,
            live,
            at: self.now,
        };
        let tell = |update| told.push(update);
        self.downstream
            .receive(received, &self.world, &mut self.counters, tell)
            .unwrap();
        told
    }

    /// The stamps told of a pose, in microseconds after [`NOW`].
    fn pose(&mut self, player: PlayerId, stamp_us: u64) -> Option<u64> {
        let stamp = NOW + Micros(stamp_us);
        let told = self.receive(player, 0, |writer| {
            let _ = writer.value(CUP, POSE, stamp, &Value::Nil);
        });
        match told.as_slice() {
            [] => None,
            [Update::LiveValue { stamp, .. }] => Some(stamp.since(NOW).0),
            other => panic!("{other:?}"),
        }
    }

    /// The times told of samples, in microseconds after [`NOW`].
    fn samples(&mut self, player: PlayerId, sequence: u32, times_us: &[u64]) -> Vec<u64> {
        let frames: Vec<_> = times_us
            .iter()
            .map(|us| InputFrame {
                sampled_at: NOW + Micros(*us),
                ..InputFrame::default()
            })
            .collect();
        let told = self.receive(player, sequence, |writer| {
            let _ = writer.input(CUP, &frames, Precision::Fine);
        });
        let times = told.into_iter().map(|update| match update {
            Update::Input { frame, .. } => frame.sampled_at.since(NOW).0,
            other => panic!("{other:?}"),
        });
        times.collect()
    }
}

fn cup() -> Spawn {
    let property = |path: &str, lane| PropertySpec {
        path: path.into(),
        lane,
        value: Value::Nil,
    };
    Spawn {
        node: CUP,
        origin: Origin::Scene {
            spawner: NodeId::derived(NodeId::ROOT, "Spawner"),
            scene: 0,
        },
        parent: ParentRef {
            anchor: NodeId::ROOT,
            path: String::new(),
        },
        name: "Cup".into(),
        policy: Policy {
            write: Access::Owner,
            call: Access::Owner,
            transfer: Transfer::ByOwner,
            on_owner_left: OnOwnerLeft::Release,
        },
        owner: ANN,
        properties: vec![
            property(":colour", Lane::Confirmed),
            property(":position", Lane::Live),
        ],
    }
}

#[test]
fn the_newest_value_wins_and_what_comes_late_or_twice_is_not_told() {
    let mut bench = Bench::new();
    let told = [5, 7, 7, 6, 8].map(|stamp| bench.pose(ANN, stamp));
    assert_eq!(told, [Some(5), Some(7), None, None, Some(8)]);
}

#[test]
fn a_confirmed_write_makes_older_live_values_old_and_newer_ones_stay_new() {
    let mut bench = Bench::new();
    let set = |property| Mutation::SetProperties {
        node: CUP,
        properties: vec![(property, Value::Nil)],
    };
    bench.propose(NOW + Micros(10), ANN, set(POSE));
    assert_eq!(
        [10, 11].map(|stamp| bench.pose(ANN, stamp)),
        [None, Some(11)]
    );
    bench.propose(NOW + Micros(20), ANN, set(COLOUR));
    assert_eq!(
        bench.pose(ANN, 15),
        Some(15),
        "another property was written"
    );
}

#[test]
fn only_the_owner_is_heard_of_and_the_new_one_though_its_clock_is_behind() {
    let mut bench = Bench::new();
    assert_eq!(bench.pose(BOB, 1), None);
    assert_eq!(bench.counters.live_foreign, 1);
    assert_eq!(bench.pose(ANN, 900), Some(900));
    assert_eq!(bench.samples(ANN, 1, &[800, 900]), [800, 900]);
    let give = Mutation::TransferOwnership { node: CUP, to: BOB };
    bench.propose(NOW + Micros(500), ANN, give);
    assert_eq!(bench.pose(ANN, 950), None);
    assert_eq!(bench.pose(BOB, 400), None, "from before the change");
    assert_eq!(bench.pose(BOB, 600), Some(600));
    assert_eq!(bench.samples(BOB, 1, &[600, 700]), [600, 700]);
}

#[test]
fn nobody_streams_what_is_not_there_or_not_live() {
    let mut bench = Bench::new();
    let stranger = PlayerId(9);
    assert_eq!(bench.pose(stranger, 1), None);
    let told = bench.receive(ANN, 0, |writer| {
        let _ = writer.value(CUP, COLOUR, NOW, &Value::Nil);
        let _ = writer.value(CUP, PropertyId(7), NOW, &Value::Nil);
        let _ = writer.value(NodeId(77), POSE, NOW, &Value::Nil);
    });
    assert!(told.is_empty());
    assert_eq!(bench.counters.live_foreign, 2);
}

#[test]
fn samples_are_told_once_whatever_repeats_them_and_late_ones_too() {
    let mut bench = Bench::new();
    assert_eq!(bench.samples(ANN, 0, &[0, 1_000]), [0, 1_000]);
    assert_eq!(bench.samples(ANN, 1, &[0, 1_000, 2_000]), [2_000]);
    assert_eq!(bench.samples(ANN, 3, &[1_000, 4_000]), [4_000]);
    assert_eq!(bench.samples(ANN, 2, &[2_000, 3_000]), [3_000]);
    assert_eq!(bench.counters.samples_received, 5);
    assert_eq!(bench.counters.samples_late, 1);
}

#[test]
fn a_gap_is_healed_when_there_is_no_room_for_a_sample_before_the_next_batch() {
    let mut bench = Bench::new();
    bench.samples(ANN, 0, &[0, 1_000]);
    bench.samples(ANN, 2, &[2_000, 3_000, 4_000]);
    assert_eq!(
        (bench.counters.live_lost, bench.counters.live_healed),
        (1, 1)
    );
    bench.samples(ANN, 4, &[6_000, 7_000]);
    assert_eq!(
        (bench.counters.live_lost, bench.counters.live_healed),
        (2, 1)
    );
    bench.samples(ANN, 6, &[8_000]);
    assert_eq!(
        (bench.counters.live_lost, bench.counters.live_healed),
        (3, 2)
    );
    bench.samples(ANN, 8, &[7_000, 8_000, 9_000]);
    assert_eq!(
        (bench.counters.live_lost, bench.counters.live_healed),
        (4, 3)
    );
}

/// The delays told while a value is streamed that comes at once.
fn delays(interval: Micros, value: &Value) -> Vec<Micros> {
    let mut bench = Bench::new();
    let mut told = Vec::new();
    for sequence in 0..40 {
        bench.now = bench.now + interval;
        let stamp = bench.now;
        told.extend(bench.receive(ANN, sequence, |writer| {
            let _ = writer.value(CUP, POSE, stamp, value);
        }));
    }
    let delays = told.into_iter().filter_map(|update| match update {
        Update::PlayoutDelay { player: ANN, delay } => Some(delay),
        _ => None,
    });
    delays.collect()
}

#[test]
fn the_delay_is_that_of_what_moves_in_space_and_of_nothing_that_changes_now_and_then() {
    let frame = Micros(16_667);
    let place = Value::Vector3([0.0; 3]);
    let told = delays(frame, &place);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!((frame..=frame + MARGIN).contains(&told[0]), "{told:?}");
    assert!(delays(frame, &Value::Float(0.5)).is_empty());
    assert_eq!(delays(INTERPOLATION_SPAN_MAX, &place).len(), 1);
    let now_and_then = INTERPOLATION_SPAN_MAX + Micros(1);
    assert!(delays(now_and_then, &place).is_empty());
}

#[test]
fn datagrams_that_went_by_while_nobody_was_connected_are_no_loss() {
    let mut bench = Bench::new();
    bench.samples(ANN, 0, &[0]);
    bench.downstream.connected(Interruption::Long);
    bench.samples(ANN, 90, &[1_000]);
    bench.downstream.connected(Interruption::Short);
    bench.samples(ANN, 290, &[2_000]);
    assert_eq!(bench.counters.live_lost, 0);
}

#[test]
fn the_delay_of_a_players_streams_outlives_a_short_interruption_and_no_long_one() {
    let mut bench = Bench::new();
    for sequence in 0..40 {
        bench.now = NOW + Micros::from_millis(20 * u64::from(sequence));
        let frame = InputFrame {
            sampled_at: bench.now,
            ..InputFrame::default()
        };
        bench.receive(ANN, sequence, |writer| {
            let _ = writer.input(CUP, &[frame], Precision::Fine);
        });
    }
    let delay = bench.downstream.delay_max();
    assert!(delay > Micros::ZERO);
    bench.downstream.connected(Interruption::Short);
    assert_eq!(bench.downstream.delay_max(), delay);
    bench.downstream.connected(Interruption::Long);
    assert_eq!(bench.downstream.delay_max(), Micros::ZERO);
}

#[test]
fn nothing_is_remembered_of_what_is_gone() {
    let mut bench = Bench::new();
    bench.pose(ANN, 5);
    bench.samples(ANN, 1, &[5]);
    let mut other = Bench::new();
    other.downstream = std::mem::take(&mut bench.downstream);
    other.downstream.replaced(&World::new());
    assert!(other.downstream.values.is_empty() && other.downstream.hands.is_empty());

    other.pose(ANN, 5);
    other.samples(ANN, 1, &[5]);
    other.propose(NOW, ANN, Mutation::Despawn { node: CUP });
    other.commit(NOW, Change::PlayerLeft { player: ANN });
    let Downstream {
        values,
        hands,
        senders,
        ..
    } = &other.downstream;
    assert!(values.is_empty() && hands.is_empty() && senders.is_empty());
}
