//! The network: paths between hosts, and connections over them as the transport makes them.
//!
//! Frames are never lost while their connection lives: loss delays them, and a blocked path holds them up until it opens or the
//! connection is given up. Datagrams are lost, doubled and overtaken.

mod connection;
mod path;

use bytes::Bytes;
use synced_protocol::{
    link::{CloseCode, ConnectionId},
    time::Micros,
};

use crate::{
    happening::{Agenda, Happening, Host, Lane, PLAYERS_FROM, Side},
    plan::Plan,
    random::{Purpose, Random},
};

pub use connection::{Connection, End, Kind, State};
pub use path::{Path, Weather};

/// How long a connection between servers survives silence.
pub const PEER_IDLE: Micros = Micros::from_millis(200);
/// How long a player's connection survives silence.
pub const PLAYER_IDLE: Micros = Micros::from_secs(3);
/// The longest time between two packets from one server to another: a tick.
const PEER_TALKS: Micros = Micros::from_millis(1);
/// The longest time between two packets from a player to a server: what keeps a connection alive.
const PLAYER_TALKS: Micros = Micros::from_millis(500);
/// What a frame takes of a lane beside its bytes' own time.
const BYTES_PER_MICRO: u64 = 100;

/// All paths and connections of one run.
#[derive(Debug)]
pub struct Network {
    hosts: usize,
    paths: Vec<Path>,
    connections: Vec<Connection>,
    /// What all paths have in common now.
    pub weather: Weather,
    bulk_bytes_per_second: u64,
    random: Random,
}

impl Network {
    /// A network as the plan has it, without a fault.
    #[must_use]
    pub fn new(plan: &Plan, seed: u64) -> Self {
        let hosts = usize::from(PLAYERS_FROM + plan.players.count);
        let network = &plan.network;
        let path = |place: usize| {
            let servers = usize::from(PLAYERS_FROM);
            let between_servers = place / hosts < servers && place % hosts < servers;
            Path::new(if between_servers {
                network.server_delay_us
            } else {
                network.player_delay_us
            })
        };
        Self {
            hosts,
            paths: (0..hosts * hosts).map(path).collect(),
            connections: Vec::new(),
            weather: Weather {
                loss_ppm: ppm(network.loss),
                duplication_ppm: ppm(network.duplication),
                reordering_ppm: ppm(network.reordering),
                delay: Micros::ZERO,
            },
            bulk_bytes_per_second: network.bulk_bytes_per_second,
            random: Random::new(seed, Purpose::Network),
        }
    }

    /// A connection.
    #[must_use]
    pub fn connection(&self, number: u32) -> &Connection {
        &self.connections[number as usize]
    }

    /// A connection, to change it.
    pub fn connection_mut(&mut self, number: u32) -> &mut Connection {
        &mut self.connections[number as usize]
    }

    /// Whether packets get through both ways.
    #[must_use]
    pub fn is_open(&self, one: Host, other: Host) -> bool {
        !self.path(one, other).is_blocked() && !self.path(other, one).is_blocked()
    }

    /// Whether packets get through both ways without waiting for a fault to end.
    #[must_use]
    pub fn is_clear(&self, now: Micros, one: Host, other: Host) -> bool {
        self.path(one, other).is_clear(now) && self.path(other, one).is_clear(now)
    }

    /// Begins a connection; both ends hear of it once their side of the handshake is done. Returns its number.
    pub fn open(
        &mut self,
        agenda: &mut Agenda,
        now: Micros,
        kind: Kind,
        ends: [(Host, u32, ConnectionId); 2],
    ) -> u32 {
        let number = u32::try_from(self.connections.len()).unwrap_or(u32::MAX);
        let [(from, ..), (to, ..)] = ends;
        self.connections.push(Connection::new(kind, ends));
        let mut at = now;
        for (one, other) in [(from, to), (to, from), (from, to)] {
            let place = self.place(one, other);
            at = self.paths[place].arrival_of_frame(at, self.weather, &mut self.random);
            if one == to {
                let connection = number;
                agenda.schedule(at, Happening::Up { connection, at: 0 });
            }
        }
        let connection = number;
        agenda.schedule(at, Happening::Up { connection, at: 1 });
        number
    }

