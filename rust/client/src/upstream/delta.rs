//! The newest value of every live property that this player owns.

use std::collections::{BTreeMap, VecDeque};

use synced_protocol::{
    id::{NodeId, PropertyId},
    live::{Fit, LiveWriter},
    time::Micros,
    value::Value,
};

use super::Names;
use crate::{limits::LIVE_VALUES_MAX, sizes};

type Key = (NodeId, PropertyId);

/// What most values take with all that names them; just a guess at when a datagram is full.
const USUAL_BLOCK_BYTES: usize = 1 + 3 + 12;
/// A refresh looks so often, in an interval, at what is due, and is due after half of it: so none is later than the whole.
const REFRESH_LOOKS: u64 = 4;
/// Until the leader says otherwise.
const REFRESH_INTERVAL: Micros = Micros::from_secs(1);

/// However short the leader wants it.
const REFRESH_INTERVAL_MIN: Micros = Micros::from_millis(100);

/// Values by property, and the order in which they are to be sent.
#[derive(Debug)]
pub(super) struct DeltaBuffer {
    held: BTreeMap<Key, Held>,
    /// Every changed property once, the one that changed first at the front.
    changed: VecDeque<Key>,
    refresh_interval: Micros,
    refresh_at: Micros,
}

#[derive(Debug)]
struct Held {
    value: Value,
    /// When the owner had it, in session time.
    stamp: Micros,
    /// When it changed, in local time, if it was not sent since.
    changed_at: Option<Micros>,
    sent_at: Micros,
}

impl Default for DeltaBuffer {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
            changed: VecDeque::new(),
            refresh_interval: REFRESH_INTERVAL,
            refresh_at: Micros::ZERO,
        }
    }
}

impl DeltaBuffer {
    /// `false` when the value is too large or too many are held.
    pub(super) fn set(&mut self, now: Micros, key: Key, stamp: Micros, value: Value) -> bool {
        if sizes::check_value(&value).is_err() {
            return false;
        }
        if let Some(held) = self.held.get_mut(&key) {
            // Whoever has the value before would not take one that is no newer.
            held.stamp = stamp.max(held.stamp + Micros(1));
            held.value = value;
        } else if self.held.len() < LIVE_VALUES_MAX {
            self.held.insert(key, Held::new(now, stamp, value));
        } else {
            return false;
        }
        self.mark(now, key);
        true
    }

    pub(super) fn forget(&mut self, node: NodeId) {
        self.retain(|held| held != node);
    }

    /// Keeps only the values of some nodes.
    pub(super) fn retain(&mut self, keep: impl Fn(NodeId) -> bool) {
        self.held.retain(|key, _| keep(key.0));
        self.changed.retain(|key| keep(key.0));
    }

    /// What was confirmed at `at` in session time needs no value from before.
    pub(super) fn superseded(&mut self, key: Key, at: Micros) {
        if self.held.get(&key).is_some_and(|held| held.stamp <= at) {
            self.drop_value(key);
        }
    }

    /// Everything held of one node is to be sent again.
    pub(super) fn renew(&mut self, now: Micros, node: NodeId) {
        let all = (node, PropertyId(0))..=(node, PropertyId(u8::MAX));
        for (key, held) in self.held.range_mut(all) {
            held.mark(now, *key, &mut self.changed);
        }
    }

    pub(super) fn set_refresh_interval(&mut self, interval: Micros) {
        self.refresh_interval = interval.max(REFRESH_INTERVAL_MIN);
    }

    /// Marks what was sent too long ago.
    pub(super) fn refresh(&mut self, now: Micros) {
        if now < self.refresh_at {
            return;
        }
        let due = Micros(self.refresh_interval.0 / 2);
        for (key, held) in &mut self.held {
            if now.since(held.sent_at) >= due {
                held.mark(now, *key, &mut self.changed);
            }
        }
        self.refresh_at = now + Micros(self.refresh_interval.0 / REFRESH_LOOKS);
    }

    /// When to look next for what is to be sent again.
    pub(super) fn refresh_at(&self) -> Option<Micros> {
        (!self.held.is_empty()).then_some(self.refresh_at)
    }

    /// When the oldest change happened that was not sent.
    pub(super) fn oldest(&self) -> Option<Micros> {
        self.held.get(self.changed.front()?)?.changed_at
    }

    pub(super) fn waiting(&self) -> usize {
        self.changed.len()
    }

    /// About how many bytes wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.changed.len() * USUAL_BLOCK_BYTES
    }

    /// Writes the property that changed first. One that no datagram takes is dropped.
    pub(super) fn write(&mut self, now: Micros, names: Names<'_>, writer: &mut LiveWriter) -> Fit {
        let Some(key) = self.changed.front().copied() else {
            return Fit::Full;
        };
        let Some(held) = self.held.get_mut(&key) else {
            self.changed.pop_front();
            return Fit::Written;
        };
        let fit = writer.value(names.of(key.0), key.1, held.stamp, &held.value);
        match fit {
            Fit::Written => {
                held.changed_at = None;
                held.sent_at = now;
                self.changed.pop_front();
            }
            Fit::TooLarge => self.drop_value(key),
            Fit::Full => {}
        }
        fit
    }

    fn mark(&mut self, now: Micros, key: Key) {
        if let Some(held) = self.held.get_mut(&key) {
            held.mark(now, key, &mut self.changed);
        }
    }

    fn drop_value(&mut self, key: Key) {
        let held = self.held.remove(&key);
        if held.is_some_and(|held| held.changed_at.is_some()) {
            self.changed.retain(|changed| *changed != key);
        }
    }
}

