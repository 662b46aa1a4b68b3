//! `SyncedGrab`.

use godot::{
    classes::{Node, Node3D, RigidBody3D, notify::NodeNotification},
    prelude::*,
};
use synced_protocol::{
    mutation::{Lane, Transfer},
    time::Micros,
};

use super::{SyncedNode, SyncedSession, with_core};
use crate::{grab, report};

/// Lets hands of this player hold and throw the node above it.
///
/// Add it below a [RigidBody3D], or any other [Node3D], beside the [SyncedNode] that syncs its `transform` on the live
/// lane. Then call [method grab] with the [SyncedNode] of the hand, and [method release]; or set [member auto_grab].
///
/// What is grabbed is in the hand in the same frame. Meanwhile the session is asked for the node: of two players who grab
/// one cup exactly one gets it, and hears [signal grab_confirmed]. The other hears [signal grab_denied], and there the
/// cup goes back by itself. A body that is let go flies with the velocity that the hand really had: fitted over its last
/// samples, which with a [member SyncedNode.tracker] are a thousand a second.
///
/// All this works without a session, too: then every grab is confirmed at once.
#[derive(GodotClass)]
#[class(tool, init, base = Node)]
pub(crate) struct SyncedGrab {
    /// The node to hold. A child of it has to be a [SyncedNode] whose root it is.
    #[export]
    #[init(val = NodePath::from(".."))]
    root_path: NodePath,

    /// How much of the hand's last movement makes a throw, in milliseconds.
    #[export(range = (5.0, 200.0, 1.0, suffix = "ms"))]
    #[init(val = 50.0)]
    velocity_window_msec: f64,

    /// What the linear velocity of a throw is multiplied by.
    #[export(range = (0.0, 4.0, 0.01, or_greater))]
    #[init(val = 1.0)]
    throw_scale: f64,

    /// Whether this player gives the node back where it comes to rest, so that another can grab it: a body once it sleeps
    /// (one that may not, by [member RigidBody3D.can_sleep], is kept), anything else when it is let go.
    #[export]
    #[init(val = true)]
    release_at_rest: bool,

    /// Whether a hand of this player grabs the node by itself when its grip closes within [member reach_m], and lets it
    /// go when the grip opens. Hands are nodes with [member SyncedNode.tracker] set to one.
    #[export_group(name = "Auto Grab")]
    #[export]
    auto_grab: bool,

    /// How far the hand may be from the node's origin.
    #[export(range = (0.01, 2.0, 0.01, or_greater, suffix = "m"))]
    #[init(val = 0.15)]
    reach_m: f64,

    /// How firm a grip grabs, from 0 to 1. It lets go a quarter below that.
    #[export(range = (0.05, 1.0, 0.01))]
    #[init(val = 0.6)]
    grip_threshold: f64,

    base: Base<Node>,
}

const NOT_STREAMED: &str = "The SyncedNode beside it does not sync transform on the live lane: others would not see the \
    node move.";
const REFUSED: &str =
    "The SyncedNode beside it gives its ownership by owner alone: a grab would be refused.";
const NOT_THROWN: &str = "Throw scale has no effect: only a RigidBody3D is thrown.";

#[godot_api]
impl SyncedGrab {
    /// Emitted when a hand of this player has taken the node, at once; also when it passes to the other hand.
    #[signal]
    pub(crate) fn grabbed(hand: Gd<SyncedNode>);

    /// Emitted when the node that was grabbed is this player's. Nobody else has it.
    #[signal]
    pub(crate) fn grab_confirmed();

    /// Emitted when the node is another player's: it was first, or took the node out of the hand. 0 is nobody, if the
    /// session refused the grab as such. What was held goes back by itself.
    #[signal]
    pub(crate) fn grab_denied(owner_id: i64);

    /// Emitted when a hand has let go: with the velocity of the centre of mass in metres a second and the angular
    /// velocity in radians a second, in the world. A body has them already.
    #[signal]
    pub(crate) fn released(linear_velocity: Vector3, angular_velocity: Vector3);

    /// Puts the node into a hand of this player, at the offset that it has to it now. Held by another hand already, it
    /// passes over. Returns false when nothing came of it; [signal grab_denied] says why if another player has it.
    #[func(gd_self)]
    fn grab(this: Gd<Self>, hand: Gd<SyncedNode>) -> bool {
        grab::begin(&this, &hand, false).unwrap_or_else(|fault| {
            report::error(&this, &format!("grab: {fault}"));
            false
        })
    }

