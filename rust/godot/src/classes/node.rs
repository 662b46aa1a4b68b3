//! `SyncedNode`.

use godot::{
    classes::{Node, notify::NodeNotification},
    prelude::*,
};
use synced_protocol::{
    id::{NodeId, PlayerId},
    input::Precision,
    mutation::{Access, Mutation, OnOwnerLeft, Policy, Transfer},
    time::Micros,
};

use super::with_core;
use crate::{
    config::NodeConfig,
    core::{Core, State},
    local::Local,
    operations,
    optional::Arguments,
    pending::{Touch, single},
    places::path_from_root,
    property::{PropertyPath, Target},
    report,
    tracker::{self, Tracker, TrackerSource, TrackerTarget},
    variant,
};

/// Syncs properties of the node above it with everyone in the session.
///
/// Add it below any node, choose properties in the inspector, and give each a lane. A *confirmed* property goes through
/// the leader's log: every player sees the same changes in the same order, exactly once. A *live* property is streamed
/// while its owner changes it, the newest value wins, and it is confirmed where it comes to rest.
///
/// With [member tracker] set, the node also streams the samples of that controller, and moves its root to where the
/// owner's controller is. Games compute hits and throws from the samples themselves: see [method sample_at] and
/// [method get_trajectory].
///
/// Local writes show at once. If the session rejects one, the property goes back to its confirmed value and
/// [signal write_rejected] is emitted.
#[derive(GodotClass)]
#[class(tool, init, base = Node)]
pub(crate) struct SyncedNode {
    /// The node whose properties are synced. Property paths start here.
    #[export]
    #[init(val = NodePath::from(".."))]
    root_path: NodePath,

    /// Properties that go through the log, as `property` or `Child/Path:property`.
    #[export]
    confirmed_properties: PackedStringArray,

    /// Properties that are streamed while they change, written as in [member confirmed_properties].
    #[export]
    live_properties: PackedStringArray,

    /// How long a live property has to stay the same until its value is confirmed, in milliseconds.
    #[export(range = (20.0, 5000.0, 1.0, or_greater, suffix = "ms"))]
    #[init(val = 250.0)]
    rest_time_msec: f64,

    /// Whether this player wants what the node's owner streams: its controller and its live properties. Else they stay off
    /// the network, and the node moves only where it comes to rest. Say so where nobody looks, and take it back at any time.
    #[export]
    #[var(set = set_receive_live)]
    #[init(val = true)]
    receive_live: bool,

    /// Who may set properties, reparent and despawn the node.
    #[export_group(name = "Ownership")]
    #[export(enum = (Owner, Anyone, Server))]
    write_access: i64,

    /// Who may use [method call_synced].
    #[export(enum = (Owner, Anyone, Server))]
    #[init(val = 1)]
    call_access: i64,

    /// When [method request_ownership] is granted: while nobody owns the node, always, or only if the owner gives it.
    #[export(enum = (WhenFree, Always, ByOwner))]
    ownership_transfer: i64,

    /// Whether the node goes when its owner leaves the session; else nobody owns it then.
    #[export]
    despawn_with_owner: bool,

    /// The controller to follow: `left_hand`, `right_hand` or `head`; empty for none.
    #[export]
    #[var(hint = ENUM, hint_string = ",left_hand,right_hand,head")]
    #[export_group(name = "Tracker")]
    tracker: GString,

    /// Where the samples come from. Auto: the XR tracker while there is one, else the root's own movement. Xr: the XR tracker
    /// alone, at 1 kHz from an OpenXR session.
    /// Synthetic: a made-up trajectory at 1 kHz. Trace: a recorded one. Gamepad and Mouse: a hand before the camera, event by event.
    #[export(enum = (Auto, Xr, Synthetic, Trace, Gamepad, Mouse))]
    tracker_source: i64,

    /// The trace to play when [member tracker_source] is Trace.
    #[export(file = "*.trace")]
    trace_file: GString,

    /// How exactly the samples are sent. Exact: to 0.05 mm and 0.01°. Fine: to 0.1 mm and 0.04°. Coarse: to 1 mm and 0.2°, for
    /// many players at once. Finer takes more bytes.
    #[export(enum = (Exact, Fine, Coarse))]
    #[init(val = 1)]
    tracker_precision: i64,

