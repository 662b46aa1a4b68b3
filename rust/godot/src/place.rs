//! Making the engine nodes of spawned scenes.

use std::fmt;

use godot::{
    classes::{Engine, Node, PackedScene, ResourceLoader, SceneTree},
    prelude::*,
};
use synced_protocol::{
    id::NodeId,
    mutation::{Origin, Spawn},
};

use crate::{
    classes::{Assigned, SyncedNode, SyncedSpawner, with_core},
    operations,
    property::Target,
    report, variant,
};

/// Why a scene cannot be spawned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SceneFault {
    NotFound(String),
    NotAScene(String),
    NoSyncedRoot(String),
}

impl fmt::Display for SceneFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(path) => write!(f, "scene \"{path}\" cannot be loaded"),
            Self::NotAScene(path) => write!(f, "\"{path}\" is no scene"),
            Self::NoSyncedRoot(path) => write!(
                f,
                "scene \"{path}\" has no SyncedNode whose root is the scene's own root: add one as a child of the root"
            ),
        }
    }
}

/// An instance of a scene that is not in the tree yet, with an id for each of its `SyncedNode`s.
#[derive(Debug)]
pub(crate) struct Instance {
    pub root: Gd<Node>,
    /// The root's own comes first.
    pub nodes: Vec<(NodeId, Gd<SyncedNode>)>,
}

impl Instance {
    /// Makes an instance whose root has the id `id`.
    pub(crate) fn new(scene_path: &str, id: NodeId) -> Result<Self, SceneFault> {
        let resource = ResourceLoader::singleton().load(scene_path);
        let resource = resource.ok_or_else(|| SceneFault::NotFound(scene_path.to_owned()))?;
        let scene = resource
            .try_cast::<PackedScene>()
            .map_err(|_| SceneFault::NotAScene(scene_path.to_owned()))?;
        let mut root = scene
            .instantiate()
            .ok_or_else(|| SceneFault::NotAScene(scene_path.to_owned()))?;
        let name = instance_name(&root, id);
        root.set_name(&name);
        let mut nodes = Vec::new();
        collect_synced_nodes(&root, &mut nodes);
        let Some(own) = nodes
            .iter()
            .position(|node| node.bind().get_root().as_ref() == Some(&root))
        else {
            root.free();
            return Err(SceneFault::NoSyncedRoot(scene_path.to_owned()));
        };
        nodes.swap(0, own);
        let nodes = nodes.into_iter().enumerate().map(|(place, mut node)| {
            let scene = id;
            let id = if place == 0 {
                scene
            } else {
                NodeId::derived(scene, &root.get_path_to(&node).to_string())
            };
            node.bind_mut().assign(Assigned { id, scene });
            (id, node)
        });
        Ok(Self {
            nodes: nodes.collect(),
            root,
        })
    }
}

/// Puts the scene of a spawned node into the tree, if its spawner and its parent are there.
pub(crate) fn place(id: NodeId) {
    let Some((spawn, spawner, mut parent)) = find_place(id) else {
        return;
    };
    let Origin::Scene { scene, .. } = spawn.origin else {
        return;
    };
    let Some(path) = spawner.bind().scene_path(scene) else {
        let message = format!(
            "scene {scene} of the session is not in spawnable_scenes: is this the same version of the game?"
        );
        report::error(&spawner, &message);
        return;
    };
    match Instance::new(&path, id) {
        Ok(instance) => {
            set_values(&instance.root, &spawn);
            parent.add_child(&instance.root);
            spawner.signals().spawned().emit(&instance.root);
        }
        Err(fault) => report::error(&spawner, &fault.to_string()),
    }
}

/// Hangs a node where the session says that it hangs. False when that place is not in the scene here.
pub(crate) fn follow_parent(id: NodeId) -> bool {
    let Some(tree_root) = tree_root() else {
        return false;
    };
    let found = with_core(|core| {
        let root = core.directory.root(id)?;
        let parent =
            core.resolve_parent(&core.entries.get(&id)?.spawned.spawn.parent, &tree_root)?;
        Some((root, parent))
    });
    let Some((mut root, parent)) = found else {
        return false;
    };
    // A part that syncs the very root of its scene hangs where that hangs.
    if root != parent && root.get_parent().as_ref() != Some(&parent) {
        operations::move_below(&mut root, &parent);
        with_core(|core| core.clear_live(id));
    }
    true
}

/// The tree's root node, under which everything hangs.
pub(crate) fn tree_root() -> Option<Gd<Node>> {
    let tree = Engine::singleton()
        .get_main_loop()?
        .try_cast::<SceneTree>()
        .ok()?;
    tree.get_root().map(Gd::upcast)
}

fn find_place(id: NodeId) -> Option<(Spawn, Gd<SyncedSpawner>, Gd<Node>)> {
    let root = tree_root()?;
    with_core(|core| {
        let spawn = core.entries.get(&id)?.spawned.spawn.clone();
        let Origin::Scene { spawner, .. } = spawn.origin else {
            return None;
        };
        let spawner = core
            .spawners
            .get(&spawner)
            .filter(|spawner| spawner.is_instance_valid())
            .cloned();
        let parent = core.resolve_parent(&spawn.parent, &root);
        match (spawner, parent) {
            (Some(spawner), Some(parent)) => Some((spawn, spawner, parent)),
            _ => {
                core.unplaced.insert(id);
                None
            }
        }
    })
}

/// Sets a spawned scene's values before it enters the tree, so that its scripts begin with them.
fn set_values(root: &Gd<Node>, spawn: &Spawn) {
    for spec in &spawn.properties {
        if let Ok(mut target) = Target::resolve(root, &spec.path) {
            let value = with_core(|core| variant::to_variant(&spec.value, &core.directory));
            target.set(&value);
        }
    }
}

fn collect_synced_nodes(node: &Gd<Node>, found: &mut Vec<Gd<SyncedNode>>) {
    for child in node.get_children().iter_shared() {
        if let Ok(synced) = child.clone().try_cast::<SyncedNode>() {
            found.push(synced);
        }
        collect_synced_nodes(&child, found);
    }
}

/// The same name on every machine, and another one for each instance.
fn instance_name(root: &Gd<Node>, id: NodeId) -> String {
    let player = id.spawner().map_or(0, |player| player.0);
    format!("{}_{player}_{}", root.get_name(), id.counter())
}
