//! From a peer's first frame to its place in the stream.

use bytes::Bytes;
use synced_protocol::{
    control::{self, First, PROTOCOL_VERSION},
    id::{ClientSeq, LogIndex, PlayerId, ServerId},
    limits::{MAX_GAME_BYTES, MAX_NAME_BYTES},
    link::{CloseCode, ConnectionId},
    message::{Change, ClientMessage, Hello, PlayerEntry, Refusal, ServerMessage, Welcome},
    mutation::Rejection,
    time::Micros,
};

use crate::{
    config::SKIPPED_TOLD_MAX, connection::Stage, kept::Said, log::Log, node::Node, secret,
};

/// The cursor of a client that holds no world.
const NO_WORLD: LogIndex = LogIndex(u64::MAX);

impl<L: Log> Node<L> {
    pub(crate) fn greet(
        &mut self,
        now: Micros,
        id: ConnectionId,
        frame: &[u8],
    ) -> Result<(), CloseCode> {
        let first = control::decode_first(frame).map_err(|_| CloseCode::Malformed)?;
        match first {
            First::SameVersion(ClientMessage::Hello(hello)) => self.take_hello(now, id, hello),
            First::SameVersion(ClientMessage::Watch) => {
                self.watch(now, id);
                Ok(())
            }
            First::SameVersion(_) => Err(CloseCode::Malformed),
            First::OtherVersion(client) => {
                let server = PROTOCOL_VERSION;
                self.refuse(now, id, Refusal::ProtocolVersion { server, client })
            }
        }
    }

    pub(crate) fn take_hello(
        &mut self,
        now: Micros,
        id: ConnectionId,
        hello: Hello,
    ) -> Result<(), CloseCode> {
        if let Some(refusal) = self.objection(&hello) {
            return self.refuse(now, id, refusal);
        }
        if !self.serves(now) {
            self.redirect(now, id);
            return Ok(());
        }
        match self.returning(&hello) {
            Some((player, cursor)) => self.resume(now, id, player, cursor),
            None => self.join(now, id, hello),
        }
    }

    /// Welcomes a player whom the log has taken in, if the player is still there.
    pub(crate) fn welcome_joined(&mut self, now: Micros, player: PlayerId) {
        let session = self.sessions.get(player);
        if let Some(id) = session.and_then(|session| session.connection) {
            self.welcome(now, id, player, NO_WORLD);
        }
    }

