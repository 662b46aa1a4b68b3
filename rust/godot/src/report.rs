//! Errors as a game developer reads them: what is wrong, and at which node.

use std::collections::HashMap;

use godot::{classes::Node, obj::Inherits, prelude::*};
use synced_protocol::id::NodeId;

use crate::local::Local;

/// Reports an error about a node.
pub(crate) fn error<T: Inherits<Node>>(node: &Gd<T>, message: &str) {
    let node: Gd<Node> = node.clone().upcast();
    godot_error!("{} at {}: {message}", node.get_class(), path(&node));
}

/// Reports an error about a synced node by its id.
pub(crate) fn error_at(locals: &HashMap<NodeId, Local>, id: NodeId, message: &str) {
    match locals
        .get(&id)
        .filter(|local| local.node.is_instance_valid())
    {
        Some(local) => error(&local.node, message),
        None => godot_error!("{id}: {message}"),
    }
}

fn path(node: &Gd<Node>) -> String {
    if node.is_inside_tree() {
        node.get_path().to_string()
    } else {
        format!("{} (outside the tree)", node.get_name())
    }
}
