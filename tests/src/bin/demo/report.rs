//! What players and server write down at their end.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use synced_tests::{Failure, Outcome};

/// A player's report.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) is_at_rest: bool,
    /// Why not, if it is not.
    pub(crate) problem: String,
    pub(crate) digest: String,
    pub(crate) cups: u32,
    pub(crate) strokes: u32,
    pub(crate) actions: BTreeMap<String, u64>,
    /// By cup, who passed it to whom, in the order in which the player saw it.
    pub(crate) ownership_changes: BTreeMap<String, Vec<(u32, u32)>>,
    /// By node, where it hangs and what its properties are.
    pub(crate) tree: BTreeMap<String, String>,
    pub(crate) stats: PlayerStats,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PlayerStats {
    pub(crate) client: ClientStats,
    pub(crate) frame: FrameStats,
    pub(crate) transport: Transport,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ClientStats {
    pub(crate) capture: Stage,
    pub(crate) relay: Stage,
    pub(crate) publish: Stage,
    pub(crate) confirm: Stage,
    pub(crate) counters: Counters,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Counters {
    pub(crate) confirmed: u64,
    pub(crate) rejected: u64,
    pub(crate) live_received: u64,
    pub(crate) live_lost: u64,
    pub(crate) live_healed: u64,
    pub(crate) divergences: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FrameStats {
    pub(crate) apply: Stage,
    pub(crate) time: Stage,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Transport {
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) packets_lost: u64,
}

/// The server's statistics.
#[derive(Debug, Deserialize)]
pub(crate) struct ServerStats {
    pub(crate) leader: Stage,
    pub(crate) node: NodeStats,
}

#[derive(Debug, Deserialize)]
pub(crate) struct NodeStats {
    pub(crate) propagation: Stage,
    pub(crate) counters: NodeCounters,
}

#[derive(Debug, Deserialize)]
pub(crate) struct NodeCounters {
    pub(crate) commits: u64,
    pub(crate) rejections: u64,
    pub(crate) players_joined: u64,
}

/// How long a stage took.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Stage {
    pub(crate) count: u64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
}

impl Report {
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path)
            .map_err(Failure::of(format!("the report {}", path.display())))?;
        let json = serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        parse(json, &format!("the report {}", path.display()))
    }

    /// How often the player did something.
    pub(crate) fn count(&self, action: &str) -> u64 {
        self.actions.get(action).copied().unwrap_or(0)
    }
}

impl ServerStats {
    pub(crate) fn parse(json: Value) -> Outcome<Self> {
        parse(json, "the server's statistics")
    }
}

fn parse<T: DeserializeOwned>(json: Value, what: &str) -> Outcome<T> {
    serde_json::from_value(json)
        .map_err(|error| Failure::new(format!("{what} cannot be understood: {error}")))
}
