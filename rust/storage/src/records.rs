//! The database's tables, and a checksum over key and content for each of their records.

use redb::TableDefinition;
use synced_protocol::id::GroupId;

/// For each group and index: an entry, behind the checksum of the entry before it.
pub(crate) const ENTRIES: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("entries");
/// For each group: its snapshot without the parts as number 0, and the parts from 1.
pub(crate) const SNAPSHOTS: TableDefinition<'_, (u32, u32), &[u8]> =
    TableDefinition::new("snapshots");
/// For each group: its hard state, and which entries it has.
pub(crate) const HEADS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("heads");
/// Only [`SETTLED`].
pub(crate) const STORE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("store");
/// The number of the last write that is in the database.
pub(crate) const SETTLED: &str = "settled";

const CHECKSUM_BYTES: usize = 4;

/// Names a record: its table and its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Entry(GroupId, u64),
    Snapshot(GroupId, u32),
    Head(GroupId),
    Settled,
}

impl Key {
    const fn bytes(self) -> [u8; 13] {
        let (table, group, place) = match self {
            Self::Entry(group, index) => (0, group.0, index),
            Self::Snapshot(group, part) => (1, group.0, part as u64),
            Self::Head(group) => (2, group.0, 0),
            Self::Settled => (3, 0, 0),
        };
        let [a, b, c, d] = group.to_le_bytes();
        let [e, f, g, h, i, j, k, l] = place.to_le_bytes();
        [table, a, b, c, d, e, f, g, h, i, j, k, l]
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Entry(group, index) => write!(f, "the entry at log index {index} of {group}"),
            Self::Snapshot(group, 0) => write!(f, "the snapshot of {group}"),
            Self::Snapshot(group, part) => write!(f, "part {part} of the snapshot of {group}"),
            Self::Head(group) => write!(f, "the hard state of {group}"),
            Self::Settled => f.write_str("the number of the last write"),
        }
    }
}

/// Writes a record's content into `out`, behind its checksum, which is returned.
pub(crate) fn seal(out: &mut Vec<u8>, key: Key, content: impl FnOnce(&mut Vec<u8>)) -> u32 {
    out.clear();
    out.extend_from_slice(&[0; CHECKSUM_BYTES]);
    content(out);
    let checksum = checksum(key, &out[CHECKSUM_BYTES..]);
    out[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
    checksum
}

/// The checksum and the content of a record, or `None` if they do not match.
pub(crate) fn unseal(key: Key, record: &[u8]) -> Option<(u32, &[u8])> {
    let (expected, content) = record.split_first_chunk()?;
    let expected = u32::from_le_bytes(*expected);
    (checksum(key, content) == expected).then_some((expected, content))
}

fn checksum(key: Key, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&key.bytes());
    hasher.update(content);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_at_its_own_key_alone() {
        let mut record = Vec::new();
        let key = Key::Entry(GroupId(1), 2);
        let sealed = seal(&mut record, key, |out| out.extend_from_slice(b"content"));
        assert_eq!(unseal(key, &record), Some((sealed, b"content".as_slice())));
        for other in [
            Key::Entry(GroupId(1), 3),
            Key::Entry(GroupId(2), 2),
            Key::Snapshot(GroupId(1), 2),
        ] {
            assert_eq!(unseal(other, &record), None, "{other}");
        }
        record.truncate(3);
        assert_eq!(unseal(key, &record), None);
    }
}
