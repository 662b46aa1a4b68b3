//! One hold, from its begin to its end.

use godot::{
    classes::{Node3D, RigidBody3D},
    prelude::*,
};
use synced_protocol::{input::InputFrame, time::Micros};

use super::{
    past::Past,
    relation::{Claim, Relation, is_for_the_taking},
    throw::{self, Throw},
};
use crate::{
    classes::{SyncedGrab, SyncedNode, with_core},
    operations,
};

/// Something in a hand of this player.
#[derive(Debug)]
pub(crate) struct Hold {
    pub grab: Gd<SyncedGrab>,
    /// The node that is held, and what it syncs.
    pub synced: Gd<SyncedNode>,
    pub root: Gd<Node3D>,
    pub hand: Gd<SyncedNode>,
    pub hand_root: Gd<Node3D>,
    /// Where the root is, as the hand sees it.
    pub offset: Transform3D,
    pub claim: Claim,
    /// Whether the hand's grip began it, and will end it.
    pub is_automatic: bool,
    /// Whether the game itself had frozen the body.
    pub was_frozen: bool,
    pub hand_past: Past,
    pub parent_past: Past,
}

impl Hold {
    pub(crate) fn is_alive(&self) -> bool {
        let is_hand_there = self.hand.is_instance_valid() && self.hand_root.is_instance_valid();
        is_hand_there && self.hand_root.is_inside_tree() && self.holds_something()
    }

    /// Whether what it held is still there, be its hand gone or not.
    pub(crate) fn holds_something(&self) -> bool {
        let is_there = self.grab.is_instance_valid()
            && self.synced.is_instance_valid()
            && self.root.is_instance_valid();
        is_there && self.root.is_inside_tree()
    }

    /// Where the hand is in the world, without its scale.
    pub(crate) fn hand_place(&self) -> Transform3D {
        self.hand_root.get_global_transform().orthonormalized()
    }

    /// Where the space that the hand moves in is in the world.
    pub(crate) fn parent_place(&self) -> Transform3D {
        let parent = self.hand_root.get_parent_node_3d();
        parent.map_or(Transform3D::IDENTITY, |parent| {
            parent.get_global_transform()
        })
    }

    pub(crate) fn remember(&mut self, now: Micros) {
        let (hand, parent) = (self.hand_place(), self.parent_place());
        self.hand_past.remember(now, &hand);
        self.parent_past.remember(now, &parent);
    }

    fn body(&self) -> Option<Gd<RigidBody3D>> {
        self.root.clone().try_cast().ok()
    }
}

/// Puts what a grab is about into a hand. False when the session has just said, or would say, that it is another's.
///
/// # Errors
/// What the game has done wrong.
pub(crate) fn begin(
    grab: &Gd<SyncedGrab>,
    hand: &Gd<SyncedNode>,
    is_automatic: bool,
) -> Result<bool, String> {
    let hold = Hold::new(grab, hand, is_automatic)?;
    match with_core(|core| core.grabs.pass_on(&hold)) {
        Some(true) => grab.signals().grabbed().emit(hand),
        Some(false) => {}
        None => return begin_new(hold),
    }
    Ok(true)
}

fn begin_new(hold: Hold) -> Result<bool, String> {
    match with_core(|core| Relation::of(core, &hold.synced)) {
        Relation::Unknown => return Err("the session does not know the node yet".to_owned()),
        Relation::Theirs(owner) if !is_for_the_taking(&hold.synced) => {
            let mut denied = hold.grab.signals().grab_denied();
            denied.emit(i64::from(owner.0));
            return Ok(false);
        }
        Relation::Mine => take(hold, Claim::Confirmed),
        _ => take(hold, Claim::Asked),
    }
    Ok(true)
}

