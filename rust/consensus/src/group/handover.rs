//! Leadership that is given to another, so that nobody has to wait for an election.

use synced_protocol::id::{ReplicaId, ServerId};

use super::{Group, Io};
use crate::{
    codec::{GroupMessage, Message},
    error::ChangeError,
    output::Lane,
};

/// A successor, until it leads.
#[derive(Debug)]
pub(super) struct Handover {
    /// Whether the successor was asked to take over. From then on it may be elected at any time, even if it hears the request late:
    /// this leader has no lease any more in this term.
    asked: bool,
}

impl Group {
    pub(crate) fn transfer(
        &mut self,
        io: &mut Io<'_>,
        to: Option<ServerId>,
    ) -> Result<ServerId, ChangeError> {
        if !self.serves() {
            return Err(ChangeError::NotLeading {
                leader: self.other_leader(),
            });
        }
        let successor = match to {
            None => self.best_successor(io).ok_or(ChangeError::NobodyToLead)?,
            Some(server) => self
                .successor(io, server)
                .ok_or(ChangeError::NoSuccessor(server))?,
        };
        self.propose_queued(io);
        self.lease.revoke();
        // Who was asked before may still come, even if another is to lead now.
        self.handover.get_or_insert(Handover { asked: false });
        self.engine.transfer_leader(successor.0);
        self.pump(io);
        Ok(successor.server())
    }

    /// Who leads, if it is another.
    pub(super) fn other_leader(&self) -> Option<ServerId> {
        self.leader().filter(|leader| *leader != self.own.server())
    }

    fn successors(&self, io: &Io<'_>) -> impl Iterator<Item = ReplicaId> {
        let voters = self.members.voters.iter().copied();
        let others = voters.filter(|voter| *voter != self.own);
        others.filter(|voter| self.is_within_reach(io, *voter))
    }

    /// Whether this leader has a connection with a replica and has heard it lately.
    pub(super) fn is_within_reach(&self, io: &Io<'_>, replica: ReplicaId) -> bool {
        let silence = self.lease.silence(replica);
        io.peers.is_up(replica.server())
            && silence.is_some_and(|ticks| ticks < io.config.election_ticks)
    }

    fn successor(&self, io: &Io<'_>, server: ServerId) -> Option<ReplicaId> {
        self.successors(io).find(|voter| voter.server() == server)
    }

    /// The voter that has most of the log.
    pub(super) fn best_successor(&self, io: &Io<'_>) -> Option<ReplicaId> {
        let matched =
            |voter: &ReplicaId| self.engine.raft.prs().get(voter.0).map_or(0, |p| p.matched);
        self.successors(io)
            .max_by_key(|voter| (matched(voter), std::cmp::Reverse(*voter)))
    }

    /// Notes that the successor is asked to take over.
    pub(super) fn note_asked(&mut self) {
        self.lease.revoke();
        self.handover = Some(Handover { asked: true });
    }

    /// Ends a handover that the engine has given up. Once asked, the successor may still come: then only a new term can give this
    /// replica a lease again.
    pub(super) fn end_handover(&mut self, _io: &Io<'_>) {
        if !self.leads() || self.engine.raft.lead_transferee.is_some() {
            return;
        }
        match self.handover.take() {
            Some(Handover { asked: true }) => {
                self.handover = Some(Handover { asked: true });
                self.step_down();
            }
            Some(Handover { asked: false }) => self.lease.restore(),
            None => {}
        }
    }

    /// Asks the best successor to take over, without waiting for what it lacks, and ceases to lead.
    pub(super) fn abdicate(&mut self, io: &mut Io<'_>) {
        self.note_asked();
        if let Some(successor) = self.best_successor(io) {
            let take_over = GroupMessage::TakeOver { term: self.term() };
            io.peers
                .send(successor, Lane::Frame, &Message::Group(self.id, take_over));
        }
        self.step_down();
    }
}
