//! Errors as a game developer reads them: what is wrong, and at which node.
//!
//! A script may listen to the engine's errors and call the session from there: nothing may be borrowed while one is reported.

use godot::{classes::Node, obj::Inherits, prelude::*};
use synced_protocol::id::NodeId;

use crate::classes::with_core;

/// Reports an error about a node.
pub(crate) fn error<T: Inherits<Node>>(node: &Gd<T>, message: &str) {
    let node: Gd<Node> = node.clone().upcast();
    godot_error!("{} at {}: {message}", node.get_class(), path(&node));
}

/// Reports an error about a synced node by its id.
pub(crate) fn error_at(id: NodeId, message: &str) {
    match with_core(|core| core.synced_node(id)) {
        Some(node) => error(&node, message),
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
