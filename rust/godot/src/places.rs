//! Where nodes hang, in the session's terms and in the scene's.

use godot::{classes::Node, prelude::*};
use synced_protocol::{
    id::NodeId,
    mutation::{Origin, ParentRef},
};

use crate::core::{Core, Entry};

/// A node's path below the tree's root: the same on every machine that has opened the same scene.
pub(crate) fn path_from_root(node: &Node) -> String {
    let path = node.get_path().to_string();
    path.strip_prefix("/root/").unwrap_or(&path).to_owned()
}

impl Core {
    /// Where in the tree a node hangs, as every machine can find it: below the nearest synced node, else below the root.
    pub(crate) fn parent_ref(&self, parent: &Gd<Node>) -> ParentRef {
        let mut names = Vec::new();
        let mut current = Some(parent.clone());
        while let Some(node) = current {
            if let Some(anchor) = self.anchor_at(&node) {
                names.reverse();
                return ParentRef {
                    anchor,
                    path: names.join("/"),
                };
            }
            current = node.get_parent();
            if current.is_some() {
                names.push(node.get_name().to_string());
            }
        }
        names.reverse();
        ParentRef {
            anchor: NodeId::ROOT,
            path: names.join("/"),
        }
    }

    /// The node that a place in the tree means here, if it is here.
    pub(crate) fn resolve_parent(
        &self,
        parent: &ParentRef,
        tree_root: &Gd<Node>,
    ) -> Option<Gd<Node>> {
        let anchor = if parent.anchor == NodeId::ROOT {
            tree_root.clone()
        } else {
            self.directory.root(parent.anchor)?
        };
        if parent.path.is_empty() {
            Some(anchor)
        } else {
            anchor.get_node_or_null(&parent.path)
        }
    }

    /// A node and all that hang below it, itself first.
    pub(crate) fn subtree(&self, top: NodeId) -> Vec<NodeId> {
        let is_below = |id: &NodeId| {
            let mut current = *id;
            loop {
                if current == top {
                    return true;
                }
                let Some(entry) = self.entries.get(&current) else {
                    return false;
                };
                current = entry.spawned.spawn.parent.anchor;
            }
        };
        let mut nodes: Vec<_> = self.entries.keys().copied().filter(is_below).collect();
        nodes.sort_by_key(|id| (*id != top, *id));
        nodes
    }

    /// The nodes of a spawner that are not in the scene here.
    pub(crate) fn missing_of(&self, spawner: NodeId) -> Vec<NodeId> {
        let is_missing = |(id, entry): &(&NodeId, &Entry)| {
            matches!(entry.spawned.spawn.origin, Origin::Scene { spawner: by, .. } if by == spawner)
                && !self.locals.contains_key(id)
        };
        let missing = self.entries.iter().filter(is_missing);
        missing.map(|(id, _)| *id).collect()
    }

    /// Whether the node is below the one that is being hung elsewhere, or that one itself.
    pub(crate) fn is_moving(&self, node: &Gd<Node>) -> bool {
        self.moving
            .as_ref()
            .is_some_and(|moving| moving == node || moving.is_ancestor_of(node))
    }

    fn anchor_at(&self, node: &Gd<Node>) -> Option<NodeId> {
        let id = self.directory.id_of(node.instance_id())?;
        self.entries.contains_key(&id).then_some(id)
    }
}
