//! The connection's life.

use bytes::Bytes;
use synced_protocol::{
    control::encode,
    id::LogIndex,
    link::{CloseCode, CloseReason, ConnectionId, Output},
    message::{ClientMessage, Hello, Refusal, Resume},
};
use synced_world::World;

use super::{Phase, Session};
use crate::{
    retry::Try,
    update::{EndReason, Update},
};

/// Further than any log has come, so that no leader can go on from there: it sends the whole world.
const NO_CURSOR: LogIndex = LogIndex(u64::MAX);

impl Session {
    pub(super) fn connected(&mut self, connection: ConnectionId) {
        let Some(link) = self.links.get_mut(connection) else {
            self.close(connection, CloseCode::Done);
            return;
        };
        link.is_up = true;
        if self.is_current(connection) {
            self.greet(connection);
        } else {
            self.watch(connection);
        }
    }

    /// Says the first words by a connection that is up.
    pub(super) fn greet(&mut self, connection: ConnectionId) {
        let hello = ClientMessage::Hello(self.hello());
        let Ok(frame) = self.links.encode(connection, &hello) else {
            self.close(connection, CloseCode::Done);
            self.refused(Refusal::NameTooLong);
            return;
        };
        if let Some(link) = self.links.get_mut(connection) {
            link.hellos = link.hellos.saturating_add(1);
            link.deadline = None;
        }
        self.repeated_to = LogIndex::ZERO;
        self.phase = Phase::Greeting {
            connection,
            deadline: self.now + self.config.handshake_timeout,
        };
        self.send_frame(connection, frame);
    }

    /// The driver says that a connection is gone or did not come up.
    pub(super) fn closed(&mut self, connection: ConnectionId, reason: CloseReason) {
        self.link_failed(connection);
        self.links.gone(connection);
        if self.is_current(connection) {
            self.lost(reason);
        }
    }

    pub(super) fn is_current(&self, connection: ConnectionId) -> bool {
        self.connection() == Some(connection)
    }

    pub(super) fn handshake_timed_out(&mut self) {
        self.drop_connection(CloseCode::HandshakeTimeout);
    }

    /// The server's frames make no sense. What they did to the replica is not to be relied on.
    pub(super) fn protocol_error(&mut self) {
        self.distrusted = true;
        self.drop_connection(CloseCode::Malformed);
    }

    /// Ends the session so that the server need not wait for the player to come back. An attempt that is not up yet carries no
    /// word.
    pub(super) fn give_up(&mut self, code: CloseCode, reason: EndReason) {
        if let Some(connection) = self.connection()
            && !matches!(self.phase, Phase::Connecting { .. })
        {
            self.send_leave(connection);
        }
        self.close_and_end(code, reason);
    }

    pub(super) fn refused(&mut self, refusal: Refusal) {
        self.close_and_end(CloseCode::Done, EndReason::Refused(refusal));
    }

    /// What was proposed before is sent before.
    pub(super) fn leave(&mut self) {
        if let Phase::Up { connection } = self.phase {
            self.send_proposals(connection);
        }
        self.give_up(CloseCode::Done, EndReason::Left);
    }

    fn close_and_end(&mut self, code: CloseCode, reason: EndReason) {
        if let Some(connection) = self.connection() {
            self.close(connection, code);
        }
        self.end(reason);
    }

    pub(super) fn end(&mut self, reason: EndReason) {
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        self.phase = Phase::Ended;
        self.close_all();
        self.tell_stats();
        self.tell(Update::Ended(reason));
    }

    pub(super) fn send_frame(&mut self, connection: ConnectionId, bytes: Bytes) {
        self.meter.counters.frames_sent += 1;
        self.meter.counters.frame_bytes_sent += bytes.len() as u64;
        self.outputs.push_back(Output::Frame { connection, bytes });
    }

    pub(super) fn close(&mut self, connection: ConnectionId, code: CloseCode) {
        if self.links.close(connection) {
            self.outputs.push_back(Output::Close { connection, code });
        }
    }

    fn close_all(&mut self) {
        let open: Vec<_> = self
            .links
            .iter()
            .map(|(connection, _)| connection)
            .collect();
        for connection in open {
            self.close(connection, CloseCode::Done);
        }
    }

    pub(super) fn connection(&self) -> Option<ConnectionId> {
        match &self.phase {
            Phase::Connecting { connection }
            | Phase::Greeting { connection, .. }
            | Phase::Up { connection } => Some(*connection),
            Phase::Joining(joining) => Some(joining.connection),
            Phase::Waiting { .. } | Phase::Ended => None,
        }
    }

    fn hello(&self) -> Hello {
        let trusted = self.replica.as_ref().filter(|_| !self.distrusted);
        let cursor = trusted.map_or(NO_CURSOR, World::log_index);
        Hello {
            game: self.config.game.clone(),
            player_name: self.config.player_name.clone(),
            key: self.key,
            resume: self
                .identity
                .map(|identity| identity.token)
                .or(self.config.host_token)
                .map(|token| Resume { token, cursor }),
        }
    }

    pub(super) fn drop_connection(&mut self, code: CloseCode) {
        if let Some(connection) = self.connection() {
            self.close(connection, code);
            self.lost(CloseReason::ByUs(code));
        }
    }

    /// The connection is gone, or the try has failed.
    pub(super) fn lost(&mut self, reason: CloseReason) {
        // Where there are other servers, what one says to whom it does not serve is no last word.
        let is_final = self.is_served() || !self.cluster.is_known();
        if is_final && !is_worth_a_try(&reason) {
            self.end(EndReason::Closed(reason));
        } else if self.cluster.is_known() {
            self.seek_on(reason);
        } else {
            self.try_again(reason);
        }
    }

    pub(super) fn try_again(&mut self, reason: CloseReason) {
        match self.next_try(&reason) {
            Some(next) => self.phase = Phase::Waiting { until: next.at },
            None => self.end(EndReason::Closed(reason)),
        }
    }

    /// The next try, of which the game is told; `None` when there is to be none.
    pub(super) fn next_try(&mut self, reason: &CloseReason) -> Option<Try> {
        let policy = self.config.retry;
        let wanted = if self.has_joined() {
            policy.reconnect
        } else {
            policy.first_connect
        };
        let next = wanted.then(|| self.backoff.lost(self.now)).flatten()?;
        self.tell(Update::Reconnecting {
            attempt: next.attempt,
            reason: reason.clone(),
        });
        Some(next)
    }

    pub(super) fn has_joined(&self) -> bool {
        self.identity.is_some_and(|identity| identity.joined)
    }

    /// Whether a server has welcomed this player by the connection that there is.
    pub(super) const fn is_served(&self) -> bool {
        matches!(self.phase, Phase::Joining(_) | Phase::Up { .. })
    }

    pub(super) const fn is_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    fn send_leave(&mut self, connection: ConnectionId) {
        if let Ok(frame) = encode(&ClientMessage::Leave) {
            self.send_frame(connection, frame);
        }
    }
}

/// Whether another try could end otherwise. A server that cannot be trusted stays so; one that refused, or that said
/// goodbye, meant it; and whoever came back in this player's place would be thrown out in turn.
fn is_worth_a_try(reason: &CloseReason) -> bool {
    !matches!(
        reason,
        CloseReason::Untrusted(_)
            | CloseReason::ByPeer(CloseCode::Refused | CloseCode::Done | CloseCode::Superseded)
    )
}
