//! Who plays, by which connection, and who may come back.

use std::collections::BTreeMap;

use synced_protocol::{
    id::{ClientSeq, PlayerId},
    link::ConnectionId,
    message::{JoinMark, ResumeToken},
    time::Micros,
};
use synced_world::World;

use crate::{config::COMPLAINT_INTERVAL, secret::Mint};

/// One player's stay, over all of its connections.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) token: ResumeToken,
    mark: JoinMark,
    pub(crate) connection: Option<ConnectionId>,
    /// When the player leaves for good, if no connection comes until then.
    leaves_at: Option<Micros>,
    /// When it was last complained of in the log.
    complained_at: Option<Micros>,
    /// The last proposal that arrived. Every one up to it is decided or will be, by whatever connection it came.
    received: ClientSeq,
    /// The last proposal that was decided without getting into the log.
    rejected_early: ClientSeq,
}

impl Session {
    /// The last proposal that was decided, if `in_log` is the last that was decided in the log.
    pub(crate) fn last_decided(&self, in_log: ClientSeq) -> ClientSeq {
        self.rejected_early.max(in_log)
    }
}

/// All players who are present, or about to be.
#[derive(Debug)]
pub(crate) struct Sessions {
    mint: Mint,
    /// The last id that was given to anybody, in the log or not yet.
    last: PlayerId,
    by_player: BTreeMap<PlayerId, Session>,
    by_token: BTreeMap<ResumeToken, PlayerId>,
    by_mark: BTreeMap<JoinMark, PlayerId>,
}

impl Sessions {
    pub(crate) fn new(secret: [u8; 32]) -> Self {
        Self {
            mint: Mint::new(secret),
            last: PlayerId::SERVER,
            by_player: BTreeMap::new(),
            by_token: BTreeMap::new(),
            by_mark: BTreeMap::new(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.by_player.len()
    }

    /// Begins a new player's session, or `None` when every player id was used.
    pub(crate) fn open(&mut self, connection: ConnectionId, mark: JoinMark) -> Option<PlayerId> {
        if self.last >= PlayerId::MAX {
            return None;
        }
        self.last.0 += 1;
        let player = self.last;
        self.add(player, mark).connection = Some(connection);
        Some(player)
    }

    /// The log has taken a player in, whom perhaps another server told it of.
    pub(crate) fn joined(&mut self, player: PlayerId, mark: JoinMark) {
        self.last = self.last.max(player);
        if !self.by_player.contains_key(&player) {
            self.add(player, mark);
        }
    }

    /// Those who are in the world have a session and nobody else does, nobody has a connection, and what was received and not
    /// decided in the log is to come again.
    pub(crate) fn begin_anew(&mut self, world: &World) {
        self.by_player.clear();
        self.by_token.clear();
        self.by_mark.clear();
        self.last = world.last_player();
        for (player, known) in world.players() {
            self.add(player, known.mark()).received = known.last_seq();
        }
    }

    /// Everybody has until `leaves_at` to come.
    pub(crate) fn await_all(&mut self, leaves_at: Micros) -> impl Iterator<Item = PlayerId> {
        self.by_player.iter_mut().map(move |(player, session)| {
            session.leaves_at = Some(leaves_at);
            *player
        })
    }

    pub(crate) fn get(&self, player: PlayerId) -> Option<&Session> {
        self.by_player.get(&player)
    }

    /// Whether a player is to be complained of in the log now, and not too soon after the last time.
    pub(crate) fn complain(&mut self, player: PlayerId, now: Micros) -> bool {
        let Some(session) = self.by_player.get_mut(&player) else {
            return false;
        };
        let last = session.complained_at;
        let due = last.is_none_or(|last| now.since(last) >= COMPLAINT_INTERVAL);
        if due {
            session.complained_at = Some(now);
        }
        due
    }

    /// Takes notice of a proposal; returns whether it is new, and not one that was sent twice.
    pub(crate) fn receive(&mut self, player: PlayerId, seq: ClientSeq) -> bool {
        let Some(session) = self.by_player.get_mut(&player) else {
            return false;
        };
        let is_new = seq > session.received;
        session.received = session.received.max(seq);
        is_new
    }

    /// A proposal was decided without getting into the log.
    pub(crate) fn rejected_early(&mut self, player: PlayerId, seq: ClientSeq) {
        if let Some(session) = self.by_player.get_mut(&player) {
            session.rejected_early = session.rejected_early.max(seq);
        }
    }

    pub(crate) fn with_token(&self, token: ResumeToken) -> Option<PlayerId> {
        self.by_token.get(&token).copied()
    }

    pub(crate) fn with_mark(&self, mark: JoinMark) -> Option<PlayerId> {
        self.by_mark.get(&mark).copied()
    }

    /// Goes on by another connection; returns the one before.
    pub(crate) fn attach(
        &mut self,
        player: PlayerId,
        connection: ConnectionId,
    ) -> Option<ConnectionId> {
        let session = self.by_player.get_mut(&player)?;
        session.leaves_at = None;
        session.connection.replace(connection)
    }

    /// The connection is gone; returns whether the player went by it and now has until `leaves_at` to come back.
    pub(crate) fn detach(
        &mut self,
        player: PlayerId,
        connection: ConnectionId,
        leaves_at: Micros,
    ) -> bool {
        let Some(session) = self.by_player.get_mut(&player) else {
            return false;
        };
        if session.connection != Some(connection) {
            return false;
        }
        session.connection = None;
        session.leaves_at = Some(leaves_at);
        true
    }

    pub(crate) fn is_overdue(&self, player: PlayerId, now: Micros) -> bool {
        let leaves_at = self.get(player).and_then(|session| session.leaves_at);
        leaves_at.is_some_and(|leaves_at| leaves_at <= now)
    }

    fn add(&mut self, player: PlayerId, mark: JoinMark) -> &mut Session {
        let token = self.mint.token(player);
        self.by_token.insert(token, player);
        self.by_mark.insert(mark, player);
        let session = Session {
            token,
            mark,
            connection: None,
            leaves_at: None,
            complained_at: None,
            received: ClientSeq::default(),
            rejected_early: ClientSeq::default(),
        };
        self.by_player
            .entry(player)
            .insert_entry(session)
            .into_mut()
    }

    /// Ends a session; returns whether there was one.
    pub(crate) fn close(&mut self, player: PlayerId) -> bool {
        let Some(session) = self.by_player.remove(&player) else {
            return false;
        };
        self.by_token.remove(&session.token);
        if self.by_mark.get(&session.mark) == Some(&player) {
            self.by_mark.remove(&session.mark);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_player_is_complained_of_once_in_the_interval_whoever_else_is() {
        let mut sessions = Sessions::new([1; 32]);
        let players = [1, 2].map(|id| {
            let mark = JoinMark([id as u8; 16]);
            sessions.open(ConnectionId(id), mark).unwrap_or_default()
        });
        let at = Micros::from_secs(5);
        let complained =
            |sessions: &mut Sessions, at| players.map(|player| sessions.complain(player, at));
        assert!(sessions.complain(players[0], at));
        assert_eq!(complained(&mut sessions, at), [false, true]);
        let next = at + COMPLAINT_INTERVAL;
        assert_eq!(complained(&mut sessions, next - Micros(1)), [false, false]);
        assert_eq!(complained(&mut sessions, next), [true, true]);
        assert!(
            !sessions.complain(PlayerId(9), next),
            "nobody of that name is here"
        );
    }
}
