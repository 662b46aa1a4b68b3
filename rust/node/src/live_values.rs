//! The newest live value of each property, for players who join late and for when its owner leaves.

use std::{collections::BTreeMap, ops::RangeInclusive};

use synced_protocol::{
    id::{NodeId, PropertyId},
    message::LiveEntry,
    time::Micros,
    value::Value,
};

use crate::config::LIVE_VALUES_BYTES_MAX;

pub(crate) type Key = (NodeId, PropertyId);

/// A stretch of time in which values come: those who take over are told of the values of one after the other.
pub(crate) type Round = u64;

#[derive(Debug, Default)]
pub(crate) struct LiveValues {
    slots: BTreeMap<Key, Slot>,
    bytes: usize,
    round: Round,
}

/// What is newest of one property.
#[derive(Debug)]
struct Slot {
    stamp: Micros,
    /// `None` when the confirmed value is newer than any live one.
    value: Option<Value>,
    bytes: usize,
    /// In which it came.
    round: Round,
}

impl LiveValues {
    /// Keeps the value, unless a newer one is known or too much is kept already: then the next refresh will tell it.
    /// `bytes` is what it counts for, at least its encoded size.
    pub(crate) fn offer(&mut self, entry: LiveEntry, bytes: usize) {
        let key = (entry.node, entry.property);
        let before = self
            .slots
            .get(&key)
            .map_or((Micros::ZERO, 0), |slot| (slot.stamp, slot.bytes));
        let total = self.bytes - before.1 + bytes;
        if entry.stamp <= before.0 || total > LIVE_VALUES_BYTES_MAX {
            return;
        }
        self.bytes = total;
        let slot = Slot {
            stamp: entry.stamp,
            value: Some(entry.value),
            bytes,
            round: self.round,
        };
        self.slots.insert(key, slot);
    }

    /// The confirmed value is the newest from `stamp` on; a live one that was sent before and comes late is not kept. One
    /// that was sent later, while the confirmed one was on its way through the log, stays.
    pub(crate) fn confirm(&mut self, node: NodeId, property: PropertyId, stamp: Micros) {
        if self.newest(node, property) <= stamp {
            self.clear(node, property, stamp);
        }
    }

    /// The newest live value itself was confirmed, at `stamp`.
    pub(crate) fn rest(&mut self, node: NodeId, property: PropertyId, stamp: Micros) {
        let newest = self.newest(node, property);
        self.clear(node, property, stamp.max(newest));
    }

    /// The node is gone.
    pub(crate) fn forget(&mut self, node: NodeId) {
        while let Some((&key, slot)) = self.slots.range(keys_of(node)).next() {
            self.bytes -= slot.bytes;
            self.slots.remove(&key);
        }
    }

    /// Keeps those of these nodes alone.
    pub(crate) fn retain(&mut self, keeps: impl Fn(NodeId) -> bool) {
        self.slots.retain(|(node, _), _| keeps(*node));
        self.bytes = self.slots.values().map(|slot| slot.bytes).sum();
    }

    /// From here on, what comes is of a later round.
    pub(crate) const fn begin_round(&mut self) -> Round {
        self.round += 1;
        self.round
    }

    /// All from a key on, with the value if that came in a round or later.
    pub(crate) fn since(
        &self,
        round: Round,
        from: Key,
    ) -> impl Iterator<Item = (Key, Option<LiveEntry>)> + '_ {
        let slots = self.slots.range(from..);
        slots.map(move |(key, slot)| {
            let late = (slot.round >= round).then(|| slot.entry(*key));
            (*key, late.flatten())
        })
    }

    /// Those of one node.
    pub(crate) fn of(&self, node: NodeId) -> impl Iterator<Item = LiveEntry> + '_ {
        let slots = self.slots.range(keys_of(node));
        slots.filter_map(|(key, slot)| slot.entry(*key))
    }

    fn newest(&self, node: NodeId, property: PropertyId) -> Micros {
        let slot = self.slots.get(&(node, property));
        slot.map_or(Micros::ZERO, |slot| slot.stamp)
    }

    fn clear(&mut self, node: NodeId, property: PropertyId, stamp: Micros) {
        let slot = Slot {
            stamp,
            value: None,
            bytes: 0,
            round: self.round,
        };
        if let Some(before) = self.slots.insert((node, property), slot) {
            self.bytes -= before.bytes;
        }
    }
}

impl Slot {
    fn entry(&self, (node, property): Key) -> Option<LiveEntry> {
        Some(LiveEntry {
            node,
            property,
            stamp: self.stamp,
            value: self.value.clone()?,
        })
    }
}

const fn keys_of(node: NodeId) -> RangeInclusive<Key> {
    (node, PropertyId(0))..=(node, PropertyId(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(property: u8, stamp: u64) -> LiveEntry {
        LiveEntry {
            node: NodeId(1),
            property: PropertyId(property),
            stamp: Micros(stamp),
            value: Value::Bool(true),
        }
    }

    fn entries(values: &LiveValues) -> Vec<LiveEntry> {
        let all = values.since(0, (NodeId(0), PropertyId(0)));
        all.filter_map(|(_, entry)| entry).collect()
    }

    #[test]
    fn past_the_limit_no_more_properties_are_kept_and_those_kept_are_still_renewed() {
        let mut values = LiveValues::default();
        values.offer(entry(1, 1), LIVE_VALUES_BYTES_MAX);
        values.offer(entry(2, 1), 1);
        values.offer(entry(1, 2), LIVE_VALUES_BYTES_MAX);
        assert_eq!(entries(&values), [entry(1, 2)]);
        values.confirm(NodeId(1), PropertyId(1), Micros(3));
        values.offer(entry(2, 1), LIVE_VALUES_BYTES_MAX);
        assert_eq!(entries(&values), [entry(2, 1)]);
        values.forget(NodeId(1));
        assert_eq!(values.bytes, 0);
    }

    #[test]
    fn a_live_value_that_is_newer_than_the_confirmed_one_is_kept_until_it_rests_itself() {
        let mut values = LiveValues::default();
        let (node, property) = (NodeId(1), PropertyId(1));
        values.offer(entry(1, 5), 10);
        values.confirm(node, property, Micros(4));
        assert_eq!(values.of(node).collect::<Vec<_>>(), [entry(1, 5)]);
        values.rest(node, property, Micros(4));
        values.offer(entry(1, 5), 10);
        assert_eq!((values.of(node).count(), values.bytes), (0, 0));
        values.offer(entry(1, 6), 10);
        values.confirm(node, property, Micros(6));
        assert_eq!((values.of(node).count(), values.bytes), (0, 0));
    }
}
