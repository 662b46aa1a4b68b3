//! What a session counts and measures.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use synced_protocol::time::Micros;

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

/// How long a stage took, in microseconds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How often it was measured.
    pub count: u64,
    /// Half took at most this.
    pub p50_us: u64,
    /// 99 of 100 took at most this.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
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

/// The longest time that a stage is told apart from longer ones.
const STAGE_US_MAX: u64 = 60_000_000;
/// Two digits: an error of 1 %, and few enough buckets to summarise every second.
const DIGITS: u8 = 2;

/// The times of one stage. Recording allocates nothing.
#[derive(Debug, Clone)]
pub struct Stage(Option<Histogram<u32>>);

impl Default for Stage {
    fn default() -> Self {
        Self(Histogram::new_with_max(STAGE_US_MAX, DIGITS).ok())
    }
}

impl Stage {
    /// Takes note of one time; those over a minute count as a minute.
    pub fn record(&mut self, span: Micros) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(span.0);
        }
    }

    /// What was recorded so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.0.as_ref().map_or_else(Summary::default, |histogram| {
            let quantile = |q| histogram.value_at_quantile(q).min(STAGE_US_MAX);
            Summary {
                count: histogram.len(),
                p50_us: quantile(0.5),
                p99_us: quantile(0.99),
                max_us: quantile(1.0),
            }
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_summarised_within_one_percent() {
        let mut stage = Stage::default();
        (1..=1_000).for_each(|us| stage.record(Micros(us * 10)));
        let Summary {
            count,
            p50_us,
            p99_us,
            max_us,
        } = stage.summary();
        let near = |found: u64, wanted: u64| found.abs_diff(wanted) <= wanted / 100;
        assert_eq!(count, 1_000);
        assert!(near(p50_us, 5_000) && near(p99_us, 9_900) && near(max_us, 10_000));
    }

    #[test]
    fn a_time_past_the_bound_is_counted_at_the_bound() {
        let mut stage = Stage::default();
        stage.record(Micros::from_secs(3_600));
        assert_eq!(stage.summary().max_us, STAGE_US_MAX);
    }

    #[test]
    fn a_stage_that_never_happened_is_all_zero() {
        assert_eq!(Stage::default().summary(), Summary::default());
    }
}
