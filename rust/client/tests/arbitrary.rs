//! Whatever a server says, a session neither panics nor goes on for ever.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bytes::Bytes;
use common::{
    authored_cup, cup, game, give, paint,
    scripted::{ME, OTHER, commit, resumed, snapshot, transaction, welcome},
};
use proptest::prelude::*;
use synced_client::{Session, SessionConfig, command::Command, limits::ASKED_WATCHED_MAX};
use synced_protocol::{
    control::{encode, encode_first},
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId, ServerId, Term},
    input::{InputFrame, Precision},
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic, Output},
    live::{LiveWriter, Pong, encode_pong, relay_header},
    message::{
        Change, JoinKey, JoinMark, Leader, PlayerEntry, Refusal, RestedValue, ServerEntry,
        ServerMessage, Welcome,
    },
    mutation::{Mutation, Rejection},
    time::Micros,
    value::Value,
};

/// What a server may come up with.
#[derive(Debug, Clone)]
enum Act {
    /// By one of the connections.
    Frame(usize, Bytes),
    /// A good frame with some bytes changed.
    Damaged(Bytes, usize, u8),
    Datagram(Bytes),
    Close(usize, CloseReason),
    /// From now on attempts fail, or succeed.
    Refuse(bool),
    Wait(u64),
    Propose(u8),
    Live(u64),
    EndFrame,
    Leave,
}

fn messages() -> impl Strategy<Value = ServerMessage> {
    let node = authored_cup().node;
    let entry = |player| PlayerEntry {
        player,
        name: "eve".into(),
        hosts: true,
    };
    let change = (any::<bool>(), 0..5_u64, 0..7_u8).prop_map(move |(mine, seq, kind)| {
        let player = if mine { ME } else { OTHER };
        match kind {
            0 => transaction(player, seq, Mutation::Spawn(authored_cup())),
            1 => transaction(
                player,
                seq,
                Mutation::Spawn(cup(NodeId::spawned(player, seq as u32), player)),
            ),
            2 => transaction(player, seq, give(node, player)),
            3 => transaction(player, seq, paint(node, 3)),
            4 => Change::PlayerLeft { player },
            5 => Change::Rested {
                player,
                values: vec![rested(node, seq), rested(NodeId::spawned(player, 1), seq)],
            },
            _ => Change::PlayerJoined {
                player: entry(PlayerId(seq as u32)),
                mark: JoinMark::default(),
            },
        }
    });
    prop_oneof![
        1 => (0..20_u64).prop_map(|index| ServerMessage::Welcome(welcome(ME, index))),
        1 => (0..5_u64).prop_map(resumed),
        1 => Just(ServerMessage::Welcome(welcome(OTHER, 9))),
        2 => (0..20_u64, leaders()).prop_map(|(index, leader)| {
            ServerMessage::Welcome(Welcome { leader, ..welcome(ME, index) })
        }),
        4 => leaders().prop_map(ServerMessage::Leader),
        1 => Just(ServerMessage::Refused(Refusal::NameTooLong)),
        2 => (0..20_u64, any::<bool>()).prop_map(|(index, last)| {
            let mut part = snapshot(index);
            part.last = last;
            ServerMessage::Snapshot(part)
        }),
        8 => (0..40_u64, change).prop_map(|(index, change)| commit(index, change)),
        2 => (0..5_u64).prop_map(|seq| ServerMessage::Rejected {
            seq: ClientSeq(seq),
            log_index: LogIndex(1),
            reason: Rejection::TooMany,
        }),
    ]
}

/// What servers say of their leader, true or not.
fn leaders() -> impl Strategy<Value = Leader> {
    let server = || (0..6_u16).prop_map(ServerId);
    let servers = prop::collection::vec(server(), 0..6);
    let word = (server(), 0..6_u64, prop::option::of(server()), servers);
    word.prop_map(|(from, term, leader, servers)| Leader {
        from,
        term: Term(term),
        leader,
        servers: servers
            .into_iter()
            .map(|server| ServerEntry {
                server,
                address: server.0.to_string(),
            })
            .collect(),
    })
}

