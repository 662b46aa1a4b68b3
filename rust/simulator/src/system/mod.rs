//! What runs under the simulator: servers and players of one kind, and an independent reckoning of what their log means.

pub mod engine;
pub mod node;

use bytes::Bytes;
use synced_consensus::{Config, Consensus};
use synced_protocol::{
    hlc::HlcTimestamp,
    id::{GroupId, LogIndex, ServerId},
    link::Logic,
    peer::PeerLogic,
    store::{MemberAddress, RaftEntry, StoredGroup},
    time::Micros,
};

use crate::random::Random;

/// The group whose log is checked.
pub const GROUP: GroupId = GroupId(0);

/// One thing that a player proposed, named alike wherever it is met again; never twice in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Op(pub u64);

/// A kind of cluster with its players.
pub trait System {
    /// A server's whole logic.
    type Server: PeerLogic;
    /// A player's whole logic, and what the player does with it.
    type Player: Player;
    /// What the log means.
    type Oracle: Oracle;

    /// A server that begins with what was found on its disk.
    ///
    /// # Errors
    /// Why it cannot begin.
    fn server(&self, boot: ServerBoot) -> Result<Self::Server, String>;
    /// A player who has not connected yet.
    fn player(&self, boot: PlayerBoot) -> Self::Player;
    /// The reckoning before the first entry.
    fn oracle(&self) -> Self::Oracle;
    /// The last entry that has had its effect on a server.
    fn applied(server: &mut Self::Server) -> LogIndex;
    /// The digest of a server's state there.
    fn digest(server: &mut Self::Server) -> u64;
    /// A server's consensus.
    fn consensus(server: &mut Self::Server) -> &Consensus;
    /// What session time it is on a server, where there is one.
    fn session_time(server: &Self::Server, now: Micros) -> Option<Micros>;
    /// Asks a server to stop in an orderly way; it has a little time for that.
    fn begin_stop(server: &mut Self::Server, now: Micros);
    /// Whether a player's frame asks to be let in.
    fn asks_in(frame: &[u8]) -> bool;
}

/// What an operator asks, as servers read it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Wish {
    /// Somebody else is to lead.
    Transfer,
    /// Servers are to vote.
    Add {
        /// Which, and where.
        servers: Vec<Newcomer>,
    },
    /// Servers are to go.
    Remove {
        /// Which.
        servers: Vec<ServerId>,
    },
}

/// A server that is to vote.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Newcomer {
    /// Which.
    pub server: ServerId,
    /// Where the others reach it.
    pub peer: String,
    /// Where players do.
    pub players: String,
}

impl Wish {
    /// As a request's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

/// What a server begins with.
#[derive(Debug)]
pub struct ServerBoot {
    /// How its consensus behaves.
    pub consensus: Config,
    /// Where it is.
    pub address: MemberAddress,
    /// What its disk has.
    pub groups: Vec<StoredGroup>,
    /// What to add to its local time to get what its wall clock shows.
    pub wall_offset: Micros,
    /// The local time.
    pub now: Micros,
}

/// What a player begins with.
#[derive(Debug, Clone, Copy)]
pub struct PlayerBoot {
    /// A number that no other player of the run has had.
    pub number: u64,
    /// For the logic's own chance.
    pub seed: u64,
}

/// A player: the logic that a game would drive, and the game.
pub trait Player: Logic {
    /// Does one thing, or nothing if it cannot now. `op` names what is proposed; returns whether it was used.
    fn act(&mut self, now: Micros, op: Op, random: &mut Random) -> bool;
    /// Leaves for good.
    fn leave(&mut self, now: Micros);
    /// The next thing that the player was told since.
    fn poll_heard(&mut self) -> Option<Heard>;
    /// The state that the player sees, if it sees any, with its digest.
    fn view(&self) -> Option<(LogIndex, u64)>;
    /// What session time it takes it to be at a local time, if it has an idea.
    fn session_time(&self, now: Micros) -> Option<Micros>;
    /// What it has proposed and knows nothing of yet.
    fn pending(&self) -> usize;
}

/// What a player was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is in, or in again, and sees everything up to this entry.
    Joined {
        /// The entry.
        index: LogIndex,
    },
    /// An entry is confirmed.
    Confirmed {
        /// Its place.
        index: LogIndex,
        /// Which of its own proposals it is, if it is one.
        own: Option<Op>,
        /// Its stamp, where entries have one.
        stamp: Option<HlcTimestamp>,
    },
    /// An own proposal was decided while the player was away, and is in what it sees now, if anywhere.
    Settled(Op),
    /// An own proposal changed nothing.
    Rejected(Op),
    /// Something that happens once for everybody happened.
    Happened(Op),
}

/// An independent reckoning of the log.
pub trait Oracle {
    /// What the entry does, and the digests of the states after it.
    fn apply(&mut self, entry: &RaftEntry) -> Meaning;
}

/// What an entry does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meaning {
    /// What it is, if a player proposed it.
    pub op: Option<Op>,
    /// Whether it took effect.
    pub applied: bool,
    /// Its stamp, where entries have one.
    pub stamp: Option<HlcTimestamp>,
    /// The digest of a server's state after it.
    pub digest: u64,
    /// The digest of a player's view after it.
    pub view: u64,
}
