//! Everything that this server knows, for others of its cluster and for itself after a restart, and back.

use std::fmt;

use bytes::Bytes;
use synced_protocol::{
    hlc::HlcTimestamp,
    id::LogIndex,
    message::{LiveEntry, LivePose},
    replica::{self, LedgerEntry, ReplicaError, ReplicaPart},
    time::Micros,
};
use synced_world::{LedgerError, SnapshotError, SnapshotReader, World};

use crate::{
    config::{LEDGER_PLAYERS, SNAPSHOT_PART_BYTES},
    log::Log,
    node::Node,
};

impl<L: Log> Node<L> {
    /// Hands everything to the log, as it is after the news so far.
    pub(crate) fn give_snapshot(&mut self, now: Micros) {
        let parts = self.replica_parts(now);
        let encoded: Result<Vec<Bytes>, _> = parts.iter().map(replica::encode).collect();
        match encoded {
            Ok(parts) => self.log.snapshot(parts),
            Err(error) => tracing::error!("a part of the world cannot be kept: {error}"),
        }
    }

    /// Knows from now on what these parts say, and nothing else. Should that ever fail, the node stops: it would go on with
    /// another world than the rest.
    pub(crate) fn restore(&mut self, now: Micros, parts: &[Bytes]) {
        match Restored::read(parts) {
            Ok(restored) => self.begin_with(now, restored),
            Err(error) => {
                tracing::error!("the world cannot be restored: {error}");
                self.stop();
            }
        }
    }

    fn replica_parts(&mut self, now: Micros) -> Vec<ReplicaPart> {
        let hlc = self.stamp(now);
        let (live, poses) = (self.live_values.entries(), self.trackers.poses());
        parts_of(&self.world, hlc, live, poses)
    }

    fn begin_with(&mut self, now: Micros, restored: Restored) {
        self.world = restored.world;
        self.kept.restart(self.world.log_index());
        self.sessions.begin_anew(&self.world);
        let world = &self.world;
        self.live_values.retain(|node| world.node(node).is_some());
        self.trackers.retain(|node| world.node(node).is_some());
        for entry in restored.live {
            self.stand_by_value(entry);
        }
        for pose in restored.poses {
            if let Err(error) = self.stand_by_pose(now, &pose) {
                tracing::warn!("the pose of {} is left out: {error}", pose.node);
            }
        }
    }
}

/// What [`Log::snapshot`] was given, as if all of it had happened at a later place of the log: whoever was told of any place before that
/// is sent everything anew. No parts are those of a log that was just founded.
///
/// # Errors
/// Why these are no parts of one replica.
pub fn moved(parts: &[Bytes], to: LogIndex) -> Result<Vec<Bytes>, RestoreError> {
    let Restored {
        mut world,
        live,
        poses,
    } = Restored::read(parts)?;
    world.move_to(to);
    // Nobody reads when a part was written.
    let hlc = HlcTimestamp::default();
    let parts = parts_of(&world, hlc, live.into_iter(), poses.into_iter());
    let encoded: Result<_, _> = parts.iter().map(replica::encode).collect();
    encoded.map_err(|error| RestoreError::Part(ReplicaError::Broken(error)))
}

fn parts_of(
    world: &World,
    hlc: HlcTimestamp,
    live: impl Iterator<Item = LiveEntry>,
    poses: impl Iterator<Item = LivePose>,
) -> Vec<ReplicaPart> {
    let parts = world.snapshot_parts(hlc, live, poses, SNAPSHOT_PART_BYTES);
    let ledger: Vec<LedgerEntry> = world.ledger().collect();
    let ledgers = ledger.chunks(LEDGER_PLAYERS).map(|players| {
        let players = players.to_vec();
        ReplicaPart::Ledger { players }
    });
    let end = ReplicaPart::End {
        last_player: world.last_player(),
        digest: world.replica_digest(),
    };
    let parts = parts.map(ReplicaPart::World).chain(ledgers);
    parts.chain([end]).collect()
}

/// What parts say.
#[derive(Debug)]
struct Restored {
    world: World,
    live: Vec<LiveEntry>,
    poses: Vec<LivePose>,
}

impl Restored {
    /// A log that was just founded says nothing, of a world with nothing in it.
    fn read(parts: &[Bytes]) -> Result<Self, RestoreError> {
        let mut reading = Reading::default();
        for part in parts {
            reading.take(replica::decode(part)?)?;
        }
        if parts.is_empty() {
            reading.world = Some(World::new());
            reading.is_whole = true;
        }
        let world = reading.world.filter(|_| reading.is_whole);
        Ok(Self {
            world: world.ok_or(RestoreError::Incomplete)?,
            live: reading.live,
            poses: reading.poses,
        })
    }
}

#[derive(Debug, Default)]
struct Reading {
    reader: SnapshotReader,
    world: Option<World>,
    live: Vec<LiveEntry>,
    poses: Vec<LivePose>,
    is_whole: bool,
}

impl Reading {
    fn take(&mut self, part: ReplicaPart) -> Result<(), RestoreError> {
        match part {
            ReplicaPart::World(mut part) => {
                self.live.append(&mut part.live);
                self.poses.append(&mut part.poses);
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
        message::{Change, LogEntry, PlayerEntry},
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
                change: Change::PlayerJoined { player },
            };
            let log_index = LogIndex(u64::from(number) * 5);
            let applied = world.apply(log_index, &entry, &mut Vec::new());
            assert_eq!(applied, Ok(Outcome::Applied));
        }
        let known = LedgerEntry {
            player: PlayerId(2),
            last_seq: ClientSeq(77),
            last_spawn_counter: 8,
        };
        world.enter(known).unwrap();
        world
    }

    fn encoded(world: &World) -> Vec<Bytes> {
        let (live, poses) = (std::iter::empty(), std::iter::empty());
        let parts = parts_of(world, HlcTimestamp::default(), live, poses);
        parts
            .iter()
            .map(|part| replica::encode(part).unwrap())
            .collect()
    }

    #[test]
    fn what_was_moved_is_the_same_world_at_another_place() {
        let before = played();
        let parts = moved(&encoded(&before), LogIndex(1_000)).unwrap();
        let after = Restored::read(&parts).unwrap().world;
        assert_eq!(after.log_index(), LogIndex(1_000));
        assert_eq!(after.digest(), before.digest());
        assert!(after.ledger().eq(before.ledger()));
        assert_eq!(after.last_player(), before.last_player());
    }

    #[test]
    fn a_log_that_was_just_founded_moves_as_a_world_with_nothing_in_it() {
        let parts = moved(&[], LogIndex(9)).unwrap();
        let world = Restored::read(&parts).unwrap().world;
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
