//! What a session is configured with.

use synced_protocol::{
    message::{Game, ResumeToken},
    time::Micros,
};

use crate::limits::LIVE_BYTES_PER_SECOND_MAX;

/// Everything that a session needs to know before it begins.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// The game; the server must run the same.
    pub game: Game,
    /// How the player wants to be called.
    pub player_name: String,
    /// The secret that the server was given for the player who hosts it, if this is that player.
    pub host_token: Option<ResumeToken>,
    /// How live values are sent.
    pub live: LiveConfig,
    /// What happens when the connection is lost, or does not come up.
    pub retry: RetryPolicy,
    /// How long the server may be silent between the connection and the last part of the world.
    pub handshake_timeout: Micros,
}

impl SessionConfig {
    /// A configuration with every default.
    #[must_use]
    pub fn new(game: Game, player_name: impl Into<String>) -> Self {
        Self {
            game,
            player_name: player_name.into(),
            host_token: None,
            live: LiveConfig::default(),
            retry: RetryPolicy::default(),
            handshake_timeout: Micros::from_secs(5),
        }
    }
}

/// How live values are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveConfig {
    /// The longest that a change waits for company in its datagram. Also the pace of the samples.
    pub local_delta_max_age: Micros,
    /// With so many changed properties a datagram goes out at once.
    pub local_delta_max_count: usize,
    /// The most bytes of datagrams a second. What does not fit waits, the oldest first.
    pub bytes_per_second_max: u32,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            local_delta_max_age: Micros::from_millis(4),
            local_delta_max_count: 64,
            bytes_per_second_max: LIVE_BYTES_PER_SECOND_MAX,
        }
    }
}

/// What happens when the connection is lost, or does not come up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Whether to try again when the very first connection fails.
    pub first_connect: bool,
    /// Whether to come back after the loss of a session that was up.
    pub reconnect: bool,
    /// The longest wait before the first try; it doubles with every further one.
    pub initial: Micros,
    /// The longest wait of all.
    pub max: Micros,
    /// The most tries in a row; `None` for no end.
    pub attempts_max: Option<u32>,
    /// How long to go on trying, counted from the loss; `None` for ever.
    pub give_up_after: Option<Micros>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first_connect: false,
            reconnect: true,
            initial: Micros::from_millis(250),
            max: Micros::from_secs(5),
            attempts_max: None,
            give_up_after: Some(Micros::from_secs(60)),
        }
    }
}
