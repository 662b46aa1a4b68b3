//! One connection between two hosts, with its lanes in either direction.

use std::collections::VecDeque;

use bytes::Bytes;
use synced_protocol::{link::ConnectionId, time::Micros};

use crate::happening::{Host, Lane, Side};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Between two servers.
    Peers,
    /// From a player to a server.
    Player,
}

/// One connection. It is kept after its end, so that its number means nothing else.
#[derive(Debug)]
pub struct Connection {
    /// What it is for.
    pub kind: Kind,
    /// Its ends; the first has opened it.
    pub ends: [End; 2],
}

/// One end.
#[derive(Debug)]
pub struct End {
    /// Where.
    pub host: Host,
    /// In which of the host's lives.
    pub life: u32,
    /// How that host names it, if it is a player's connection.
    pub name: ConnectionId,
    /// How far it has come.
    pub state: State,
    ordered: Pipe,
    bulk: Pipe,
}

/// How far one end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The handshake goes on.
    Opening,
    /// It carries bytes.
    Up,
    /// For good.
    Over,
}

/// An ordered lane, one way.
#[derive(Debug, Default)]
pub struct Pipe {
    /// Nothing arrives before what was sent before.
    pub clear_at: Micros,
    /// What waits for the path to open.
    pub parked: VecDeque<Bytes>,
}

impl Connection {
    /// A connection whose handshake has begun.
    #[must_use]
    pub fn new(kind: Kind, ends: [(Host, u32, ConnectionId); 2]) -> Self {
        Self {
            kind,
            ends: ends.map(|(host, life, name)| End {
                host,
                life,
                name,
                state: State::Opening,
                ordered: Pipe::default(),
                bulk: Pipe::default(),
            }),
        }
    }

    /// The ordered lane that leaves one end, or its bulk lane.
    pub fn pipe(&mut self, from: Side, lane: Lane) -> &mut Pipe {
        match lane {
            Lane::Bulk => &mut self.ends[from].bulk,
            Lane::Frame | Lane::Datagram => &mut self.ends[from].ordered,
        }
    }

    /// The hosts of the way that leaves one end.
    #[must_use]
    pub const fn way(&self, from: Side) -> (Host, Host) {
        (self.ends[from].host, self.ends[1 - from].host)
    }

    /// One end is over; what it had yet to send is gone. Returns whether it was up.
    pub fn end(&mut self, side: Side) -> bool {
        let end = &mut self.ends[side];
        let was_up = end.state == State::Up;
        end.state = State::Over;
        end.ordered.parked = VecDeque::new();
        end.bulk.parked = VecDeque::new();
        was_up
    }
}
