//! What this player sends on the live lane.
//!
//! Changes and samples gather and leave together: when the oldest has waited
//! [`local_delta_max_age`](crate::config::LiveConfig::local_delta_max_age), or enough for a datagram is there. Where no hand
//! brings samples, changes leave at the end of the frame that made them, unless something left within that time before or
//! something is proposed in the same frame. Whoever has waited longest is written first, so that nothing starves when the rate cap
//! holds things up.

mod batches;
mod delta;
mod latest;
mod noise;
mod redundancy;
mod samples;
mod thinning;
mod tracker;

use bytes::{Bytes, BytesMut};
use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    live::{Fit, LiveWriter, Loss, MAX_UP_DATAGRAM_BYTES, NodeRef},
    time::Micros,
    value::Value,
};
use synced_world::World;

use self::{
    delta::DeltaBuffer,
    redundancy::{Redundancy, whole_way},
    tracker::{Part, Tracker, Writing},
};
use crate::{
    clock::ClockSync,
    config::LiveConfig,
    feed::TrackerFeed,
    limits::{
        LIVE_BURST_BYTES_MAX, LIVE_BURST_DATAGRAMS_MAX, LIVE_DATAGRAMS_PER_SECOND_MAX, TRACKERS_MAX,
    },
    pacing::Bucket,
    seek::Interruption,
    stats::Meter,
};

/// Datagrams are put together in chunks of this size; a chunk lives until the last of its datagrams is sent.
const CHUNK_BYTES: usize = 32 * 1024;

/// The live lane from this player to the leader.
#[derive(Debug)]
pub(crate) struct Upstream {
    config: LiveConfig,
    deltas: DeltaBuffer,
    trackers: Vec<Tracker>,
    redundancy: Redundancy,
    bytes: Bucket,
    datagrams: Bucket,
    writer: LiveWriter,
    chunk: BytesMut,
    sequence: u32,
    /// When the trackers are next read.
    tick_at: Micros,
    flushed_at: Micros,
    /// Whether what has gathered need not wait for more.
    is_complete: bool,
}

/// What is needed to name nodes in few bytes: who sends, and the world that it knows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Names<'a> {
    pub(crate) player: PlayerId,
    pub(crate) world: Option<&'a World>,
}

impl Names<'_> {
    fn of(self, node: NodeId) -> NodeRef {
        let only = |ids| self.world.and_then(|world| world.only_node_in(ids));
        NodeRef::shortest(node, self.player, only)
    }
}

/// Who is to be written next.
#[derive(Debug, Clone, Copy)]
enum Next {
    Delta,
    Tracker(usize, Part),
}

impl Upstream {
    pub(crate) fn new(config: LiveConfig) -> Self {
        let config = config.within_limits();
        Self {
            redundancy: Redundancy::new(&config),
            config,
            deltas: DeltaBuffer::default(),
            trackers: Vec::new(),
            bytes: Bucket::new(config.bytes_per_second_max, LIVE_BURST_BYTES_MAX),
            datagrams: Bucket::new(LIVE_DATAGRAMS_PER_SECOND_MAX, LIVE_BURST_DATAGRAMS_MAX),
            writer: LiveWriter::with_precision(config.precision),
            chunk: BytesMut::new(),
            sequence: 0,
            tick_at: Micros::ZERO,
            flushed_at: Micros::ZERO,
            is_complete: false,
        }
    }

    /// A property that this player owns has a new value. `false` when it cannot be held.
    pub(crate) fn set(
        &mut self,
        now: Micros,
        (node, property): (NodeId, PropertyId),
        stamp: Micros,
        value: Value,
    ) -> bool {
        self.deltas.set(now, (node, property), stamp, value)
    }

    /// The node sends nothing live any more.
    pub(crate) fn forget(&mut self, node: NodeId) {
        self.deltas.forget(node);
    }

    /// The property was confirmed at a time in session time: older live values of it are of no use.
    pub(crate) fn superseded(&mut self, key: (NodeId, PropertyId), at: Micros) {
        self.deltas.superseded(key, at);
    }

