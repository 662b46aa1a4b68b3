//! Everything that this server knows, for others of its cluster and for itself after a restart, and back.

use std::fmt;

use bytes::Bytes;
use synced_protocol::{
    hlc::HlcTimestamp,
    id::LogIndex,
    replica::{self, ReplicaError, ReplicaPart},
};
use synced_world::{LedgerError, SnapshotError, SnapshotReader, World};

use crate::{log::Log, node::Node, writing::Parts};

impl<L: Log> Node<L> {
    /// Knows from now on what these parts say, and nothing else. Should that ever fail, the node stops: it would go on with
    /// another world than the rest.
    pub(crate) fn restore(&mut self, parts: &[Bytes]) {
        match read(parts) {
            Ok(world) => self.begin_with(world),
            Err(error) => {
                tracing::error!("the world cannot be restored: {error}");
                self.stop();
            }
        }
    }

    fn begin_with(&mut self, world: World) {
        self.world = world;
        self.kept.restart(self.world.log_index());
        self.sessions.begin_anew(&self.world);
        let world = &self.world;
        self.live_values.retain(|node| world.node(node).is_some());
        self.trackers.retain(|node| world.node(node).is_some());
    }
}

/// What [`Log::snapshot`] was given, as if all of it had happened at a later place of the log: whoever was told of any place before that
/// is sent everything anew. No parts are those of a log that was just founded.
///
/// # Errors
/// Why these are no parts of one replica.
pub fn moved(parts: &[Bytes], to: LogIndex) -> Result<Vec<Bytes>, RestoreError> {
    let mut world = read(parts)?;
    world.move_to(to);
    // Nobody reads when a part was written.
    let hlc = HlcTimestamp::default();
    let parts = Parts::new(world, hlc);
    let encoded: Result<_, _> = parts.map(|part| replica::encode(&part)).collect();
    encoded.map_err(|error| RestoreError::Part(ReplicaError::Broken(error)))
}

/// What parts say. A log that was just founded says nothing, of a world with nothing in it.
fn read(parts: &[Bytes]) -> Result<World, RestoreError> {
    if parts.is_empty() {
        return Ok(World::new());
    }
    let mut reading = Reading::default();
    for part in parts {
        reading.take(replica::decode(part)?)?;
    }
    let world = reading.world.filter(|_| reading.is_whole);
    world.ok_or(RestoreError::Incomplete)
}

#[derive(Debug, Default)]
struct Reading {
    reader: SnapshotReader,
    world: Option<World>,
    is_whole: bool,
}

impl Reading {
    fn take(&mut self, part: ReplicaPart) -> Result<(), RestoreError> {
        match part {
            ReplicaPart::World(part) => {
                if self.reader.add(part)? {
                    self.world = Some(std::mem::take(&mut self.reader).finish()?);
                }
            }
            ReplicaPart::Ledger { players } => {
                let world = self.world.as_mut().ok_or(RestoreError::Incomplete)?;
                for entry in players {
                    world.enter(entry)?;
                }
            }
            ReplicaPart::End {
                last_player,
                digest,
            } => {
                let world = self.world.as_mut().ok_or(RestoreError::Incomplete)?;
                world.seal(last_player, digest)?;
                self.is_whole = true;
            }
        }
        Ok(())
    }
}

/// Why parts are no replica. They were checked on the way and on the disk, so that it is a mistake of ours.
#[derive(Debug)]
#[non_exhaustive]
pub enum RestoreError {
    /// A part cannot be read or written.
    Part(ReplicaError),
    /// The world is none.
    World(SnapshotError),
    /// What is known of players is wrong.
    Ledger(LedgerError),
    /// Parts are missing.
    Incomplete,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(error) => error.fmt(f),
            Self::World(error) => error.fmt(f),
            Self::Ledger(error) => error.fmt(f),
            Self::Incomplete => f.write_str("parts are missing"),
        }
    }
}

impl std::error::Error for RestoreError {}

impl From<ReplicaError> for RestoreError {
    fn from(error: ReplicaError) -> Self {
        Self::Part(error)
    }
}

impl From<SnapshotError> for RestoreError {
    fn from(error: SnapshotError) -> Self {
        Self::World(error)
    }
}

impl From<LedgerError> for RestoreError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

#[cfg(test)]
mod tests {
    use synced_protocol::{
        id::{ClientSeq, PlayerId},
        message::{Change, JoinMark, LogEntry, PlayerEntry},
        replica::LedgerEntry,
    };
    use synced_world::Outcome;

    use super::*;

    fn played() -> World {
        let mut world = World::new();
        for number in 1..=3 {
            let player = PlayerEntry {
                player: PlayerId(number),
                name: format!("player {number}"),
                hosts: false,
            };
            let entry = LogEntry {
                hlc: HlcTimestamp::default(),
                change: Change::PlayerJoined {
                    player,
                    mark: JoinMark([number as u8; 16]),
                },
            };
            let log_index = LogIndex(u64::from(number) * 5);
            let applied = world.apply(log_index, &entry, &mut Vec::new());
            assert_eq!(applied, Ok(Outcome::Applied));
        }
        let known = LedgerEntry {
            player: PlayerId(2),
            mark: JoinMark([2; 16]),
            last_seq: ClientSeq(77),
            last_spawn_counter: 8,
        };
        world.enter(known).unwrap();
        world
    }

    fn encoded(world: &World) -> Vec<Bytes> {
        let parts = Parts::new(world.clone(), HlcTimestamp::default());
        parts.map(|part| replica::encode(&part).unwrap()).collect()
    }

    #[test]
    fn what_was_moved_is_the_same_world_at_another_place() {
        let before = played();
        let parts = moved(&encoded(&before), LogIndex(1_000)).unwrap();
        let after = read(&parts).unwrap();
        assert_eq!(after.log_index(), LogIndex(1_000));
        assert_eq!(after.digest(), before.digest());
        assert!(after.ledger().eq(before.ledger()));
        assert_eq!(after.last_player(), before.last_player());
    }

    #[test]
    fn a_log_that_was_just_founded_moves_as_a_world_with_nothing_in_it() {
        let parts = moved(&[], LogIndex(9)).unwrap();
        let world = read(&parts).unwrap();
        assert_eq!(world.log_index(), LogIndex(9));
        assert_eq!(world.digest(), World::new().digest());
    }

    #[test]
    fn parts_of_which_one_is_missing_are_not_moved() {
        let mut parts = encoded(&played());
        parts.pop();
        assert!(matches!(
            moved(&parts, LogIndex(9)),
            Err(RestoreError::Incomplete)
        ));
    }
}
