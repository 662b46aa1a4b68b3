//! A disk that keeps whatever it was given.

use std::{mem, sync::Arc};

use synced_protocol::{
    id::{GroupId, LogIndex, ReplicaId, ServerId, Term},
    peer::PeerAddress,
    store::{HardState, LogSnapshot, MemberAddress, Members, StoreWrite, StoredGroup},
};

pub fn address(server: ServerId) -> MemberAddress {
    MemberAddress {
        peer: PeerAddress {
            server,
            address: format!("peer-{}:1", server.0),
        },
        players: format!("players-{}:1", server.0),
    }
}

pub fn founding_members(servers: u16) -> Members {
    let servers = (1..=servers).map(ServerId);
    Members {
        voters: servers.clone().map(|s| ReplicaId::new(s, 0)).collect(),
        addresses: servers.map(address).collect(),
        ..Members::default()
    }
}

/// What a server finds in its folder before it runs for the first time.
pub fn founded(members: Members) -> StoredGroup {
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

pub fn write(stored: &mut StoredGroup, write: StoreWrite) {
    assert_eq!(write.group, stored.group);
    if let Some(snapshot) = write.snapshot {
        let covered = snapshot.index;
        stored.entries.retain(|entry| entry.index > covered);
        stored.snapshot = snapshot;
    }
    if let Some(first) = write.entries.first().map(|entry| entry.index) {
        stored.entries.retain(|entry| entry.index < first);
        let before = stored.entries.last().map(|entry| entry.index);
        let before = before.unwrap_or(stored.snapshot.index);
        assert_eq!(first, before.next(), "the log has a gap");
        stored.entries.extend(write.entries);
    }
    if let Some(hard_state) = write.hard_state {
        let before = mem::replace(&mut stored.hard_state, hard_state);
        assert!(before.term <= hard_state.term);
    }
}
