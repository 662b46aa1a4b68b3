//! What the logic tells the game, in the order in which the game is to apply it.

use synced_protocol::{
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId, ServerId, Term},
    input::{HandJoints, InputFrame, Pose},
    link::CloseReason,
    message::{PlayerEntry, Refusal, ServerEntry},
    mutation::{ParentRef, Rejection, Spawn},
    time::Micros,
    value::Value,
};

use crate::stats::ClientStats;

/// One thing that the game is told. Changes between two [`Update::CommitEnd`]s belong to one commit and are applied in one frame.
#[derive(Debug)]
pub enum Update {
    /// The server has given this player an id. The world as of the join follows, then [`Update::Joined`].
    Welcomed(PlayerId),
    /// The session is up: the world as of the join has been told before this.
    Joined(Joined),
    /// Another server leads, or the same one anew, and this player is with it; at first, the one that has welcomed. The world
    /// goes on as it was.
    LeaderChanged {
        /// Which server; 0 is one that is alone.
        server: ServerId,
        /// The period of its lead; each is greater than those before.
        term: Term,
    },
    /// The servers of the session are others than was told before: the likeliest next leader first. Not told of a server that is
    /// alone.
    Servers(Vec<ServerEntry>),
    /// The connection is gone, and there was no other server to go on with at once; the session will try to come back.
    Reconnecting {
        /// Counts the tries, from 1.
        attempt: u32,
        /// What ended the connection, or failed the try before.
        reason: CloseReason,
    },
    /// The session is over and stays so.
    Ended(EndReason),
    /// A better estimate of the leader's clock.
    Clock(ClockEstimate),

    /// A node is there.
    Spawned(Box<Spawned>),
    /// A node and all below it are gone.
    Despawned {
        /// The topmost node.
        node: NodeId,
    },
    /// A node hangs elsewhere.
    Reparented {
        /// The node.
        node: NodeId,
        /// Its new place.
        parent: Box<ParentRef>,
    },
    /// A property has a new confirmed value.
    PropertySet {
        /// Whose.
        node: NodeId,
        /// Which.
        property: PropertyId,
        /// The value.
        value: Value,
        /// The log entry that wrote it.
        version: LogIndex,
    },
    /// A node has another owner.
    OwnerChanged {
        /// The node.
        node: NodeId,
        /// The owner before.
        from: PlayerId,
        /// The owner now.
        to: PlayerId,
    },
    /// A method is to be called.
    Called(Box<Called>),
    /// A player came.
    PlayerJoined(PlayerEntry),
    /// A player went for good.
    PlayerLeft(PlayerId),
    /// Everything before belongs to this commit.
    CommitEnd(CommitEnd),
    /// A proposal of this player changed nothing.
    Rejected {
        /// Which.
        seq: ClientSeq,
        /// Why.
        reason: Rejection,
    },

    /// A proposal of this player was decided while the connection was gone, and nobody can say how: what came of it is
    /// in the world that was told before.
    Settled {
        /// Which.
        seq: ClientSeq,
    },

    /// An owner's live value. Never older than the one told before.
    LiveValue {
        /// Whose.
        node: NodeId,
        /// Which.
        property: PropertyId,
        /// When its owner had it, in session time.
        stamp: Micros,
        /// The value.
        value: Value,
    },
    /// A sample of another player's controller. Each is told once, but one that was late on its way comes after newer ones.
    Input {
        /// Whose.
        node: NodeId,
        /// The sample.
        frame: InputFrame,
    },
    /// Where another player's controller points: its aim pose relative to its grip pose.
    Aim {
        /// Whose.
        node: NodeId,
        /// The newest.
        aim: Pose,
    },
    /// The joints of another player's hand.
    Joints {
        /// Whose.
        node: NodeId,
        /// The newest.
        joints: Box<HandJoints>,
    },
    /// How far in the past another player's streams should be shown, so that what they show has mostly arrived. Told when it
    /// has changed noticeably.
    PlayoutDelay {
        /// Whose streams.
        player: PlayerId,
        /// The delay.
        delay: Micros,
    },
    /// What the session counted and measured so far, about once a second.
    Stats(Box<ClientStats>),
}

impl Update {
    /// Whether it belongs to a commit, which its [`Update::CommitEnd`] closes.
    #[must_use]
    pub const fn is_part_of_commit(&self) -> bool {
        matches!(
            self,
            Self::Spawned(_)
                | Self::Despawned { .. }
                | Self::Reparented { .. }
                | Self::PropertySet { .. }
                | Self::OwnerChanged { .. }
                | Self::Called(_)
                | Self::PlayerJoined(_)
                | Self::PlayerLeft(_)
        )
    }
}

/// How the session came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// Who this player is.
    pub player: PlayerId,
    /// Whether the player is the same as before a lost connection; pending proposals are then still under way.
    pub resumed: bool,
    /// The counter of the player's last spawned node.
    pub last_spawn_counter: u32,
    /// Where in the log the world stands.
    pub log_index: LogIndex,
}

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndReason {
    /// The player left.
    Left,
    /// The server refused the player.
    Refused(Refusal),
    /// The connection could not be made, or ended and is not to be retried.
    Closed(CloseReason),
    /// The session could not be resumed: too long away, or the server forgot it.
    Expired,
}

/// A node that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Spawned {
    /// The node with its present parent, owner and values.
    pub spawn: Spawn,
    /// The version of each property.
    pub versions: Vec<LogIndex>,
}

/// A method to be called.
#[derive(Debug, Clone, PartialEq)]
pub struct Called {
    /// On which node.
    pub node: NodeId,
    /// The method's name.
    pub method: String,
    /// What it is called with.
    pub arguments: Vec<Value>,
    /// Who asked for it.
    pub caller: PlayerId,
}

/// A commit's last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitEnd {
    /// Its place in the log.
    pub log_index: LogIndex,
    /// When the leader ordered it.
    pub hlc: HlcTimestamp,
    /// Set when it is this player's own proposal.
    pub own: Option<ClientSeq>,
    /// When its frame arrived, in local time.
    pub received_at: Micros,
}

/// Where the leader's clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockEstimate {
    /// What to add to local time to get session time, in microseconds.
    pub offset_us: i64,
    /// The round trip of the sample that the estimate rests on.
    pub round_trip: Micros,
}
