//! What the journals hold beyond the database.

use std::{collections::BTreeMap, mem::take, sync::Arc};

use synced_protocol::{
    id::GroupId,
    store::{HardState, LogSnapshot, StoreWrite, StoredGroup},
};

use crate::{
    error::{StorageError, StorageResult},
    journal::Contents,
    shape::{Shape, group_of},
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

/// Does to what was loaded what the writes of the journals say.
pub(crate) fn apply(
    stored: &mut BTreeMap<GroupId, StoredGroup>,
    shapes: &mut BTreeMap<GroupId, Shape>,
    writes: &[StoreWrite],
) -> Result<(), String> {
    for write in writes {
        let shape = group_of(shapes, write, Shape::new)?;
        let first = shape.first();
        let kept = shape.apply(write)?;
        let group = group_of(stored, write, |snapshot| begin(write.group, snapshot))?;
        let dropped = usize::try_from(kept.from.0 - first.0).unwrap_or(usize::MAX);
        group.entries.drain(..dropped.min(group.entries.len()));
        let staying = usize::try_from(kept.to.0 - kept.from.0).unwrap_or(usize::MAX);
        group.entries.truncate(staying);
        group.entries.extend_from_slice(&write.entries);
        if let Some(snapshot) = &write.snapshot {
            group.snapshot = snapshot.clone();
        }
        group.hard_state = write.hard_state.unwrap_or(group.hard_state);
    }
    Ok(())
}

fn begin(group: GroupId, snapshot: &Arc<LogSnapshot>) -> StoredGroup {
    StoredGroup {
        group,
        hard_state: HardState::default(),
        snapshot: snapshot.clone(),
        entries: Vec::new(),
    }
}
