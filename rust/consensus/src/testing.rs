//! One server of three, with what the others are said to say.

use std::sync::Arc;

use bytes::Bytes;
use synced_protocol::{
    bytes_io::Reader,
    id::{GroupId, LogIndex, ReplicaId, ServerId, Term},
    store::{HardState, LogSnapshot, Members, StoreWrite, StoredGroup},
    time::Micros,
};

use crate::{
    Config, Consensus, GroupStatus, Output,
    codec::{Beginning, Header, Message, PEER_VERSION, PeerVersions},
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
    begin_at(stored, Micros::ZERO)
}

fn begin_at(stored: StoredGroup, now: Micros) -> Consensus {
    let config = Config::new(ReplicaId::new(server(1), 0));
    let mut consensus = Consensus::new(config, now, vec![stored]).unwrap();
    for other in [2, 3] {
        consensus.peer_up(now, server(other));
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

/// What a frame or a datagram says.
pub(crate) fn said(bytes: &Bytes) -> Vec<Message> {
    let mut reader = Reader::new(bytes);
    let mut messages = Vec::new();
    if let Ok(Beginning::Messages(_)) = Beginning::read(&mut reader, PeerVersions::OURS) {
        while !reader.rest().is_empty() {
            messages.push(Message::read(&mut reader, bytes).unwrap());
        }
    }
    messages
}

/// The first of them, whose writes are done at once.
pub(crate) struct One {
    pub(crate) consensus: Consensus,
    pub(crate) stored: StoredGroup,
}

impl One {
    /// Begins at a time.
    pub(crate) fn begin(now: Micros) -> Self {
        Self::restart(founded(), now)
    }

    /// Begins at a time with what its folder holds.
    pub(crate) fn restart(stored: StoredGroup, now: Micros) -> Self {
        let mut one = Self {
            consensus: begin_at(stored.clone(), now),
            stored,
        };
        one.settle(now);
        one
    }

    /// Hears a message; what it says.
    pub(crate) fn hear(&mut self, now: Micros, from: u16, message: &Message) -> Vec<Message> {
        let received = self.consensus.receive(now, server(from), frame(message));
        received.unwrap();
        self.settle(now)
    }

    /// Does what is due; what it says.
    pub(crate) fn advance(&mut self, now: Micros) -> Vec<Message> {
        self.consensus.advance(now);
        self.settle(now)
    }

    /// Does what it wants done; what it says.
    pub(crate) fn settle(&mut self, now: Micros) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some(output) = self.consensus.poll_output() {
            match output {
                Output::Send { bytes, .. } => messages.extend(said(&bytes)),
                Output::Store(mut what) => {
                    let id = what.id;
                    self.stored.entries.append(&mut what.entries);
                    write(&mut self.stored, what);
                    self.consensus.stored(now, id);
                }
                Output::Connect { .. } => {}
            }
        }
        messages
    }

    pub(crate) fn status(&self) -> GroupStatus {
        self.consensus.status(GroupId(0)).unwrap()
    }
}