    /// Set before the node enters the tree when it is part of a spawned scene.
    assigned: Option<Assigned>,
    /// Whether the session has despawned it, and it only waits to be freed.
    is_despawned: bool,
    /// The id of a node of the scene itself, and the path that it is from.
    home: Option<(NodeId, String)>,
    id: Option<NodeId>,
    base: Base<Node>,
}

#[godot_api]
impl SyncedNode {
    /// Emitted on every machine when the node has another owner; 0 is nobody.
    #[signal]
    pub(crate) fn ownership_changed(from_player: i64, to_player: i64);

    /// Emitted when a request of this player was not granted; the node is `owner_id`'s.
    #[signal]
    pub(crate) fn ownership_denied(owner_id: i64);

    /// Emitted when a property has a new confirmed value, this player's own included.
    #[signal]
    pub(crate) fn property_confirmed(property: GString);

    /// Emitted when the session rejected a change of this player to this node. What was shown is taken back.
    #[signal]
    pub(crate) fn write_rejected(code: GString, message: GString);

    /// Emitted when a recording is over and its file closed. `fault` is empty if every sample is in it that was taken from
    /// [method start_recording] to [method stop_recording], else it says what ended it before: a full disk, the longest length
    /// that a trace may have.
    #[signal]
    pub(crate) fn recording_stopped(path: GString, fault: GString);

    /// Emitted on every machine when the controller is shown elsewhere from one sample to the next, without having moved there:
    /// recentred, tracked again, teleported. Nothing is shown in between.
    #[signal]
    pub(crate) fn tracker_jumped();

    /// Emitted when the session despawned the node, before its root is freed.
    #[signal]
    pub(crate) fn despawned();

    /// The owner alone.
    #[constant]
    pub const ACCESS_OWNER: i64 = 0;
    /// Every player.
    #[constant]
    pub const ACCESS_ANYONE: i64 = 1;
    /// The server, and the player who hosts.
    #[constant]
    pub const ACCESS_SERVER: i64 = 2;
    /// Ownership passes to whoever asks while nobody owns the node.
    #[constant]
    pub const TRANSFER_WHEN_FREE: i64 = 0;
    /// Ownership passes to whoever asks.
    #[constant]
    pub const TRANSFER_ALWAYS: i64 = 1;
    /// Ownership passes only when the owner gives it.
    #[constant]
    pub const TRANSFER_BY_OWNER: i64 = 2;
    /// The XR tracker while there is one, else the root's own movement.
    #[constant]
    pub const SOURCE_AUTO: i64 = 0;
    /// The XR tracker.
    #[constant]
    pub const SOURCE_XR: i64 = 1;
    /// A made-up trajectory at 1 kHz.
    #[constant]
    pub const SOURCE_SYNTHETIC: i64 = 2;
    /// A recorded trajectory.
    #[constant]
    pub const SOURCE_TRACE: i64 = 3;
    /// A hand before the camera, moved by its side's stick of a gamepad. Trigger and shoulder are its trigger and grip.
    #[constant]
    pub const SOURCE_GAMEPAD: i64 = 4;
    /// A hand before the camera, moved by the mouse, and by its wheel to and fro. The left button is its trigger, the right one its
    /// grip.
    #[constant]
    pub const SOURCE_MOUSE: i64 = 5;

    /// Samples are sent to 0.05 mm and 0.01°.
    #[constant]
    pub const PRECISION_EXACT: i64 = 0;
    /// Samples are sent to 0.1 mm and 0.04°.
    #[constant]
    pub const PRECISION_FINE: i64 = 1;
    /// Samples are sent to 1 mm and 0.2°.
    #[constant]
    pub const PRECISION_COARSE: i64 = 2;

    /// Asks for the ownership of the node and treats it as granted until the answer: [signal ownership_changed] or
    /// [signal ownership_denied]. Of two players who ask at once exactly one gets it. Returns the proposal's sequence
    /// number, 0 without a session.
    #[func(gd_self)]
    pub(crate) fn request_ownership(this: Gd<Self>) -> i64 {
        let transfer = |node, core: &mut Core| {
            let to = core.me;
            Some(single(
                Mutation::TransferOwnership { node, to },
                Touch::Ownership(node),
            ))
        };
        let sequence = operations::propose(&this, "request_ownership", transfer);
        operations::apply_authority(&this);
        sequence
    }

