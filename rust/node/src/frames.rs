//! What comes by the confirmed lane.
//!
//! The number of frames needs no limit of its own: all but proposals and interests either end the handshake or the
//! connection.

use bytes::Bytes;
use synced_protocol::{
    control,
    id::{ClientSeq, PlayerId},
    limits::MAX_MUTATION_BYTES,
    link::{CloseCode, ConnectionId},
    message::{Change, ClientMessage},
    mutation::{Limit, Rejection, Transaction},
    time::Micros,
};

use crate::{
    config::PROPOSAL_OVERHEAD_BYTES, connection::Stage, log::Log, node::Node, rate::Verdict,
};

impl<L: Log> Node<L> {
    pub(crate) fn on_frame(
        &mut self,
        now: Micros,
        id: ConnectionId,
        frame: &Bytes,
    ) -> Result<(), CloseCode> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Ok(());
        };
        self.meter.counters.frames_received += 1;
        self.meter.counters.frame_bytes_received += frame.len() as u64;
        if !connection.allowances.bytes.take(now, frame.len()) {
            return Err(CloseCode::Flooding);
        }
        match connection.stage {
            Stage::Unknown => self.greet(now, id, frame),
            Stage::Watching => self.on_watcher(now, id, frame),
            Stage::Joining(player) => self.on_joining(now, id, player, frame),
            Stage::Joined(player) => self.on_message(now, id, player, frame),
        }
    }

    /// The player leaves for good, and nodes that were in motion rest where they were seen last.
    pub(crate) fn leave(&mut self, now: Micros, player: PlayerId) {
        if self.sessions.close(player) {
            tracing::info!(player = player.0, "leaves");
            self.rest(now, player);
            self.append(now, Change::PlayerLeft { player });
        }
    }

    /// A frame of a peer that waits for its welcome.
    fn on_joining(
        &mut self,
        now: Micros,
        id: ConnectionId,
        player: PlayerId,
        frame: &[u8],
    ) -> Result<(), CloseCode> {
        match control::decode(frame).map_err(|_| CloseCode::Malformed)? {
            ClientMessage::Hello(_) if self.has_watched(id) => self.charge_question(now, id),
            ClientMessage::Leave => {
                self.leave(now, player);
                Err(CloseCode::Done)
            }
            _ => Err(CloseCode::Malformed),
        }
    }

    fn on_message(
        &mut self,
        now: Micros,
        id: ConnectionId,
        player: PlayerId,
        frame: &[u8],
    ) -> Result<(), CloseCode> {
        match control::decode(frame).map_err(|_| CloseCode::Malformed)? {
            ClientMessage::Propose { seq, transaction } => {
                let bytes = frame.len();
                self.propose(now, id, (player, seq), transaction, bytes)
            }
            ClientMessage::Interest { node, wanted } => self.be_interested(now, id, node, wanted),
            ClientMessage::Leave => {
                self.leave(now, player);
                Err(CloseCode::Done)
            }
            ClientMessage::Hello(hello) if self.has_watched(id) => {
                self.charge_question(now, id)?;
                self.take_hello_again(now, id, player, hello)
            }
            ClientMessage::Hello(_) | ClientMessage::Watch => Err(CloseCode::Malformed),
        }
    }

    fn has_watched(&self, id: ConnectionId) -> bool {
        let connection = self.connections.get(&id);
        connection.is_some_and(|connection| connection.has_watched)
    }

    /// Everything else about a proposal is decided where it stands in the log.
    fn propose(
        &mut self,
        now: Micros,
        id: ConnectionId,
        (player, seq): (PlayerId, ClientSeq),
        transaction: Transaction,
        frame_bytes: usize,
    ) -> Result<(), CloseCode> {
        let verdict = self.judge_proposal(now, id);
        if verdict == Verdict::Flood {
            return Err(CloseCode::Flooding);
        }
        if !self.sessions.receive(player, seq) {
            self.meter.counters.duplicates += 1;
        } else if verdict == Verdict::Over {
            self.meter.counters.proposals_throttled += 1;
            self.reject_early(player, seq, Rejection::TooMany);
        } else if frame_bytes > MAX_MUTATION_BYTES + PROPOSAL_OVERHEAD_BYTES {
            self.reject_early(player, seq, Rejection::TooLarge(Limit::MutationBytes));
        } else {
            let change = Change::Transaction {
                player,
                seq,
                transaction,
            };
            self.append(now, change);
        }
        Ok(())
    }

    fn judge_proposal(&mut self, now: Micros, id: ConnectionId) -> Verdict {
        let connection = self.connections.get_mut(&id);
        connection.map_or(Verdict::Over, |connection| {
            connection.allowances.proposals.judge(now)
        })
    }
}