    /// The game's frame is over: no company comes before the next one, except samples.
    pub(crate) fn end_frame(&mut self, now: Micros) {
        let has_waited = now.since(self.flushed_at) >= self.config.local_delta_max_age;
        self.is_complete = has_waited && self.trackers.is_empty();
    }

    /// Others may have missed what the node sent so far.
    pub(crate) fn renew(&mut self, now: Micros, node: NodeId) {
        self.deltas.renew(now, node);
    }

    /// `false` when there are too many trackers.
    pub(crate) fn attach(&mut self, node: NodeId, feed: TrackerFeed) -> bool {
        if let Some(tracker) = self
            .trackers
            .iter_mut()
            .find(|tracker| tracker.node() == node)
        {
            tracker.replace(feed);
            return true;
        }
        let room = self.trackers.len() < TRACKERS_MAX;
        if room {
            self.trackers.push(Tracker::new(node, feed));
        }
        room
    }

    pub(crate) fn detach(&mut self, node: NodeId) {
        for tracker in &mut self.trackers {
            if tracker.node() == node {
                tracker.finish();
            }
        }
    }

    /// A node is gone for good.
    pub(crate) fn remove(&mut self, node: NodeId) {
        self.deltas.forget(node);
        self.trackers.retain(|tracker| tracker.node() != node);
    }

    /// The world was replaced: forgets the nodes that are gone, and the values of those that are not this player's any
    /// more. A node that is in neither world may be a spawn on its way.
    pub(crate) fn replaced(&mut self, player: PlayerId, before: &World, world: &World) {
        let gone = |id: NodeId| before.node(id).is_some() && world.node(id).is_none();
        self.trackers.retain(|tracker| !gone(tracker.node()));
        self.deltas.retain(|id| match world.node(id) {
            Some(node) => world.may_stream(player, node),
            None => !gone(id),
        });
    }

    /// A connection is up: everything still held is sent again, at the latest `refresh_interval` after it was sent last.
    /// After a long interruption samples from before are of no use any more.
    pub(crate) fn connected(&mut self, now: Micros, refresh_interval: Micros, after: Interruption) {
        self.deltas.set_refresh_interval(refresh_interval);
        for tracker in &mut self.trackers {
            tracker.connected(now, after);
        }
        self.tick_at = now;
    }

    /// How much is lost of what this player sends, up to the leader and on to the others, of whom there are so many.
    pub(crate) fn learn_loss(&mut self, now: Micros, up: Loss, peers: Loss, others: usize) {
        self.redundancy.learn(now, whole_way(up, peers, others));
    }

    /// Of how many batches before each batch repeats the samples.
    pub(crate) fn redundancy(&self, now: Micros) -> u8 {
        self.redundancy.within(self.bytes.percent(now))
    }

    /// Writes what is due and hands each datagram to `send`.
    pub(crate) fn poll(
        &mut self,
        now: Micros,
        clock: &ClockSync,
        names: Names<'_>,
        meter: &mut Meter,
        mut send: impl FnMut(Bytes),
    ) {
        self.deltas.refresh(now);
        let tick = !self.trackers.is_empty() && now >= self.tick_at;
        if tick || self.deltas_are_due(now) {
            self.read_trackers(now, clock, meter);
            self.flush(now, clock, names, meter, &mut send);
            self.advance_tick(now);
        }
    }

    /// When something is due next.
    pub(crate) fn poll_deadline(&self, now: Micros) -> Option<Micros> {
        let tick = (!self.trackers.is_empty()).then_some(self.tick_at);
        let waiting = self
            .deltas
            .oldest()
            .map(|oldest| self.flush_at(oldest, now));
        let due = [tick, waiting, self.deltas.refresh_at()];
        due.into_iter().flatten().min()
    }

    fn deltas_are_due(&self, now: Micros) -> bool {
        let Some(oldest) = self.deltas.oldest() else {
            return false;
        };
        let many = self.deltas.waiting() >= self.config.local_delta_max_count
            || self.deltas.waiting_bytes() >= MAX_UP_DATAGRAM_BYTES;
        now >= self.flush_at(oldest, now) || (many && self.has_room(now))
    }