fn take(mut hold: Hold, claim: Claim) {
    hold.claim = claim;
    hold.was_frozen = hold.is_frozen_by_game();
    if claim == Claim::Asked {
        SyncedNode::request_ownership(hold.synced.clone());
    }
    if let Some(mut body) = hold.body() {
        body.set_freeze_enabled(true);
    }
    let (grab, hand) = (hold.grab.clone(), hold.hand.clone());
    with_core(|core| core.grabs.take(hold));
    grab.signals().grabbed().emit(&hand);
    if claim == Claim::Confirmed {
        grab.signals().grab_confirmed().emit();
    }
}

/// Lets go. Nothing happens unless it is held.
pub(crate) fn end(grab: &Gd<SyncedGrab>) {
    let Some(hold) = with_core(|core| core.grabs.let_go(grab)) else {
        return;
    };
    let throw = if hold.is_alive() {
        let (window, scale) = grab.bind().throw();
        throw::of(&hold, &hold.samples(), window, scale)
    } else {
        Throw::default()
    };
    hold.set_free(throw);
}

impl Hold {
    fn new(
        grab: &Gd<SyncedGrab>,
        hand: &Gd<SyncedNode>,
        is_automatic: bool,
    ) -> Result<Self, String> {
        let (root, synced) = grab.bind().parts()?;
        let hand_root = hand
            .bind()
            .get_root()
            .and_then(|root| root.try_cast::<Node3D>().ok());
        let hand_root = hand_root.ok_or("the hand's root is no Node3D")?;
        if !root.is_inside_tree() || !hand_root.is_inside_tree() {
            return Err("the hand or the node is outside the tree".to_owned());
        }
        if matches!(
            with_core(|core| Relation::of(core, hand)),
            Relation::Theirs(_) | Relation::Free
        ) {
            return Err("the hand is not this player's".to_owned());
        }
        let place = hand_root.get_global_transform().orthonormalized();
        Ok(Self {
            offset: place.affine_inverse() * root.get_global_transform(),
            grab: grab.clone(),
            hand: hand.clone(),
            synced,
            root,
            hand_root,
            is_automatic,
            claim: Claim::Asked,
            was_frozen: false,
            hand_past: Past::default(),
            parent_past: Past::default(),
        })
    }

    /// The hand's last samples, the newest last.
    fn samples(&self) -> Vec<InputFrame> {
        with_core(|core| {
            let local = self.hand.bind().id().and_then(|id| core.locals.get(&id));
            let tracker = local.and_then(|local| local.tracker.as_ref());
            tracker.map(|tracker| tracker.recent().copied().collect())
        })
        .unwrap_or_default()
    }

    /// The body is the game's again, as fast as it was thrown.
    pub(crate) fn set_free(&self, throw: Throw) {
        if !self.holds_something() {
            return;
        }
        if let Some(mut body) = self.body() {
            body.set_freeze_enabled(false);
            // What was frozen counts as asleep until it is told otherwise.
            body.set_sleeping(false);
            body.set_linear_velocity(throw.linear);
            body.set_angular_velocity(throw.angular);
        } else {
            self.give_back();
        }
        let mut released = self.grab.signals().released();
        released.emit(throw.linear, throw.angular);
    }

    /// What is no body rests where it was let go.
    fn give_back(&self) {
        let relation = with_core(|core| core.is_joined().then(|| Relation::of(core, &self.synced)));
        let is_own = matches!(relation, Some(Relation::Mine | Relation::Asked));
        if is_own && self.grab.bind().releases_at_rest() {
            SyncedNode::release_ownership(self.synced.clone());
        }
    }

    /// The node is another player's: the body stands as it did before.
    pub(crate) fn take_back(&self) {
        if let Some(mut body) = self.body() {
            body.set_freeze_enabled(self.was_frozen);
        }
        operations::apply_authority(&self.synced);
    }

    fn is_frozen_by_game(&self) -> bool {
        let is_frozen_here = with_core(|core| {
            let local = self.synced.bind().id().and_then(|id| core.locals.get(&id));
            local.is_some_and(|local| local.is_frozen_here)
        });
        !is_frozen_here && self.body().is_some_and(|body| body.is_freeze_enabled())
    }
}
