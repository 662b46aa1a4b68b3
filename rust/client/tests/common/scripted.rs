//! A server that says what the test wants, to one session.

use bytes::Bytes;
use synced_client::{Session, SessionConfig, command::Command, update::Update};
use synced_protocol::{
    control::{First, decode, decode_first, encode, encode_first},
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, PlayerId},
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic, Output},
    message::{
        Change, ClientMessage, Commit, Hello, JoinKey, Leader, LogEntry, PlayerEntry, ResumeToken,
        ServerMessage, SnapshotPart, Welcome,
    },
    mutation::{Mutation, Transaction},
    time::Micros,
};

use super::{authored_cup, game, mirror::Mirror, ms};

pub const ME: PlayerId = PlayerId(7);
pub const OTHER: PlayerId = PlayerId(8);
pub const TOKEN: ResumeToken = ResumeToken([7; 16]);

pub struct Script {
    pub session: Session,
    pub game: Mirror,
    pub now: Micros,
    pub outputs: Vec<Output>,
    current: ConnectionId,
}

impl Script {
    pub fn new(config: SessionConfig) -> Self {
        let mut script = Self {
            session: Session::new(config, JoinKey([1; 16]), 1),
            game: Mirror::default(),
            now: ms(1_000),
            outputs: Vec::new(),
            current: ConnectionId(0),
        };
        script.event(Event::Woken);
        script
    }

    /// A session that is up, with an empty world at index 10 and two players.
    pub fn up() -> Self {
        Self::up_with(SessionConfig::new(game(), "ann"))
    }

    pub fn up_with(config: SessionConfig) -> Self {
        let mut script = Self::new(config);
        script.connect();
        script.say_first(&ServerMessage::Welcome(welcome(ME, 10)));
        script.say(&ServerMessage::Snapshot(snapshot(10)));
        assert_eq!(script.game.joins.len(), 1);
        script.outputs.clear();
        script
    }

    /// Answers the session's wish to connect, and returns its first words.
    pub fn connect(&mut self) -> Hello {
        self.current = self.wanted().expect("a wish to connect");
        self.outputs.clear();
        let remote = ([127, 0, 0, 1], 7_000).into();
        let connection = self.connection();
        self.event(Event::Connected { connection, remote });
        match self.frames().as_slice() {
            [frame] => match decode_first(frame) {
                Ok(First::SameVersion(ClientMessage::Hello(hello))) => hello,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    pub fn connection(&self) -> ConnectionId {
        self.current
    }

    /// The connection that the session asked for, if it did.
    pub fn wanted(&self) -> Option<ConnectionId> {
        self.outputs.iter().find_map(|output| match output {
            Output::Connect { connection, .. } => Some(*connection),
            _ => None,
        })
    }

    pub fn event(&mut self, event: Event) {
        self.session.handle(self.now, event);
        while let Some(output) = self.session.poll_output() {
            self.outputs.push(output);
        }
        while let Some(update) = self.session.poll_update() {
            self.game.apply(update);
        }
    }

    pub fn frame(&mut self, bytes: Bytes) {
        let connection = self.connection();
        self.event(Event::Frame { connection, bytes });
    }

    pub fn datagram(&mut self, bytes: impl Into<Bytes>) {
        let (connection, bytes) = (self.connection(), bytes.into());
        self.event(Event::Datagram { connection, bytes });
    }

    pub fn say_first(&mut self, message: &ServerMessage) {
        self.frame(encode_first(message).unwrap());
    }

    pub fn say(&mut self, message: &ServerMessage) {
        self.frame(encode(message).unwrap());
    }

    pub fn lose(&mut self, reason: CloseReason) {
        let connection = self.connection();
        self.event(Event::Closed { connection, reason });
    }

    /// Lets time pass, waking the session whenever it wants to be.
    pub fn pass(&mut self, span: Micros) {
        let end = self.now + span;
        while let Some(at) = self.session.poll_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.event(Event::Woken);
        }
        self.now = end;
    }

    /// Lets time pass until the session wants to connect again.
    pub fn wait_for_try(&mut self) {
        self.outputs.clear();
        for _ in 0..100 {
            self.now = self
                .session
                .poll_deadline()
                .expect("a deadline")
                .max(self.now);
            self.event(Event::Woken);
            if self.wanted().is_some() {
                return;
            }
        }
        panic!("no further try");
    }

    pub fn propose(&mut self, seq: u64, transaction: impl Into<Transaction>) {
        let transaction = Box::new(transaction.into());
        let seq = ClientSeq(seq);
        self.session
            .command(self.now, Command::Propose { seq, transaction });
        self.event(Event::Woken);
    }

    /// The numbers of the proposals sent since the outputs were cleared.
    pub fn proposed(&self) -> Vec<u64> {
        let messages = self.frames();
        let seqs = messages.iter().filter_map(|frame| match decode(frame) {
            Ok(ClientMessage::Propose { seq, .. }) => Some(seq.0),
            _ => None,
        });
        seqs.collect()
    }

    pub fn frames(&self) -> Vec<Bytes> {
        let frames = self.outputs.iter().filter_map(|output| match output {
            Output::Frame { bytes, .. } => Some(bytes.clone()),
            _ => None,
        });
        frames.collect()
    }

    pub fn closed_with(&self) -> Option<CloseCode> {
        self.outputs.iter().find_map(|output| match output {
            Output::Close { code, .. } => Some(*code),
            _ => None,
        })
    }
}

pub fn welcome(player: PlayerId, log_index: u64) -> Welcome {
    Welcome {
        player,
        token: TOKEN,
        session_time: Micros::from_secs(1_700_000_000),
        log_index: LogIndex(log_index),
        resumed: false,
        last_seq: ClientSeq(0),
        last_spawn_counter: 0,
        global_data_update_interval: Micros::from_secs(1),
        leader: Leader::alone(),
    }
}

pub fn resumed(last_seq: u64) -> ServerMessage {
    ServerMessage::Welcome(Welcome {
        resumed: true,
        last_seq: ClientSeq(last_seq),
        ..welcome(ME, 20)
    })
}

pub fn snapshot(log_index: u64) -> SnapshotPart {
    let player = |player, name: &str| PlayerEntry {
        player,
        name: name.into(),
        hosts: false,
    };
    SnapshotPart {
        log_index: LogIndex(log_index),
        hlc: HlcTimestamp::ZERO,
        players: vec![player(ME, "ann"), player(OTHER, "bob")],
        nodes: Vec::new(),
        despawned: Vec::new(),
        live: Vec::new(),
        poses: Vec::new(),
        last: true,
    }
}

pub fn commit(log_index: u64, change: Change) -> ServerMessage {
    ServerMessage::Commit(Commit {
        log_index: LogIndex(log_index),
        entry: LogEntry {
            hlc: HlcTimestamp::from_physical(Micros::from_secs(1_700_000_000) + Micros(log_index)),
            change,
        },
    })
}

pub fn transaction(player: PlayerId, seq: u64, transaction: impl Into<Transaction>) -> Change {
    Change::Transaction {
        player,
        seq: ClientSeq(seq),
        transaction: transaction.into(),
    }
}

/// Every update that is still to be told.
pub fn updates(session: &mut Session) -> Vec<Update> {
    std::iter::from_fn(|| session.poll_update()).collect()
}

/// An authored cup that the other player declares.
pub fn spawn_cup(seq: u64) -> Change {
    transaction(OTHER, seq, Mutation::Spawn(authored_cup()))
}
