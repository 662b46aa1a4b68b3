//! Snapshots: taken of this replica's state, sent to others and received, part by part beside everything else.

mod receiving;
mod sending;
mod taking;

use bytes::Bytes;
use synced_protocol::store::LogSnapshot;

pub(super) use self::{receiving::Receiving, sending::Sending};
use crate::codec::SnapshotPlace;

fn place(snapshot: &LogSnapshot) -> SnapshotPlace {
    SnapshotPlace {
        index: snapshot.index.0,
        term: snapshot.term.0,
    }
}

fn count(parts: &[Bytes]) -> u32 {
    u32::try_from(parts.len()).unwrap_or(u32::MAX)
}

fn size(parts: &[Bytes]) -> u64 {
    parts.iter().map(|part| part.len() as u64).sum()
}
