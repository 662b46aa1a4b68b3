//! Idle connections to other servers than the leader: by them a client hears at once who leads next, and is there already.

use std::collections::BTreeMap;

use bytes::Bytes;
use synced_protocol::{
    control::First,
    id::ServerId,
    link::{CloseCode, CloseReason, ConnectionId, Output, Target},
    message::{ClientMessage, ServerMessage, Welcome},
    time::Micros,
};

use super::{Phase, Session};
use crate::{
    cluster::News,
    limits::{ASKED_WATCHED_MAX, STANDBY_CONNECTIONS_MAX, STANDBY_RETRY_MAX, STANDBY_RETRY_MIN},
    stats::ServerStats,
    update::Update,
};

/// Servers that could not be reached, and until when they are left alone.
#[derive(Debug, Default)]
pub(super) struct Unreached {
    servers: BTreeMap<ServerId, Failures>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: u32,
    until: Micros,
}

impl Unreached {
    pub(super) fn failed(&mut self, now: Micros, server: ServerId) {
        let failures = self.servers.entry(server).or_default();
        let wait = STANDBY_RETRY_MIN.0 << failures.count.min(16);
        failures.count = failures.count.saturating_add(1);
        failures.until = now + Micros(wait).min(STANDBY_RETRY_MAX);
    }

    fn reached(&mut self, server: ServerId) {
        self.servers.remove(&server);
    }

    /// Forgets servers that are none of the session's any more.
    fn retain(&mut self, keep: impl Fn(ServerId) -> bool) {
        self.servers.retain(|server, _| keep(*server));
    }

    fn until(&self, server: ServerId) -> Micros {
        let failures = self.servers.get(&server);
        failures.map_or(Micros::ZERO, |failures| failures.until)
    }
}

impl Session {
    /// Ends the connections that are waited for too long, or are too many, and opens those that are wanted.
    pub(super) fn keep_links(&mut self) {
        while let Some(connection) = self.links.expired(self.now) {
            self.link_failed(connection);
            self.end_link(connection, CloseCode::HandshakeTimeout);
        }
        while let Some(connection) = self.needless() {
            self.close(connection, CloseCode::Done);
        }
        while let Some((server, address)) = self.next_standby() {
            self.open(Some(server), Target::At(address));
        }
    }

    /// When the next server is to be tried that could not be reached.
    pub(super) fn standby_deadline(&self) -> Option<Micros> {
        let has_room = self.watched().count() < self.standby_max();
        let strangers = self.strangers().filter(|_| has_room);
        strangers.map(|server| self.unreached.until(server)).min()
    }

    pub(super) fn open(&mut self, server: Option<ServerId>, to: Target) -> ConnectionId {
        // A server that is alone is left to the driver's own patience.
        let deadline = self.now + self.config.handshake_timeout;
        let deadline = self.cluster.is_known().then_some(deadline);
        let connection = self.links.open(server, deadline);
        self.outputs.push_back(Output::Connect { connection, to });
        connection
    }

    /// A connection is up that nobody goes by.
    pub(super) fn watch(&mut self, connection: ConnectionId) {
        if let Ok(frame) = self.links.encode(connection, &ClientMessage::Watch) {
            self.send_frame(connection, frame);
        }
    }

    /// A server has said which one it is. Of two connections to it one is enough.
    pub(super) fn name(&mut self, connection: ConnectionId, server: ServerId) {
        let is_in_cluster = self.cluster.has(server);
        let before = self.links.to(server).filter(|before| *before != connection);
        let Some(link) = self.links.get_mut(connection) else {
            return;
        };
        link.deadline = None;
        link.server = Some(server);
        self.unreached.reached(server);
        let Some(before) = before.filter(|_| is_in_cluster) else {
            return;
        };
        let needless = if self.is_current(before) {
            connection
        } else {
            before
        };
        self.close(needless, CloseCode::Done);
    }

    /// What a server says by a connection that this player does not play by.
    pub(super) fn handle_watched(&mut self, connection: ConnectionId, bytes: &Bytes) {
        match self.links.decode(connection, bytes) {
            Ok(First::SameVersion(ServerMessage::Leader(said))) => {
                let news = self.hear(connection, &said);
                // That it serves from now on, a leader says for itself, when others have long said that it leads.
                let serves_now = news == News::Known && said.leader == Some(said.from);
                if news == News::Changed || serves_now {
                    self.follow();
                }
            }
            Ok(First::SameVersion(ServerMessage::Welcome(welcome)))
                if self.links.welcomed(connection) =>
            {
                self.welcomed_late(connection, welcome);
            }
            Ok(First::OtherVersion(_) | First::SameVersion(ServerMessage::Refused(_))) => {
                self.link_failed(connection);
                self.close(connection, CloseCode::Done);
            }
            Ok(First::SameVersion(_)) | Err(_) => {
                self.link_failed(connection);
                self.close(connection, CloseCode::Malformed);
            }
        }
    }