    fn flush_at(&self, oldest: Micros, now: Micros) -> Micros {
        let wait = if self.is_complete {
            Micros::ZERO
        } else {
            self.config.local_delta_max_age
        };
        (oldest + wait).max(self.room_at(now))
    }

    /// Whether a full datagram may go.
    fn has_room(&self, now: Micros) -> bool {
        self.bytes.has(now, MAX_UP_DATAGRAM_BYTES) && self.datagrams.has(now, 1)
    }

    fn room_at(&self, now: Micros) -> Micros {
        let bytes_at = self.bytes.ready_at(now, MAX_UP_DATAGRAM_BYTES);
        bytes_at.max(self.datagrams.ready_at(now, 1))
    }

    fn read_trackers(&mut self, now: Micros, clock: &ClockSync, meter: &mut Meter) {
        let how = (self.config.local_delta_max_age, self.config.thinning);
        for tracker in &mut self.trackers {
            tracker.read(now, clock, how, meter);
        }
        self.trackers.retain(|tracker| !tracker.is_done());
    }

    /// The ticks keep their pace even when the driver wakes late, unless it was away for longer than one.
    fn advance_tick(&mut self, now: Micros) {
        let pace = self.config.local_delta_max_age;
        let next = self.tick_at + pace;
        self.tick_at = if now >= self.tick_at && next > now {
            next
        } else {
            now + pace
        };
    }

    fn flush(
        &mut self,
        now: Micros,
        clock: &ClockSync,
        names: Names<'_>,
        meter: &mut Meter,
        send: &mut impl FnMut(Bytes),
    ) {
        let session_now = clock.session_time(now);
        self.flushed_at = now;
        self.is_complete = false;
        while self.has_room(now) {
            self.writer.begin(self.sequence, session_now);
            self.trackers.iter_mut().for_each(Tracker::begin);
            let writing = Writing {
                now,
                session_now,
                redundancy: self.redundancy(now),
                thinning: self.config.thinning,
            };
            self.fill(writing, names, meter);
            if self.writer.is_empty() {
                return;
            }
            let bytes = self.written();
            self.bytes.take(now, bytes.len());
            self.datagrams.take(now, 1);
            self.sequence = self.sequence.wrapping_add(1);
            send(bytes);
        }
    }

    /// Fills one datagram with what has waited longest.
    fn fill(&mut self, writing: Writing, names: Names<'_>, meter: &mut Meter) {
        while let Some(next) = self.next(writing.now) {
            let fit = match next {
                Next::Delta => self.deltas.write(writing.now, names, &mut self.writer),
                Next::Tracker(place, part) => {
                    self.trackers[place].write(part, writing, &mut self.writer, meter)
                }
            };
            match fit {
                Fit::Written => {}
                Fit::Full => return,
                Fit::TooLarge => meter.counters.live_values_too_large += 1,
            }
        }
    }

    fn next(&self, now: Micros) -> Option<Next> {
        let trackers = self.trackers.iter().enumerate();
        let oldest = trackers
            .filter_map(|(place, tracker)| {
                let (since, part) = tracker.oldest(now)?;
                Some((since, place, part))
            })
            .min();
        match (oldest, self.deltas.oldest()) {
            (Some((tracker, ..)), Some(delta)) if delta < tracker => Some(Next::Delta),
            (Some((_, place, part)), _) => Some(Next::Tracker(place, part)),
            (None, Some(_)) => Some(Next::Delta),
            (None, None) => None,
        }
    }

    /// The datagram as the transport takes it: a part of a chunk, so that few of them are allocated.
    fn written(&mut self) -> Bytes {
        if self.chunk.capacity() < MAX_UP_DATAGRAM_BYTES {
            self.chunk.reserve(CHUNK_BYTES);
        }
        self.chunk.extend_from_slice(self.writer.bytes());
        self.chunk.split().freeze()
    }
}

#[cfg(test)]
mod tests;
