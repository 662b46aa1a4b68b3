//! What the inspector says of a `SyncedNode`, in the terms of the protocol.

use godot::prelude::*;
use synced_protocol::{
    limits::{MAX_NAME_BYTES, MAX_PROPERTIES},
    mutation::{Lane, Policy},
    time::Micros,
};

use crate::property::PropertyPath;

/// The settings of one `SyncedNode`, fixed while it is in the tree.
#[derive(Debug, Clone)]
pub(crate) struct NodeConfig {
    pub policy: Policy,
    /// Canonical path and lane of each property; the place in the list is its id.
    pub properties: Vec<(String, Lane)>,
    pub rest_time: Micros,
}

impl NodeConfig {
    /// The properties in the order that every machine gives them: confirmed first, each list as the inspector shows it.
    pub(crate) fn properties(
        confirmed: &PackedStringArray,
        live: &PackedStringArray,
    ) -> Vec<(String, Lane)> {
        let lane = |paths: &PackedStringArray, lane: Lane| -> Vec<_> {
            paths
                .as_slice()
                .iter()
                .map(|path| (PropertyPath::parse(&path.to_string()).canonical(), lane))
                .collect()
        };
        [lane(confirmed, Lane::Confirmed), lane(live, Lane::Live)].concat()
    }

    /// What is wrong with the list as such, whatever the scene holds.
    pub(crate) fn list_faults(properties: &[(String, Lane)]) -> Vec<String> {
        let mut faults = Vec::new();
        if properties.len() > MAX_PROPERTIES {
            faults.push(format!(
                "{} properties are synced, at most {MAX_PROPERTIES} can be",
                properties.len()
            ));
        }
        for (place, (path, _)) in properties.iter().enumerate() {
            if path.len() > MAX_NAME_BYTES {
                faults.push(format!(
                    "property \"{path}\" has a path longer than {MAX_NAME_BYTES} bytes"
                ));
            }
            if properties[..place]
                .iter()
                .any(|(earlier, _)| earlier == path)
            {
                faults.push(format!("property \"{path}\" is listed twice"));
            }
        }
        faults
    }
}
