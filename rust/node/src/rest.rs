//! Where the nodes of a player who leaves come to rest.
//!
//! What such a player streamed last is in no log, and whoever missed a datagram has another idea of it. So the leader's own
//! idea is confirmed for everybody before the player goes.

use synced_protocol::{
    id::{LogIndex, PlayerId},
    message::{Change, LiveEntry, RestedValue},
    mutation::OnOwnerLeft,
    time::Micros,
};

use crate::{config::RESTED_ENTRY_BYTES, log::Log, node::Node};

/// Index, timestamp, tags, player and count of an entry's frame at their longest.
const ENTRY_OVERHEAD_BYTES: usize = 64;
/// Node, property, index and length of a value at their longest.
const VALUE_OVERHEAD_BYTES: usize = 32;

impl<L: Log> Node<L> {
    /// Asks the log to confirm the newest live values of whatever outlives its owner, who is about to go.
    pub(crate) fn rest(&mut self, now: Micros, player: PlayerId) {
        for values in in_entries(self.resting(player)) {
            self.append(now, Change::Rested { player, values });
        }
    }

    fn resting(&self, player: PlayerId) -> impl Iterator<Item = RestedValue> {
        let nodes = self.world.nodes().filter(move |node| {
            let goes_too =
                node.owner() == player && node.policy().on_owner_left == OnOwnerLeft::Despawn;
            self.world.owns(player, node) && !goes_too
        });
        let entries = nodes.flat_map(|node| self.live_values.of(node.id()));
        entries.map(|entry| self.rested(entry))
    }

    fn rested(&self, entry: LiveEntry) -> RestedValue {
        RestedValue {
            node: entry.node,
            property: entry.property,
            newer_than: self.newer_than(entry.stamp),
            value: entry.value,
        }
    }

    /// The last log entry that a live value of this stamp is newer than. Of what is committed it is: else it would not be
    /// kept.
    fn newer_than(&self, stamp: Micros) -> LogIndex {
        let in_flight = self.in_flight.last_before(stamp);
        in_flight.unwrap_or(self.world.log_index())
    }
}

/// As many values to an entry as its frame's bytes allow.
fn in_entries(values: impl Iterator<Item = RestedValue>) -> Vec<Vec<RestedValue>> {
    let mut entries = Vec::new();
    let mut room = 0;
    for value in values {
        let bytes = VALUE_OVERHEAD_BYTES + value.value.encoded_len();
        match entries.last_mut() {
            Some(entry) if bytes <= room => Vec::push(entry, value),
            _ => {
                room = RESTED_ENTRY_BYTES - ENTRY_OVERHEAD_BYTES;
                entries.push(vec![value]);
            }
        }
        room = room.saturating_sub(bytes);
    }
    entries
}

#[cfg(test)]
mod tests {
    use synced_protocol::{
        control,
        hlc::HlcTimestamp,
        id::{NodeId, PropertyId},
        limits::MAX_LIVE_VALUE_BYTES,
        message::{Commit, LogEntry, ServerMessage},
        value::Value,
    };

    use super::*;

    /// The longest that a live value of so many bytes can be in a frame.
    fn value(bytes: usize) -> RestedValue {
        RestedValue {
            node: NodeId(u64::MAX),
            property: PropertyId(u8::MAX),
            newer_than: LogIndex(u64::MAX),
            value: Value::PackedByteArray(vec![7; bytes - 3]),
        }
    }

    fn frame_bytes(values: Vec<RestedValue>) -> usize {
        let change = Change::Rested {
            player: PlayerId::MAX,
            values,
        };
        let commit = Commit {
            log_index: LogIndex(u64::MAX),
            entry: LogEntry {
                hlc: HlcTimestamp(u64::MAX),
                change,
            },
        };
        let message = ServerMessage::Commit(commit);
        control::encode(&message).unwrap().len()
    }

    #[test]
    fn every_value_is_in_an_entry_and_every_entry_keeps_to_its_bytes() {
        for bytes in [4, 20, 200, MAX_LIVE_VALUE_BYTES] {
            let count = 3 * RESTED_ENTRY_BYTES / bytes;
            let entries = in_entries((0..count).map(|_| value(bytes)));
            assert_eq!(entries.iter().map(Vec::len).sum::<usize>(), count);
            let sizes: Vec<_> = entries.into_iter().map(frame_bytes).collect();
            let largest = sizes.iter().max().copied().unwrap();
            assert!(largest <= RESTED_ENTRY_BYTES, "{sizes:?}");
            assert!(2 * sizes[0] > RESTED_ENTRY_BYTES, "{sizes:?}");
        }
    }

    #[test]
    fn without_values_there_is_no_entry() {
        assert_eq!(in_entries(std::iter::empty()), Vec::<Vec<_>>::new());
    }
}