    pub(super) fn server_stats(&self) -> ServerStats {
        let (leader, term) = self.leader_told.unwrap_or_default();
        let watched = self.watched().filter(|connection| self.is_up(*connection));
        ServerStats {
            leader: leader.0.into(),
            term: term.0,
            known: self.cluster.servers().len() as u64,
            watched: watched.count() as u64,
        }
    }

    pub(super) fn link_failed(&mut self, connection: ConnectionId) {
        let server = self.server_of(connection);
        if let Some(server) = server.filter(|server| self.cluster.has(*server)) {
            self.unreached.failed(self.now, server);
        }
    }

    pub(super) fn tell_servers(&mut self) {
        if let Some(servers) = self.cluster.poll_servers() {
            self.unreached.retain(|server| self.cluster.has(server));
            self.tell(Update::Servers(servers));
        }
    }

    pub(super) fn server_of(&self, connection: ConnectionId) -> Option<ServerId> {
        self.links.get(connection)?.server
    }

    pub(super) fn is_up(&self, connection: ConnectionId) -> bool {
        self.links.get(connection).is_some_and(|link| link.is_up)
    }

    fn end_link(&mut self, connection: ConnectionId, code: CloseCode) {
        let is_current = self.is_current(connection);
        self.close(connection, code);
        if is_current {
            self.lost(CloseReason::ByUs(code));
        }
    }

    /// The answer to an earlier hello came first: it counts, and not the one that is waited for.
    fn welcomed_late(&mut self, connection: ConnectionId, welcome: Welcome) {
        if self.is_served() {
            self.close(connection, CloseCode::Done);
            return;
        }
        if let Phase::Greeting { connection, .. } = self.phase {
            self.close(connection, CloseCode::Done);
        }
        let deadline = self.now + self.config.handshake_timeout;
        self.phase = Phase::Greeting {
            connection,
            deadline,
        };
        self.welcomed(connection, welcome);
    }

    /// While a leader is sought, whoever was asked may say something yet.
    fn needless(&self) -> Option<ConnectionId> {
        if self.is_served() {
            self.stray().or_else(|| self.surplus(0))
        } else {
            self.surplus(ASKED_WATCHED_MAX)
        }
    }

    /// To a server that is none of the session's any more.
    fn stray(&self) -> Option<ConnectionId> {
        let is_stray = |server| !self.cluster.has(server);
        self.watched()
            .find(|connection| self.server_of(*connection).is_some_and(is_stray))
    }

    /// One more than is wanted: that to the server which is least likely to lead.
    fn surplus(&self, asked: usize) -> Option<ConnectionId> {
        if self.watched().count() <= self.standby_max() + asked {
            return None;
        }
        let leader = self.cluster.leader();
        self.watched().max_by_key(|connection| {
            let server = self.server_of(*connection);
            let leads = server.is_some() && server == leader;
            (!leads, self.cluster.place(server), *connection)
        })
    }

    fn next_standby(&self) -> Option<(ServerId, String)> {
        if self.is_ended() || self.watched().count() >= self.standby_max() {
            return None;
        }
        let server = self
            .strangers()
            .find(|server| self.unreached.until(*server) <= self.now)?;
        Some((server, self.cluster.address(server)?.to_owned()))
    }

    /// Servers that there is no connection to.
    fn strangers(&self) -> impl Iterator<Item = ServerId> {
        let servers = self.cluster.servers().iter().map(|entry| entry.server);
        servers.filter(|server| self.links.to(*server).is_none())
    }

    fn watched(&self) -> impl Iterator<Item = ConnectionId> {
        let current = self.connection();
        let links = self.links.iter().map(|(connection, _)| connection);
        links.filter(move |connection| Some(*connection) != current)
    }

    fn standby_max(&self) -> usize {
        let wanted = self.config.standby_connections;
        wanted.min(STANDBY_CONNECTIONS_MAX)
    }
}
