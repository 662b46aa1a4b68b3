//! Snapshots: taken of this replica's state, sent to others and received, part by part beside everything else.

use std::sync::Arc;

use bytes::Bytes;
use raft::{
    ProgressState, Ready, SnapshotStatus,
    eraftpb::{Message as EngineMessage, MessageType},
};
use synced_protocol::{
    id::{LogIndex, ReplicaId, Term},
    limits::MAX_FRAME_BYTES,
    store::LogSnapshot,
};

use super::{Group, Io};
use crate::{
    codec::{
        GroupMessage, MAX_SNAPSHOT_BYTES, MAX_SNAPSHOT_PARTS, Message, SnapshotAnswer,
        SnapshotOffer, SnapshotPart, SnapshotPlace,
    },
    engine::snapshot_metadata,
    news::News,
    output::Lane,
};

/// Parts that are on their way at once.
const WINDOW_PARTS: u32 = 8;
/// Ticks without an answer after which a snapshot is offered again.
const RETRY_TICKS: u32 = 100;

/// A snapshot on its way to another replica.
#[derive(Debug)]
pub(super) struct Sending {
    snapshot: Arc<LogSnapshot>,
    /// The next part to send.
    next: u32,
    /// Ticks since the last answer.
    silence: u32,
}

/// A snapshot on its way from the leader.
#[derive(Debug)]
pub(super) struct Receiving {
    from: ReplicaId,
    offer: SnapshotOffer,
    parts: Vec<Bytes>,
    bytes: u64,
}

fn place(snapshot: &LogSnapshot) -> SnapshotPlace {
    SnapshotPlace {
        index: snapshot.index.0,
        term: snapshot.term.0,
    }
}

fn count(parts: &[Bytes]) -> u32 {
    u32::try_from(parts.len()).unwrap_or(u32::MAX)
}

fn size(parts: &[Bytes]) -> u64 {
    parts.iter().map(|part| part.len() as u64).sum()
}

fn is_small_enough(parts: &[Bytes]) -> bool {
    parts.len() <= MAX_SNAPSHOT_PARTS
        && size(parts) <= MAX_SNAPSHOT_BYTES
        && parts.iter().all(|part| part.len() <= MAX_FRAME_BYTES)
}

// Taking one.
impl Group {
    /// Asks for a snapshot when the log is long, or when a follower needs one.
    pub(super) fn want_snapshot(&mut self, io: &mut Io<'_>) {
        let log = self.engine.store();
        let long = log.bytes_uncovered() > io.config.log_bytes_kept_max;
        if (log.take_wanted() || long) && self.snapshot_wanted.is_none() {
            self.snapshot_wanted = Some(self.applied);
            self.tell(io, News::SnapshotWanted);
        }
    }

    /// Takes a snapshot of the state that was told up to `index`.
    pub(crate) fn take_snapshot(&mut self, io: &mut Io<'_>, index: LogIndex, parts: Vec<Bytes>) {
        let Some(asked_at) = self.snapshot_wanted.take() else {
            return;
        };
        // Between the last entry with content and the question there may be others, which the state does not show.
        let index = index.0.max(asked_at);
        let newer = index > self.engine.store().snapshot().index.0 && index <= self.applied;
        let Some(term) = self.engine.store().term_of(index).filter(|_| newer) else {
            return;
        };
        if !is_small_enough(&parts) {
            self.counters.snapshots_refused += 1;
            return;
        }
        let known = self.history.partition_point(|(from, _)| *from <= index);
        self.history.drain(..known.saturating_sub(1));
        let Some((_, members)) = self.history.first().cloned() else {
            return;
        };
        let snapshot = LogSnapshot {
            index: LogIndex(index),
            term: Term(term),
            members,
            parts,
        };
        let snapshot = Arc::new(snapshot);
        self.engine
            .mut_store()
            .cover(Arc::clone(&snapshot), io.config.log_bytes_kept_max);
        self.write(io, |write| write.snapshot = Some(snapshot));
    }
}

