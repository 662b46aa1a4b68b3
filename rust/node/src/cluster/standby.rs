//! What the leader hears by datagram, told to those who may lead next: all of it to a newcomer, then what is new.

use synced_protocol::{
    id::{NodeId, PropertyId, ServerId},
    replica::{self, ReplicaError, Standby},
    time::Micros,
};

use super::{
    config::{STANDBY_BYTES_MAX, STANDBY_FRAME_BYTES, STANDBY_INTERVAL},
    envelope::Kind,
    log::ClusterLog,
};
use crate::{
    live_values::{Key, LiveValues, Round},
    node::Node,
    trackers::Trackers,
};

/// Node, property, stamp and lengths of an item at their longest.
const ITEM_OVERHEAD_BYTES: usize = 32;

/// How far one peer was told. A telling may take several turns; what comes meanwhile is for the next one.
#[derive(Debug)]
pub(super) struct Telling {
    /// Whatever came in this round or later is to be told.
    since: Round,
    /// The round in which this telling began.
    began: Round,
    next: Next,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Value(Key),
    Pose(NodeId),
}

impl Node<ClusterLog> {
    /// Tells every peer its share, if this server leads and it is time to.
    pub(super) fn tell_standbys(&mut self, now: Micros) {
        let due = self.log.peers.standby_due;
        if !self.leads || due.is_some_and(|due| due > now) {
            return;
        }
        self.log.peers.standby_due = Some(now + STANDBY_INTERVAL);
        let round = self.live_values.begin_round();
        self.trackers.begin_round();
        let mut told = Vec::new();
        for (server, peer) in self.log.peers.iter_mut() {
            let frames = peer.telling.turn(round, &self.live_values, &self.trackers);
            told.extend(frames.into_iter().map(|frame| (server, frame)));
        }
        for (server, frame) in told {
            self.send_standby(now, server, &frame);
        }
    }

    /// Nobody was told anything yet, and as long as another server leads nobody is.
    pub(super) fn begin_standby(&mut self) {
        self.log.peers.standby_due = None;
        for (_, peer) in self.log.peers.iter_mut() {
            peer.telling = Telling::default();
        }
    }

    /// Takes over what the leader tells. Whether a node is there, and whose it is, shows when this server leads.
    pub(super) fn on_standby(&mut self, now: Micros, body: &[u8]) -> Result<(), ReplicaError> {
        let standby: Standby = replica::decode(body)?;
        if self.leads {
            return Ok(());
        }
        for entry in standby.live {
            self.stand_by_value(entry);
        }
        for pose in standby.poses {
            let taken = self.stand_by_pose(now, &pose);
            taken.map_err(ReplicaError::Broken)?;
        }
        Ok(())
    }

    fn send_standby(&mut self, now: Micros, server: ServerId, standby: &Standby) {
        match replica::encode(standby) {
            Ok(body) => {
                let hlc = self.stamp(now);
                self.log.peers.counters.standby_frames_sent += 1;
                self.log.peers.bulk(server, Kind::Standby, hlc, &body);
            }
            Err(error) => tracing::error!("live values cannot be told to {server}: {error}"),
        }
    }
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            since: 0,
            began: 0,
            next: Next::START,
        }
    }
}

impl Next {
    const START: Self = Self::Value((NodeId(0), PropertyId(0)));
}

impl Telling {
    /// What is to be told now, in frames. `round` is the one that begins.
    fn turn(&mut self, round: Round, values: &LiveValues, trackers: &Trackers) -> Vec<Standby> {
        if self.next == Next::START {
            self.began = round;
        }
        let mut packing = Packing::default();
        if let Next::Value(from) = self.next {
            for (key, entry) in values.since(self.since, from) {
                let bytes = ITEM_OVERHEAD_BYTES + entry.value.encoded_len();
                let Some(frame) = packing.room(bytes) else {
                    self.next = Next::Value(key);
                    return packing.frames;
                };
                frame.live.push(entry);
            }
            self.next = Next::Pose(NodeId(0));
        }
        if let Next::Pose(from) = self.next {
            for pose in trackers.since(self.since, from) {
                let bytes = ITEM_OVERHEAD_BYTES + pose.batch.len();
                let Some(frame) = packing.room(bytes) else {
                    self.next = Next::Pose(pose.node);
                    return packing.frames;
                };
                frame.poses.push(pose);
            }
        }
        self.since = self.began;
        self.next = Next::START;
        packing.frames
    }
}

/// Frames that are being filled.
#[derive(Debug, Default)]
struct Packing {
    frames: Vec<Standby>,
    used: usize,
    in_last: usize,
}

impl Packing {
    /// The frame for an item of so many bytes, or `None` when it is enough for this turn.
    fn room(&mut self, bytes: usize) -> Option<&mut Standby> {
        if self.used + bytes > STANDBY_BYTES_MAX {
            return None;
        }
        self.used += bytes;
        if self.frames.is_empty() || self.in_last + bytes > STANDBY_FRAME_BYTES {
            self.frames.push(Standby::default());
            self.in_last = 0;
        }
        self.in_last += bytes;
        self.frames.last_mut()
    }
}
