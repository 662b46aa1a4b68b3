//! What came by datagram and is in no log, told to one who has not heard it: all of it, then what is new, as much in a turn as is good.

use synced_protocol::{
    id::{NodeId, PropertyId},
    message::{LiveEntry, LivePose},
    replica::Standby,
};

use crate::{
    config::{UNLOGGED_FRAME_BYTES, UNLOGGED_LOOKS_MAX},
    live_values::{Key, LiveValues, Round},
    trackers::Trackers,
};

/// Node, property, stamp and lengths of an item at their longest.
const ITEM_OVERHEAD_BYTES: usize = 32;

/// How far one was told. A telling may take several turns; what comes meanwhile is for the next one.
#[derive(Debug)]
pub(crate) struct Telling {
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
    /// What is to be told now, in frames of at most so many bytes in all. `round` is the one that begins.
    pub(crate) fn turn(
        &mut self,
        round: Round,
        bytes_max: usize,
        values: &LiveValues,
        trackers: &Trackers,
    ) -> Vec<Standby> {
        if self.next == Next::START {
            self.began = round;
        }
        let mut packing = Packing::new(bytes_max);
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

    /// Whether everything was told that there was when this telling began.
    pub(crate) fn is_over(&self) -> bool {
        self.next == Next::START
    }
}

/// Frames that are being filled.
#[derive(Debug)]
struct Packing {
    frames: Vec<Standby>,
    bytes_max: usize,
    looked_at: usize,
    used: usize,
    in_last: usize,
}

impl Packing {
    const fn new(bytes_max: usize) -> Self {
        Self {
            frames: Vec::new(),
            bytes_max,
            looked_at: 0,
            used: 0,
            in_last: 0,
        }
    }

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
        self.looked_at <= UNLOGGED_LOOKS_MAX
    }

    /// The frame for an item of so many bytes.
    fn room(&mut self, bytes: usize) -> Option<&mut Standby> {
        let bytes = ITEM_OVERHEAD_BYTES + bytes;
        if !self.look() || self.used + bytes > self.bytes_max {
            return None;
        }
        self.used += bytes;
        if self.frames.is_empty() || self.in_last + bytes > UNLOGGED_FRAME_BYTES {
            self.frames.push(Standby::default());
            self.in_last = 0;
        }
        self.in_last += bytes;
        self.frames.last_mut()
    }
}

#[cfg(test)]
mod tests {
    use synced_protocol::{control, limits::MAX_LIVE_VALUE_BYTES, time::Micros, value::Value};

    use super::*;

    const TURN_BYTES_MAX: usize = 8 * UNLOGGED_FRAME_BYTES;

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
        let count = (2 * TURN_BYTES_MAX / bytes) as u64;
        let (mut values, trackers) = (LiveValues::default(), Trackers::default());
        let mut telling = Telling::default();
        (0..count).for_each(|node| values.offer(entry(node, 1, bytes), bytes));
        let mut all = Vec::new();
        for _ in 0..4 {
            let round = values.begin_round();
            let frames = telling.turn(round, TURN_BYTES_MAX, &values, &trackers);
            for frame in &frames {
                let frame = control::encode(frame).unwrap();
                assert!(frame.len() <= UNLOGGED_FRAME_BYTES);
            }
            let items: usize = frames.iter().map(|frame| frame.live.len()).sum();
            assert!(items * bytes <= TURN_BYTES_MAX);
            all.extend(told(&frames));
        }
        assert!(all.iter().map(|(node, _)| *node).eq(0..count));
        values.offer(entry(5, 2, bytes), bytes);
        let round = values.begin_round();
        assert_eq!(
            told(&telling.turn(round, TURN_BYTES_MAX, &values, &trackers)),
            [(5, 2)]
        );
        let round = values.begin_round();
        assert_eq!(telling.turn(round, TURN_BYTES_MAX, &values, &trackers), []);
    }

    #[test]
    fn a_turn_looks_at_so_many_values_and_the_next_one_goes_on_from_there() {
        let (mut values, trackers) = (LiveValues::default(), Trackers::default());
        let mut telling = Telling::default();
        let count = UNLOGGED_LOOKS_MAX as u64 + 10;
        (0..count).for_each(|node| values.offer(entry(node, 1, 1), 4));
        let mut is_told = false;
        while !(is_told && telling.is_over()) {
            let round = values.begin_round();
            is_told = telling
                .turn(round, TURN_BYTES_MAX, &values, &trackers)
                .is_empty();
        }
        values.offer(entry(count - 1, 2, 1), 4);
        let round = values.begin_round();
        assert_eq!(telling.turn(round, TURN_BYTES_MAX, &values, &trackers), []);
        assert_eq!(
            told(&telling.turn(round, TURN_BYTES_MAX, &values, &trackers)),
            [(count - 1, 2)]
        );
    }
}
