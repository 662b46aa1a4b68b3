//! Making the engine nodes of spawned scenes.

use std::fmt;

use godot::{
    classes::{Engine, Node, PackedScene, ResourceLoader, SceneTree},
    prelude::*,
};
use synced_protocol::{
    id::{NodeId, PlayerId},
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
    NotListed(u16),
    NotFound(String),
    NotAScene(String),
    NoSyncedRoot(String),
}

impl fmt::Display for SceneFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListed(number) => write!(
                f,
                "scene {number} of the session is not in spawnable_scenes: is this the same version of the game?"
            ),
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
    /// Makes an instance of a spawner's scene, whose root has the id `id` and is `owner`'s.
    pub(crate) fn new(
        spawner: &Gd<SyncedSpawner>,
        number: u16,
        id: NodeId,
        owner: PlayerId,
    ) -> Result<Self, SceneFault> {
        let scene = SyncedSpawner::scene(spawner, number)?;
        let path = || scene.get_path().to_string();
        let mut root = scene
            .instantiate()
            .ok_or_else(|| SceneFault::NotAScene(path()))?;
        let name = instance_name(&root, id);
        root.set_name(&name);
        let mut nodes = Vec::new();
        collect_synced_nodes(&root, &mut nodes);
        let Some(own) = nodes
            .iter()
            .position(|node| node.bind().get_root().as_ref() == Some(&root))
        else {
            root.free();
            return Err(SceneFault::NoSyncedRoot(path()));
        };
        nodes.swap(0, own);
        let nodes = nodes.into_iter().enumerate().map(|(place, mut node)| {
            let scene = id;
            let id = if place == 0 {
                scene
            } else {
                NodeId::derived(scene, &root.get_path_to(&node).to_string())
            };
            node.bind_mut().assign(Assigned { id, scene, owner });
            (id, node)
        });
        Ok(Self {
            nodes: nodes.collect(),
            root,
        })
    }
}

/// Loads a scene.
pub(crate) fn load(path: &str) -> Result<Gd<PackedScene>, SceneFault> {
    let resource = ResourceLoader::singleton().load(path);
    let resource = resource.ok_or_else(|| SceneFault::NotFound(path.to_owned()))?;
    resource
        .try_cast()
        .map_err(|_| SceneFault::NotAScene(path.to_owned()))
}

/// Puts the scene of a spawned node into the tree, if its spawner and its parent are there.
pub(crate) fn place(id: NodeId) {
    let Some((spawn, number, spawner, mut parent)) = find_place(id) else {
        return;
    };
    match Instance::new(&spawner, number, id, spawn.owner) {
        Ok(instance) => {
            set_values(&instance, &spawn);
            parent.add_child(&instance.root);
            if spawner.is_instance_valid() && instance.root.is_instance_valid() {
                spawner.signals().spawned().emit(&instance.root);
            }
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
        for (target, value) in with_core(|core| {
            core.clear_live(id);
            core.confirmed_shown(id)
        }) {
            target.set(&value);
        }
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

fn find_place(id: NodeId) -> Option<(Spawn, u16, Gd<SyncedSpawner>, Gd<Node>)> {
    let root = tree_root()?;
    with_core(|core| {
        let spawn = &core.entries.get(&id)?.spawned.spawn;
        let Origin::Scene { spawner, scene } = spawn.origin else {
            return None;
        };
        let spawner = core.spawners.get(&spawner);
        let spawner = spawner.filter(|spawner| spawner.is_instance_valid());
        match (spawner, core.resolve_parent(&spawn.parent, &root)) {
            (Some(spawner), Some(parent)) => Some((spawn.clone(), scene, spawner.clone(), parent)),
            _ => {
                core.unplaced.insert(id);
                None
            }
        }
    })
}

/// Sets a spawned scene's values before it enters the tree, so that its scripts begin with them. Only what the scene itself
/// lists: a message must not reach any other property.
fn set_values(instance: &Instance, spawn: &Spawn) {
    let Some((_, own)) = instance.nodes.first() else {
        return;
    };
    let listed = own.bind().config().properties;
    for (spec, (path, lane)) in spawn.properties.iter().zip(listed) {
        if spec.path == path
            && spec.lane == lane
            && let Ok(target) = Target::resolve(&instance.root, &path)
        {
            let value = with_core(|core| variant::to_engine(&spec.value, &core.directory));
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