    /// Gives the node back, so that nobody owns it. Returns the proposal's sequence number, 0 without a session.
    #[func(gd_self)]
    pub(crate) fn release_ownership(this: Gd<Self>) -> i64 {
        Self::give_ownership(this, i64::from(PlayerId::SERVER.0))
    }

    /// Gives the node to another player. Returns the proposal's sequence number, 0 without a session.
    #[func(gd_self)]
    fn give_ownership(this: Gd<Self>, player_id: i64) -> i64 {
        let Ok(player) = u32::try_from(player_id) else {
            report::error(
                &this,
                &format!("give_ownership: {player_id} is no player id"),
            );
            return 0;
        };
        operations::settle(&this);
        operations::propose(&this, "give_ownership", |node, _| {
            Some(single(
                Mutation::TransferOwnership {
                    node,
                    to: PlayerId(player),
                },
                Touch::GiveAway(node),
            ))
        })
    }

    /// Whether this player owns the node, as confirmed by the session. Without a session everybody owns everything.
    #[func]
    fn is_owner(&self) -> bool {
        with_core(|core| match self.bound_owner(core) {
            Some(owner) => core.is_mine(owner),
            None => core.state == State::Offline,
        })
    }

    /// The player who owns the node; 0 is nobody.
    #[func]
    fn get_owner_id(&self) -> i64 {
        with_core(|core| self.bound_owner(core)).map_or(0, |owner| i64::from(owner.0))
    }

    /// Calls a method of the root's script on every machine, here too, once the session has ordered it. Methods that begin
    /// with an underscore and methods of the engine cannot be called. Returns the proposal's sequence number, 0 without a session.
    #[func(gd_self)]
    fn call_synced(
        this: Gd<Self>,
        method: StringName,
        #[opt(default = &Arguments::default())] args: Arguments,
    ) -> i64 {
        let values = with_core(|core| {
            let values = args.iter_shared();
            values
                .map(|argument| variant::to_value(&argument, &core.directory))
                .collect::<Result<Vec<_>, _>>()
        });
        let arguments = match values {
            Ok(arguments) => arguments,
            Err(fault) => {
                report::error(
                    &this,
                    &format!("call_synced(\"{method}\"): an argument is refused: {fault}"),
                );
                return 0;
            }
        };
        operations::propose(&this, "call_synced", |node, _| {
            let call = Mutation::Call {
                node,
                method: method.to_string(),
                arguments,
            };
            Some(single(call, Touch::Call(node)))
        })
    }

    /// Hangs the root below another node on every machine, keeping where it is in the world. Shows at once. Returns the
    /// proposal's sequence number, 0 without a session.
    #[func(gd_self)]
    fn reparent_synced(this: Gd<Self>, new_parent: Gd<Node>) -> i64 {
        operations::reparent(&this, &new_parent)
    }

    /// Removes the node and all below it for everyone. Returns the proposal's sequence number, 0 without a session.
    #[func(gd_self)]
    fn despawn(this: Gd<Self>) -> i64 {
        operations::propose(&this, "despawn", |node, _| {
            Some(single(Mutation::Despawn { node }, Touch::Despawn(node)))
        })
    }

    /// Whether some change of this player to this node is not decided yet.
    #[func]
    fn is_pending(&self) -> bool {
        self.id
            .is_some_and(|id| with_core(|core| core.is_pending(id)))
    }

    /// The place in the log of the property's last confirmed change, for [method SyncedTransaction.require_version]; 0 if it
    /// is not known to the session.
    #[func]
    fn get_property_version(&self, property: GString) -> i64 {
        let path = PropertyPath::parse(&property.to_string()).canonical();
        let Some(id) = self.id else { return 0 };
        with_core(|core| {
            let local = core.locals.get(&id)?;
            let place = local.property_id(&path)?;
            let version = local
                .bound
                .as_ref()?
                .properties
                .get(usize::from(place.0))?
                .version();
            i64::try_from(version.0).ok()
        })
        .unwrap_or(0)
    }

