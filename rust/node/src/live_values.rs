//! The newest live value of each property, for players who join late.

use std::collections::BTreeMap;

use synced_protocol::{
    id::{NodeId, PropertyId},
    message::LiveEntry,
    time::Micros,
    value::Value,
};

use crate::config::LIVE_VALUES_BYTES_MAX;

#[derive(Debug, Default)]
pub(crate) struct LiveValues {
    slots: BTreeMap<(NodeId, PropertyId), Slot>,
    bytes: usize,
}

/// What is newest of one property.
#[derive(Debug)]
struct Slot {
    stamp: Micros,
    /// `None` when the confirmed value is newer than any live one.
    value: Option<Value>,
    bytes: usize,
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
        };
        self.slots.insert(key, slot);
    }

    /// The confirmed value is the newest from `stamp` on; a live one that was sent before and comes late is not kept.
    pub(crate) fn confirm(&mut self, node: NodeId, property: PropertyId, stamp: Micros) {
        let slot = Slot {
            stamp,
            value: None,
            bytes: 0,
        };
        if let Some(before) = self.slots.insert((node, property), slot) {
            self.bytes -= before.bytes;
        }
    }

    /// The node is gone.
    pub(crate) fn forget(&mut self, node: NodeId) {
        let all = (node, PropertyId(0))..=(node, PropertyId(u8::MAX));
        while let Some((&key, slot)) = self.slots.range(all.clone()).next() {
            self.bytes -= slot.bytes;
            self.slots.remove(&key);
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = LiveEntry> + '_ {
        self.slots.iter().filter_map(|(&(node, property), slot)| {
            let value = slot.value.clone()?;
            Some(LiveEntry {
                node,
                property,
                stamp: slot.stamp,
                value,
            })
        })
    }
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

    #[test]
    fn past_the_limit_no_more_properties_are_kept_and_those_kept_are_still_renewed() {
        let mut values = LiveValues::default();
        values.offer(entry(1, 1), LIVE_VALUES_BYTES_MAX);
        values.offer(entry(2, 1), 1);
        values.offer(entry(1, 2), LIVE_VALUES_BYTES_MAX);
        assert_eq!(values.entries().collect::<Vec<_>>(), [entry(1, 2)]);
        values.confirm(NodeId(1), PropertyId(1), Micros(3));
        values.offer(entry(2, 1), LIVE_VALUES_BYTES_MAX);
        assert_eq!(values.entries().collect::<Vec<_>>(), [entry(2, 1)]);
        values.forget(NodeId(1));
        assert_eq!(values.bytes, 0);
    }
}
