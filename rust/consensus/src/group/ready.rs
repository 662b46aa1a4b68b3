//! What the engine wants done: written, sent, told.

use std::sync::Arc;

use raft::{
    Ready,
    eraftpb::{Message as EngineMessage, MessageType},
};
use synced_protocol::{
    id::{LogIndex, ReplicaId, Term},
    store::{HardState, WriteId},
};

use super::{Group, Io, Leading};
use crate::{
    codec::{Beat, Message},
    engine::{entry_from, message_from},
    news::News,
    output::Lane,
};

/// What waits for a write, in the order in which the engine gave it.
#[derive(Debug)]
pub(super) struct Unstored {
    /// The engine's number for it.
    number: u64,
    /// What must be stored for it, beside what is before it.
    write: Option<WriteId>,
    /// What may only be sent then.
    messages: Vec<EngineMessage>,
    /// The place of the snapshot that is part of it.
    snapshot: Option<u64>,
    /// Whether it says for whom this replica votes.
    votes: bool,
}

impl Group {
    /// Does everything that the engine wants done by now.
    pub(super) fn pump(&mut self, io: &mut Io<'_>) {
        while self.failure.is_none() && self.engine.has_ready() {
            let ready = self.engine.ready();
            self.handle(io, ready);
        }
        self.want_snapshot(io);
        self.note_role(io);
    }

    fn handle(&mut self, io: &mut Io<'_>, mut ready: Ready) {
        let votes = ready.must_sync() && ready.entries().is_empty() && ready.snapshot().is_empty();
        let snapshot = self.take_restored(io, &ready);
        let write = self.write_ready(io, &mut ready, snapshot);
        let (number, messages) = (ready.number(), ready.take_messages());
        let held = ready.take_persisted_messages();
        let committed = ready.take_committed_entries();
        self.engine.advance_append_async(ready);
        for message in messages {
            self.send(io, message);
        }
        let messages = self.send_unconditional(io, held);
        let unstored = Unstored {
            number,
            write,
            messages,
            snapshot,
            votes,
        };
        self.note_role(io);
        self.apply(io, committed);
        self.hold(io, unstored);
    }

    fn write_ready(
        &mut self,
        io: &mut Io<'_>,
        ready: &mut Ready,
        snapshot: Option<u64>,
    ) -> Option<WriteId> {
        let entries = ready.take_entries();
        self.engine.mut_store().append(&entries);
        if snapshot.is_none() && entries.is_empty() && !ready.must_sync() {
            return None;
        }
        let snapshot = snapshot.map(|_| Arc::clone(self.engine.store().snapshot()));
        let hard_state = self.hard_state();
        Some(self.write(io, |write| {
            write.snapshot = snapshot;
            write.entries = entries.iter().map(entry_from).collect();
            write.hard_state = Some(hard_state);
        }))
    }

    pub(super) fn hard_state(&self) -> HardState {
        let raft = &self.engine.raft;
        HardState {
            term: Term(raft.term),
            vote: (raft.vote != raft::INVALID_ID).then_some(ReplicaId(raft.vote)),
            committed: LogIndex(raft.raft_log.committed),
        }
    }

    /// Sends what promises nothing that would have to be remembered: that a heartbeat was heard.
    fn send_unconditional(
        &mut self,
        io: &mut Io<'_>,
        messages: Vec<EngineMessage>,
    ) -> Vec<EngineMessage> {
        let is_answer = |m: &EngineMessage| m.get_msg_type() == MessageType::MsgHeartbeatResponse;
        let (answers, rest) = messages.into_iter().partition(is_answer);
        for answer in answers {
            self.send(io, answer);
        }
        rest
    }

    /// Whether the disk has not yet got for whom this replica votes.
    pub(super) fn votes_unstored(&self) -> bool {
        self.unstored.iter().any(|unstored| unstored.votes)
    }

    fn hold(&mut self, io: &mut Io<'_>, unstored: Unstored) {
        if unstored.write.is_none() && self.unstored.is_empty() {
            self.release(io, unstored);
        } else {
            self.unstored.push_back(unstored);
        }
    }

    /// Every write up to this one is as durable as was asked.
    pub(crate) fn stored(&mut self, io: &mut Io<'_>, write: WriteId) {
        while let Some(unstored) = self
            .unstored
            .pop_front_if(|u| u.write.is_none_or(|w| w <= write))
        {
            self.release(io, unstored);
        }
        self.pump(io);
    }

    fn release(&mut self, io: &mut Io<'_>, unstored: Unstored) {
        self.engine.on_persist_ready(unstored.number);
        if let Some(index) = unstored.snapshot {
            self.engine.advance_apply_to(index);
        }
        for message in unstored.messages {
            self.send(io, message);
        }
    }

    fn send(&mut self, io: &mut Io<'_>, message: EngineMessage) {
        let to = ReplicaId(message.to);
        let beat = Beat {
            group: self.id,
            term: message.term,
            committed: message.commit,
        };
        match message.get_msg_type() {
            MessageType::MsgHeartbeat => io.peers.beat(to, io.now, beat),
            MessageType::MsgHeartbeatResponse => {
                io.peers.answer_beat(to, self.election.answering(), beat)
            }
            MessageType::MsgSnapshot => self.begin_sending(io, to, &message),
            kind => {
                if kind == MessageType::MsgTimeoutNow {
                    self.note_asked();
                }
                if let Some(message) = message_from(&message) {
                    io.peers
                        .send(to, Lane::Frame, &Message::Group(self.id, message));
                }
            }
        }
    }

    /// Notes and tells who leads, wherever that has changed.
    fn note_role(&mut self, io: &mut Io<'_>) {
        let (term, leads) = (self.term(), self.leads());
        let led = self.leading.map(|leading| leading.term);
        if led.is_some() && (!leads || led != Some(term)) {
            self.cease_leading();
        }
        if leads && led != Some(term) {
            self.leading = Some(Leading {
                term,
                serving: false,
            });
            self.counters.elections_won += 1;
            self.begin_leading();
        }
        if !self.serves() && self.failure.is_none() {
            let leader = if leads { None } else { self.other_leader() };
            self.tell_following(io, term, leader);
        }
    }

    fn cease_leading(&mut self) {
        self.leading = None;
        if self.handover.take().is_none() {
            self.counters.leaderships_lost += 1;
        }
        self.lease = super::Lease::default();
        self.flow = super::Flow::default();
        self.proposals.clear();
        self.sending.clear();
        self.moved |= self.wanted.take().is_some();
    }

    pub(super) fn tell_following(
        &mut self,
        io: &mut Io<'_>,
        term: u64,
        leader: Option<synced_protocol::id::ServerId>,
    ) {
        if self.told != Some((term, leader)) {
            self.told = Some((term, leader));
            self.tell(
                io,
                News::Following {
                    term: Term(term),
                    leader,
                },
            );
        }
    }
}
