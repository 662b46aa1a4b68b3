//! A player's session that is up, with everything that its server says.

use bytes::Bytes;
use synced_client::{BridgedSession, Handle, Session, SessionConfig, bridge, update::Update};
use synced_protocol::{
    control,
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, PlayerId},
    link::{ConnectionId, Event, Logic, Output},
    message::{
        JoinKey, Leader, LogEntry, NodeEntry, PlayerEntry, ResumeToken, ServerMessage,
        SnapshotPart, Welcome,
    },
    time::Micros,
};

use super::words::{EPOCH, commit, cup, game};

pub(crate) const ME: PlayerId = PlayerId(1);
pub(crate) const OTHER: PlayerId = PlayerId(2);
const CUPS_IN_PART: usize = 100;

/// One player and the server that it takes this for.
pub(crate) struct Seat {
    pub(crate) handle: Handle,
    pub(crate) network: BridgedSession,
    pub(crate) now: Micros,
    connection: ConnectionId,
    log_index: u64,
}

impl Seat {
    /// A session with one other player, in a world where so many cups are one of theirs.
    pub(crate) fn new(owner: PlayerId, cups: u32) -> Self {
        let session = Session::new(SessionConfig::new(game(), "Ann"), JoinKey([1; 16]), 1);
        let (handle, network) = bridge(session, || {});
        let mut seat = Self {
            handle,
            network,
            now: Micros::from_secs(1),
            connection: ConnectionId(0),
            log_index: 1,
        };
        seat.connect();
        let welcome = control::encode_first(&ServerMessage::Welcome(welcome())).unwrap();
        seat.hear(welcome);
        seat.say_snapshot(SnapshotPart {
            players: vec![player(ME, "Ann"), player(OTHER, "Bob")],
            ..part()
        });
        let cups: Vec<NodeEntry> = (1..=cups).map(|counter| node(owner, counter)).collect();
        for cups in cups.chunks(CUPS_IN_PART) {
            seat.say_snapshot(SnapshotPart {
                nodes: cups.to_vec(),
                ..part()
            });
        }
        seat.say_snapshot(SnapshotPart {
            last: true,
            ..part()
        });
        let updates = std::iter::from_fn(|| seat.handle.next_update());
        let joined = updates.filter(|update| matches!(update, Update::Joined(_)));
        assert_eq!(joined.count(), 1);
        seat
    }

    fn say_snapshot(&mut self, part: SnapshotPart) {
        let frame = control::encode(&ServerMessage::Snapshot(part));
        self.hear(frame.unwrap());
    }

    fn connect(&mut self) {
        self.network.handle(self.now, Event::Woken);
        while let Some(output) = self.network.poll_output() {
            if let Output::Connect { connection, .. } = output {
                self.connection = connection;
            }
        }
        let (connection, remote) = (self.connection, ([192, 0, 2, 1], 4433).into());
        self.handle(Event::Connected { connection, remote });
    }

    /// Time goes on, and the game reads what it is told; what is due by the clock alone, as once a second, is done.
    pub(crate) fn idle(&mut self, span: Micros) {
        self.now = self.now + span;
        self.handle(Event::Woken);
        self.read();
    }

    pub(crate) fn session_time(&self) -> Micros {
        self.now + EPOCH
    }

    /// The next commit, as its frame.
    pub(crate) fn commit(&mut self, entry: LogEntry) -> Bytes {
        self.log_index += 1;
        control::encode(&ServerMessage::Commit(commit(self.log_index, entry))).unwrap()
    }

    pub(crate) const fn log_index(&self) -> u64 {
        self.log_index
    }

    /// A frame comes.
    pub(crate) fn hear(&mut self, bytes: Bytes) {
        let connection = self.connection;
        self.handle(Event::Frame { connection, bytes });
    }

    /// A datagram comes.
    pub(crate) fn see(&mut self, bytes: Bytes) {
        let connection = self.connection;
        self.handle(Event::Datagram { connection, bytes });
    }

    /// The network's half handles something. Returns how many outputs that makes.
    pub(crate) fn handle(&mut self, event: Event) -> usize {
        self.network.handle(self.now, event);
        let mut outputs = 0;
        while let Some(output) = self.network.poll_output() {
            assert!(!matches!(output, Output::Close { .. }), "given up");
            outputs += 1;
        }
        outputs
    }

    /// The game reads all that it was told. Returns how much that is.
    pub(crate) fn read(&mut self) -> usize {
        let mut read = 0;
        while let Some(update) = self.handle.next_update() {
            drop(std::hint::black_box(update));
            read += 1;
        }
        read
    }
}

fn welcome() -> Welcome {
    Welcome {
        player: ME,
        token: ResumeToken([7; 16]),
        session_time: EPOCH + Micros::from_secs(1),
        log_index: LogIndex(1),
        resumed: false,
        last_seq: ClientSeq(0),
        last_spawn_counter: 0,
        global_data_update_interval: Micros::from_secs(1),
        leader: Leader::alone(),
    }
}

fn player(player: PlayerId, name: &str) -> PlayerEntry {
    PlayerEntry {
        player,
        name: name.to_owned(),
        hosts: false,
    }
}

fn node(owner: PlayerId, counter: u32) -> NodeEntry {
    let spawn = cup(owner, counter);
    let versions = vec![LogIndex(1); spawn.properties.len()];
    NodeEntry { spawn, versions }
}

/// A part of a snapshot with nothing in it.
const fn part() -> SnapshotPart {
    SnapshotPart {
        log_index: LogIndex(1),
        hlc: HlcTimestamp::ZERO,
        players: Vec::new(),
        nodes: Vec::new(),
        despawned: Vec::new(),
        live: Vec::new(),
        poses: Vec::new(),
        last: false,
    }
}