    /// Sends bytes from one end of a connection that is up there.
    pub fn send(
        &mut self,
        agenda: &mut Agenda,
        now: Micros,
        (number, from): (u32, Side),
        lane: Lane,
        bytes: Bytes,
    ) {
        let connection = &mut self.connections[number as usize];
        if connection.ends[from].state != State::Up {
            return;
        }
        let (one, other) = connection.way(from);
        let path = &self.paths[one.place() * self.hosts + other.place()];
        let arrive = |bytes| Happening::Arrive {
            connection: number,
            to: 1 - from,
            lane,
            bytes,
        };
        if lane == Lane::Datagram {
            let arrivals = path.arrivals_of_datagram(now, self.weather, &mut self.random);
            if let Some(again) = arrivals[1] {
                agenda.schedule(again, arrive(bytes.clone()));
            }
            if let Some(at) = arrivals[0] {
                agenda.schedule(at, arrive(bytes));
            }
            return;
        }
        let pipe = connection.pipe(from, lane);
        if path.is_blocked() {
            pipe.parked.push_back(bytes);
            return;
        }
        let at = path.arrival_of_frame(now, self.weather, &mut self.random);
        let len = bytes.len() as u64;
        let width = match lane {
            Lane::Bulk => len * 1_000_000 / self.bulk_bytes_per_second,
            Lane::Frame | Lane::Datagram => len / BYTES_PER_MICRO,
        };
        pipe.clear_at = at.max(pipe.clear_at + Micros(width));
        agenda.schedule(pipe.clear_at, arrive(bytes));
    }

    /// Ends a connection from one end; the other hears of it behind what was sent before, if it can.
    pub fn close(
        &mut self,
        agenda: &mut Agenda,
        now: Micros,
        (connection, from): (u32, Side),
        code: CloseCode,
    ) {
        let (one, other) = self.connection(connection).way(from);
        let path = &self.paths[self.place(one, other)];
        let is_blocked = path.is_blocked();
        let at = path.arrival_of_frame(now, self.weather, &mut self.random);
        let pipe = self.connection_mut(connection).pipe(from, Lane::Frame);
        let at = at.max(pipe.clear_at + Micros(1));
        let side = 1 - from;
        self.connection_mut(connection).end(from);
        if is_blocked {
            self.fall_silent(agenda, now, connection, side);
        } else {
            let closed = Happening::Closed {
                connection,
                at: side,
                code,
            };
            agenda.schedule(at, closed);
        }
    }

    /// One end is gone without a word: the other notices within the time that it survives silence.
    pub fn fall_silent(&mut self, agenda: &mut Agenda, now: Micros, connection: u32, at: Side) {
        let idle = idle(self.connection(connection).kind).0;
        let wait = self.random.between([idle / 2, idle]);
        agenda.schedule(now + Micros(wait), Happening::Lost { connection, at });
    }

    /// A host is gone: its ends are over, and the others will notice.
    pub fn forget_host(&mut self, agenda: &mut Agenda, now: Micros, host: Host) {
        for number in 0..self.connections.len() {
            for side in 0..2 {
                let connection = &mut self.connections[number];
                if connection.ends[side].host != host || connection.ends[side].state == State::Over
                {
                    continue;
                }
                connection.end(side);
                self.fall_silent(
                    agenda,
                    now,
                    u32::try_from(number).unwrap_or(u32::MAX),
                    1 - side,
                );
            }
        }
    }

    /// A host is there again: whoever still talks to its former life is told with the next packet that nobody knows of the connection, as
    /// a server does that keeps its keys (RFC 9000 section 10.3).
    pub fn reset_former(&mut self, agenda: &mut Agenda, now: Micros, host: Host) {
        for (number, connection) in (0..).zip(&self.connections) {
            let side = usize::from(connection.ends[1].host == host);
            let ends = &connection.ends;
            let is_half = ends[side].host == host
                && ends[side].state == State::Over
                && ends[1 - side].state == State::Up;
            if !is_half || !self.is_clear(now, host, ends[1 - side].host) {
                continue;
            }
            let (there, back) = (connection.way(1 - side), connection.way(side));
            let mut at = now + Micros(self.random.below(talks_every(connection.kind).0));
            for (from, to) in [there, back] {
                let path = &self.paths[from.place() * self.hosts + to.place()];
                at = path.arrival(at, self.weather, &mut self.random);
            }
            let (connection, at_side) = (number, 1 - side);
            agenda.schedule(
                at,
                Happening::Lost {
                    connection,
                    at: at_side,
                },
            );
        }
    }

