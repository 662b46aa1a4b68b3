//! Which engine object is which synced node.

use std::collections::HashMap;

use godot::{classes::Node, obj::InstanceId, prelude::*};
use synced_protocol::id::NodeId;

/// Finds synced nodes by engine object and the other way round. A node's `SyncedNode` and its root both name it.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    ids: HashMap<InstanceId, NodeId>,
    nodes: HashMap<NodeId, (InstanceId, Gd<Node>)>,
}

impl Directory {
    pub(crate) fn insert(&mut self, id: NodeId, synced_node: InstanceId, root: &Gd<Node>) {
        self.ids.insert(synced_node, id);
        // A second SyncedNode of one root does not take the root's name away from the first.
        self.ids.entry(root.instance_id_unchecked()).or_insert(id);
        self.nodes.insert(id, (synced_node, root.clone()));
    }

    pub(crate) fn remove(&mut self, id: NodeId) {
        let Some((synced_node, root)) = self.nodes.remove(&id) else {
            return;
        };
        for object in [synced_node, root.instance_id_unchecked()] {
            if self.ids.get(&object) == Some(&id) {
                self.ids.remove(&object);
            }
        }
    }

    pub(crate) fn id_of(&self, object: InstanceId) -> Option<NodeId> {
        self.ids.get(&object).copied()
    }

    pub(crate) fn root(&self, id: NodeId) -> Option<Gd<Node>> {
        self.nodes
            .get(&id)
            .map(|(_, root)| root)
            .filter(|root| root.is_instance_valid())
            .cloned()
    }
}