    /// The node's id, the same on every machine; 0 outside the tree.
    #[func]
    fn get_synced_id(&self) -> i64 {
        self.id.map_or(0, |id| id.0.cast_signed())
    }

    /// The node whose properties are synced.
    #[func]
    pub(crate) fn get_root(&self) -> Option<Gd<Node>> {
        self.base().get_node_or_null(&self.root_path)
    }

    #[func]
    fn set_receive_live(&mut self, wanted: bool) {
        self.receive_live = wanted;
        if let Some(id) = self.id {
            with_core(|core| core.set_receiving(id, wanted));
        }
    }

    /// Makes the next [method Node._enter_tree] take this id.
    pub(crate) fn assign(&mut self, assigned: Assigned) {
        self.assigned = Some(assigned);
    }

    pub(crate) fn mark_despawned(&mut self) {
        self.is_despawned = true;
    }

    pub(crate) fn is_despawned(&self) -> bool {
        self.is_despawned
    }

    pub(crate) fn id(&self) -> Option<NodeId> {
        self.id
    }

    pub(crate) fn config(&self) -> NodeConfig {
        NodeConfig {
            policy: self.policy(),
            properties: NodeConfig::properties(&self.confirmed_properties, &self.live_properties),
            rest_time: Micros((self.rest_time_msec.clamp(0.0, 60_000.0) * 1e3) as u64),
        }
    }

    fn policy(&self) -> Policy {
        let access = |number| match number {
            Self::ACCESS_ANYONE => Access::Anyone,
            Self::ACCESS_SERVER => Access::Server,
            _ => Access::Owner,
        };
        Policy {
            write: access(self.write_access),
            call: access(self.call_access),
            transfer: match self.ownership_transfer {
                Self::TRANSFER_ALWAYS => Transfer::Always,
                Self::TRANSFER_BY_OWNER => Transfer::ByOwner,
                _ => Transfer::WhenFree,
            },
            on_owner_left: if self.despawn_with_owner {
                OnOwnerLeft::Despawn
            } else {
                OnOwnerLeft::Release
            },
        }
    }

    fn bound_owner(&self, core: &Core) -> Option<PlayerId> {
        let entry = self.id.and_then(|id| core.entries.get(&id));
        let told = entry.map(|entry| entry.spawned.spawn.owner);
        let assigned = self.assigned.filter(|_| !self.is_despawned);
        told.or(assigned.map(|assigned| assigned.owner))
    }

    /// The controller to follow, unless something is wrong with it: then that is reported, and there is none.
    fn tracker(&self, root: &Gd<Node>) -> Option<Tracker> {
        let (name, trace_file) = (self.tracker.to_string(), self.trace_file.to_string());
        let settings = self.tracker_settings(&name, &trace_file);
        let faults = settings.faults(root);
        for fault in &faults {
            report::error(&self.to_gd(), &format!("{fault}. The tracker is off."));
        }
        let target = TrackerTarget::parse(&name).filter(|_| faults.is_empty())?;
        let source = TrackerSource::from_number(self.tracker_source, &self.trace_file);
        Some(Tracker::new(target, source, settings.precision?))
    }

    fn tracker_settings<'a>(&self, tracker: &'a str, trace_file: &'a str) -> tracker::Settings<'a> {
        let plays_trace = self.tracker_source == Self::SOURCE_TRACE;
        tracker::Settings {
            tracker,
            trace_file: plays_trace.then_some(trace_file),
            precision: match self.tracker_precision {
                Self::PRECISION_EXACT => Some(Precision::Exact),
                Self::PRECISION_FINE => Some(Precision::Fine),
                Self::PRECISION_COARSE => Some(Precision::Coarse),
                _ => None,
            },
        }
    }

    fn entered(&mut self) {
        if !godot::init::is_editor_hint()
            && !self.is_moving()
            && let Err(fault) = self.register()
        {
            report::error(&self.to_gd(), &format!("{fault}. The node is not synced."));
        }
    }