impl Held {
    const fn new(now: Micros, stamp: Micros, value: Value) -> Self {
        Self {
            value,
            stamp,
            changed_at: None,
            sent_at: now,
        }
    }

    fn mark(&mut self, now: Micros, key: Key, changed: &mut VecDeque<Key>) {
        if self.changed_at.is_none() {
            self.changed_at = Some(now);
            changed.push_back(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use synced_protocol::{
        id::PlayerId,
        limits::MAX_LIVE_VALUE_BYTES,
        live::{BlockKind, Datagram},
    };

    use super::*;

    const NOW: Micros = Micros::from_secs(10);
    const CUP: Key = (NodeId(1), PropertyId(0));
    const BALL: Key = (NodeId(2), PropertyId(3));

    /// Sends everything that waits in one datagram and reads it back.
    fn sent(deltas: &mut DeltaBuffer, now: Micros) -> Vec<(Key, Value)> {
        let mut writer = LiveWriter::default();
        writer.begin(0, now);
        while deltas.oldest().is_some() {
            assert_ne!(deltas.write(now, Names::default(), &mut writer), Fit::Full);
        }
        let Ok(Datagram::Up(live)) = Datagram::decode(writer.bytes()) else {
            panic!("not a datagram");
        };
        let blocks = live.blocks().map(|block| {
            let block = block.unwrap();
            match block.kind {
                BlockKind::Value {
                    property, value, ..
                } => {
                    let node = block.node.resolve(PlayerId::SERVER, |_| None);
                    ((node.unwrap(), property), value)
                }
                _ => panic!("nothing but values was written"),
            }
        });
        blocks.collect()
    }

    #[test]
    fn of_several_changes_only_the_newest_is_sent_in_the_place_of_the_first() {
        let mut deltas = DeltaBuffer::default();
        for (key, number) in [(CUP, 1), (BALL, 2), (CUP, 3)] {
            assert!(deltas.set(NOW, key, NOW, Value::Int(number)));
        }
        assert_eq!(deltas.waiting(), 2);
        assert_eq!(
            sent(&mut deltas, NOW),
            [(CUP, Value::Int(3)), (BALL, Value::Int(2))]
        );
        assert!(sent(&mut deltas, NOW).is_empty());
    }

    #[test]
    fn a_later_change_has_a_later_stamp_whatever_the_game_says() {
        let mut deltas = DeltaBuffer::default();
        deltas.set(NOW, CUP, NOW, Value::Int(1));
        deltas.set(NOW, CUP, NOW - Micros(5), Value::Int(2));
        deltas.superseded(CUP, NOW);
        assert_eq!(sent(&mut deltas, NOW), [(CUP, Value::Int(2))]);
    }

    #[test]
    fn what_others_may_have_missed_of_a_node_is_sent_again() {
        let mut deltas = DeltaBuffer::default();
        deltas.set(NOW, CUP, NOW, Value::Int(1));
        deltas.set(NOW, BALL, NOW, Value::Int(2));
        sent(&mut deltas, NOW);
        deltas.renew(NOW, BALL.0);
        assert_eq!(sent(&mut deltas, NOW), [(BALL, Value::Int(2))]);
    }

    #[test]
    fn every_value_held_is_sent_again_within_the_interval() {
        let mut deltas = DeltaBuffer::default();
        let interval = Micros::from_secs(1);
        deltas.set_refresh_interval(interval);
        deltas.set(NOW, CUP, NOW, Value::Int(1));
        let mut last = NOW;
        for ms in 0..5_000 {
            let now = NOW + Micros::from_millis(ms);
            deltas.refresh(now);
            if !sent(&mut deltas, now).is_empty() {
                assert!(
                    now - last <= interval,
                    "{:?} after the one before",
                    now - last
                );
                last = now;
            }
        }
        assert!(NOW + Micros::from_secs(5) - last <= interval);
    }

    #[test]
    fn a_value_is_held_until_it_is_forgotten_or_confirmed() {
        let mut deltas = DeltaBuffer::default();
        deltas.set(NOW, CUP, NOW, Value::Int(1));
        deltas.set(NOW, BALL, NOW, Value::Int(2));
        deltas.superseded(CUP, NOW - Micros(1));
        assert_eq!(deltas.waiting(), 2, "the confirmed value was older");
        deltas.superseded(CUP, NOW);
        assert_eq!(sent(&mut deltas, NOW), [(BALL, Value::Int(2))]);
        deltas.forget(BALL.0);
        deltas.renew(NOW, BALL.0);
        assert!(sent(&mut deltas, NOW).is_empty());
    }

    #[test]
    fn a_value_that_no_datagram_takes_is_dropped_and_blocks_nothing() {
        let mut deltas = DeltaBuffer::default();
        let large = Value::PackedByteArray(vec![0; MAX_LIVE_VALUE_BYTES]);
        assert!(deltas.set(NOW, CUP, NOW, large));
        deltas.set(NOW, BALL, NOW, Value::Int(2));
        assert_eq!(sent(&mut deltas, NOW), [(BALL, Value::Int(2))]);
        assert!(!deltas.set(NOW, CUP, NOW, Value::PackedByteArray(vec![0; 1 << 22])));
    }

    #[test]
    fn no_more_values_are_held_than_the_limit() {
        let mut deltas = DeltaBuffer::default();
        let mut set = |node| deltas.set(NOW, (NodeId(node), PropertyId(0)), NOW, Value::Nil);
        assert!((0..LIVE_VALUES_MAX as u64).all(&mut set));
        assert!(!set(LIVE_VALUES_MAX as u64));
        assert!(set(0), "one that is held already can change");
    }
}
