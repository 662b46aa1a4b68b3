//! The world for those who have none of it: one snapshot for all who wait, made a part at a time, so that nothing else is held up.

use bytes::Bytes;
use synced_protocol::{
    control,
    link::{CloseCode, ConnectionId},
    message::{ServerMessage, SnapshotPart},
    time::Micros,
};
use synced_world::SnapshotWriter;

use crate::{
    config::{SNAPSHOT_PART_BYTES, SNAPSHOT_PART_INTERVAL},
    connection::Stage,
    live_values::{LiveValues, Round},
    log::Log,
    node::Node,
    telling::Telling,
    trackers::Trackers,
};

/// Who is to be given the world.
#[derive(Debug, Default)]
pub(crate) struct Reception {
    waiting: Vec<ConnectionId>,
    making: Option<Making>,
}

/// A snapshot that is being made.
#[derive(Debug)]
struct Making {
    for_whom: Vec<ConnectionId>,
    world: SnapshotWriter,
    unlogged: Telling,
    next_at: Micros,
}

impl Reception {
    /// When the next part is to be made.
    pub(crate) fn next_at(&self) -> Option<Micros> {
        self.making.as_ref().map(|making| making.next_at)
    }

    /// Nobody is given anything any more.
    pub(crate) fn close(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn wait(&mut self, id: ConnectionId) {
        self.waiting.push(id);
    }
}

impl<L: Log> Node<L> {
    /// Begins a snapshot for those who wait. Who comes while it is made waits for the next one.
    pub(crate) fn receive_waiting(&mut self, now: Micros) {
        if self.reception.making.is_some() || self.reception.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.reception.waiting);
        let for_whom: Vec<_> = waiting
            .into_iter()
            .filter(|id| self.begin_to_receive(now, *id))
            .collect();
        if for_whom.is_empty() {
            return;
        }
        self.meter.counters.snapshots_made += 1;
        let hlc = self.stamp(now);
        self.reception.making = Some(Making {
            for_whom,
            world: SnapshotWriter::new(self.world.clone(), hlc, SNAPSHOT_PART_BYTES),
            unlogged: Telling::default(),
            next_at: now,
        });
        self.go_on_making(now);
    }

    /// Makes the next part of the snapshot, if it is time to.
    pub(crate) fn go_on_making(&mut self, now: Micros) {
        let Some(making) = &mut self.reception.making else {
            return;
        };
        if making.next_at > now {
            return;
        }
        making.next_at = now + SNAPSHOT_PART_INTERVAL;
        let part = making.next_part(&self.live_values, &self.trackers);
        let is_last = part.last;
        let for_whom = std::mem::take(&mut making.for_whom);
        let frame = control::encode(&ServerMessage::Snapshot(part));
        let for_whom: Vec<_> = for_whom
            .into_iter()
            .filter(|id| self.hand_part(now, *id, frame.as_ref().ok(), is_last))
            .collect();
        match &mut self.reception.making {
            Some(making) if !is_last && !for_whom.is_empty() => making.for_whom = for_whom,
            _ => self.reception.making = None,
        }
    }

    /// Returns whether the peer is still there, and welcomed.
    fn begin_to_receive(&mut self, now: Micros, id: ConnectionId) -> bool {
        let connection = self.connections.get(&id);
        let Some(Stage::Joining(player)) = connection.map(|connection| connection.stage) else {
            return false;
        };
        if !self.say_welcome(now, id, player, false) {
            return false;
        }
        self.meter.counters.snapshots_sent += 1;
        let Some(connection) = self.connections.get_mut(&id) else {
            return false;
        };
        connection.outlet.begin_snapshot();
        true
    }

    /// Returns whether the peer is there to be handed the next one.
    fn hand_part(
        &mut self,
        now: Micros,
        id: ConnectionId,
        frame: Option<&Bytes>,
        is_last: bool,
    ) -> bool {
        let connection = self.connections.get_mut(&id);
        let Some(connection) = connection.filter(|it| it.outlet.awaits_snapshot()) else {
            return false;
        };
        let Some(frame) = frame else {
            self.cut(now, id, CloseCode::Done);
            return false;
        };
        if connection.outlet.hold_part(frame.clone()).is_err() {
            self.cut(now, id, CloseCode::TooSlow);
            return false;
        }
        if is_last {
            connection.outlet.end_snapshot();
        }
        self.drain(now, id);
        true
    }
}

impl Making {
    /// The next part: the world, then what is newest of what is in no log, of nodes that are in that world.
    fn next_part(&mut self, values: &LiveValues, trackers: &Trackers) -> SnapshotPart {
        /// The round since which everything has come.
        const ALWAYS: Round = 0;
        let of_world = self.world.next();
        let (mut part, room) = match of_world {
            Some(part) if !part.last => return part,
            Some(part) => (part, self.world.room()),
            None => (self.world.empty_part(), SNAPSHOT_PART_BYTES),
        };
        let told = self.unlogged.turn(ALWAYS, room, values, trackers);
        for frame in told {
            part.live.extend(frame.live);
            part.poses.extend(frame.poses);
        }
        let world = self.world.world();
        part.live.retain(|entry| world.node(entry.node).is_some());
        part.poses.retain(|pose| world.node(pose.node).is_some());
        part.last = self.unlogged.is_over();
        part
    }
}
