//! A snapshot on its way to another replica.

use std::sync::Arc;

use raft::{ProgressState, SnapshotStatus, eraftpb::Message as EngineMessage};
use synced_protocol::{id::ReplicaId, store::LogSnapshot};

use super::{count, place, size};
use crate::{
    codec::{GroupMessage, Message, SnapshotAnswer, SnapshotOffer, SnapshotPart},
    group::{Group, Io},
    output::Lane,
};

/// Parts that are on their way at once.
const WINDOW_PARTS: u32 = 8;
/// Ticks without an answer after which a snapshot is offered again.
const RETRY_TICKS: u32 = 100;

/// A snapshot on its way to another replica.
#[derive(Debug)]
pub(in crate::group) struct Sending {
    snapshot: Arc<LogSnapshot>,
    /// The next part to send.
    next: u32,
    /// Ticks since the last answer.
    silence: u32,
}

impl Group {
    pub(in crate::group) fn begin_sending(
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

    pub(in crate::group) fn receive_answer(
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
    pub(in crate::group) fn resend_snapshots(&mut self, io: &mut Io<'_>) {
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
    pub(in crate::group) fn stop_sending(&mut self, to: ReplicaId) {
        self.sending.remove(&to);
        // The engine passes over it where no snapshot is on its way.
        self.engine.report_snapshot(to.0, SnapshotStatus::Failure);
    }
}
