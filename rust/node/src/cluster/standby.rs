//! What the leader hears by datagram, told to those who may lead next: all of it to a newcomer, then what is new.

use synced_protocol::{
    id::{NodeId, PropertyId, ServerId},
    message::{LiveEntry, LivePose},
    replica::{self, ReplicaError, Standby},
    time::Micros,
};

use super::{
    config::{STANDBY_BYTES_MAX, STANDBY_FRAME_BYTES, STANDBY_INTERVAL, STANDBY_LOOKS_MAX},
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
                if !packing.take_value(entry) {
                    self.next = Next::Value(key);
                    return packing.frames;
                }
            }
            self.next = Next::Pose(NodeId(0));
        }
        if let Next::Pose(from) = self.next {
            for (node, pose) in trackers.since(self.since, from) {
                if !packing.take_pose(pose) {
                    self.next = Next::Pose(node);
                    return packing.frames;
                }
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
    looked_at: usize,
    used: usize,
    in_last: usize,
}

impl Packing {
    /// False when it is enough for this turn; then the value was not taken.
    fn take_value(&mut self, entry: Option<LiveEntry>) -> bool {
        let Some(entry) = entry else {
            return self.look();
        };
        let frame = self.room(entry.value.encoded_len());
        frame.map(|frame| frame.live.push(entry)).is_some()
    }

    /// False when it is enough for this turn; then the pose was not taken.
    fn take_pose(&mut self, pose: Option<LivePose>) -> bool {
        let Some(pose) = pose else {
            return self.look();
        };
        let frame = self.room(pose.batch.len());
        frame.map(|frame| frame.poses.push(pose)).is_some()
    }

    const fn look(&mut self) -> bool {
        self.looked_at += 1;
        self.looked_at <= STANDBY_LOOKS_MAX
    }

    /// The frame for an item of so many bytes.
    fn room(&mut self, bytes: usize) -> Option<&mut Standby> {
        let bytes = ITEM_OVERHEAD_BYTES + bytes;
        if !self.look() || self.used + bytes > STANDBY_BYTES_MAX {
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

#[cfg(test)]
mod tests {
    use synced_protocol::{control, limits::MAX_LIVE_VALUE_BYTES, value::Value};

    use super::*;

    fn entry(node: u64, stamp: u64, bytes: usize) -> LiveEntry {
        LiveEntry {
            node: NodeId(node),
            property: PropertyId(0),
            stamp: Micros(stamp),
            value: Value::PackedByteArray(vec![7; bytes]),
        }
    }

    fn told(frames: &[Standby]) -> Vec<(u64, u64)> {
        let live = frames.iter().flat_map(|frame| &frame.live);
        live.map(|entry| (entry.node.0, entry.stamp.0)).collect()
    }

    #[test]
    fn everything_is_told_once_in_bounded_turns_and_then_only_what_is_new() {
        let bytes = MAX_LIVE_VALUE_BYTES - 3;
        let count = (2 * STANDBY_BYTES_MAX / bytes) as u64;
        let (mut values, trackers) = (LiveValues::default(), Trackers::default());
        let mut telling = Telling::default();
        (0..count).for_each(|node| values.offer(entry(node, 1, bytes), bytes));
        let mut all = Vec::new();
        for _ in 0..4 {
            let round = values.begin_round();
            let frames = telling.turn(round, &values, &trackers);
            for frame in &frames {
                let frame = control::encode(frame).unwrap();
                assert!(frame.len() <= STANDBY_FRAME_BYTES);
            }
            let items: usize = frames.iter().map(|frame| frame.live.len()).sum();
            assert!(items * bytes <= STANDBY_BYTES_MAX);
            all.extend(told(&frames));
        }
        assert!(all.iter().map(|(node, _)| *node).eq(0..count));
        values.offer(entry(5, 2, bytes), bytes);
        let round = values.begin_round();
        assert_eq!(told(&telling.turn(round, &values, &trackers)), [(5, 2)]);
        let round = values.begin_round();
        assert_eq!(telling.turn(round, &values, &trackers), []);
    }

    #[test]
    fn a_turn_looks_at_so_many_values_and_the_next_one_goes_on_from_there() {
        let (mut values, trackers) = (LiveValues::default(), Trackers::default());
        let mut telling = Telling::default();
        let count = STANDBY_LOOKS_MAX as u64 + 10;
        (0..count).for_each(|node| values.offer(entry(node, 1, 1), 4));
        let mut is_told = false;
        while !(is_told && telling.next == Next::START) {
            let round = values.begin_round();
            is_told = telling.turn(round, &values, &trackers).is_empty();
        }
        values.offer(entry(count - 1, 2, 1), 4);
        let round = values.begin_round();
        assert_eq!(telling.turn(round, &values, &trackers), []);
        assert_eq!(
            told(&telling.turn(round, &values, &trackers)),
            [(count - 1, 2)]
        );
    }
}
