//! What a node is configured with, and every limit that it keeps.

use synced_protocol::{
    input::MAX_BATCH_FRAMES,
    limits::{
        MAX_DATAGRAM_BYTES, MAX_FRAME_BYTES, MAX_LIVE_VALUE_BYTES, MAX_MUTATION_BYTES,
        MAX_PEER_FRAME_BYTES, MAX_UNWANTED_NODES, MAX_WORLD_BYTES,
    },
    live::MAX_UP_DATAGRAM_BYTES,
    message::{Game, ResumeToken},
    time::Micros,
};

use crate::rate::Rate;

/// How long a peer may take from its connection to its first frame.
pub const HANDSHAKE_TIMEOUT: Micros = Micros::from_secs(5);
/// How long a player whose connection was lost stays in the world, unless configured otherwise.
pub const RESUME_GRACE: Micros = Micros::from_secs(10);
/// The most players, unless configured otherwise.
pub const PLAYERS_MAX: u32 = 128;
/// The longest time between two refreshes of every live value, unless configured otherwise.
pub const GLOBAL_DATA_UPDATE_INTERVAL: Micros = Micros::from_secs(1);
/// How far ahead of session time a player's datagram may claim to have been sent.
pub const CLOCK_OFFSET_MAX: Micros = Micros::from_millis(500);
/// How much further than its speed lets it a hand may have come from one sample to the next, in metres: noise, and what the
/// encoding rounds. What is nearer is no jump for those who show it either.
pub const MOVE_SLACK_M: f32 = 0.1;
/// A hand that was not heard of for so long may be anywhere: nobody draws the way from where it was.
pub const MOVE_JUDGED_MAX: Micros = Micros::from_secs(1);
/// The most bytes of input batches that are kept for those who join late.
pub const POSES_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A player is complained of in the log no more often than this.
pub const COMPLAINT_INTERVAL: Micros = Micros::from_secs(60);
/// The time over which lost datagrams are counted.
pub const LOSS_WINDOW: Micros = Micros::from_secs(4);
/// A datagram that is overtaken counts as lost only after this time.
pub const REORDERING_MAX: Micros = Micros::from_millis(250);
/// Of fewer datagrams no loss is concluded.
pub const LOSS_SAMPLES_MIN: u32 = 32;
/// How long a player's word about the loss on its way counts.
pub const LOSS_REPORT_AGE_MAX: Micros = Micros::from_secs(3);
/// How many times a throttled rate a peer may go on with before it is cut off.
pub const FLOOD_FACTOR: u32 = 4;
/// A transaction that makes the tree look at so many nodes counts as one more proposal.
pub const NODES_PER_PROPOSAL: usize = 64;
/// How often a client may ask who leads, or say hello again where it was told. Beyond, it is cut off.
pub const QUESTIONS: Rate = Rate::new(20, 200);
/// How long a client is put off that has seen more of the world than this server.
pub const ASK_AGAIN_AFTER: Micros = Micros::from_millis(100);
/// The most proposals in a row that a player who comes back is told of as rejected by another server: those that one may make
/// at once before it is cut off, and some more.
pub const SKIPPED_TOLD_MAX: u64 = 4_096;
/// The most proposals that wait for the log.
pub const POSTPONED_MAX: usize = 1_024;
/// Players to a part of a snapshot between servers.
pub const LEDGER_PLAYERS: usize = 1_024;
/// The most bytes of live values that are kept for those who join late.
pub const LIVE_VALUES_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a live value counts for beside its own bytes.
pub const LIVE_VALUE_OVERHEAD_BYTES: usize = 16;
/// The size that parts of a snapshot are packed to, in bytes.
pub const SNAPSHOT_PART_BYTES: usize = 32 * 1024;
/// While a snapshot is made for players, a part is made every so often: what else comes is not held up by more than one part.
pub const SNAPSHOT_PART_INTERVAL: Micros = Micros(500);
/// The size that frames of what came by datagram are packed to, in bytes.
pub const UNLOGGED_FRAME_BYTES: usize = 32 * 1024;
/// The most values and poses that are looked at for such frames at once, changed or not.
pub const UNLOGGED_LOOKS_MAX: usize = 8_192;
/// The size that parts of a snapshot between servers are packed to, in bytes: one of them is written at a time.
pub const WRITTEN_PART_BYTES: usize = 16 * 1024;
/// The size that entries about nodes which come to rest are packed to, in bytes.
pub const RESTED_ENTRY_BYTES: usize = 32 * 1024;
/// What a proposal's frame holds beside its transaction, in bytes: tag and number.
pub const PROPOSAL_OVERHEAD_BYTES: usize = 10;
/// From so many players on, what is relayed goes out in rounds.
pub const ROUND_PLAYERS_MIN: usize = 9;
/// A round of the relay takes so long for each player: then at most 25,000 packets a second leave, as long as a round fits in one
/// for each.
pub const ROUND_TIME_PER_PLAYER: Micros = Micros(40);
/// A round ends before its time when so many bytes wait for a player: about half of what the transport takes at once.
pub const ROUND_BYTES_MAX: usize = 8 * 1024;

