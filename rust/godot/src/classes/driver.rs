//! The node that gives the session its two moments of each frame.

use godot::{
    classes::{Node, node::ProcessMode},
    prelude::*,
};

use super::SyncedSession;

/// Runs the session before all other nodes, or after them. The session adds one of each below the tree's root.
#[derive(GodotClass)]
#[class(init, internal, base = Node)]
pub(crate) struct SyncedDriver {
    is_late: bool,
    base: Base<Node>,
}

impl SyncedDriver {
    pub(crate) fn new_gd(is_late: bool) -> Gd<Self> {
        let mut driver = Self::new_alloc();
        driver.bind_mut().is_late = is_late;
        driver.set_process_mode(ProcessMode::ALWAYS);
        driver.set_process_priority(if is_late { i32::MAX } else { i32::MIN });
        driver.set_name(if is_late { "SyncedLate" } else { "SyncedEarly" });
        driver
    }
}

#[godot_api]
impl INode for SyncedDriver {
    fn process(&mut self, _delta: f64) {
        let session = SyncedSession::singleton();
        if self.is_late {
            SyncedSession::late(&session)
        } else {
            SyncedSession::early(&session)
        }
    }
}