// Sending one.
impl Group {
    pub(super) fn begin_sending(
        &mut self,
        io: &mut Io<'_>,
        to: ReplicaId,
        message: &EngineMessage,
    ) {
        let snapshot = Arc::clone(self.engine.store().snapshot());
        if snapshot.index.0 != message.get_snapshot().get_metadata().index
            || !io.peers.is_up(to.server())
        {
            self.engine.report_snapshot(to.0, SnapshotStatus::Failure);
            return;
        }
        self.sending.insert(
            to,
            Sending {
                snapshot,
                next: 0,
                silence: 0,
            },
        );
        self.offer(io, to);
    }

    fn offer(&self, io: &mut Io<'_>, to: ReplicaId) {
        let Some(sending) = self.sending.get(&to) else {
            return;
        };
        let snapshot = &sending.snapshot;
        let offer = GroupMessage::SnapshotOffer(SnapshotOffer {
            term: self.term(),
            place: place(snapshot),
            parts: count(&snapshot.parts),
            bytes: size(&snapshot.parts),
            members: snapshot.members.clone(),
        });
        io.peers
            .send(to, Lane::Bulk, &Message::Group(self.id, offer));
    }

    pub(super) fn receive_answer(
        &mut self,
        io: &mut Io<'_>,
        from: ReplicaId,
        answer: SnapshotAnswer,
    ) {
        let id = self.id;
        let Some(sending) = self.sending.get_mut(&from) else {
            return;
        };
        let parts = &sending.snapshot.parts;
        if answer.place != place(&sending.snapshot) || answer.have > count(parts) {
            return;
        }
        // After a silence whatever was on its way may be lost.
        let again = sending.silence >= RETRY_TICKS || sending.next < answer.have;
        sending.next = if again { answer.have } else { sending.next };
        sending.silence = 0;
        let end = count(parts).min(answer.have + WINDOW_PARTS);
        for number in sending.next..end {
            let bytes = parts[number as usize].clone();
            let part = SnapshotPart {
                place: answer.place,
                number,
                bytes,
            };
            io.peers.send(
                from,
                Lane::Bulk,
                &Message::Group(id, GroupMessage::SnapshotPart(part)),
            );
        }
        sending.next = end.max(sending.next);
    }

    /// Offers again whatever was not answered for long. A snapshot counts as sent once its receiver has it as part of its log: what
    /// it said before, it may have forgotten.
    pub(super) fn resend_snapshots(&mut self, io: &mut Io<'_>) {
        let progress = self.engine.raft.prs();
        let in_snapshot = |to: ReplicaId| {
            progress
                .get(to.0)
                .is_some_and(|p| p.state == ProgressState::Snapshot)
        };
        let before = self.sending.len();
        self.sending.retain(|to, _| in_snapshot(*to));
        self.counters.snapshots_sent += (before - self.sending.len()) as u64;
        let mut silent = Vec::new();
        for (to, sending) in &mut self.sending {
            sending.silence += 1;
            if sending.silence.is_multiple_of(RETRY_TICKS) {
                silent.push(*to);
            }
        }
        for to in silent {
            self.offer(io, to);
        }
    }

    /// Gives up on a snapshot whose receiver is out of reach.
    pub(super) fn stop_sending(&mut self, to: ReplicaId) {
        self.sending.remove(&to);
        // The engine passes over it where no snapshot is on its way.
        self.engine.report_snapshot(to.0, SnapshotStatus::Failure);
    }
}

