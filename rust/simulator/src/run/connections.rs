//! Connections come up, carry bytes and break, at each end in its own time.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use synced_protocol::{
    id::ServerId,
    link::{CloseCode, CloseReason, ConnectionId, Event, Target},
    peer::PeerEvent,
    time::Micros,
};

use super::Run;
use crate::{
    check::Violation,
    happening::{Happening, Host, Lane, Side},
    network::{Kind, State},
    server::{Incoming, server_at},
    system::System,
};

/// A server tries again to reach a peer after this time, for so many tries.
const REDIAL_EAGER: Micros = Micros::from_millis(5);
const REDIALS_EAGER: u32 = 1_000;
/// How long it waits after those.
const REDIAL_CALM: Micros = Micros::from_millis(50);
/// A player's driver knocks again after this time.
const KNOCK: Micros = Micros::from_millis(20);
/// The time between the end of a connection and the driver's word that it is done.
const CLOSE_TIME: Micros = Micros(100);

impl<S: System> Run<S> {
    pub(super) fn begin_dialing(&mut self, from: Host, to: Host, wait: Micros) {
        let Some(server) = self.server_mut(from) else {
            return;
        };
        let place = to.place();
        let is_idle = from < to && server.peers[place].is_none() && !server.is_dialing[place];
        if is_idle && server.wants(to) {
            server.is_dialing[place] = true;
            let dial = Happening::Dial { from, to, tries: 0 };
            self.agenda.schedule(self.now + wait, dial);
        }
    }

    pub(super) fn dial(&mut self, from: Host, to: Host, tries: u32) {
        let now = self.now;
        let Some(server) = self.server_mut(from) else {
            return;
        };
        let place = to.place();
        if !server.is_dialing[place] || !server.wants(to) || server.peers[place].is_some() {
            server.is_dialing[place] = false;
            return;
        }
        let (life, is_awake) = (server.life, server.is_awake());
        let answers = |other: &&crate::server::Server<S>| other.is_awake() && other.wants(from);
        let other = self.server(to).filter(answers).map(|other| other.life);
        match other.filter(|_| is_awake && self.network.is_open(from, to)) {
            Some(other) => {
                self.servers[from.place() - 1].is_dialing[place] = false;
                let ends = [(from, life, ConnectionId(0)), (to, other, ConnectionId(0))];
                let agenda = &mut self.agenda;
                let number = self.network.open(agenda, now, Kind::Peers, ends);
                self.servers[from.place() - 1].peers[place] = Some(number);
            }
            None => {
                let is_eager = tries < REDIALS_EAGER;
                let wait = if is_eager { REDIAL_EAGER } else { REDIAL_CALM };
                let tries = tries + 1;
                let dial = Happening::Dial { from, to, tries };
                self.agenda.schedule(now + wait, dial);
            }
        }
    }

    pub(super) fn connect(
        &mut self,
        host: Host,
        life: u32,
        name: ConnectionId,
        to: Target,
        until: Micros,
    ) -> Result<(), Violation> {
        let place = Self::seat_place(host);
        let seat = &self.seats[place];
        if seat.life != life || !seat.tries.contains(&name) {
            return Ok(());
        }
        let answers = |server: &&crate::server::Server<S>| {
            let is_meant = match &to {
                Target::Configured => true,
                Target::At(address) => server_at(address) == Some(server.host),
            };
            is_meant && server.is_awake() && self.network.is_open(host, server.host)
        };
        let open: Vec<Host> = self
            .servers
            .iter()
            .filter(answers)
            .map(|s| s.host)
            .collect();
        let Some(server) = self.chance.players.choose(&open).copied() else {
            return self.knock_again(host, life, name, to, until);
        };
        let seat = &mut self.seats[place];
        seat.tries.remove(&name);
        let there = &mut self.servers[server.place() - 1];
        there.last_name += 1;
        let named = ConnectionId(there.last_name);
        let ends = [(host, life, name), (server, there.life, named)];
        let agenda = &mut self.agenda;
        let number = self.network.open(agenda, self.now, Kind::Player, ends);
        seat.connections.insert(name, number);
        there.players.insert(named, number);
        Ok(())
    }

    fn knock_again(
        &mut self,
        host: Host,
        life: u32,
        name: ConnectionId,
        to: Target,
        until: Micros,
    ) -> Result<(), Violation> {
        if self.now < until {
            let connect = Happening::Connect {
                host,
                life,
                name,
                to,
                until,
            };
            self.agenda.schedule(self.now + KNOCK, connect);
            return Ok(());
        }
        self.seats[Self::seat_place(host)].tries.remove(&name);
        let reason = CloseReason::Unreachable("nobody answers".to_owned());
        let closed = Event::Closed {
            connection: name,
            reason,
        };
        self.give_player(host, closed)
    }

    pub(super) fn up(&mut self, number: u32, at: Side) -> Result<(), Violation> {
        let connection = self.network.connection_mut(number);
        let kind = connection.kind;
        let (host, other) = connection.way(at);
        let end = &mut connection.ends[at];
        if end.state != State::Opening {
            return Ok(());
        }
        end.state = State::Up;
        let name = end.name;
        match kind {
            Kind::Peers => self.peer_up(host, other, number),
            Kind::Player => {
                let connected = Event::Connected {
                    connection: name,
                    remote: SocketAddr::from((Ipv4Addr::LOCALHOST, other.0)),
                };
                self.give_event(host, connected)
            }
        }
    }

