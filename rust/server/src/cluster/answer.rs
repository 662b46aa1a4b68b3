//! What a server of a cluster says of itself.

use serde::{Deserialize, Serialize};
use synced_node::{ClusterStats, NodeStats};
use synced_protocol::{id::ServerId, peer::PeerAddress, stage::Summary, store::MemberAddress};
use synced_transport::TransportCounters;

/// The answer to the question how a server stands.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) node: NodeStats,
    /// From the arrival of something until all that it brought about was handed to QUIC; known of servers of this machine alone.
    #[serde(default)]
    pub(crate) leader: Summary,
    /// How long the server has run, likewise.
    #[serde(default, skip_serializing)]
    pub(crate) uptime_s: f64,
    /// How long the process has computed, likewise.
    #[serde(default)]
    pub(crate) cpu_s: f64,
    /// The memory that the process has in use, likewise.
    #[serde(default, skip_serializing)]
    pub(crate) resident_bytes: u64,
    /// What the port for players has carried, likewise.
    #[serde(default, skip_serializing)]
    pub(crate) transport: TransportCounters,
    /// What the port for the other servers has carried, likewise.
    #[serde(default, skip_serializing)]
    pub(crate) peers: TransportCounters,
    /// Players' connections, those included that only watch.
    #[serde(default)]
    pub(crate) connections: u64,
    /// Which program it is.
    #[serde(default)]
    pub(crate) version: String,
    /// When a commit counts as safe to it.
    #[serde(default)]
    pub(crate) durability: String,
}

impl Answer {
    /// How it stands in its cluster; nothing of a server that is alone.
    pub(crate) fn cluster(&self) -> Option<&ClusterStats> {
        self.node.cluster.as_ref()
    }

    /// Whether it says that it leads.
    pub(crate) fn leads(&self) -> bool {
        self.cluster()
            .is_some_and(|cluster| cluster.role == "leader")
    }

    /// Whether it takes no part yet, since it came back without its memory or has just been added.
    pub(crate) fn is_newcomer(&self) -> bool {
        self.cluster()
            .is_some_and(|cluster| cluster.voters.is_empty())
    }

    pub(crate) fn term(&self) -> u64 {
        self.cluster().map_or(0, |cluster| cluster.term)
    }

    /// How many entries a server lags behind, by the word of its leader.
    pub(crate) fn lag_of(&self, server: ServerId) -> Option<u64> {
        let mut peers = self.cluster()?.peers.iter();
        peers.find(|peer| peer.server == server.0)?.lag_entries
    }

    /// By how much a server's idea of session time is ahead of this one's, in milliseconds.
    pub(crate) fn clock_ms_of(&self, server: ServerId) -> Option<f64> {
        let mut peers = self.cluster()?.peers.iter();
        let offset = peers
            .find(|peer| peer.server == server.0)?
            .clock_offset_us?;
        Some(offset as f64 / 1e3)
    }

    /// Where the other servers are that it knows of.
    pub(crate) fn others(&self) -> impl Iterator<Item = MemberAddress> {
        let peers = self
            .cluster()
            .into_iter()
            .flat_map(|cluster| &cluster.peers);
        peers.map(|peer| MemberAddress {
            peer: PeerAddress {
                server: ServerId(peer.server),
                address: peer.peer.clone(),
            },
            players: peer.players.clone(),
        })
    }
}
