//! The frames of the confirmed lane.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    bounded,
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId, ServerId, Term},
    mutation::{Rejection, Spawn, Transaction},
    time::Micros,
    value::Value,
};

/// What a client sends. The first frame is [`ClientMessage::Hello`] or [`ClientMessage::Watch`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// The handshake.
    Hello(Hello),
    /// A transaction to be ordered.
    Propose {
        /// One more than the proposal before.
        seq: ClientSeq,
        /// What is proposed.
        transaction: Transaction,
    },
    /// The player leaves for good.
    Leave,
    /// What the player wants to be sent of a node by datagram. All of it until said otherwise; said anew on each connection.
    Interest {
        /// Which node; it need not be there yet.
        node: NodeId,
        /// Whether its live blocks are to be relayed to this player.
        wanted: bool,
    },
    /// Asks a server to say who leads, now and whenever that changes; instead of a hello, or before it.
    Watch,
}

/// A client's first words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The game; both sides must name the same.
    pub game: Game,
    /// How the player wants to be called; need not be unique.
    #[serde(deserialize_with = "bounded::text")]
    pub player_name: String,
    /// The client's own choice, the same for all of its stay: by it a hello is known for the second of one client that has not
    /// heard what became of the first.
    pub key: JoinKey,
    /// The session to go on with, after a lost connection.
    pub resume: Option<Resume>,
}

/// A game and its version. Players whose games differ could not agree on what a scene or a property is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Game {
    /// The game's name, at most [`MAX_GAME_BYTES`](crate::limits::MAX_GAME_BYTES).
    #[serde(deserialize_with = "bounded::text")]
    pub name: String,
    /// The game's version, any text, at most as long.
    #[serde(deserialize_with = "bounded::text")]
    pub version: String,
}

impl fmt::Display for Game {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" version \"{}\"", self.name, self.version)
    }
}

/// Where a client was when its connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// What the leader gave in [`Welcome`].
    pub token: ResumeToken,
    /// The last log entry that the client has applied.
    pub cursor: LogIndex,
}

/// A secret that proves who a returning client is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResumeToken(pub [u8; 16]);

/// A secret that a client has chosen at random, by which servers know it before it knows its token.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinKey(pub [u8; 16]);

impl fmt::Debug for JoinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinKey(secret)")
    }
}

/// What the log says of a [`JoinKey`]: the same for the same key, and nobody finds the key by it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JoinMark(pub [u8; 16]);

impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeToken(secret)")
    }
}

/// What a server sends. The first frame is `Welcome`, `Leader` or `Refused`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ServerMessage {
    /// The handshake's good end.
    Welcome(Welcome),
    /// The handshake's other end; the connection closes.
    Refused(Refusal),
    /// A part of the world, to a client that joins or was away too long.
    Snapshot(SnapshotPart),
    /// An entry of the log.
    Commit(Commit),
    /// A proposal of this client changed nothing.
    Rejected {
        /// Which.
        seq: ClientSeq,
        /// Where in the log it was decided, or the last index when it never got there.
        log_index: LogIndex,
        /// Why.
        reason: Rejection,
    },
    /// Who leads: the answer to [`ClientMessage::Watch`], to a hello that came to another server than the leader, and to
    /// everyone whom a server served until it ceased to lead. The connection stays; a hello may follow on it.
    Leader(Leader),
}

/// Who leads, and who could.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// The server that says so.
    pub from: ServerId,
    /// The term that it speaks of; what is said of an earlier one is out of date.
    pub term: Term,
    /// The leader, if there is one and it serves.
    pub leader: Option<ServerId>,
    /// The voting servers, the likeliest next leader first.
    #[serde(deserialize_with = "bounded::list")]
    pub servers: Vec<ServerEntry>,
}

impl Leader {
    /// What a server says that is alone.
    #[must_use]
    pub const fn alone() -> Self {
        Self {
            from: ServerId(0),
            term: Term(0),
            leader: Some(ServerId(0)),
            servers: Vec::new(),
        }
    }
}

/// A server as players reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerEntry {
    /// Which.
    pub server: ServerId,
    /// `host:port`, at most [`MAX_NAME_BYTES`](crate::limits::MAX_NAME_BYTES).
    #[serde(deserialize_with = "bounded::text")]
    pub address: String,
}

/// The handshake's good end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Who the client is from now on.
    pub player: PlayerId,
    /// The secret with which it may come back.
    pub token: ResumeToken,
    /// The leader's clock now.
    pub session_time: Micros,
    /// The last entry of the log. Unless the session is resumed, a snapshot of the world there follows.
    pub log_index: LogIndex,
    /// Whether the client goes on from its cursor; else what it knew of the world is to be replaced.
    pub resumed: bool,
    /// The last proposal of this player that was decided, in the log or without getting there; later ones are to be sent
    /// again.
    pub last_seq: ClientSeq,
    /// The counter of the last node that this player spawned; the next is one more.
    pub last_spawn_counter: u32,
    /// Every live value is sent again after this time at the latest.
    pub global_data_update_interval: Micros,
    /// Who leads: the server that welcomes.
    pub leader: Leader,
}