const _: () = assert!(SNAPSHOT_PART_BYTES <= MAX_FRAME_BYTES);
const _: () = assert!(RESTED_ENTRY_BYTES <= MAX_FRAME_BYTES);
const _: () = assert!(MAX_LIVE_VALUE_BYTES + 128 <= RESTED_ENTRY_BYTES);
const _: () = assert!((FLOOD_FACTOR * Limits::DEFAULT.proposals.burst) as u64 <= SKIPPED_TOLD_MAX);
const _: () = assert!(UNLOGGED_FRAME_BYTES <= MAX_FRAME_BYTES);
const _: () = assert!(UNLOGGED_FRAME_BYTES <= MAX_PEER_FRAME_BYTES);
const _: () = assert!(LEDGER_PLAYERS * 40 + 64 <= MAX_FRAME_BYTES);
const _: () = assert!(MAX_MUTATION_BYTES + PROPOSAL_OVERHEAD_BYTES <= MAX_FRAME_BYTES);

/// What a node is configured with.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The game; players of another are refused.
    pub game: Game,
    /// The most players, those who have lost their connection and may come back included.
    pub players_max: u32,
    /// Whoever joins with this secret as its resume token hosts the session: the policies'
    /// [`Access::Server`](synced_protocol::mutation::Access::Server) includes that player.
    pub host_token: Option<ResumeToken>,
    /// Session time less local time: the Unix time at which the driver's clock was zero.
    pub epoch_offset: Micros,
    /// How long a peer may take from its connection to its first frame.
    pub handshake_timeout: Micros,
    /// How long a player whose connection was lost stays in the world.
    pub resume_grace: Micros,
    /// Every live value is sent again after this time at the latest; players are told.
    pub global_data_update_interval: Micros,
    /// How far ahead of session time a player's datagram may claim to have been sent.
    pub clock_offset_max: Micros,
    /// The limits that an operator may want to change.
    pub limits: Limits,
}

impl NodeConfig {
    /// A configuration with every default.
    #[must_use]
    pub const fn new(game: Game) -> Self {
        Self {
            game,
            players_max: PLAYERS_MAX,
            host_token: None,
            epoch_offset: Micros::ZERO,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            resume_grace: RESUME_GRACE,
            global_data_update_interval: GLOBAL_DATA_UPDATE_INTERVAL,
            clock_offset_max: CLOCK_OFFSET_MAX,
            limits: Limits::DEFAULT,
        }
    }
}

/// What one connection may send and be sent, and what is kept for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Proposals from one peer. Beyond, they are rejected; beyond [`FLOOD_FACTOR`] times that, it is cut off.
    pub proposals: Rate,
    /// Interests told by one peer. Beyond, it is cut off.
    pub interests: Rate,
    /// What input may say. What breaks a bound is not relayed.
    pub input: InputLimits,
    /// Datagrams from one peer. Beyond, they are dropped; beyond [`FLOOD_FACTOR`] times that, it is cut off.
    pub datagrams: Rate,
    /// Bytes of frames and datagrams from one peer. Beyond, it is cut off.
    pub bytes: Rate,
    /// Bytes of a snapshot to one peer. Beyond, they wait here.
    pub snapshot_bytes: Rate,
    /// Bytes of frames that may wait here for one peer. Beyond, it is cut off.
    pub backlog_bytes_max: usize,
    /// The most frames that are kept for players who come back.
    pub kept_frames_max: usize,
    /// The most bytes of them.
    pub kept_bytes_max: usize,
}

impl Limits {
    /// Generous for play, tight for abuse.
    pub const DEFAULT: Self = Self {
        proposals: Rate::new(1_000, 700),
        interests: Rate::new(1_000, 10_000),
        input: InputLimits::DEFAULT,
        datagrams: Rate::new(1_100, 200),
        bytes: Rate::new(4 << 20, 8 << 20),
        snapshot_bytes: Rate::new(1 << 20, 2 << 20),
        backlog_bytes_max: 2 * MAX_WORLD_BYTES,
        kept_frames_max: 16_384,
        kept_bytes_max: 8 << 20,
    };
}

/// What the input of a tracked node may say: beyond any hand, within any room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputLimits {
    /// The highest speed, in metres a second, by a sample's own word and from each sample to the next; a jump that is marked
    /// as one is none.
    pub speed_mps_max: u32,
    /// The highest angular speed, in radians a second.
    pub angular_speed_radps_max: u32,
    /// The longest distance from the origin of the space in which it is told, in metres.
    pub area_m_max: u32,
    /// How long before session time a sample may have been taken.
    pub age_max: Micros,
    /// New samples of one node; those that are repeated against loss do not count.
    pub samples: Rate,
}

impl InputLimits {
    /// Twice a fast pitcher's arm, three turns of a wrist in a fifth of a second, ten kilometres, as long as a silent
    /// connection lasts, and 1 kHz with a half to spare.
    pub const DEFAULT: Self = Self {
        speed_mps_max: 50,
        angular_speed_radps_max: 100,
        area_m_max: 10_000,
        age_max: Micros::from_secs(3),
        samples: Rate::new(1_500, 1_000),
    };
}

impl Default for InputLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

const _: () = assert!(Limits::DEFAULT.snapshot_bytes.burst as usize >= MAX_FRAME_BYTES);
const _: () = assert!(InputLimits::DEFAULT.samples.per_second > 1_000);
const _: () = assert!(InputLimits::DEFAULT.samples.burst as usize >= MAX_BATCH_FRAMES);
const _: () = assert!(MAX_UP_DATAGRAM_BYTES < POSES_BYTES_MAX);
const _: () = assert!(Limits::DEFAULT.interests.burst as usize > 2 * MAX_UNWANTED_NODES);
const _: () = assert!(Limits::DEFAULT.bytes.burst as usize >= MAX_FRAME_BYTES);
const _: () = assert!(
    Limits::DEFAULT.bytes.per_second as usize
        > Limits::DEFAULT.datagrams.per_second as usize * MAX_DATAGRAM_BYTES
);
