//! A digest of the session's part of the scene tree, as it really is.

use synced_protocol::{
    bytes_io::put_text,
    id::{NodeId, PropertyId, mix},
};

use crate::{classes::with_core, property::Target, variant};

/// The sum, over all nodes of the session that are in the scene, of a hash of each: its id, owner, parent and name, and the
/// values that its properties have in the scene. The order of the nodes does not matter.
pub(crate) fn of_scene() -> u64 {
    let nodes: Vec<NodeId> = with_core(|core| core.entries.keys().copied().collect());
    nodes.into_iter().map(of_node).fold(0, u64::wrapping_add)
}

fn of_node(id: NodeId) -> u64 {
    let targets: Vec<(PropertyId, Target)> = with_core(|core| core.targets(id));
    let values: Vec<_> = targets.iter().map(|(_, target)| target.get()).collect();
    with_core(|core| {
        let mut bytes = id.0.to_le_bytes().to_vec();
        if let Some(entry) = core.entries.get(&id) {
            bytes.extend_from_slice(&entry.spawned.spawn.owner.0.to_le_bytes());
        }
        if let Some(root) = core.directory.root(id) {
            put_text(&mut bytes, &root.get_name().to_string());
            if let Some(parent) = root.get_parent() {
                let parent = core.parent_ref(&parent);
                bytes.extend_from_slice(&parent.anchor.0.to_le_bytes());
                put_text(&mut bytes, &parent.path);
            }
        }
        for value in &values {
            match variant::to_value(value, &core.directory) {
                Ok(value) => value.encode(&mut bytes),
                Err(_) => bytes.push(u8::MAX),
            }
        }
        hash(&bytes)
    })
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(bytes.len() as u64, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}