/// Why a client may not join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The protocol versions differ.
    ProtocolVersion {
        /// The server's.
        server: u16,
        /// The client's.
        client: u16,
    },
    /// The games differ.
    Game {
        /// The server's.
        server: Game,
        /// The client's.
        client: Game,
    },
    /// No more players fit.
    Full {
        /// How many fit.
        players_max: u32,
    },
    /// A name of the handshake is longer than its limit.
    NameTooLong,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProtocolVersion { server, client } => write!(
                f,
                "the server speaks protocol version {server}, this client version {client}: update the older of the two"
            ),
            Self::Game { server, client } => write!(
                f,
                "the server runs {server}, this client {client}: both need the same build of the game"
            ),
            Self::Full { players_max } => {
                write!(f, "the session is full with {players_max} players")
            }
            Self::NameTooLong => f.write_str("the player's or the game's name is too long"),
        }
    }
}

/// A part of the world at one index of the log; parts come in order, parents before children.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotPart {
    /// The index; the same for all parts.
    pub log_index: LogIndex,
    /// The leader's timestamp of the snapshot.
    pub hlc: HlcTimestamp,
    /// Players of the world.
    #[serde(deserialize_with = "bounded::list")]
    pub players: Vec<PlayerEntry>,
    /// Nodes of the world.
    #[serde(deserialize_with = "bounded::list")]
    pub nodes: Vec<NodeEntry>,
    /// Authored nodes that were despawned.
    #[serde(deserialize_with = "bounded::list")]
    pub despawned: Vec<NodeId>,
    /// The newest live values, which are in no log.
    #[serde(deserialize_with = "bounded::list")]
    pub live: Vec<LiveEntry>,
    /// The newest input of each tracked node, which is in no log.
    #[serde(deserialize_with = "bounded::list")]
    pub poses: Vec<LivePose>,
    /// Whether this is the last part.
    pub last: bool,
}

/// A player of the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerEntry {
    /// The player.
    pub player: PlayerId,
    /// What the player wants to be called.
    #[serde(deserialize_with = "bounded::text")]
    pub name: String,
    /// Whether the policies' [`Access::Server`](crate::mutation::Access::Server) includes this player.
    pub hosts: bool,
}

/// A node as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeEntry {
    /// The node with its present parent, owner and values.
    pub spawn: Spawn,
    /// The version of each property, in the order of the properties.
    #[serde(deserialize_with = "bounded::list")]
    pub versions: Vec<LogIndex>,
}

/// The newest live value of a property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveEntry {
    /// Whose.
    pub node: NodeId,
    /// Which.
    pub property: PropertyId,
    /// When its owner had it, in session time.
    pub stamp: Micros,
    /// The value.
    pub value: Value,
}

/// The newest input batch of a tracked node, to be told as if its datagram had just come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LivePose {
    /// Whose.
    pub node: NodeId,
    /// When the batch's datagram was sent, in session time as its sender knew it.
    pub sent_at: Micros,
    /// The batch for [`decode_batch`](crate::input::decode_batch), still packed.
    #[serde(with = "bounded::bytes")]
    pub batch: Vec<u8>,
}

/// The value at which a live property comes to rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestedValue {
    /// Whose.
    pub node: NodeId,
    /// Which.
    pub property: PropertyId,
    /// The last log entry that the value is newer than: what a later one has written stays.
    pub newer_than: LogIndex,
    /// The value.
    pub value: Value,
}

/// An entry of the log at its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// Its place. Entries that changed nothing are not published, so places may be skipped.
    pub log_index: LogIndex,
    /// The entry.
    pub entry: LogEntry,
}

/// What the log holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When the leader ordered it.
    pub hlc: HlcTimestamp,
    /// What it does.
    pub change: Change,
}

/// What a log entry does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// A player's transaction.
    Transaction {
        /// Whose.
        player: PlayerId,
        /// That player's number for it.
        seq: ClientSeq,
        /// What.
        transaction: Transaction,
    },
    /// A player comes.
    PlayerJoined {
        /// Who, and how called.
        player: PlayerEntry,
        /// By which servers know the client again that said hello.
        mark: JoinMark,
    },
    /// A player goes, for good.
    PlayerLeft {
        /// Who.
        player: PlayerId,
    },
    /// Nodes of a player who is about to go come to rest: what was streamed of them last, and is in no log, is confirmed.
    Rested {
        /// Who is about to go.
        player: PlayerId,
        /// Live properties of that player's nodes. A value that cannot be set any more is passed over, alone.
        #[serde(deserialize_with = "bounded::list")]
        values: Vec<RestedValue>,
    },
}
