//! The confirmed lane while the session is up.

use synced_protocol::{
    hlc::HlcTimestamp,
    id::{ClientSeq, NodeId, PlayerId},
    link::ConnectionId,
    message::{Change, Commit},
    mutation::Rejection,
};
use synced_world::Effect;

use super::Session;
use crate::{
    proposals::NeverSent,
    replica,
    update::{CommitEnd, Update},
};

impl Session {
    pub(super) fn send_proposals(&mut self, connection: ConnectionId) {
        while let Some(frame) = self.proposals.poll_frame(self.now) {
            self.send_frame(connection, frame);
        }
    }

    pub(super) fn send_interests(&mut self, connection: ConnectionId) {
        while let Some(frame) = self.interests.poll_frame(self.now) {
            self.send_frame(connection, frame);
        }
    }

    pub(super) fn tell_rejected(&mut self, seq: ClientSeq, reason: Rejection) {
        self.meter.counters.rejected += 1;
        self.tell(Update::Rejected { seq, reason });
    }

    /// After a lost connection a leader tells rejections again that may have been heard before.
    pub(super) fn handle_rejected(&mut self, wire_seq: ClientSeq, reason: Rejection) {
        match self.proposals.decided(wire_seq) {
            Ok(Some(pending)) => self.tell_rejected(pending.seq, reason),
            Ok(None) => {}
            Err(NeverSent) => self.protocol_error(),
        }
    }

    pub(super) fn handle_commit(&mut self, commit: Commit) {
        if commit.log_index <= self.repeated_to {
            return;
        }
        let wire_seq = self.own_seq(&commit.entry.change);
        let own = wire_seq.map_or(Ok(None), |wire_seq| self.proposals.find(wire_seq));
        let (Ok(own), true) = (own, commit.log_index > self.log_index()) else {
            self.protocol_error();
            return;
        };
        if !self.apply(commit, own) {
            self.meter.counters.divergences += 1;
            self.protocol_error();
        } else if let Some(wire_seq) = wire_seq {
            self.confirmed(wire_seq);
        }
    }

    fn confirmed(&mut self, wire_seq: ClientSeq) {
        if let Ok(Some(pending)) = self.proposals.decided(wire_seq) {
            self.meter.counters.confirmed += 1;
            let span = self.now.since(pending.proposed_at);
            self.meter.confirm.record(span);
        }
    }

    /// Applies a commit to the replica and tells the game of it; `false` when the replica cannot take it.
    fn apply(&mut self, commit: Commit, own: Option<ClientSeq>) -> bool {
        let end = CommitEnd {
            log_index: commit.log_index,
            hlc: commit.entry.hlc,
            own,
            received_at: self.now,
        };
        let Some(world) = &mut self.replica else {
            return false;
        };
        let updates = &mut self.updates;
        let tell = |update| updates.push_back(update);
        if replica::apply(world, commit, &mut self.effects, tell).is_err() {
            return false;
        }
        self.after_commit(&end);
        self.tell(Update::CommitEnd(end));
        true
    }

    fn after_commit(&mut self, end: &CommitEnd) {
        self.meter.counters.commits += 1;
        // What was missed while away was on its way for as long as that.
        let ordered_at = end.hlc.physical();
        if let Some(clock) = self.clock.as_ref().filter(|_| ordered_at >= self.up_since) {
            let received_at = clock.session_time(end.received_at);
            self.meter.publish.record(received_at.since(ordered_at));
        }
        if let Some(world) = &self.replica {
            self.downstream.committed(end.hlc, &self.effects, world);
        }
        for place in 0..self.effects.len() {
            self.tell_upstream(self.effects[place], end.hlc);
        }
    }

    /// What a commit means for the live values of this player.
    fn tell_upstream(&mut self, effect: Effect, hlc: HlcTimestamp) {
        match effect {
            Effect::PropertySet { node, property } => {
                self.upstream.superseded((node, property), hlc.physical());
            }
            Effect::Despawned { node } => {
                self.upstream.remove(node);
                self.interests.forget(node);
            }
            Effect::Spawned { node } | Effect::OwnerChanged { node, .. } => {
                if self.may_stream(node) {
                    self.upstream.renew(self.now, node);
                } else {
                    self.upstream.forget(node);
                }
            }
            _ => {}
        }
    }

    pub(super) fn may_stream(&self, node: NodeId) -> bool {
        let (Some(world), Some(player)) = (&self.replica, self.player()) else {
            return false;
        };
        world
            .node(node)
            .is_some_and(|node| world.may_stream(player, node))
    }

    /// The outcome of proposals that were decided while nobody listened, and of which the leader does not speak any more.
    pub(super) fn settle(&mut self, last_wire_seq: ClientSeq) {
        while let Some(pending) = self.proposals.settle(last_wire_seq) {
            self.tell(Update::Settled { seq: pending.seq });
        }
    }

    /// The wire's number of an own proposal.
    fn own_seq(&self, change: &Change) -> Option<ClientSeq> {
        match change {
            Change::Transaction { player, seq, .. } if Some(*player) == self.player() => Some(*seq),
            _ => None,
        }
    }

    pub(super) fn player(&self) -> Option<PlayerId> {
        self.identity.map(|identity| identity.player)
    }
}
