//! `SyncedSpawner`.

use std::collections::HashMap;

use godot::{
    classes::{Node, PackedScene, notify::NodeNotification},
    prelude::*,
};
use synced_protocol::id::NodeId;

use super::with_core;
use crate::{
    binding,
    optional::Named,
    place::{self, SceneFault},
    places::path_from_root,
    report, spawning,
};

/// Spawns scenes for everyone in the session, those who join later included.
///
/// List the scenes that may be spawned; every player's list has to be the same. A spawnable scene has a [SyncedNode] whose
/// root is the scene's root.
#[derive(GodotClass)]
#[class(tool, init, base = Node)]
pub(crate) struct SyncedSpawner {
    /// The scenes that may be spawned, by file path.
    #[export]
    #[var(hint = TYPE_STRING, hint_string = "4/13:*.tscn,*.scn")]
    spawnable_scenes: PackedStringArray,

    /// The node below which spawned scenes are hung.
    #[export]
    #[init(val = NodePath::from(".."))]
    spawn_path: NodePath,

    /// Scenes that were spawned, by their place in the list: they stay loaded.
    loaded: HashMap<u16, Gd<PackedScene>>,
    id: Option<NodeId>,
    base: Base<Node>,
}

#[godot_api]
impl SyncedSpawner {
    /// Emitted on every machine when a scene of this spawner is in the tree.
    #[signal]
    pub(crate) fn spawned(node: Gd<Node>);

    /// Emitted on every machine when a scene of this spawner is about to be freed.
    #[signal]
    pub(crate) fn despawned(node: Gd<Node>);

    /// Spawns a scene of the list for everyone and returns its instance, which is in the tree at once. `properties` are set on
    /// its root before that. It belongs to this player if `owned`, else to nobody. Returns null without a session or when
    /// the scene cannot be spawned.
    #[func(gd_self)]
    fn spawn(
        this: Gd<Self>,
        scene_path: GString,
        #[opt(default = &Named::default())] properties: Named,
        #[opt(default = true)] owned: bool,
    ) -> Option<Gd<Node>> {
        match spawning::spawn(&this, &scene_path.to_string(), &properties, owned) {
            Ok(instance) => Some(instance),
            Err(fault) => {
                report::error(&this, &format!("spawn(\"{scene_path}\"): {fault}"));
                None
            }
        }
    }

    pub(crate) fn id(&self) -> Option<NodeId> {
        self.id
    }

    /// The node below which spawned scenes are hung.
    pub(crate) fn spawn_parent(&self) -> Option<Gd<Node>> {
        self.base().get_node_or_null(&self.spawn_path)
    }

    /// A scene of the list by its place.
    pub(crate) fn scene(this: &Gd<Self>, number: u16) -> Result<Gd<PackedScene>, SceneFault> {
        let path = {
            let spawner = this.bind();
            if let Some(scene) = spawner.loaded.get(&number) {
                return Ok(scene.clone());
            }
            let path = spawner.spawnable_scenes.get(usize::from(number));
            path.ok_or(SceneFault::NotListed(number))?.to_string()
        };
        let scene = place::load(&path)?;
        this.clone().bind_mut().loaded.insert(number, scene.clone());
        Ok(scene)
    }

    pub(crate) fn scene_number(&self, path: &str) -> Option<u16> {
        let place = self
            .spawnable_scenes
            .as_slice()
            .iter()
            .position(|listed| same_scene(&listed.to_string(), path))?;
        u16::try_from(place).ok()
    }
}

/// The inspector may list a scene by its unique id.
fn same_scene(listed: &str, path: &str) -> bool {
    let resolve = |path: &str| {
        let uid = godot::classes::ResourceUid::singleton();
        if path.starts_with("uid://") {
            uid.get_id_path(uid.text_to_id(path)).to_string()
        } else {
            path.to_owned()
        }
    };
    listed == path || resolve(listed) == resolve(path)
}

#[godot_api]
impl INode for SyncedSpawner {
    // Not `enter_tree`: a script's `_enter_tree` would take its place.
    fn on_notification(&mut self, what: NodeNotification) {
        match what {
            NodeNotification::ENTER_TREE => self.entered(),
            NodeNotification::EXIT_TREE => self.left(),
            _ => {}
        }
    }

    fn get_configuration_warnings(&self) -> PackedStringArray {
        let mut warnings = PackedStringArray::new();
        if self.spawnable_scenes.is_empty() {
            warnings.push("No scene can be spawned yet: add scenes to the list.");
        }
        if self.spawn_parent().is_none() {
            warnings.push(&format!(
                "Spawn path \"{}\" leads to no node.",
                self.spawn_path
            ));
        }
        warnings
    }
}

#[godot_api(secondary)]
impl SyncedSpawner {
    #[func(gd_self, rename = _place_waiting)]
    fn place_waiting(this: Gd<Self>) {
        // A scene that is opened again has lost what was spawned in it.
        let id = this.bind().id;
        with_core(|core| {
            let missing = id.map(|id| core.missing_of(id)).unwrap_or_default();
            core.unplaced.extend(missing);
        });
        binding::place_unplaced();
    }

    fn entered(&mut self) {
        let this = self.to_gd();
        if godot::init::is_editor_hint() || self.is_moving() {
            return;
        }
        let id = NodeId::derived(NodeId::ROOT, &path_from_root(&self.base()));
        self.id = Some(id);
        with_core(|core| core.spawners.insert(id, this));
        self.base_mut().call_deferred("_place_waiting", &[]);
    }

    fn left(&mut self) {
        if !self.is_moving()
            && let Some(id) = self.id.take()
        {
            with_core(|core| _ = core.spawners.remove(&id));
        }
    }

    /// Whether it leaves and enters the tree because a node above it is hung elsewhere.
    fn is_moving(&self) -> bool {
        let node = self.to_gd().upcast();
        self.id.is_some() && with_core(|core| core.is_moving(&node))
    }
}
