//! From a peer's first frame to its place in the stream.

use bytes::Bytes;
use synced_protocol::{
    control::{self, First, PROTOCOL_VERSION},
    id::{LogIndex, PlayerId},
    limits::{MAX_GAME_BYTES, MAX_NAME_BYTES},
    link::{CloseCode, ConnectionId},
    message::{
        Change, ClientMessage, Hello, Leader, PlayerEntry, Refusal, Resume, ServerMessage, Welcome,
    },
    time::Micros,
};

use crate::{config::SNAPSHOT_PART_BYTES, connection::Stage, log::Log, node::Node};

impl<L: Log> Node<L> {
    pub(crate) fn greet(
        &mut self,
        now: Micros,
        id: ConnectionId,
        frame: &[u8],
    ) -> Result<(), CloseCode> {
        let first = control::decode_first(frame).map_err(|_| CloseCode::Malformed)?;
        let hello = match first {
            First::SameVersion(ClientMessage::Hello(hello)) => hello,
            First::SameVersion(_) => return Err(CloseCode::Malformed),
            First::OtherVersion(client) => {
                let server = PROTOCOL_VERSION;
                return self.refuse(now, id, Refusal::ProtocolVersion { server, client });
            }
        };
        if let Some(refusal) = self.objection(&hello) {
            return self.refuse(now, id, refusal);
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
        let frame = control::encode_first(&ServerMessage::Refused(refusal));
        if let Ok(frame) = frame {
            self.send(now, id, frame);
        }
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
        let Some(welcome) = self.welcome_frame(now, player, missed.is_some()) else {
            return self.cut(now, id, CloseCode::Done);
        };
        self.set_stage(id, Stage::Joined(player));
        self.send(now, id, welcome);
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
        let frames = self.kept.after(cursor, player)?;
        Some(frames.cloned().collect())
    }

    /// `None` for a player who is not in the world, whom nobody can welcome.
    fn welcome_frame(&self, now: Micros, player: PlayerId, resumed: bool) -> Option<Bytes> {
        let session = self.sessions.get(player)?;
        let known = self.world.player(player)?;
        let welcome = ServerMessage::Welcome(Welcome {
            player,
            token: session.token,
            session_time: self.session_time(now),
            log_index: self.world.log_index(),
            resumed,
            last_seq: session.last_decided(known.last_seq()),
            last_spawn_counter: known.last_spawn_counter(),
            global_data_update_interval: self.config.global_data_update_interval,
            leader: Leader::alone(),
        });
        control::encode_first(&welcome).ok()
    }

    fn send_snapshot(&mut self, now: Micros, id: ConnectionId) {
        let hlc = self.clock.now(self.session_time(now));
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

    fn set_stage(&mut self, id: ConnectionId, stage: Stage) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.stage = stage;
        }
    }
}
