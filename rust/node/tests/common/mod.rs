//! A node, scripted clients and no network: what one side says the other hears at once, in virtual time.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unreachable_pub)]

pub mod client;
pub mod openings;
pub mod words;

use std::collections::BTreeMap;

use bytes::Bytes;
use synced_node::{Log, Node, NodeConfig, NodeStats, SoloLog};
use synced_protocol::{
    control,
    id::LogIndex,
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic, Output},
    message::{ClientMessage, Game, ResumeToken},
    time::Micros,
};

pub use client::Client;

/// When local time is zero, session time is this.
pub const EPOCH: Micros = Micros::from_secs(1_700_000_000);
pub const HOST_TOKEN: ResumeToken = ResumeToken([7; 16]);

pub fn game() -> Game {
    Game {
        name: "cups".to_owned(),
        version: "1.0".to_owned(),
    }
}

pub fn config() -> NodeConfig {
    NodeConfig {
        epoch_offset: EPOCH,
        host_token: Some(HOST_TOKEN),
        ..NodeConfig::new(game())
    }
}

/// One node and all who talk to it.
pub struct Table<L = SoloLog> {
    pub node: Node<L>,
    pub now: Micros,
    clients: BTreeMap<ConnectionId, Client>,
    last: u64,
}

impl Table {
    pub fn new() -> Self {
        Self::with(config())
    }

    pub fn with(config: NodeConfig) -> Self {
        Self::on(Node::new(config, [1; 32]))
    }
}

impl<L: Log> Table<L> {
    pub fn on(node: Node<L>) -> Self {
        Self {
            node,
            now: Micros::from_secs(1),
            clients: BTreeMap::new(),
            last: 0,
        }
    }

    /// A new connection whose peer says nothing yet.
    pub fn connect(&mut self) -> ConnectionId {
        self.last += 1;
        let connection = ConnectionId(self.last);
        self.clients.insert(connection, Client::new(self.last));
        let remote = ([192, 0, 2, 1], 4433).into();
        self.handle(Event::Connected { connection, remote });
        connection
    }

    /// A player who joins.
    pub fn join(&mut self, name: &str) -> ConnectionId {
        let id = self.connect();
        let hello = self.client(id).hello(name);
        self.send_first(id, &ClientMessage::Hello(hello));
        id
    }

    /// The player of a connection that is gone comes back by another, and goes on from what it knew.
    pub fn come_back(&mut self, before: ConnectionId) -> ConnectionId {
        let knew = self.client(before).clone();
        let id = self.connect();
        let hello = knew.hello_again();
        *self.client_mut(id) = knew.reborn();
        self.send_first(id, &ClientMessage::Hello(hello));
        id
    }

    pub fn send_first(&mut self, id: ConnectionId, message: &ClientMessage) {
        let frame = control::encode_first(message).unwrap();
        self.send_frame(id, frame);
    }

    pub fn send(&mut self, id: ConnectionId, message: &ClientMessage) {
        let frame = control::encode(message).unwrap();
        self.send_frame(id, frame);
    }

    pub fn send_frame(&mut self, connection: ConnectionId, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        self.handle(Event::Frame { connection, bytes });
    }

    pub fn send_datagram(&mut self, connection: ConnectionId, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        self.handle(Event::Datagram { connection, bytes });
    }

    /// The connection is lost without a word.
    pub fn lose(&mut self, connection: ConnectionId) {
        let reason = CloseReason::TimedOut;
        self.handle(Event::Closed { connection, reason });
    }

    /// Lets time pass, waking the node whenever it wants to be.
    pub fn pass(&mut self, span: Micros) {
        let end = self.now + span;
        while let Some(deadline) = self.node.poll_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(deadline);
            self.handle(Event::Woken);
        }
        self.now = end;
    }

    pub fn handle(&mut self, event: Event) {
        self.node.handle(self.now, event);
        self.deliver();
    }

    /// Hands everything that the node says to whom it is for.
    pub fn deliver(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Connect { .. } => panic!("a node never connects"),
                Output::Frame { connection, bytes } => {
                    self.client_mut(connection).on_frame(&bytes);
                }
                Output::Datagram { connection, bytes } => {
                    self.client_mut(connection).datagrams.push(bytes);
                }
                Output::Close { connection, code } => {
                    self.client_mut(connection).closed = Some(code);
                    let reason = CloseReason::ByUs(code);
                    self.node
                        .handle(self.now, Event::Closed { connection, reason });
                }
            }
        }
    }

    pub fn client(&self, id: ConnectionId) -> &Client {
        &self.clients[&id]
    }

    pub fn client_mut(&mut self, id: ConnectionId) -> &mut Client {
        self.clients.get_mut(&id).unwrap()
    }

    pub fn closed(&self, id: ConnectionId) -> Option<CloseCode> {
        self.client(id).closed
    }

    pub fn session_time(&self) -> Micros {
        self.now + EPOCH
    }

    pub fn stats(&self) -> NodeStats {
        self.node.stats()
    }

    /// Everyone named sees the world as the node has it.
    pub fn assert_agree(&self, ids: &[ConnectionId]) {
        for id in ids {
            let client = self.client(*id);
            assert_eq!(client.world().digest(), self.node.world().digest());
            assert_eq!(client.closed, None);
        }
    }

    pub fn log_index(&self) -> LogIndex {
        self.node.world().log_index()
    }
}
