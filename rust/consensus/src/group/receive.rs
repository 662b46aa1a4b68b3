//! What other replicas say.

use raft::{
    StateRole,
    eraftpb::{Message as EngineMessage, MessageType},
};
use synced_protocol::{
    id::{LogIndex, ReplicaId},
    time::Micros,
};

use super::{Group, Io, election::loyalty};
use crate::{
    codec::{Beat, GroupMessage, NUMBER_MAX},
    engine::message_into,
};

impl Group {
    pub(crate) fn receive(&mut self, io: &mut Io<'_>, from: ReplicaId, message: GroupMessage) {
        if self.failure.is_some() {
            return;
        }
        self.lease.hear(from);
        match message {
            GroupMessage::SnapshotOffer(offer) => self.receive_offer(io, from, offer),
            GroupMessage::SnapshotPart(part) => self.receive_part(io, from, part),
            GroupMessage::SnapshotAnswer(answer) => self.receive_answer(io, from, answer),
            message => self.receive_engine(io, from, message),
        }
        self.pump(io);
    }

    fn receive_engine(&mut self, io: &Io<'_>, from: ReplicaId, message: GroupMessage) {
        if !self.is_sane(&message) {
            self.counters.messages_refused += 1;
            return;
        }
        match &message {
            GroupMessage::Append(append) if append.term >= self.term() => {
                self.hear_leader(io, from)
            }
            GroupMessage::VoteRequest(request)
                if !request.forced && self.withholds_vote(io, request.pre) =>
            {
                self.counters.votes_withheld += 1;
                return;
            }
            GroupMessage::TakeOver { term } if !self.may_take_over(from, *term) => return,
            _ => {}
        }
        if let Some(message) = message_into(from, message) {
            self.step(message);
        }
    }

    /// Whether the engine can take it: what no replica in its right mind says, the engine would not outlive.
    fn is_sane(&self, message: &GroupMessage) -> bool {
        match message {
            GroupMessage::Append(append) => {
                append.previous.0 + (append.entries.len() as u64) < NUMBER_MAX
            }
            GroupMessage::AppendAnswer(answer) => {
                !self.leads()
                    || answer.term != self.term()
                    || answer.refused.is_some()
                    || answer.index <= self.engine.raft.raft_log.last_index()
            }
            _ => true,
        }
    }

    /// A request to take over counts only from whoever leads in this term, and for one of several voters: it would be elected at once.
    fn may_take_over(&self, from: ReplicaId, term: u64) -> bool {
        let raft = &self.engine.raft;
        term == raft.term && raft.leader_id == from.0 && self.members.voters.len() > 1
    }

    pub(super) fn step(&mut self, message: EngineMessage) {
        // What the engine refuses comes from a replica that takes no part any more.
        if self.engine.step(message).is_err() {
            self.counters.messages_astray += 1;
        }
    }

    /// A leader's heartbeat, sent at that time by its clock.
    pub(crate) fn receive_beat(
        &mut self,
        io: &mut Io<'_>,
        from: ReplicaId,
        sent_at: Micros,
        beat: Beat,
    ) {
        if self.failure.is_some() {
            return self.receive_beat_failed(io, from, beat);
        }
        let last = self.engine.raft.raft_log.last_index();
        if beat.committed > last && beat.term >= self.term() {
            let has = LogIndex(beat.committed);
            self.fail(io, format!(
                "this replica's memory ends at {}, though it has acknowledged {has}: found its folder anew, so that it comes back as another",
                LogIndex(last)
            ));
            return;
        }
        if beat.term >= self.term() {
            self.hear_leader(io, from);
        }
        if self.knows_all_of(from, beat) {
            return self.answer_at_once(io, from, sent_at);
        }
        self.election.answer(sent_at);
        self.step(beat_into(MessageType::MsgHeartbeat, from, beat));
        self.pump(io);
    }

    /// Whether a heartbeat says nothing but that the leader is there.
    fn knows_all_of(&self, from: ReplicaId, beat: Beat) -> bool {
        let raft = &self.engine.raft;
        raft.state == StateRole::Follower
            && (raft.term, raft.leader_id) == (beat.term, from.0)
            && beat.committed <= raft.raft_log.committed
            && raft.pending_request_snapshot == raft::INVALID_INDEX
    }

    /// What the engine would do, without a round through it: almost every heartbeat is such a one.
    fn answer_at_once(&mut self, io: &mut Io<'_>, from: ReplicaId, sent_at: Micros) {
        let raft = &mut self.engine.raft;
        raft.election_elapsed = 0;
        let answer = Beat {
            group: self.id,
            term: raft.term,
            committed: raft.raft_log.committed,
        };
        io.peers.answer_beat(from, sent_at, answer);
    }

    /// Whoever takes no part can still tell who leads.
    fn receive_beat_failed(&mut self, io: &mut Io<'_>, from: ReplicaId, beat: Beat) {
        if self.told.is_none_or(|(term, _)| beat.term >= term) {
            self.tell_following(io, beat.term, Some(from.server()));
        }
    }

    /// A follower's answer to the heartbeat that was sent at that time by this server's clock, and for how long it elects nobody else.
    pub(crate) fn receive_beat_answer(
        &mut self,
        io: &mut Io<'_>,
        from: ReplicaId,
        (sent_at, promise): (Micros, Micros),
        beat: Beat,
    ) {
        if self.failure.is_some() {
            return;
        }
        if self.leads() && beat.term == self.term() {
            let promise = promise.min(loyalty(io.config));
            self.lease.acknowledge(from, sent_at, promise);
            if !self.needs_answer(from, io.now) {
                return;
            }
        }
        self.step(beat_into(MessageType::MsgHeartbeatResponse, from, beat));
        self.pump(io);
    }

    /// The connection with a server is gone: what was on its way is lost.
    pub(crate) fn peer_down(&mut self, io: &mut Io<'_>, server: synced_protocol::id::ServerId) {
        let replicas: Vec<ReplicaId> = crate::members::all(&self.members)
            .filter(|replica| replica.server() == server)
            .collect();
        for replica in replicas {
            self.stop_sending(replica);
            self.engine.report_unreachable(replica.0);
        }
        self.pump(io);
    }

    /// Takes no part any more, and has another lead if it led.
    pub(crate) fn fail(&mut self, io: &mut Io<'_>, reason: String) {
        if self.failure.is_some() {
            return;
        }
        if self.leads() {
            self.abdicate(io);
        }
        self.pump(io);
        self.failure = Some(reason);
        self.unstored.clear();
        self.receiving = None;
    }
}

fn beat_into(kind: MessageType, from: ReplicaId, beat: Beat) -> EngineMessage {
    let mut out = EngineMessage {
        from: from.0,
        term: beat.term,
        commit: beat.committed,
        ..EngineMessage::default()
    };
    out.set_msg_type(kind);
    out
}
