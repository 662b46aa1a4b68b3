//! What players do not want to be sent.

use std::collections::BTreeSet;

use synced_protocol::{
    id::NodeId,
    limits::MAX_UNWANTED_NODES,
    link::{CloseCode, ConnectionId},
    time::Micros,
};

use crate::{log::Log, node::Node};

/// The nodes whose live blocks are not relayed to one player.
#[derive(Debug, Default)]
pub(crate) struct Unwanted(BTreeSet<NodeId>);

impl Unwanted {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, node: NodeId) -> bool {
        self.0.contains(&node)
    }

    /// Nodes beyond the limit are wanted all the same: that costs the player bytes, and nobody else anything.
    fn add(&mut self, node: NodeId) {
        if self.0.len() < MAX_UNWANTED_NODES {
            self.0.insert(node);
        }
    }

    /// The node is wanted again, or gone.
    pub(crate) fn forget(&mut self, node: NodeId) {
        self.0.remove(&node);
    }
}

impl<L: Log> Node<L> {
    pub(crate) fn be_interested(
        &mut self,
        now: Micros,
        id: ConnectionId,
        node: NodeId,
        wanted: bool,
    ) -> Result<(), CloseCode> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Ok(());
        };
        if !connection.allowances.interests.take(now, 1) {
            return Err(CloseCode::Flooding);
        }
        if wanted {
            connection.unwanted.forget(node);
        } else {
            connection.unwanted.add(node);
        }
        Ok(())
    }
}