fn rested(node: NodeId, newer_than: u64) -> RestedValue {
    RestedValue {
        node,
        property: PropertyId(1),
        newer_than: LogIndex(newer_than * 8),
        value: Value::Nil,
    }
}

fn datagrams() -> impl Strategy<Value = Bytes> {
    let live = (any::<u32>(), any::<u64>(), any::<bool>(), any::<u64>()).prop_map(
        |(sequence, at, mine, hlc)| {
            let node = authored_cup().node;
            let mut writer = LiveWriter::default();
            writer.begin(sequence, Micros(at));
            let frame = InputFrame {
                sampled_at: Micros(at),
                ..InputFrame::default()
            };
            let _ = writer.input(node, &[frame], Precision::default());
            let _ = writer.value(node, PropertyId(1), Micros(at), &Value::Nil);
            let header = relay_header(if mine { ME } else { OTHER }, HlcTimestamp(hlc));
            [&header, &writer.bytes()[1..]].concat().into()
        },
    );
    let pong = any::<[u64; 3]>().prop_map(|[ping, received, sent]| {
        let pong = Pong {
            ping_sent_at: Micros(ping),
            received_at: Micros(received),
            sent_at: Micros(sent),
            ..Pong::default()
        };
        Bytes::copy_from_slice(&encode_pong(&pong))
    });
    let any_bytes = prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from);
    prop_oneof![live, pong, any_bytes]
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let first = messages().prop_map(|message| encode_first(&message).unwrap());
    let frame = || messages().prop_map(|message| encode(&message).unwrap());
    let any_bytes = prop::collection::vec(any::<u8>(), 0..100).prop_map(Bytes::from);
    let close = prop_oneof![
        Just(CloseReason::TimedOut),
        Just(CloseReason::ByPeer(CloseCode::TooSlow)),
        Just(CloseReason::Untrusted(String::new())),
    ];
    let act = prop_oneof![
        6 => (0..6_usize, first).prop_map(|(at, bytes)| Act::Frame(at, bytes)),
        12 => (0..6_usize, frame()).prop_map(|(at, bytes)| Act::Frame(at, bytes)),
        3 => (frame(), any::<usize>(), any::<u8>()).prop_map(|(bytes, at, flip)| Act::Damaged(bytes, at, flip)),
        2 => any_bytes.prop_map(|bytes| Act::Frame(0, bytes)),
        6 => datagrams().prop_map(Act::Datagram),
        3 => (0..6_usize, close).prop_map(|(at, reason)| Act::Close(at, reason)),
        1 => any::<bool>().prop_map(Act::Refuse),
        4 => (0..3_000_000_u64).prop_map(Act::Wait),
        4 => any::<u8>().prop_map(Act::Propose),
        4 => any::<u64>().prop_map(Act::Live),
        2 => Just(Act::EndFrame),
        1 => Just(Act::Leave),
    ];
    prop::collection::vec(act, 0..60)
}

struct Driver {
    session: Session,
    now: Micros,
    /// Those that the session may still use, the newest last.
    connections: Vec<ConnectionId>,
    refuses: bool,
    seq: u64,
    tries: u64,
}

impl Driver {
    fn act(&mut self, act: Act) {
        let connection = self.connection(0);
        let event = match act {
            Act::Frame(at, bytes) => Event::Frame {
                connection: self.connection(at),
                bytes,
            },
            Act::Damaged(bytes, at, flip) => {
                let mut bytes = bytes.to_vec();
                let at = at % bytes.len();
                bytes[at] ^= flip;
                Event::Frame {
                    connection,
                    bytes: bytes.into(),
                }
            }
            Act::Datagram(bytes) => Event::Datagram { connection, bytes },
            Act::Close(at, reason) => {
                let connection = self.connection(at);
                self.connections.retain(|open| *open != connection);
                Event::Closed { connection, reason }
            }
            Act::Refuse(refuses) => {
                self.refuses = refuses;
                Event::Woken
            }
            Act::Wait(us) => {
                self.now = self.now + Micros(us);
                Event::Woken
            }
            Act::Propose(colour) => {
                self.seq += 1;
                let transaction = Box::new(paint(authored_cup().node, colour.into()).into());
                let seq = ClientSeq(self.seq);
                self.command(Command::Propose { seq, transaction })
            }
            Act::Live(at) => self.command(Command::SetLive {
                node: authored_cup().node,
                property: PropertyId(1),
                at: Micros(at),
                value: Value::Nil,
            }),
            Act::EndFrame => self.command(Command::EndFrame),
            Act::Leave => self.command(Command::Leave),
        };
        self.session.handle(self.now, event);
        self.answer();
    }