// Receiving one.
impl Group {
    pub(super) fn receive_offer(&mut self, io: &mut Io<'_>, from: ReplicaId, offer: SnapshotOffer) {
        if offer.term < self.term() {
            return;
        }
        self.hear_leader(io, from);
        let index = offer.place.index;
        let has = index <= self.engine.raft.raft_log.committed
            || self.engine.store().term_of(index) == Some(offer.place.term);
        if has {
            self.answer(io, from, offer.place, offer.parts);
            self.step(snapshot_message(
                from,
                offer.term,
                &assembled(&offer, Vec::new()),
            ));
            return;
        }
        let resumed = self.receiving.take().filter(|r| {
            (r.offer.place, r.offer.parts, r.offer.bytes) == (offer.place, offer.parts, offer.bytes)
        });
        let (parts, bytes) = resumed.map_or_else(Default::default, |r| (r.parts, r.bytes));
        self.receiving = Some(Receiving {
            from,
            offer,
            parts,
            bytes,
        });
        self.receive_more(io);
    }

    pub(super) fn receive_part(&mut self, io: &mut Io<'_>, from: ReplicaId, part: SnapshotPart) {
        let Some(receiving) = self.receiving.as_mut() else {
            return;
        };
        if receiving.from != from || receiving.offer.place != part.place {
            return;
        }
        let next = part.number == count(&receiving.parts) && part.number < receiving.offer.parts;
        let fits = receiving.bytes + part.bytes.len() as u64 <= receiving.offer.bytes;
        if !next {
            return;
        }
        if !fits {
            self.receiving = None;
            self.counters.messages_refused += 1;
            return;
        }
        receiving.bytes += part.bytes.len() as u64;
        // A part of its own: the frame that it came in need not stay.
        receiving.parts.push(Bytes::copy_from_slice(&part.bytes));
        self.receive_more(io);
    }

    /// Says how far it is, and takes the snapshot over when it is complete.
    fn receive_more(&mut self, io: &mut Io<'_>) {
        let Some(receiving) = self.receiving.as_ref() else {
            return;
        };
        let (from, place, have) = (
            receiving.from,
            receiving.offer.place,
            count(&receiving.parts),
        );
        self.answer(io, from, place, have);
        if have == receiving.offer.parts
            && let Some(receiving) = self.receiving.take()
        {
            self.counters.snapshots_received += 1;
            let snapshot = Arc::new(assembled(&receiving.offer, receiving.parts));
            let message = snapshot_message(from, receiving.offer.term, &snapshot);
            self.restoring = Some(snapshot);
            self.step(message);
            self.pump(io);
            self.restoring = None;
        }
    }

    fn answer(&self, io: &mut Io<'_>, to: ReplicaId, place: SnapshotPlace, have: u32) {
        let answer = GroupMessage::SnapshotAnswer(SnapshotAnswer { place, have });
        io.peers
            .send(to, Lane::Frame, &Message::Group(self.id, answer));
    }

    /// Takes over the snapshot that the engine has just taken for its own; its place, if there is one.
    pub(super) fn take_restored(&mut self, io: &mut Io<'_>, ready: &Ready) -> Option<u64> {
        if ready.snapshot().is_empty() {
            return None;
        }
        let snapshot = self.restoring.take()?;
        let index = snapshot.index.0;
        self.engine.mut_store().restore(Arc::clone(&snapshot));
        self.members = snapshot.members.clone();
        self.history = vec![(index, self.members.clone())];
        self.applied = index;
        self.snapshot_wanted = None;
        self.tell_restored(io, &snapshot);
        self.tell(io, News::MembersChanged(self.members.clone()));
        Some(index)
    }
}

fn assembled(offer: &SnapshotOffer, parts: Vec<Bytes>) -> LogSnapshot {
    LogSnapshot {
        index: LogIndex(offer.place.index),
        term: Term(offer.place.term),
        members: offer.members.clone(),
        parts,
    }
}

fn snapshot_message(from: ReplicaId, term: u64, snapshot: &LogSnapshot) -> EngineMessage {
    let mut out = EngineMessage {
        from: from.0,
        term,
        ..EngineMessage::default()
    };
    out.set_msg_type(MessageType::MsgSnapshot);
    out.set_snapshot(snapshot_metadata(snapshot));
    out
}
