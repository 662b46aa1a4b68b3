//! What a session is configured with.

use synced_protocol::{
    input::Precision,
    message::{Game, ResumeToken},
    time::Micros,
};

use crate::limits::{
    BATCH_INTERVAL_MAX, BATCH_INTERVAL_MIN, LIVE_BYTES_PER_SECOND_MAX, REDUNDANCY_MAX,
};

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
    /// How those of other players are shown.
    pub playout: PlayoutConfig,
    /// What happens when the connection is lost, or does not come up.
    pub retry: RetryPolicy,
    /// To how many other servers than the leader an idle connection is kept up, where there are any. At most
    /// [`STANDBY_CONNECTIONS_MAX`](crate::limits::STANDBY_CONNECTIONS_MAX).
    pub standby_connections: usize,
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
            playout: PlayoutConfig::default(),
            retry: RetryPolicy::default(),
            standby_connections: 2,
            handshake_timeout: Micros::from_secs(5),
        }
    }
}

/// How live values are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveConfig {
    /// The longest that a change waits for company in its datagram. Also the pace of the samples. What is outside of
    /// [`BATCH_INTERVAL_MIN`] and [`BATCH_INTERVAL_MAX`] is taken for the nearer of the two.
    pub local_delta_max_age: Micros,
    /// With so many changed properties a datagram goes out at once.
    pub local_delta_max_count: usize,
    /// The most bytes of datagrams a second. As it comes near, samples are repeated less often; what does not fit waits, the
    /// oldest first.
    pub bytes_per_second_max: u32,
    /// Of how many batches before each batch repeats the samples, however little is lost: so many lost datagrams in a row cost
    /// nothing. With [`Self::thinning`] samples are left out of the repetition too, where the receiver's curve passes them without.
    /// At most [`REDUNDANCY_MAX`].
    pub redundancy_min: u8,
    /// Of how many at the most, when much is lost. At most [`REDUNDANCY_MAX`].
    pub redundancy_max: u8,
    /// How exactly the places and turns among live values are told: `Vector3`, `Quaternion`, `Basis` and `Transform3D`, each
    /// coordinate within the preset's bound of a position, each axis within that of an orientation and a five-thousandth of its
    /// length. What does not fit, beyond 1 km for the finest preset, is told as it is, and so is everything without a precision.
    /// Where a value comes to rest it is confirmed as it is.
    pub precision: Option<Precision>,
    /// Whether samples are left out that the receiver's curve through the others passes within their precision; and within the
    /// sensor's own noise, while the controller rests.
    pub thinning: bool,
}

impl LiveConfig {
    /// The same with every number within its limits.
    #[must_use]
    pub fn within_limits(self) -> Self {
        let redundancy_max = self.redundancy_max.min(REDUNDANCY_MAX);
        Self {
            local_delta_max_age: self
                .local_delta_max_age
                .clamp(BATCH_INTERVAL_MIN, BATCH_INTERVAL_MAX),
            redundancy_min: self.redundancy_min.min(redundancy_max),
            redundancy_max,
            ..self
        }
    }
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            local_delta_max_age: Micros::from_millis(4),
            local_delta_max_count: 64,
            bytes_per_second_max: LIVE_BYTES_PER_SECOND_MAX,
            redundancy_min: 2,
            redundancy_max: 6,
            precision: Some(Precision::Fine),
            thinning: true,
        }
    }
}

/// Within what bounds the delay follows the network with which other players' streams are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayoutConfig {
    /// The smallest delay.
    pub delay_min: Micros,
    /// The largest delay, even where more of it would be needed.
    pub delay_max: Micros,
}

impl Default for PlayoutConfig {
    fn default() -> Self {
        Self {
            delay_min: Micros::from_millis(10),
            delay_max: Micros::from_millis(200),
        }
    }
}

/// What happens when the connection is lost, or does not come up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Whether to try again when the very first connection fails.
    pub first_connect: bool,
    /// Whether to come back after the loss of a session that was up. A change of the leader that is followed within
    /// [`FAILOVER_QUIET`](crate::limits::FAILOVER_QUIET) is no loss.
    pub reconnect: bool,
    /// The longest wait before the first try; it doubles with every further one.
    pub initial: Micros,
    /// The longest wait of all.
    pub max: Micros,
    /// The most tries in a row; `None` for no end.
    pub attempts_max: Option<u32>,
    /// How long to go on trying, counted from the loss of a session that was up, however short; `None` for ever.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_configured_is_held_within_the_limits() {
        let config = |millis, min, max| {
            let config = LiveConfig {
                local_delta_max_age: Micros::from_millis(millis),
                redundancy_min: min,
                redundancy_max: max,
                ..LiveConfig::default()
            };
            let held = config.within_limits();
            (
                held.local_delta_max_age,
                held.redundancy_min,
                held.redundancy_max,
            )
        };
        assert_eq!(config(4, 2, 6), (Micros::from_millis(4), 2, 6));
        assert_eq!(config(0, 5, 3), (BATCH_INTERVAL_MIN, 3, 3));
        let most = (BATCH_INTERVAL_MAX, REDUNDANCY_MAX, REDUNDANCY_MAX);
        assert_eq!(config(500, u8::MAX, u8::MAX), most);
    }
}