    fn left(&mut self) {
        if self.is_moving() {
            return;
        }
        let Some(id) = self.id.take() else { return };
        let is_freed = self
            .get_root()
            .is_none_or(|root| root.is_queued_for_deletion());
        let node = self.to_gd();
        with_core(|core| operations::left_tree(core, id, &node, is_freed));
    }

    /// Whether it leaves and enters the tree because a node above it is hung elsewhere.
    fn is_moving(&self) -> bool {
        let node = self.to_gd().upcast();
        self.id.is_some() && with_core(|core| core.is_moving(&node))
    }

    fn register(&mut self) -> Result<(), String> {
        let root = self
            .get_root()
            .ok_or_else(|| format!("root_path \"{}\" leads to no node", self.root_path))?;
        let config = self.config();
        if let Some(fault) = NodeConfig::list_faults(&config.properties).pop() {
            return Err(fault);
        }
        let id = match self.assigned {
            Some(assigned) => assigned.id,
            None => self.home_id()?,
        };
        let local = Local {
            node: self.to_gd(),
            tracker: self.tracker(&root),
            root,
            config,
            spawned_with: self.assigned.map(|assigned| assigned.scene),
            bound: None,
            wants_live: self.receive_live,
            is_frozen_here: false,
        };
        self.id = Some(id);
        self.is_despawned = false;
        with_core(|core| core.register(id, local));
        Ok(())
    }

    /// The id of a node that every player's scene holds: from its path when it entered the tree first. Moved by the game
    /// itself, it stays the same node, and the session hangs it back.
    fn home_id(&mut self) -> Result<NodeId, String> {
        let path = path_from_root(&self.base());
        if let Some((home, home_path)) = &self.home
            && with_core(|core| core.entries.contains_key(home))
        {
            if *home_path != path {
                let message = format!(
                    "it was moved from \"{home_path}\" without the session, which sets it back. Use reparent_synced()"
                );
                report::error(&self.to_gd(), &message);
            }
            return Ok(*home);
        }
        if path.contains('@') {
            return Err(format!(
                "\"{path}\" holds a name that the engine made up, which is another one on every machine. Give the nodes names, or spawn them with a SyncedSpawner"
            ));
        }
        let id = NodeId::derived(NodeId::ROOT, &path);
        self.home = Some((id, path));
        Ok(id)
    }

    fn warnings(&self) -> Vec<String> {
        let Some(root) = self.get_root() else {
            return vec![format!(
                "Root path \"{}\" leads to no node. Choose the node to sync.",
                self.root_path
            )];
        };
        let properties = NodeConfig::properties(&self.confirmed_properties, &self.live_properties);
        let mut warnings = NodeConfig::list_faults(&properties);
        warnings.extend(
            properties
                .iter()
                .filter_map(|(path, _)| Target::resolve(&root, path).err())
                .map(|fault| fault.to_string()),
        );
        if properties.is_empty() && self.tracker.is_empty() {
            warnings.push("Nothing is synced yet: add properties, or set a tracker.".to_owned());
        }
        let (name, trace_file) = (self.tracker.to_string(), self.trace_file.to_string());
        let tracker = self.tracker_settings(&name, &trace_file);
        warnings.extend(tracker.faults(&root));
        warnings.extend(tracker.warnings(properties.iter().map(|(path, _)| path.as_str())));
        let is_device = [Self::SOURCE_GAMEPAD, Self::SOURCE_MOUSE].contains(&self.tracker_source);
        if is_device && self.tracker == "head" {
            warnings.push("Mouse and gamepad move hands: choose left_hand or right_hand as the tracker, or another source.".to_owned());
        }
        warnings
    }
}

/// What a node that comes with a spawned scene knows before it enters the tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assigned {
    pub id: NodeId,
    /// The id of the scene's root.
    pub scene: NodeId,
    pub owner: PlayerId,
}

#[godot_api]
impl INode for SyncedNode {
    // Not `enter_tree` and `exit_tree`: a script's own would take their place.
    fn on_notification(&mut self, what: NodeNotification) {
        match what {
            NodeNotification::ENTER_TREE => self.entered(),
            NodeNotification::EXIT_TREE => self.left(),
            _ => {}
        }
    }

    fn get_configuration_warnings(&self) -> PackedStringArray {
        self.warnings().iter().map(GString::from).collect()
    }
}
