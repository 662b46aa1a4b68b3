//! One server of three, with what the others are said to say.

use std::sync::Arc;

use bytes::Bytes;
use synced_protocol::{
    id::{GroupId, LogIndex, ReplicaId, ServerId, Term},
    store::{HardState, LogSnapshot, Members, StoreWrite, StoredGroup},
    time::Micros,
};

use crate::{
    Config, Consensus,
    codec::{Header, Message, PEER_VERSION},
};

pub(crate) fn server(number: u16) -> ServerId {
    ServerId(number)
}

/// The folder of one of three that were founded together.
pub(crate) fn founded() -> StoredGroup {
    let voters = (1..=3)
        .map(|number| ReplicaId::new(server(number), 0))
        .collect();
    let members = Members {
        voters,
        ..Members::default()
    };
    let snapshot = LogSnapshot {
        index: LogIndex(0),
        term: Term(0),
        members,
        parts: Vec::new(),
    };
    StoredGroup {
        group: GroupId(0),
        hard_state: HardState::default(),
        snapshot: Arc::new(snapshot),
        entries: Vec::new(),
    }
}

/// The first of them, with connections to the others.
pub(crate) fn begin(stored: StoredGroup) -> Consensus {
    let config = Config::new(ReplicaId::new(server(1), 0));
    let mut consensus = Consensus::new(config, Micros::ZERO, vec![stored]).unwrap();
    for other in [2, 3] {
        consensus.peer_up(Micros::ZERO, server(other));
    }
    consensus
}

/// A frame that holds one message, between servers in their first lives.
pub(crate) fn frame(message: &Message) -> Bytes {
    let mut bytes = Vec::new();
    Header {
        version: PEER_VERSION,
        from: 0,
        to: 0,
    }
    .put(&mut bytes);
    message.put(&mut bytes);
    bytes.into()
}

/// What a folder holds after a write without entries.
pub(crate) fn write(stored: &mut StoredGroup, write: StoreWrite) {
    assert_eq!(write.entries, []);
    stored.snapshot = write
        .snapshot
        .unwrap_or_else(|| Arc::clone(&stored.snapshot));
    stored.hard_state = write.hard_state.unwrap_or(stored.hard_state);
}
