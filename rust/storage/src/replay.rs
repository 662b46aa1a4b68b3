//! What the journals hold beyond the database.

use std::{collections::BTreeMap, mem::take, sync::Arc};

use bytes::Bytes;
use synced_protocol::{
    id::GroupId,
    store::{LogSnapshot, RaftEntry, StoreWrite, StoredGroup},
};

use crate::{
    error::{StorageError, StorageResult},
    fold::Folded,
    reading::Contents,
    shape::Kept,
};

/// What the journals say that the database does not.
#[derive(Debug)]
pub(crate) struct Beyond {
    /// In order.
    pub(crate) writes: Vec<StoreWrite>,
    /// The number of the last write of all.
    pub(crate) last: u64,
}

/// Takes from both journals what follows the last settled write.
///
/// A journal may end in the middle of a record: of a write that was torn, and never acknowledged. Where one that was acknowledged
/// is missing, or one in the middle, it is damage.
pub(crate) fn replay(
    mut journals: [Contents; 2],
    settled: u64,
    acknowledged: u64,
) -> StorageResult<Beyond> {
    journals.sort_by_key(|journal| journal.records.first().map(|(number, _)| *number));
    let records = journals
        .each_mut()
        .map(|journal| take(&mut journal.records));
    let mut beyond = Beyond {
        writes: Vec::new(),
        last: settled,
    };
    for (number, write) in records.into_iter().flatten() {
        if number <= settled {
            continue;
        }
        if number != beyond.last + 1 {
            return Err(missing(&journals, beyond.last, number));
        }
        beyond.writes.push(write);
        beyond.last = number;
    }
    if beyond.last < acknowledged {
        return Err(missing(&journals, beyond.last, acknowledged));
    }
    Ok(beyond)
}

/// Takes what follows the last settled write for as long as there is no gap, whatever was acknowledged.
pub(crate) fn whatever_follows(journals: &[Contents; 2], settled: u64) -> Vec<StoreWrite> {
    let records = journals.iter().flat_map(|journal| &journal.records);
    let known: BTreeMap<u64, &StoreWrite> =
        records.map(|(number, write)| (*number, write)).collect();
    let numbered = known.range(settled + 1..).zip(settled + 1..);
    numbered
        .take_while(|((number, _), wanted)| *number == wanted)
        .map(|((_, write), _)| (*write).clone())
        .collect()
}

/// Names the journal that is not whole, or else the one that ends too early.
fn missing(journals: &[Contents; 2], last: u64, until: u64) -> StorageError {
    let torn = journals.iter().find(|journal| !journal.whole);
    let journal = torn.unwrap_or(&journals[1]);
    let at = if journal.whole {
        format!("it ends at offset {}", journal.end)
    } else {
        let end = journal.end;
        format!("the record at offset {end} is cut off or does not match its checksum")
    };
    let what =
        format!("{at}, and write {until} was acknowledged, which is not the one after {last}");
    StorageError::corrupt(&journal.path, what)
}

/// Does to what was loaded what the writes of the journals do. Their content is copied, so that it keeps no journal in memory.
pub(crate) fn apply(stored: &mut BTreeMap<GroupId, StoredGroup>, folded: &[Folded]) {
    for folded in folded {
        let snapshot = folded.snapshot.as_deref().map(copied);
        let Some(group) = stored.get_mut(&folded.group) else {
            stored.extend(snapshot.map(|snapshot| (folded.group, begun(snapshot, folded))));
            continue;
        };
        keep(group, folded.kept);
        group
            .entries
            .extend(folded.entries.iter().map(copied_entry));
        group.snapshot = snapshot.map_or_else(|| Arc::clone(&group.snapshot), Arc::new);
        group.hard_state = folded.hard_state.unwrap_or(group.hard_state);
    }
}

fn begun(snapshot: LogSnapshot, folded: &Folded) -> StoredGroup {
    StoredGroup {
        group: folded.group,
        hard_state: folded.hard_state.unwrap_or_default(),
        snapshot: Arc::new(snapshot),
        entries: folded.entries.iter().map(copied_entry).collect(),
    }
}

fn keep(group: &mut StoredGroup, kept: Kept) {
    let stays = |entry: &RaftEntry| kept.from <= entry.index && entry.index < kept.to;
    group.entries.retain(stays);
}

fn copied(snapshot: &LogSnapshot) -> LogSnapshot {
    let copied = |part: &Bytes| Bytes::copy_from_slice(part);
    LogSnapshot {
        parts: snapshot.parts.iter().map(copied).collect(),
        members: snapshot.members.clone(),
        ..*snapshot
    }
}

fn copied_entry(entry: &RaftEntry) -> RaftEntry {
    RaftEntry {
        data: Bytes::copy_from_slice(&entry.data),
        ..*entry
    }
}