    /// A host stands still: whoever hears nothing for too long gives its connection up.
    pub fn hush_host(&mut self, agenda: &mut Agenda, now: Micros, host: Host, until: Micros) {
        for (number, connection) in (0..).zip(&self.connections) {
            let side = usize::from(connection.ends[1].host == host);
            let is_there = connection.ends[side].host == host;
            let idle_at = now + idle(connection.kind);
            if is_there && connection.ends[1 - side].state == State::Up && idle_at < until {
                let (connection, at) = (number, 1 - side);
                agenda.schedule(idle_at, Happening::Lost { connection, at });
            }
        }
    }

    /// Packets from one host to another get lost from now on, all of them.
    pub fn block(&mut self, agenda: &mut Agenda, now: Micros, (from, to): (Host, Host)) {
        let place = self.place(from, to);
        if self.paths[place].block(now) {
            let since = now;
            for idle in [PEER_IDLE, PLAYER_IDLE] {
                agenda.schedule(now + idle, Happening::Silent { from, to, since });
            }
        }
    }

    /// The opposite of [`Network::block`]: what connections held up goes out.
    pub fn unblock(&mut self, agenda: &mut Agenda, now: Micros, (from, to): (Host, Host)) {
        let place = self.place(from, to);
        if self.paths[place].unblock() {
            self.unpark_path(agenda, now, (from, to));
        }
    }

    /// Whatever a path suffers from is over.
    pub fn heal(&mut self, agenda: &mut Agenda, now: Micros, (from, to): (Host, Host)) {
        let place = self.place(from, to);
        if self.paths[place].heal() {
            self.unpark_path(agenda, now, (from, to));
        }
    }

    fn unpark_path(&mut self, agenda: &mut Agenda, now: Micros, way: (Host, Host)) {
        for number in 0..self.connections.len() {
            for side in 0..2 {
                if self.connections[number].way(side) == way {
                    self.unpark(agenda, now, number, side);
                }
            }
        }
    }

    fn unpark(&mut self, agenda: &mut Agenda, now: Micros, number: usize, side: Side) {
        let end = (u32::try_from(number).unwrap_or(u32::MAX), side);
        for lane in [Lane::Frame, Lane::Bulk] {
            let parked = std::mem::take(&mut self.connections[number].pipe(side, lane).parked);
            for bytes in parked {
                self.send(agenda, now, end, lane, bytes);
            }
        }
    }

    /// Whatever one host sends to another arrives after `until`, all of it.
    pub fn clog(&mut self, (from, to): (Host, Host), until: Micros) {
        let place = self.place(from, to);
        self.paths[place].clog(until);
    }

    /// The ends that give up, since nothing has come to them since then, for as long as they survive it.
    #[must_use]
    pub fn silenced(
        &self,
        now: Micros,
        (from, to): (Host, Host),
        since: Micros,
    ) -> Vec<(u32, Side)> {
        if !self.path(from, to).is_blocked_since(since) {
            return Vec::new();
        }
        let mut ends = Vec::new();
        for (number, connection) in (0..).zip(&self.connections) {
            for side in 0..2 {
                let hears_nothing = connection.way(side) == (from, to)
                    && connection.ends[1 - side].state == State::Up
                    && now >= since + idle(connection.kind);
                if hears_nothing {
                    ends.push((number, 1 - side));
                }
            }
        }
        ends
    }

    fn path(&self, from: Host, to: Host) -> &Path {
        &self.paths[self.place(from, to)]
    }

    const fn place(&self, from: Host, to: Host) -> usize {
        from.place() * self.hosts + to.place()
    }
}

const fn idle(kind: Kind) -> Micros {
    match kind {
        Kind::Peers => PEER_IDLE,
        Kind::Player => PLAYER_IDLE,
    }
}

const fn talks_every(kind: Kind) -> Micros {
    match kind {
        Kind::Peers => PEER_TALKS,
        Kind::Player => PLAYER_TALKS,
    }
}

/// A probability in millionths.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a plan's probabilities are between 0 and 1"
)]
#[must_use]
pub fn ppm(probability: f64) -> u32 {
    (probability * 1e6) as u32
}
