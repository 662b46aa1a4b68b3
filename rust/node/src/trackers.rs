//! The newest input of each tracked node: for players who join late, and to judge by what comes next.

use std::collections::BTreeMap;

use synced_protocol::{
    error::DecodeError, id::NodeId, input::decode_batch, message::LivePose, time::Micros,
};

use crate::{
    config::{InputLimits, POSES_BYTES_MAX},
    input::{Breach, Place, judge_batch},
    live_values::Round,
    rate::Bucket,
};

#[derive(Debug, Default)]
pub(crate) struct Trackers {
    trackers: BTreeMap<NodeId, Tracker>,
    bytes: usize,
    round: Round,
}

#[derive(Debug)]
struct Tracker {
    samples: Bucket,
    newest: Option<Place>,
    sent_at: Micros,
    /// The batch that brought the newest sample; empty when too much is kept already.
    batch: Vec<u8>,
    /// In which the batch came.
    round: Round,
}

/// A batch and its times: the clock of this machine, session time, and when the player sent it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) now: Micros,
    pub(crate) session_time: Micros,
    pub(crate) sent_at: Micros,
    pub(crate) batch: &'a [u8],
}

impl Trackers {
    /// Judges a batch, and keeps it when it is the newest of those that may be relayed.
    pub(crate) fn take(
        &mut self,
        limits: &InputLimits,
        node: NodeId,
        arrival: Arrival<'_>,
    ) -> Result<Result<(), Breach>, DecodeError> {
        let Arrival { now, batch, .. } = arrival;
        let tracker = self
            .trackers
            .entry(node)
            .or_insert_with(|| Tracker::new(limits, now));
        let times = (arrival.sent_at, arrival.session_time - limits.age_max);
        let judged = match judge_batch(limits, batch, times, tracker.newest)? {
            Ok(judged) => judged,
            Err(breach) => return Ok(Err(breach)),
        };
        if !tracker.samples.take(now, judged.new) {
            return Ok(Err(Breach::Samples));
        }
        if judged.new > 0 {
            tracker.newest = Some(judged.newest);
            tracker.round = self.round;
            self.bytes -= tracker.batch.len();
            tracker.keep(arrival.sent_at, batch, POSES_BYTES_MAX - self.bytes);
            self.bytes += tracker.batch.len();
        }
        Ok(Ok(()))
    }

    /// Keeps what another server relayed, if it is newer than what is kept.
    pub(crate) fn stand_by(
        &mut self,
        limits: &InputLimits,
        now: Micros,
        pose: &LivePose,
    ) -> Result<(), DecodeError> {
        let mut newest = None;
        decode_batch(&pose.batch, pose.sent_at, |frame| {
            newest = Some(Place::of(&frame));
        })?;
        let tracker = self
            .trackers
            .entry(pose.node)
            .or_insert_with(|| Tracker::new(limits, now));
        if pose.sent_at > tracker.sent_at {
            tracker.newest = newest;
            self.bytes -= tracker.batch.len();
            tracker.keep(pose.sent_at, &pose.batch, POSES_BYTES_MAX - self.bytes);
            self.bytes += tracker.batch.len();
        }
        Ok(())
    }

    /// Keeps those of these nodes alone.
    pub(crate) fn retain(&mut self, keeps: impl Fn(NodeId) -> bool) {
        self.trackers.retain(|node, _| keeps(*node));
        let kept = self.trackers.values();
        self.bytes = kept.map(|tracker| tracker.batch.len()).sum();
    }

    /// From here on, what comes is of a later round.
    pub(crate) const fn begin_round(&mut self) {
        self.round += 1;
    }

    /// All from a node on, with the batch if that came in a round or later.
    pub(crate) fn since(
        &self,
        round: Round,
        from: NodeId,
    ) -> impl Iterator<Item = (NodeId, Option<LivePose>)> + '_ {
        let trackers = self.trackers.range(from..);
        trackers.map(move |(node, tracker)| {
            let late = (tracker.round >= round).then(|| tracker.pose(*node));
            (*node, late.flatten())
        })
    }

    /// The node is gone, or another's.
    pub(crate) fn forget(&mut self, node: NodeId) {
        if let Some(tracker) = self.trackers.remove(&node) {
            self.bytes -= tracker.batch.len();
        }
    }
}

impl Tracker {
    fn new(limits: &InputLimits, now: Micros) -> Self {
        Self {
            samples: Bucket::new(limits.samples, now),
            newest: None,
            sent_at: Micros::ZERO,
            batch: Vec::new(),
            round: 0,
        }
    }

    fn pose(&self, node: NodeId) -> Option<LivePose> {
        (!self.batch.is_empty()).then(|| LivePose {
            node,
            sent_at: self.sent_at,
            batch: self.batch.clone(),
        })
    }

    /// Into the same memory each time: no datagram is held for it.
    fn keep(&mut self, sent_at: Micros, batch: &[u8], bytes_max: usize) {
        self.sent_at = sent_at;
        self.batch.clear();
        if batch.len() <= bytes_max {
            self.batch.extend_from_slice(batch);
        }
    }
}

#[cfg(test)]
mod tests {
    use glam::Vec3;
    use synced_protocol::{
        id::mix,
        input::{InputFrame, MAX_BATCH_FRAMES, Precision, encode_batch},
    };

    use super::*;

    const NOW: Micros = Micros::from_secs(100);

    fn poses(trackers: &Trackers) -> impl Iterator<Item = LivePose> {
        trackers.since(0, NodeId(0)).filter_map(|(_, pose)| pose)
    }

    /// A batch that takes many bytes, up to a time.
    fn batch(newest: Micros) -> Vec<u8> {
        let count = MAX_BATCH_FRAMES as u64;
        let noise = |place: u64| mix(place) as u16 as f32 / f32::from(u16::MAX);
        let frames: Vec<_> = (0..count)
            .map(|place| InputFrame {
                sampled_at: newest - Micros::from_millis(count - 1 - place),
                position: Vec3::X * 0.05 * noise(place),
                linear_velocity: Vec3::splat(20.0 * noise(place + count)),
                angular_velocity: Vec3::splat(20.0 * noise(place + 2 * count)),
                ..InputFrame::default()
            })
            .collect();
        let mut batch = Vec::new();
        encode_batch(&frames, Precision::Exact, newest, &mut batch);
        batch
    }

    fn hear(trackers: &mut Trackers, node: u64, at: Micros, batch: &[u8]) {
        let arrival = Arrival {
            now: at,
            session_time: at,
            sent_at: at,
            batch,
        };
        let judged = trackers.take(&InputLimits::DEFAULT, NodeId(node), arrival);
        assert_eq!(judged, Ok(Ok(())));
    }

    #[test]
    fn so_many_bytes_of_batches_are_kept_and_what_is_beyond_is_relayed_all_the_same() {
        let (first, later) = (NOW, NOW + Micros::from_millis(100));
        let (old, new) = (batch(first), batch(later));
        let mut trackers = Trackers::default();
        let room = (POSES_BYTES_MAX / old.len()) as u64;
        (0..room).for_each(|node| hear(&mut trackers, node, first, &old));
        hear(&mut trackers, room, first, &old);
        assert_eq!(poses(&trackers).count() as u64, room);
        let kept: usize = poses(&trackers).map(|pose| pose.batch.len()).sum();
        assert_eq!(kept, trackers.bytes);

        trackers.forget(NodeId(0));
        hear(&mut trackers, room, later, &new);
        assert!(poses(&trackers).any(|pose| pose.node == NodeId(room)));
    }
}
