//! Spawning a scene: shown here at once, for everyone once confirmed.

use std::fmt;

use godot::{classes::Node, prelude::*};
use synced_protocol::{
    id::{NodeId, PlayerId},
    mutation::{Mutation, Origin, ParentRef, Spawn, Transaction},
};

use crate::{
    binding::{self, Moment, resolve_and_read},
    classes::{SyncedSpawner, with_core},
    core::{Core, Entry},
    pending::Touch,
    place::{Instance, SceneFault},
};

/// Why nothing was spawned.
#[derive(Debug)]
pub(crate) enum SpawnFault {
    NoSession,
    NotListed,
    NoParent,
    Scene(SceneFault),
    Unreadable,
}

impl fmt::Display for SpawnFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSession => {
                f.write_str("there is no session. Wait for SyncedSession.session_joined.")
            }
            Self::NotListed => f.write_str("the scene is not in spawnable_scenes"),
            Self::NoParent => f.write_str("spawn_path leads to no node"),
            Self::Scene(fault) => fault.fmt(f),
            Self::Unreadable => {
                f.write_str("a synced property of the scene cannot be read (see the error above)")
            }
        }
    }
}

/// Instances the scene, puts it into the tree and proposes it.
pub(crate) fn spawn(
    spawner: &Gd<SyncedSpawner>,
    path: &str,
    properties: &VarDictionary,
    owned: bool,
) -> Result<Gd<Node>, SpawnFault> {
    let (number, spawner_id, mut parent) = {
        let spawner = spawner.bind();
        let number = spawner.scene_number(path).ok_or(SpawnFault::NotListed)?;
        (
            number,
            spawner.id().ok_or(SpawnFault::NoParent)?,
            spawner.spawn_parent().ok_or(SpawnFault::NoParent)?,
        )
    };
    let (id, owner) = with_core(|core| {
        let owner = if owned { core.me } else { PlayerId::SERVER };
        core.is_joined().then(|| (core.next_spawn_id(), owner))
    })
    .ok_or(SpawnFault::NoSession)?;
    let instance = Instance::new(spawner, number, id, owner).map_err(SpawnFault::Scene)?;
    let mut root = instance.root.clone();
    for (name, value) in properties.iter_shared() {
        root.set(&name.stringify().to_string(), &value);
    }
    parent.add_child(&root);
    let origin = Origin::Scene {
        spawner: spawner_id,
        scene: number,
    };
    if propose(&instance, origin, &parent, owner).is_none() {
        root.queue_free();
        return Err(SpawnFault::Unreadable);
    }
    for (id, _) in &instance.nodes {
        binding::one(*id, Moment::WithinCommit);
    }
    spawner.signals().spawned().emit(&root);
    Ok(root)
}

fn propose(instance: &Instance, origin: Origin, parent: &Gd<Node>, owner: PlayerId) -> Option<()> {
    let mut specs = Vec::with_capacity(instance.nodes.len());
    for (id, _) in &instance.nodes {
        specs.push(resolve_and_read(*id)?);
    }
    with_core(|core| {
        let top = instance.nodes.first()?.0;
        let mut steps = Vec::with_capacity(specs.len());
        for ((id, node), properties) in instance.nodes.iter().zip(specs) {
            let local = core.locals.get(id)?;
            let (origin, parent, name) = if *id == top {
                (
                    origin,
                    core.parent_ref(parent),
                    instance.root.get_name().to_string(),
                )
            } else {
                let path = path_to_parent(&instance.root, &local.root);
                (
                    Origin::Part,
                    ParentRef { anchor: top, path },
                    node.get_name().to_string(),
                )
            };
            steps.push(Spawn {
                node: *id,
                origin,
                parent,
                name,
                policy: local.config.policy,
                owner,
                properties,
            });
        }
        show(core, steps, top)
    })
}

/// The path from a scene's root to the parent of a node in it; empty for the root itself, and for the root's own.
fn path_to_parent(scene_root: &Gd<Node>, node: &Gd<Node>) -> String {
    match node.get_parent() {
        Some(parent) if node != scene_root && parent != *scene_root => {
            scene_root.get_path_to(&parent).to_string()
        }
        _ => String::new(),
    }
}

fn show(core: &mut Core, spawns: Vec<Spawn>, top: NodeId) -> Option<()> {
    let steps = spawns.iter().cloned().map(Mutation::Spawn).collect();
    core.propose(
        Transaction {
            guards: Vec::new(),
            steps,
        },
        vec![Touch::Spawn(top)],
    )?;
    core.entries.extend(
        spawns
            .into_iter()
            .map(|spawn| (spawn.node, Entry::proposed(spawn))),
    );
    Some(())
}
