//! What is held, once a frame.

use std::collections::HashMap;

use godot::{
    classes::{Node3D, RigidBody3D},
    prelude::*,
};
use synced_protocol::{id::PlayerId, time::Micros};
use synced_transport::clock;

use super::{
    automatic::Automatic,
    hold::Hold,
    relation::{Claim, Relation},
    throw::Throw,
};
use crate::{
    classes::{SyncedGrab, SyncedNode, with_core},
    core::Core,
};

/// The pass, with its lists.
#[derive(Debug, Default)]
pub(crate) struct Grabbing {
    automatic: Automatic,
    looked_at: Vec<Hold>,
    steps: Vec<Step>,
    moved: Vec<(Gd<Node3D>, Transform3D)>,
    owned: Vec<Owned>,
    /// The generations of nodes and grabs for which `owned` was made.
    seen: Option<(u64, u64)>,
}

/// A body of this player, who gives it back once it rests.
#[derive(Debug)]
struct Owned {
    synced: Gd<SyncedNode>,
    body: Gd<RigidBody3D>,
}

/// What comes of a look at one hold.
#[derive(Debug)]
enum Step {
    Ask(Gd<SyncedNode>),
    Confirm(Gd<SyncedGrab>),
    /// It is the player's who is named.
    Lose(Box<Hold>, PlayerId),
    /// As [`Lose`](Self::Lose), when it was let go already.
    Deny(Gd<SyncedGrab>, PlayerId),
    /// The hand is gone, or what it held.
    Drop(Box<Hold>),
}

impl Grabbing {
    /// Begins and ends holds by grip, hears what the session says of each, and puts what is held where its hand is.
    pub(crate) fn run(&mut self) {
        self.automatic.run();
        with_core(|core| self.look(core));
        self.steps.drain(..).for_each(Step::take);
        with_core(|core| self.follow(core, clock::now()));
        for (mut root, place) in self.moved.drain(..) {
            if root.is_instance_valid() {
                root.set_global_transform(place);
            }
        }
        self.give_back();
    }

    fn look(&mut self, core: &mut Core) {
        std::mem::swap(&mut self.looked_at, &mut core.grabs.holds);
        for mut hold in self.looked_at.drain(..) {
            if !hold.is_alive() {
                self.steps.push(Step::Drop(Box::new(hold)));
                continue;
            }
            match (hold.claim, Relation::of(core, &hold.synced)) {
                (Claim::Asked, Relation::Mine) => {
                    hold.claim = Claim::Confirmed;
                    self.steps.push(Step::Confirm(hold.grab.clone()));
                }
                (Claim::Confirmed, Relation::Free) => {
                    hold.claim = Claim::Asked;
                    self.steps.push(Step::Ask(hold.synced.clone()));
                }
                (Claim::Asked, Relation::Free) => {
                    self.steps
                        .push(Step::Lose(Box::new(hold), PlayerId::SERVER));
                    continue;
                }
                (_, Relation::Theirs(owner)) => {
                    self.steps.push(Step::Lose(Box::new(hold), owner));
                    continue;
                }
                _ => {}
            }
            core.grabs.holds.push(hold);
        }
        self.look_at_undecided(core);
    }

    fn look_at_undecided(&mut self, core: &mut Core) {
        let mut undecided = std::mem::take(&mut core.grabs.undecided);
        for (grab, synced) in undecided.drain(..) {
            if !grab.is_instance_valid() || !synced.is_instance_valid() {
                continue;
            }
            match Relation::of(core, &synced) {
                Relation::Asked => core.grabs.undecided.push((grab, synced)),
                Relation::Theirs(owner) => self.steps.push(Step::Deny(grab, owner)),
                Relation::Free => self.steps.push(Step::Deny(grab, PlayerId::SERVER)),
                Relation::Mine | Relation::GivenAway => self.steps.push(Step::Confirm(grab)),
                Relation::Unknown => {}
            }
        }
    }

    fn follow(&mut self, core: &mut Core, now: Micros) {
        for hold in core.grabs.holds.iter_mut().filter(|hold| hold.is_alive()) {
            hold.remember(now);
            self.moved
                .push((hold.root.clone(), hold.hand_place() * hold.offset));
        }
    }

    fn give_back(&mut self) {
        with_core(|core| {
            let seen = (core.generation, core.grabs.generation);
            if self.seen.replace(seen) != Some(seen) {
                self.owned.clear();
                self.owned.extend(owned(core));
            }
        });
        for place in 0..self.owned.len() {
            if self.owned[place].is_at_rest() {
                SyncedNode::release_ownership(self.owned[place].synced.clone());
            }
        }
    }
}

/// The bodies that are this player's and are to be given back.
fn owned(core: &Core) -> impl Iterator<Item = Owned> {
    let grabs: HashMap<_, _> = core
        .grabs
        .present
        .iter()
        .filter_map(|present| Some((present.root?, &present.grab)))
        .collect();
    let own = core.locals.values().filter(|local| {
        let bound = local.bound.as_ref().filter(|_| local.is_alive());
        bound.is_some_and(|bound| bound.is_owned_by(core.me))
    });
    own.filter_map(move |local| {
        let grab = grabs.get(&local.root.instance_id())?;
        let is_given_back = grab.is_instance_valid() && grab.bind().releases_at_rest();
        let body = local
            .root
            .clone()
            .try_cast()
            .ok()
            .filter(|_| is_given_back)?;
        Some(Owned {
            synced: local.node.clone(),
            body,
        })
    })
}

impl Owned {
    fn is_at_rest(&self) -> bool {
        if !self.synced.is_instance_valid() || !self.body.is_instance_valid() {
            return false;
        }
        let is_lying = self.body.is_sleeping() && !self.body.is_freeze_enabled();
        let Some(id) = self.synced.bind().id().filter(|_| is_lying) else {
            return false;
        };
        with_core(|core| !core.is_pending(id) && Relation::of(core, &self.synced) == Relation::Mine)
    }
}

impl Step {
    /// What came before may have run a script, and so may this.
    fn take(self) {
        match self {
            Self::Ask(synced) if synced.is_instance_valid() => {
                SyncedNode::request_ownership(synced);
            }
            Self::Confirm(grab) if grab.is_instance_valid() => {
                grab.signals().grab_confirmed().emit();
            }
            Self::Lose(hold, owner) if hold.holds_something() => {
                hold.take_back();
                hold.grab.signals().grab_denied().emit(i64::from(owner.0));
            }
            Self::Deny(grab, owner) if grab.is_instance_valid() => {
                grab.signals().grab_denied().emit(i64::from(owner.0));
            }
            Self::Drop(hold) => hold.set_free(Throw::default()),
            _ => {}
        }
    }
}
