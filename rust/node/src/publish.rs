//! From the log to the players.

use bytes::Bytes;
use synced_protocol::{
    control,
    id::{ClientSeq, PlayerId},
    link::{CloseCode, ConnectionId},
    message::{Change, Commit, LogEntry, ServerMessage},
    mutation::{Lane, Rejection},
    time::Micros,
};
use synced_world::{Effect, Outcome, Player};

use crate::{
    config::NODES_PER_PROPOSAL,
    kept::{Said, To},
    log::Log,
    node::Node,
};

impl<L: Log> Node<L> {
    /// Decides what the log has committed, and what was rejected without it before.
    pub(crate) fn on_committed(&mut self, now: Micros, commit: Commit) {
        self.publish_early_rejections(now);
        let log_index = commit.log_index;
        self.decide(now, commit);
        let (session_time, replication) = (self.session_time(now), &mut self.meter.replication);
        self.in_flight.committed(log_index, |ordered_at| {
            replication.record(session_time.since(ordered_at));
        });
    }

    pub(crate) fn publish_early_rejections(&mut self, now: Micros) {
        while !self.finished
            && let Some(early) = self.early_rejections.pop_due(self.world.log_index())
        {
            self.sessions.rejected_early(early.player, early.seq);
            let proposal = (early.player, early.seq);
            self.reject(now, proposal, early.reason, To::Early(early.player));
        }
    }

    /// Tells a player, and nobody else, that a proposal changed nothing.
    fn reject(
        &mut self,
        now: Micros,
        (player, seq): (PlayerId, ClientSeq),
        reason: Rejection,
        to: To,
    ) {
        self.meter.counters.rejections += 1;
        let log_index = self.world.log_index();
        let message = ServerMessage::Rejected {
            seq,
            log_index,
            reason,
        };
        let Some(frame) = self.encode(&message) else {
            return;
        };
        self.kept.push(log_index, to, Said::Frame(frame.clone()));
        if let Some(id) = self.connection_of(player) {
            self.send(now, id, frame);
        }
    }

    fn decide(&mut self, now: Micros, commit: Commit) {
        self.effects.clear();
        if !self.leads {
            self.clock.adopt(commit.entry.hlc);
        }
        self.keep_skipped(&commit.entry.change);
        let result = self
            .world
            .apply(commit.log_index, &commit.entry, &mut self.effects);
        let proposal = match &commit.entry.change {
            Change::Transaction { player, seq, .. } => Some((*player, *seq)),
            Change::PlayerJoined { .. } | Change::PlayerLeft { .. } | Change::Rested { .. } => None,
        };
        match (result, proposal) {
            (Ok(Outcome::Applied), _) => self.publish(now, commit),
            (Ok(Outcome::Duplicate), _) => self.meter.counters.duplicates += 1,
            (Err(reason), Some(proposal)) => {
                self.reject(now, proposal, reason, To::Player(proposal.0));
            }
            (Err(reason), None) => tracing::error!("the log holds an impossible entry: {reason}"),
        }
        if let Some((player, _)) = proposal {
            self.charge(player);
        }
    }

    fn publish(&mut self, now: Micros, commit: Commit) {
        self.meter.counters.commits += 1;
        let log_index = commit.log_index;
        let joined = match commit.entry.change {
            Change::PlayerJoined { ref player, .. } => Some(player.player),
            _ => None,
        };
        self.follow_effects(&commit.entry);
        let Some(frame) = self.encode(&ServerMessage::Commit(commit)) else {
            return;
        };
        self.kept
            .push(log_index, To::All, Said::Frame(frame.clone()));
        self.broadcast(now, &frame);
        if let Some(player) = joined {
            self.welcome_joined(now, player);
        }
    }

    fn broadcast(&mut self, now: Micros, frame: &Bytes) {
        let mut overflowed = Vec::new();
        for (&id, connection) in &mut self.connections {
            if !connection.is_joined() {
                continue;
            }
            if connection.outlet.is_free() {
                self.outbox.frame(id, frame.clone());
            } else if connection.outlet.hold(frame.clone()).is_err() {
                overflowed.push(id);
            }
        }
        for id in overflowed {
            self.cut(now, id, CloseCode::TooSlow);
        }
    }

    fn follow_effects(&mut self, entry: &LogEntry) {
        let stamp = entry.hlc.physical();
        let rests = matches!(entry.change, Change::Rested { .. });
        for effect in &self.effects {
            match *effect {
                Effect::PlayerJoined { player } => {
                    self.meter.counters.players_joined += 1;
                    let known = self.world.player(player).map(Player::mark);
                    self.sessions.joined(player, known.unwrap_or_default());
                }
                Effect::PlayerLeft { player } => {
                    self.meter.counters.players_left += 1;
                    self.sessions.close(player);
                }
                Effect::Despawned { node } => {
                    self.live_values.forget(node);
                    self.trackers.forget(node);
                    let connections = self.connections.values_mut();
                    connections.for_each(|connection| connection.unwanted.forget(node));
                }
                Effect::OwnerChanged { node, .. } => self.trackers.forget(node),
                Effect::PropertySet { node, property } if rests => {
                    self.live_values.rest(node, property, stamp);
                }
                Effect::PropertySet { node, property } => {
                    let set = self
                        .world
                        .node(node)
                        .and_then(|node| node.property(property));
                    if set.is_some_and(|property| property.lane() == Lane::Live) {
                        self.live_values.confirm(node, property, stamp);
                    }
                }
                Effect::Spawned { .. } | Effect::Reparented { .. } | Effect::Called { .. } => {}
            }
        }
    }

    /// Counts a transaction that made the tree look at many nodes as many.
    fn charge(&mut self, player: PlayerId) {
        let proposals = self.world.touched() / NODES_PER_PROPOSAL;
        if proposals == 0 {
            return;
        }
        let id = self.connection_of(player);
        if let Some(connection) = id.and_then(|id| self.connections.get_mut(&id)) {
            connection.allowances.proposals.charge(proposals);
        }
    }

    fn connection_of(&self, player: PlayerId) -> Option<ConnectionId> {
        self.sessions.get(player)?.connection
    }

    /// A frame for whatever the limits of the protocol let into the world always fits. Should that ever fail, the node
    /// stops: to go on would make the players' worlds differ.
    fn encode(&mut self, message: &ServerMessage) -> Option<Bytes> {
        let frame = control::encode(message);
        if let Err(error) = &frame {
            tracing::error!("a message cannot be sent: {error}");
            self.stop();
        }
        frame.ok()
    }
}
