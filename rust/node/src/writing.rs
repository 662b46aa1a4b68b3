//! Everything that decides what comes next, written down a bit at a time while the node goes on.
//!
//! What was heard by datagram is not among it: whoever needs it has it from the leader.

use std::vec;

use bytes::Bytes;
use synced_protocol::{
    error::DecodeError,
    hlc::HlcTimestamp,
    replica::{self, LedgerEntry, ReplicaPart},
    time::Micros,
};
use synced_world::{SnapshotWriter, World};

use crate::{
    config::{LEDGER_PLAYERS, WRITTEN_PART_BYTES},
    log::Log,
    node::Node,
};

/// The parts of a replica, the next one as it is asked for.
#[derive(Debug)]
pub(crate) struct Parts {
    world: SnapshotWriter,
    /// What follows the world's parts, once those are made.
    rest: Option<vec::IntoIter<ReplicaPart>>,
}

/// Parts that are being written for the log.
#[derive(Debug)]
pub(crate) struct Writing {
    parts: Parts,
    written: Vec<Bytes>,
}

impl<L: Log> Node<L> {
    /// Begins to write everything down for the log, as it is after the news so far.
    pub(crate) fn begin_writing(&mut self, now: Micros) {
        let hlc = self.stamp(now);
        self.writing = Some(Writing {
            parts: Parts::new(self.world.clone(), hlc),
            written: Vec::new(),
        });
    }

    /// Writes one part more; after the last, the log has them all.
    pub(crate) fn go_on_writing(&mut self) {
        let Some(writing) = &mut self.writing else {
            return;
        };
        match writing.step() {
            Ok(true) => {}
            Ok(false) => {
                if let Some(writing) = self.writing.take() {
                    self.log.snapshot(writing.written);
                }
            }
            Err(error) => {
                tracing::error!("a part of the world cannot be kept: {error}");
                self.writing = None;
            }
        }
    }
}

impl Writing {
    /// Returns whether there was another part.
    fn step(&mut self) -> Result<bool, DecodeError> {
        let Some(part) = self.parts.next() else {
            return Ok(false);
        };
        self.written.push(replica::encode(&part)?);
        Ok(true)
    }
}

impl Parts {
    pub(crate) fn new(world: World, hlc: HlcTimestamp) -> Self {
        Self {
            world: SnapshotWriter::new(world, hlc, WRITTEN_PART_BYTES),
            rest: None,
        }
    }
}

impl Iterator for Parts {
    type Item = ReplicaPart;

    fn next(&mut self) -> Option<ReplicaPart> {
        if let Some(part) = self.world.next() {
            return Some(ReplicaPart::World(part));
        }
        let world = self.world.world();
        self.rest.get_or_insert_with(|| beside(world)).next()
    }
}

/// What replicas know beside the world's parts.
fn beside(world: &World) -> vec::IntoIter<ReplicaPart> {
    let ledger: Vec<LedgerEntry> = world.ledger().collect();
    let ledgers = ledger.chunks(LEDGER_PLAYERS).map(|players| {
        let players = players.to_vec();
        ReplicaPart::Ledger { players }
    });
    let end = ReplicaPart::End {
        last_player: world.last_player(),
        digest: world.replica_digest(),
    };
    let parts: Vec<_> = ledgers.chain([end]).collect();
    parts.into_iter()
}
