//! What a session counts and measures.

use serde::{Deserialize, Serialize};
use synced_protocol::stage::{Stage, Summary};

/// What a session counted and measured since it began.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientStats {
    /// From a sample's measurement until the datagram that first carries it is handed to the transport.
    pub capture: Summary,
    /// From a live datagram's sending by another player until the leader's stamp.
    pub propagation: Summary,
    /// From the leader's stamp on a live datagram until its arrival here.
    pub relay: Summary,
    /// From the leader's stamp on a commit until its arrival here.
    pub publish: Summary,
    /// From this player's proposal until its confirmation is here.
    pub confirm: Summary,
    /// The counters.
    pub counters: Counters,
    /// The world.
    pub world: WorldStats,
}

/// Where this player's copy of the world stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldStats {
    /// The last entry of the log that is in it.
    pub log_index: u64,
    /// Equal for equal worlds.
    pub digest: u64,
    /// How many nodes are in it.
    pub nodes: u64,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// How often things happened.
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)+
        }
    };
}

counters! {
    /// Frames of the confirmed lane sent.
    frames_sent,
    /// Their bytes.
    frame_bytes_sent,
    /// Frames of the confirmed lane received.
    frames_received,
    /// Their bytes.
    frame_bytes_received,
    /// Datagrams sent, pings too.
    datagrams_sent,
    /// Their bytes.
    datagram_bytes_sent,
    /// Datagrams received, pongs too.
    datagrams_received,
    /// Their bytes.
    datagram_bytes_received,
    /// Datagrams that could not be decoded.
    datagrams_malformed,
    /// Live datagrams of other players received.
    live_received,
    /// Live datagrams of other players that never came, by the gaps in their numbers.
    live_lost,
    /// Of those, how many took nothing with them: the samples after the gap connect to those before.
    live_healed,
    /// Blocks of live datagrams for nodes that are not there, or not their sender's.
    live_foreign,
    /// Live values and samples left out because the game did not read.
    live_unread,
    /// Live values that no datagram can take, or beyond the most that are held.
    live_values_too_large,
    /// Trackers beyond the most of one player.
    trackers_too_many,
    /// Samples dropped because more came than could be sent.
    samples_dropped,
    /// Commits applied.
    commits,
    /// This player's proposals that were confirmed.
    confirmed,
    /// This player's proposals that were rejected.
    rejected,
    /// How often the replica turned out to differ from the leader's world.
    divergences,
    /// How often the session came back after a loss.
    reconnects,
}

/// The measurements of one session.
#[derive(Debug, Default, Clone)]
pub(crate) struct Meter {
    pub(crate) capture: Stage,
    pub(crate) propagation: Stage,
    pub(crate) relay: Stage,
    pub(crate) publish: Stage,
    pub(crate) confirm: Stage,
    pub(crate) counters: Counters,
}

impl Meter {
    pub(crate) fn stats(&self) -> ClientStats {
        ClientStats {
            capture: self.capture.summary(),
            propagation: self.propagation.summary(),
            relay: self.relay.summary(),
            publish: self.publish.summary(),
            confirm: self.confirm.summary(),
            counters: self.counters,
            world: WorldStats::default(),
        }
    }
}