    /// The connection before, if there is one, is replaced without a word here, and closed there.
    fn peer_up(&mut self, host: Host, other: Host, number: u32) -> Result<(), Violation> {
        let before = self.servers[host.place() - 1].peers[other.place()].replace(number);
        if let Some(before) = before.filter(|before| *before != number) {
            let is_second = self.network.connection(before).ends[1].host == host;
            self.close_end((before, usize::from(is_second)), CloseCode::Superseded);
        }
        self.note_chances();
        let server = ServerId(other.0);
        self.give(host, Incoming::Peer(PeerEvent::Up { server }))
    }

    pub(super) fn arrive(
        &mut self,
        number: u32,
        to: Side,
        lane: Lane,
        bytes: Bytes,
    ) -> Result<(), Violation> {
        // What is sent right behind the handshake's last word may overtake it, and shows that the handshake is done.
        self.up(number, to)?;
        let connection = self.network.connection(number);
        let end = &connection.ends[to];
        if end.state != State::Up {
            return Ok(());
        }
        let (host, name) = (end.host, end.name);
        if connection.kind == Kind::Peers {
            let server = ServerId(connection.ends[1 - to].host.0);
            let event = match lane {
                Lane::Frame => PeerEvent::Frame { server, bytes },
                Lane::Bulk => PeerEvent::Bulk { server, bytes },
                Lane::Datagram => PeerEvent::Datagram { server, bytes },
            };
            return self.give(host, Incoming::Peer(event));
        }
        if to == 1 && lane == Lane::Frame && S::asks_in(&bytes) {
            let player = self.seats[Self::seat_place(connection.ends[0].host)].number;
            let may_let_in = self.holds_lease(host);
            self.told.asked(player, number, may_let_in);
        }
        let connection = name;
        let event = match lane {
            Lane::Datagram => Event::Datagram { connection, bytes },
            Lane::Frame | Lane::Bulk => Event::Frame { connection, bytes },
        };
        self.give_event(host, event)
    }

    /// One end gives up; the other will notice.
    pub(super) fn lost(&mut self, number: u32, at: Side) -> Result<(), Violation> {
        let (agenda, now) = (&mut self.agenda, self.now);
        let state = self.network.connection(number).ends[at].state;
        if state == State::Over {
            return Ok(());
        }
        if self.network.connection(number).ends[1 - at].state != State::Over {
            self.network.fall_silent(agenda, now, number, 1 - at);
        }
        self.end(number, at, CloseReason::TimedOut)
    }

    pub(super) fn closed(
        &mut self,
        number: u32,
        at: Side,
        code: CloseCode,
    ) -> Result<(), Violation> {
        if self.network.connection(number).ends[at].state == State::Over {
            return Ok(());
        }
        self.end(number, at, CloseReason::ByPeer(code))
    }

    fn end(&mut self, number: u32, at: Side, reason: CloseReason) -> Result<(), Violation> {
        let connection = self.network.connection_mut(number);
        let was_up = connection.end(at);
        let (host, other) = connection.way(at);
        let (kind, name) = (connection.kind, connection.ends[at].name);
        match kind {
            Kind::Peers => self.peer_down(host, other, number, was_up),
            Kind::Player => {
                self.forget_name(host, name);
                if host.is_server() && !was_up {
                    return Ok(());
                }
                let connection = name;
                self.give_event(host, Event::Closed { connection, reason })
            }
        }
    }

    fn peer_down(
        &mut self,
        host: Host,
        other: Host,
        number: u32,
        was_up: bool,
    ) -> Result<(), Violation> {
        let server = &mut self.servers[host.place() - 1];
        if server.peers[other.place()] != Some(number) {
            return Ok(());
        }
        server.peers[other.place()] = None;
        self.note_chances();
        self.begin_dialing(host, other, Micros::ZERO);
        if !was_up {
            return Ok(());
        }
        let server = ServerId(other.0);
        self.give(host, Incoming::Peer(PeerEvent::Down { server }))
    }

    /// Nothing has come over a path for as long as connections survive that.
    pub(super) fn silent(&mut self, way: (Host, Host), since: Micros) -> Result<(), Violation> {
        for (number, at) in self.network.silenced(self.now, way, since) {
            self.lost(number, at)?;
        }
        Ok(())
    }

    /// One end closes.
    pub(super) fn close_end(&mut self, (number, from): (u32, Side), code: CloseCode) {
        let end = &self.network.connection(number).ends[from];
        if end.state == State::Over {
            return;
        }
        let (host, life, name) = (end.host, end.life, end.name);
        let kind = self.network.connection(number).kind;
        let (agenda, now) = (&mut self.agenda, self.now);
        self.network.close(agenda, now, (number, from), code);
        if kind == Kind::Player {
            let gone = Happening::Gone {
                host,
                life,
                name,
                code,
            };
            self.agenda.schedule(now + CLOSE_TIME, gone);
        }
    }

    pub(super) fn gone(
        &mut self,
        host: Host,
        life: u32,
        name: ConnectionId,
        code: CloseCode,
    ) -> Result<(), Violation> {
        let lives = match self.server(host).filter(|_| host.is_server()) {
            Some(server) => server.life == life,
            None => self.seats[Self::seat_place(host)].life == life,
        };
        if !lives {
            return Ok(());
        }
        self.forget_name(host, name);
        let reason = CloseReason::ByUs(code);
        let connection = name;
        self.give_event(host, Event::Closed { connection, reason })
    }

    fn forget_name(&mut self, host: Host, name: ConnectionId) {
        if host.is_server() {
            self.servers[host.place() - 1].players.remove(&name);
        } else {
            self.seats[Self::seat_place(host)].connections.remove(&name);
        }
    }

    fn give_event(&mut self, host: Host, event: Event) -> Result<(), Violation> {
        if host.is_server() {
            self.give(host, Incoming::Player(event))
        } else {
            self.give_player(host, event)
        }
    }
}
