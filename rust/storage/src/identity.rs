//! Who a folder belongs to.

use synced_protocol::{
    id::{GroupId, ReplicaId, ServerId},
    store::{Durability, Members},
};

/// Who a folder belongs to, and what can be expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The cluster's id, as its certificates name it.
    pub cluster: String,
    /// Which server of the cluster.
    pub server: ServerId,
    /// Which of the server's lives: 0 for the one that the cluster was founded with, else seconds since the Unix epoch.
    pub incarnation: u32,
    /// When the server's writes count as done.
    pub durability: Durability,
}

impl Identity {
    /// The replica that the folder is the memory of.
    #[must_use]
    pub const fn replica(&self) -> ReplicaId {
        ReplicaId::new(self.server, self.incarnation)
    }
}

/// What a folder begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Founding {
    /// Who it belongs to.
    pub identity: Identity,
    /// The groups with their members, each of which becomes a snapshot at index 0.
    pub groups: Vec<(GroupId, Members)>,
}
