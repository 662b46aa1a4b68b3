//! A snapshot on its way from the leader.

use std::sync::Arc;

use bytes::Bytes;
use raft::{
    Ready,
    eraftpb::{Message as EngineMessage, MessageType},
};
use synced_protocol::{
    id::{LogIndex, ReplicaId, Term},
    store::LogSnapshot,
};

use super::count;
use crate::{
    codec::{GroupMessage, Message, SnapshotAnswer, SnapshotOffer, SnapshotPart, SnapshotPlace},
    engine::snapshot_metadata,
    group::{Group, Io},
    news::News,
    output::Lane,
};

/// A snapshot on its way from the leader.
#[derive(Debug)]
pub(in crate::group) struct Receiving {
    from: ReplicaId,
    offer: SnapshotOffer,
    parts: Vec<Bytes>,
    bytes: u64,
}

/// What became of a part.
enum Taken {
    Next,
    /// It is here, or one before it is not.
    Not,
    /// It is more than was offered.
    TooMuch,
}

impl Receiving {
    fn take(&mut self, part: &SnapshotPart) -> Taken {
        if part.number != count(&self.parts) || part.number >= self.offer.parts {
            return Taken::Not;
        }
        self.bytes += part.bytes.len() as u64;
        if self.bytes > self.offer.bytes {
            return Taken::TooMuch;
        }
        // A part of its own: the frame that it came in need not stay.
        self.parts.push(Bytes::copy_from_slice(&part.bytes));
        Taken::Next
    }
}

impl Group {
    pub(in crate::group) fn receive_offer(
        &mut self,
        io: &mut Io<'_>,
        from: ReplicaId,
        offer: SnapshotOffer,
    ) {
        if offer.term < self.term() {
            return;
        }
        let index = offer.place.index;
        let known = self.engine.store().term_of(index);
        let committed = index <= self.engine.raft.raft_log.committed;
        if committed && known.is_some_and(|term| term != offer.place.term) {
            self.counters.messages_refused += 1;
            return;
        }
        self.hear_leader(io, from);
        if committed || known == Some(offer.place.term) {
            self.answer(io, from, offer.place, offer.parts);
            self.step(snapshot_message(
                from,
                offer.term,
                &assembled(&offer, Vec::new()),
            ));
            return;
        }
        // What another leader took at the same place says the same in other bytes.
        let resumed = self
            .receiving
            .take()
            .filter(|r| r.from == from && r.offer.place == offer.place);
        let (parts, bytes) = resumed.map_or_else(Default::default, |r| (r.parts, r.bytes));
        self.receiving = Some(Receiving {
            from,
            offer,
            parts,
            bytes,
        });
        self.receive_more(io);
    }

    pub(in crate::group) fn receive_part(
        &mut self,
        io: &mut Io<'_>,
        from: ReplicaId,
        part: SnapshotPart,
    ) {
        let term = self.engine.raft.term;
        let is_of = |r: &&mut Receiving| r.from == from && r.offer.place == part.place;
        let Some(receiving) = self.receiving.as_mut().filter(is_of) else {
            return;
        };
        let still_leads = receiving.offer.term >= term;
        let taken = receiving.take(&part);
        if still_leads {
            self.hear_leader(io, from);
        }
        match taken {
            Taken::Next => self.receive_more(io),
            Taken::Not => {}
            Taken::TooMuch => {
                self.receiving = None;
                self.counters.messages_refused += 1;
            }
        }
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
    pub(in crate::group) fn take_restored(
        &mut self,
        io: &mut Io<'_>,
        ready: &Ready,
    ) -> Option<u64> {
        if ready.snapshot().is_empty() {
            return None;
        }
        let snapshot = self.restoring.take()?;
        let index = snapshot.index.0;
        self.engine.mut_store().restore(Arc::clone(&snapshot));
        self.members = snapshot.members.clone();
        self.moved = true;
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
