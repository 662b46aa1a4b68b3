//! What the journals hold beyond the database.

use std::{collections::BTreeMap, mem::take};

use synced_protocol::{
    id::GroupId,
    store::{StoreWrite, StoredGroup},
};

use crate::{
    error::{StorageError, StorageResult},
    journal::Contents,
    shape::Shape,
};

/// The writes behind the last settled one, in order, and the number of the last one.
///
/// A journal may end in the middle of a record: of a write that was torn, and never acknowledged. Where one that was acknowledged
/// is missing, or one in the middle, it is damage.
pub(crate) fn replay(
    mut journals: [Contents; 2],
    settled: u64,
    acknowledged: u64,
) -> StorageResult<(Vec<StoreWrite>, u64)> {
    journals.sort_by_key(|journal| journal.records.first().map(|(number, _)| *number));
    let mut last = settled;
    let mut writes = Vec::new();
    let records = journals
        .each_mut()
        .map(|journal| take(&mut journal.records));
    for (number, write) in records.into_iter().flatten() {
        if number <= settled {
            continue;
        }
        if number != last + 1 {
            return Err(missing(&journals, last, number));
        }
        writes.push(write);
        last = number;
    }
    if last < acknowledged {
        return Err(missing(&journals, last, acknowledged));
    }
    Ok((writes, last))
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
        let shape = Shape::of(shapes, write)?;
        let first = shape.first();
        let kept = shape.apply(write)?;
        let Some(group) = group_of(stored, write) else {
            continue;
        };
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

fn group_of<'a>(
    stored: &'a mut BTreeMap<GroupId, StoredGroup>,
    write: &StoreWrite,
) -> Option<&'a mut StoredGroup> {
    if let Some(snapshot) = &write.snapshot {
        stored.entry(write.group).or_insert_with(|| StoredGroup {
            group: write.group,
            hard_state: Default::default(),
            snapshot: snapshot.clone(),
            entries: Vec::new(),
        });
    }
    stored.get_mut(&write.group)
}
