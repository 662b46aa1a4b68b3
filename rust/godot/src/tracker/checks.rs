//! What can be wrong with a tracker's settings, in the words of who has to set them right.

use godot::{
    classes::{FileAccess, Node},
    prelude::*,
};

use synced_protocol::input::Precision;

use super::TrackerTarget;

/// What moves the root itself: a tracker does that already.
const PLACE_PROPERTIES: [&str; 11] = [
    "transform",
    "position",
    "rotation",
    "rotation_degrees",
    "quaternion",
    "basis",
    "global_transform",
    "global_position",
    "global_rotation",
    "global_rotation_degrees",
    "global_basis",
];

/// A node's tracker as the inspector has it.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    pub tracker: &'a str,
    /// Set when samples are to come from a trace.
    pub trace_file: Option<&'a str>,
    /// None if there is no such precision.
    pub precision: Option<Precision>,
}

impl Settings<'_> {
    /// What keeps the tracker from working; nothing without a tracker.
    pub(crate) fn faults(&self, root: &Gd<Node>) -> Vec<String> {
        if self.tracker.is_empty() {
            return Vec::new();
        }
        let mut faults = Vec::new();
        if TrackerTarget::parse(self.tracker).is_none() {
            faults.push(format!(
                "there is no tracker \"{}\": choose left_hand, right_hand or head, or leave it empty",
                self.tracker
            ));
        }
        if !root.is_class("Node3D") {
            faults.push(format!(
                "a tracker moves a Node3D, but the root \"{}\" is a {}: choose another root, or leave the tracker empty",
                root.get_name(),
                root.get_class()
            ));
        }
        if self.precision.is_none() {
            faults.push(
                "there is no such tracker_precision: choose PRECISION_EXACT, PRECISION_FINE or PRECISION_COARSE".to_owned(),
            );
        }
        if self.trace_file == Some("") {
            faults.push(
                "the tracker's source is a trace, but no trace file is set: choose one, or another source".to_owned(),
            );
        }
        faults
    }

    /// What works, but not as anybody would want it.
    pub(crate) fn warnings<'b>(&self, properties: impl Iterator<Item = &'b str>) -> Vec<String> {
        if self.tracker.is_empty() {
            return self.idle();
        }
        let lost = self.trace_file.filter(|path| is_lost(path)).map(|path| {
            format!("There is no trace file \"{path}\": choose another, or record one.")
        });
        let moving = properties.filter(|path| {
            let first = path.split(':').next().unwrap_or_default();
            PLACE_PROPERTIES.contains(&first)
        });
        let moved_twice = moving
            .map(|path| {
                format!("The tracker moves the root already: take \"{path}\" off the list, or leave the tracker empty.")
            });
        moved_twice.chain(lost).collect()
    }

    fn idle(&self) -> Vec<String> {
        self.trace_file
            .map(|_| "The tracker's source is set, but no tracker is: choose which controller the trace is.".to_owned())
            .into_iter()
            .collect()
    }
}

/// Whether a file of the project is not there. What is in the user's folder is another thing on every machine.
fn is_lost(path: &str) -> bool {
    !path.is_empty() && !path.starts_with("user://") && !FileAccess::file_exists(path)
}
