//! One server: its process, its disk and its clocks.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use synced_node::{ClusterLog, Node};
use synced_protocol::{id::ServerId, peer::RequestId, store::StoredGroup, time::Micros};

/// How a server's clocks differ from the truth.
#[derive(Debug, Default, Clone, Copy)]
pub struct Skew {
    /// Its wall clock when it starts.
    pub wall_us: i64,
    /// How much faster its clock runs, in millionths.
    pub drift_ppm: i64,
}

pub struct Server {
    pub node: Option<Node<ClusterLog>>,
    pub stored: StoredGroup,
    /// How often it has lost its memory.
    pub incarnation: u32,
    /// The servers with which it looks for a connection.
    pub wanted: BTreeSet<ServerId>,
    pub skew: Skew,
    /// How far its monotonic clock was set ahead since it started.
    pub set_ahead: Micros,
    pub sent: Vec<(Micros, ServerId, Bytes)>,
    pub started_at: Micros,
    pub answers: BTreeMap<RequestId, Bytes>,
}

impl Server {
    /// One that does not run, with what is in its folder.
    pub fn new(stored: StoredGroup, skew: Skew) -> Self {
        Self {
            node: None,
            stored,
            incarnation: 0,
            wanted: BTreeSet::new(),
            skew,
            set_ahead: Micros::ZERO,
            sent: Vec::new(),
            started_at: Micros::ZERO,
            answers: BTreeMap::new(),
        }
    }

    /// Whether it runs and looks for a connection with that one.
    pub fn wants(&self, other: ServerId) -> bool {
        self.node.is_some() && self.wanted.contains(&other)
    }

    /// Its monotonic clock, which began with the machine.
    pub fn local(&self, now: Micros) -> Micros {
        let since = now.since(self.started_at).0.cast_signed();
        let gained = since * self.skew.drift_ppm / 1_000_000;
        (now + self.set_ahead).shifted(gained) + Micros::from_secs(500)
    }

    /// When its monotonic clock shows this, or later.
    pub fn global(&self, local: Micros) -> Micros {
        let begun = self.local(self.started_at);
        let passed = local.since(begun).0.cast_signed();
        let passed = passed - passed * self.skew.drift_ppm / 1_000_000 + 2;
        self.started_at.shifted(passed)
    }
}