    fn command(&mut self, command: Command) -> Event {
        self.session.command(self.now, command);
        Event::Woken
    }

    /// One of the connections, counted from the newest.
    fn connection(&self, at: usize) -> ConnectionId {
        let newest_first = self.connections.iter().rev().cycle().nth(at);
        newest_first.copied().unwrap_or(ConnectionId(0))
    }

    /// Lets every wish to connect come true, or none.
    fn answer(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Connect { connection, .. } => self.connect(connection),
                Output::Close { connection, code } => {
                    let count = self.connections.len();
                    self.connections.retain(|open| *open != connection);
                    assert_eq!(self.connections.len() + 1, count, "closed once");
                    let reason = CloseReason::ByUs(code);
                    let closed = Event::Closed { connection, reason };
                    self.session.handle(self.now, closed);
                }
                Output::Frame { connection, .. } | Output::Datagram { connection, .. } => {
                    assert!(self.connections.contains(&connection), "{connection}");
                }
            }
        }
        while self.session.poll_update().is_some() {}
        assert!(!self.session.is_finished() || self.connections.is_empty());
    }

    fn connect(&mut self, connection: ConnectionId) {
        self.tries += 1;
        let event = if self.refuses {
            let reason = CloseReason::Unreachable("nobody answers".into());
            Event::Closed { connection, reason }
        } else {
            self.connections.push(connection);
            let remote = ([127, 0, 0, 1], 7_000).into();
            Event::Connected { connection, remote }
        };
        let most = SessionConfig::new(game(), "ann").standby_connections + ASKED_WATCHED_MAX + 2;
        assert!(self.connections.len() <= most, "{:?}", self.connections);
        self.session.handle(self.now, event);
    }

    /// Wakes the session just when it asks for it; fails when it asks again and again for the same time.
    fn run_for(&mut self, span: Micros) {
        let end = self.now + span;
        let mut at_once = 0;
        while let Some(next) = self.session.poll_deadline().filter(|next| *next <= end) {
            at_once = if next <= self.now { at_once + 1 } else { 0 };
            assert!(
                at_once < 10,
                "the session never comes to rest at {:?}",
                self.now
            );
            self.now = self.now.max(next);
            self.session.handle(self.now, Event::Woken);
            self.answer();
        }
    }
}

proptest! {
    #[test]
    fn any_course_of_events_leaves_a_session_that_comes_to_rest(acts in acts(), up: bool) {
        let mut config = SessionConfig::new(game(), "ann");
        config.retry.first_connect = true;
        let mut driver = Driver { session: Session::new(config, JoinKey([1; 16]), 1), now: Micros(1), connections: Vec::new(), refuses: false, seq: 0, tries: 0 };
        driver.act(Act::Wait(1));
        if up {
            driver.act(Act::Frame(0, encode_first(&ServerMessage::Welcome(welcome(ME, 5))).unwrap()));
            driver.act(Act::Frame(0, encode(&ServerMessage::Snapshot(snapshot(5))).unwrap()));
        }
        acts.into_iter().for_each(|act| driver.act(act));
        let tries = driver.tries;
        driver.run_for(Micros::from_secs(3));
        prop_assert!(driver.tries - tries < 60, "{} tries", driver.tries - tries);
    }
}
