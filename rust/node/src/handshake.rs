//! From a peer's first frame to its place in the stream.

use bytes::Bytes;
use synced_protocol::{
    control::{self, First, PROTOCOL_VERSION},
    id::{ClientSeq, LogIndex, PlayerId, ServerId},
    limits::{MAX_GAME_BYTES, MAX_NAME_BYTES},
    link::{CloseCode, ConnectionId},
    message::{Change, ClientMessage, Hello, PlayerEntry, Refusal, Resume, ServerMessage, Welcome},
    mutation::Rejection,
    time::Micros,
};

use crate::{
    config::{SKIPPED_TOLD_MAX, SNAPSHOT_PART_BYTES},
    connection::Stage,
    kept::Said,
    log::Log,
    node::Node,
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
        let returning = hello.resume.and_then(|resume| {
            let player = self.sessions.with_token(resume.token)?;
            Some((player, resume))
        });
        match returning {
            Some((player, resume)) => self.resume(now, id, player, resume),
            None => self.join(now, id, hello),
        }
    }

    /// Welcomes a player whom the log has taken in, if the player is still there.
    pub(crate) fn welcome_joined(&mut self, now: Micros, player: PlayerId) {
        let session = self.sessions.get(player);
        if let Some(id) = session.and_then(|session| session.connection) {
            self.welcome(now, id, player, None);
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
        let session = self.sessions.get(player);
        let unheard = session.map(|session| Resume {
            token: session.token,
            cursor: NO_WORLD,
        });
        self.let_go(now, id, player);
        let resume = hello.resume.or(unheard);
        self.take_hello(now, id, Hello { resume, ..hello })
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
        let opened = has_room.then(|| self.sessions.open(id)).flatten();
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
        self.append(now, Change::PlayerJoined { player });
        Ok(())
    }

    fn resume(
        &mut self,
        now: Micros,
        id: ConnectionId,
        player: PlayerId,
        resume: Resume,
    ) -> Result<(), CloseCode> {
        if self.is_ahead(resume.cursor) {
            self.put_off(now, id);
            return Ok(());
        }
        if let Some(before) = self.sessions.attach(player, id) {
            self.cut(now, before, CloseCode::Superseded);
        }
        tracing::info!(connection = id.0, player = player.0, "comes back");
        self.welcome(now, id, player, Some(resume.cursor));
        Ok(())
    }

    /// Puts a peer into the stream: welcome, then all up to the world as it is now, then every commit as it comes.
    fn welcome(
        &mut self,
        now: Micros,
        id: ConnectionId,
        player: PlayerId,
        cursor: Option<LogIndex>,
    ) {
        let missed = cursor.and_then(|cursor| self.missed(player, cursor));
        let Some(welcome) = self.words_of_welcome(now, player, missed.is_some()) else {
            return self.cut(now, id, CloseCode::Done);
        };
        self.set_stage(id, Stage::Joined(player));
        self.say(now, id, &ServerMessage::Welcome(welcome));
        match missed {
            Some(frames) => {
                self.meter.counters.players_resumed += 1;
                frames
                    .into_iter()
                    .for_each(|frame| self.send(now, id, frame));
            }
            None => self.send_snapshot(now, id),
        }
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

    /// `None` for a player who is not in the world, whom nobody can welcome.
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

    fn send_snapshot(&mut self, now: Micros, id: ConnectionId) {
        let hlc = self.stamp(now);
        let live = self.live_values.entries();
        let poses = self.trackers.poses();
        let parts = self
            .world
            .snapshot_parts(hlc, live, poses, SNAPSHOT_PART_BYTES);
        let frames: Result<Vec<Bytes>, _> = parts
            .map(|part| control::encode(&ServerMessage::Snapshot(part)))
            .collect();
        let held = frames.ok().zip(self.connections.get_mut(&id));
        let Some((frames, connection)) = held else {
            return self.cut(now, id, CloseCode::Done);
        };
        for frame in frames {
            if connection.outlet.hold(frame).is_err() {
                return self.cut(now, id, CloseCode::TooSlow);
            }
        }
        self.meter.counters.snapshots_sent += 1;
        self.drain(now, id);
    }

    pub(crate) fn set_stage(&mut self, id: ConnectionId, stage: Stage) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.stage = stage;
            connection.has_watched |= stage == Stage::Watching;
        }
    }
}