    /// The peer took another word for the answer to its hello, and has said hello once more.
    pub(crate) fn take_hello_again(
        &mut self,
        now: Micros,
        id: ConnectionId,
        player: PlayerId,
        hello: Hello,
    ) -> Result<(), CloseCode> {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.outlet.abandon_snapshot();
        }
        self.let_go(now, id, player);
        self.take_hello(now, id, hello)
    }

    /// Who says hello, and how far the client is, unless it is a new one. A client that was not welcomed yet has no token: then its key
    /// tells.
    fn returning(&self, hello: &Hello) -> Option<(PlayerId, LogIndex)> {
        let by_token = hello.resume.and_then(|resume| {
            let player = self.sessions.with_token(resume.token)?;
            Some((player, resume.cursor))
        });
        by_token.or_else(|| {
            let player = self.sessions.with_mark(secret::mark(hello.key))?;
            Some((player, NO_WORLD))
        })
    }

    fn objection(&self, hello: &Hello) -> Option<Refusal> {
        let Hello {
            game, player_name, ..
        } = hello;
        let game_bytes = game.name.len().max(game.version.len());
        if player_name.len() > MAX_NAME_BYTES || game_bytes > MAX_GAME_BYTES {
            return Some(Refusal::NameTooLong);
        }
        (*game != self.config.game).then(|| Refusal::Game {
            server: self.config.game.clone(),
            client: game.clone(),
        })
    }

    fn refuse(&mut self, now: Micros, id: ConnectionId, refusal: Refusal) -> Result<(), CloseCode> {
        tracing::info!(connection = id.0, "refused: {refusal}");
        self.say(now, id, &ServerMessage::Refused(refusal));
        Err(CloseCode::Refused)
    }

    fn join(&mut self, now: Micros, id: ConnectionId, hello: Hello) -> Result<(), CloseCode> {
        let players_max = self.config.players_max;
        let has_room = self.sessions.count() < players_max as usize;
        let mark = secret::mark(hello.key);
        let opened = has_room.then(|| self.sessions.open(id, mark)).flatten();
        let Some(player) = opened else {
            return self.refuse(now, id, Refusal::Full { players_max });
        };
        let token = hello.resume.map(|resume| resume.token);
        let hosts = token.is_some() && token == self.config.host_token;
        let name = hello.player_name;
        tracing::info!(connection = id.0, player = player.0, ?name, hosts, "joins");
        self.set_stage(id, Stage::Joining(player));
        let player = PlayerEntry {
            player,
            name,
            hosts,
        };
        self.append(now, Change::PlayerJoined { player, mark });
        Ok(())
    }

    fn resume(
        &mut self,
        now: Micros,
        id: ConnectionId,
        player: PlayerId,
        cursor: LogIndex,
    ) -> Result<(), CloseCode> {
        if self.is_ahead(cursor) {
            self.put_off(now, id);
            return Ok(());
        }
        if let Some(before) = self.sessions.attach(player, id) {
            self.cut(now, before, CloseCode::Superseded);
        }
        tracing::info!(connection = id.0, player = player.0, "comes back");
        if self.world.player(player).is_some() {
            self.welcome(now, id, player, cursor);
        } else {
            self.set_stage(id, Stage::Joining(player));
        }
        Ok(())
    }

    /// Puts a peer into the stream: welcome, then all up to the world as it is now, then every commit as it comes. Who needs the whole
    /// world waits for it before the welcome.
    fn welcome(&mut self, now: Micros, id: ConnectionId, player: PlayerId, cursor: LogIndex) {
        let Some(missed) = self.missed(player, cursor) else {
            self.set_stage(id, Stage::Joining(player));
            self.reception.wait(id);
            return;
        };
        if self.say_welcome(now, id, player, true) {
            self.meter.counters.players_resumed += 1;
            missed
                .into_iter()
                .for_each(|frame| self.send(now, id, frame));
        }
    }

    /// Returns whether the player is in the world; nobody can welcome another.
    pub(crate) fn say_welcome(
        &mut self,
        now: Micros,
        id: ConnectionId,
        player: PlayerId,
        resumed: bool,
    ) -> bool {
        let Some(welcome) = self.words_of_welcome(now, player, resumed) else {
            self.cut(now, id, CloseCode::Done);
            return false;
        };
        self.set_stage(id, Stage::Joined(player));
        self.say(now, id, &ServerMessage::Welcome(welcome));
        true
    }

    /// The frames after the cursor, or `None` when a snapshot is needed.
    fn missed(&self, player: PlayerId, cursor: LogIndex) -> Option<Vec<Bytes>> {
        if cursor > self.world.log_index() {
            return None;
        }
        let missed = self.kept.after(cursor, player)?;
        let mut frames = Vec::new();
        for said in missed {
            match said {
                Said::Frame(frame) => frames.push(frame.clone()),
                Said::Skipped { first, last } => frames.extend(self.skipped(*first, *last)),
            }
        }
        Some(frames)
    }

    /// What another server said of proposals that it rejected without the log, as well as that is known.
    fn skipped(&self, first: ClientSeq, last: ClientSeq) -> impl Iterator<Item = Bytes> {
        let first = first.0.max(last.0.saturating_sub(SKIPPED_TOLD_MAX - 1));
        let log_index = self.world.log_index();
        let rejected = move |seq| ServerMessage::Rejected {
            seq: ClientSeq(seq),
            log_index,
            reason: Rejection::TooMany,
        };
        (first..=last.0).filter_map(move |seq| control::encode(&rejected(seq)).ok())
    }

    /// Whether a client has seen what this server of several does not know. One that holds no world has seen nothing, and one
    /// that says so to a server that is alone is mistaken.
    fn is_ahead(&self, cursor: LogIndex) -> bool {
        let knows_all = self.log.leader().from == ServerId(0);
        !knows_all && cursor != NO_WORLD && cursor > self.world.log_index()
    }

    fn words_of_welcome(&self, now: Micros, player: PlayerId, resumed: bool) -> Option<Welcome> {
        let session = self.sessions.get(player)?;
        let known = self.world.player(player)?;
        Some(Welcome {
            player,
            token: session.token,
            session_time: self.session_time(now),
            log_index: self.world.log_index(),
            resumed,
            last_seq: session.last_decided(known.last_seq()),
            last_spawn_counter: known.last_spawn_counter(),
            global_data_update_interval: self.config.global_data_update_interval,
            leader: self.log.leader(),
        })
    }

    pub(crate) fn set_stage(&mut self, id: ConnectionId, stage: Stage) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.stage = stage;
            connection.has_watched |= stage == Stage::Watching;
        }
    }
}