    /// Lets go, and throws. Nothing happens unless the node is held.
    #[func(gd_self)]
    fn release(this: Gd<Self>) {
        grab::end(&this);
    }

    /// Whether a hand of this player holds the node.
    #[func]
    fn is_held(&self) -> bool {
        self.get_holder().is_some()
    }

    /// The hand of this player that holds the node; null if none does.
    #[func]
    fn get_holder(&self) -> Option<Gd<SyncedNode>> {
        let this = self.to_gd();
        let holder = with_core(|core| core.grabs.holder(&this).cloned());
        holder.filter(Gd::is_instance_valid)
    }

    /// Whether nobody holds or moves the node, as far as is known here, so that a grab is likely to be confirmed.
    #[func]
    fn can_grab(&self) -> bool {
        let is_free = self.parts().is_ok_and(|(_, synced)| grab::is_free(&synced));
        is_free && !self.is_held()
    }

    /// The node to hold, and what syncs it.
    pub(crate) fn parts(&self) -> Result<(Gd<Node3D>, Gd<SyncedNode>), String> {
        let root = self.root()?;
        let children = root.get_children();
        let synced = children
            .iter_shared()
            .filter_map(|child| child.try_cast::<SyncedNode>().ok());
        let root_node = root.clone().upcast();
        let synced = synced
            .into_iter()
            .find(|synced| synced.bind().get_root().as_ref() == Some(&root_node));
        let synced =
            synced.ok_or_else(|| format!("{} has no SyncedNode as a child", root.get_name()))?;
        Ok((root, synced))
    }

    pub(crate) fn throw(&self) -> (Micros, f32) {
        let window = self.velocity_window_msec.clamp(1.0, 1_000.0);
        (Micros((window * 1e3) as u64), self.throw_scale as f32)
    }

    pub(crate) const fn releases_at_rest(&self) -> bool {
        self.release_at_rest
    }

    pub(crate) const fn grip_threshold(&self) -> f32 {
        self.grip_threshold as f32
    }

    /// How far a hand reaches whose grip has changed so; none if that is no grab.
    pub(crate) fn reach_of_grip(&self, before: f32, now: f32) -> Option<f32> {
        let threshold = self.grip_threshold();
        (self.auto_grab && before < threshold && threshold <= now).then_some(self.reach_m as f32)
    }

    fn root(&self) -> Result<Gd<Node3D>, String> {
        let root = self.base().get_node_or_null(&self.root_path);
        let root =
            root.ok_or_else(|| format!("Root path \"{}\" leads to no node", self.root_path))?;
        root.try_cast()
            .map_err(|root| format!("{} is no Node3D", root.get_name()))
    }

    fn warnings(&self) -> Vec<String> {
        let (root, synced) = match self.parts() {
            Ok(parts) => parts,
            Err(fault) => return vec![format!("{fault}.")],
        };
        let config = synced.bind().config();
        let is_streamed = |(path, lane): &(String, Lane)| *lane == Lane::Live && is_place(path);
        let is_body = root.try_cast::<RigidBody3D>().is_ok();
        let warnings = [
            (!config.properties.iter().any(is_streamed), NOT_STREAMED),
            (config.policy.transfer == Transfer::ByOwner, REFUSED),
            (!is_body && self.throw_scale != 1.0, NOT_THROWN),
        ];
        let given = warnings.into_iter().filter(|(is_given, _)| *is_given);
        given.map(|(_, warning)| warning.to_owned()).collect()
    }
}

/// Whether a property holds where the node is.
fn is_place(path: &str) -> bool {
    [
        "transform",
        "global_transform",
        "position",
        "global_position",
    ]
    .contains(&path)
}

#[godot_api]
impl INode for SyncedGrab {
    fn on_notification(&mut self, what: NodeNotification) {
        if godot::init::is_editor_hint() {
            return;
        }
        match what {
            NodeNotification::ENTER_TREE => {
                let this = self.to_gd();
                SyncedSession::add_drivers(&mut SyncedSession::singleton());
                let root = self.root().ok().map(|root| root.instance_id());
                with_core(|core| core.grabs.entered(this, root));
            }
            NodeNotification::EXIT_TREE => {
                let this = self.to_gd();
                with_core(|core| core.grabs.left(&this));
            }
            _ => {}
        }
    }

    fn get_configuration_warnings(&self) -> PackedStringArray {
        self.warnings().iter().map(GString::from).collect()
    }
}
