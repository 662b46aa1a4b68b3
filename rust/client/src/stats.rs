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
    /// From a leader's loss, or from the word that another leads, until the session is up again with a leader, where that took
    /// so little that the game was told of no loss.
    pub failover: Summary,
    /// The counters.
    pub counters: Counters,
    /// The live lane as it is now.
    pub live: LiveStats,
    /// The world.
    pub world: WorldStats,
    /// The servers.
    pub servers: ServerStats,
}

/// Which servers there are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStats {
    /// The one that this player is with; 0 is one that is alone, or none.
    pub leader: u64,
    /// The period of its lead.
    pub term: u64,
    /// How many are known; 0 of one that is alone.
    pub known: u64,
    /// To how many others there is a connection that is up, and by which the next leader would be heard of.
    pub watched: u64,
}

/// How the live lane does, lately.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveStats {
    /// What a sample takes in a datagram, in bits, repeated ones and the blocks' heads counted in. 0 while none is sent.
    pub bits_per_sample: u64,
    /// What a sample takes that was captured, in bits, with all its repetitions, and with those that were left out for
    /// nothing. 0 while none is captured.
    pub bits_per_captured_sample: u64,
    /// Of how many batches before each batch repeats the samples.
    pub redundancy: u64,
    /// What is lost of this player's live datagrams on their way to the leader, in ten-thousandths.
    pub up_loss: u64,
    /// What is lost of other players' live datagrams until they are here, in ten-thousandths.
    pub down_loss: u64,
    /// The most that any other player told of its own such loss, in ten-thousandths.
    pub peers_loss: u64,
    /// The longest delay that is recommended for any other player's streams, in microseconds.
    pub playout_delay_us_max: u64,
    /// The most by which another player's datagrams come later than they usually do, 99 of 100 of them, in microseconds.
    pub jitter_us_max: u64,
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
    /// Samples that the trackers of this player took.
    samples_captured,
    /// Of those, how many were left out since the receivers draw them by themselves.
    samples_thinned,
    /// Samples sent for the first time.
    samples_sent,
    /// Samples sent once more.
    samples_repeated,
    /// Bytes of the blocks that carried samples.
    sample_bytes_sent,
    /// Samples of other players that came for the first time.
    samples_received,
    /// Of those, how many came after a newer one.
    samples_late,
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
    /// How often it went on with a leader so soon that the game was told of no loss.
    failovers,
    /// How often a server said that another one leads.
    redirects,
}

/// The measurements of one session.
#[derive(Debug, Default, Clone)]
pub(crate) struct Meter {
    pub(crate) capture: Stage,
    pub(crate) propagation: Stage,
    pub(crate) relay: Stage,
    pub(crate) publish: Stage,
    pub(crate) confirm: Stage,
    pub(crate) failover: Stage,
    pub(crate) counters: Counters,
    /// The counters when the rates were told last.
    told: Counters,
}

impl Meter {
    /// What samples cost since this was asked last.
    pub(crate) fn sample_bits(&mut self) -> LiveStats {
        let (now, before) = (&self.counters, &self.told);
        let sent = now.samples_sent + now.samples_repeated;
        let sent = sent - before.samples_sent - before.samples_repeated;
        let captured = now.samples_captured - before.samples_captured;
        let bits = 8 * (now.sample_bytes_sent - before.sample_bytes_sent);
        self.told = self.counters;
        LiveStats {
            bits_per_sample: bits.checked_div(sent).unwrap_or_default(),
            bits_per_captured_sample: bits.checked_div(captured).unwrap_or_default(),
            ..LiveStats::default()
        }
    }

    pub(crate) fn stats(&self) -> ClientStats {
        ClientStats {
            capture: self.capture.summary(),
            propagation: self.propagation.summary(),
            relay: self.relay.summary(),
            publish: self.publish.summary(),
            confirm: self.confirm.summary(),
            failover: self.failover.summary(),
            counters: self.counters,
            live: LiveStats::default(),
            world: WorldStats::default(),
            servers: ServerStats::default(),
        }
    }
}
