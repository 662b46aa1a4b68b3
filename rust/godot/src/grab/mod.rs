//! What hands of this player hold.
//!
//! A hold begins at once, whoever the session then says that the node belongs to. Once a frame, after the hands have
//! moved, [`Grabbing`] looks how each hold stands to the session, and puts what is held where its hand is.

mod automatic;
mod hold;
mod pass;
mod past;
mod relation;
mod throw;

use godot::prelude::*;

use crate::classes::{SyncedGrab, SyncedNode};

pub(crate) use hold::{begin, end};
pub(crate) use pass::Grabbing;
pub(crate) use relation::is_free;

use hold::Hold;
use past::Past;
use relation::Claim;

/// A `SyncedGrab` in the scene here.
#[derive(Debug)]
struct Present {
    grab: Gd<SyncedGrab>,
    /// The node that it is about.
    root: Option<InstanceId>,
}

/// Every `SyncedGrab` in the scene here, and which of them are held.
#[derive(Debug, Default)]
pub(crate) struct Grabs {
    present: Vec<Present>,
    holds: Vec<Hold>,
    /// Let go before the session has said whose they are.
    undecided: Vec<(Gd<SyncedGrab>, Gd<SyncedNode>)>,
    /// Counts changes of `present`, so that the pass knows when to look anew.
    generation: u64,
}

impl Grabs {
    /// A grab entered the tree; `root` is the node that it is about.
    pub(crate) fn entered(&mut self, grab: Gd<SyncedGrab>, root: Option<InstanceId>) {
        self.present.push(Present { grab, root });
        self.generation += 1;
    }

    pub(crate) fn left(&mut self, grab: &Gd<SyncedGrab>) {
        self.present.retain(|present| !is_same(&present.grab, grab));
        self.generation += 1;
    }

    /// The hand that a grab is held by.
    pub(crate) fn holder(&self, grab: &Gd<SyncedGrab>) -> Option<&Gd<SyncedNode>> {
        let hold = self.holds.iter().find(|hold| is_same(&hold.grab, grab));
        hold.map(|hold| &hold.hand)
    }

    /// Puts what is held already into another hand. Says whether it is another one; none if it is not held.
    fn pass_on(&mut self, to: &Hold) -> Option<bool> {
        let mut holds = self.holds.iter_mut();
        let hold = holds.find(|hold| is_same(&hold.grab, &to.grab))?;
        if is_same(&hold.hand, &to.hand) {
            return Some(false);
        }
        hold.hand = to.hand.clone();
        hold.hand_root = to.hand_root.clone();
        hold.offset = to.offset;
        hold.is_automatic = to.is_automatic;
        hold.hand_past = Past::default();
        hold.parent_past = Past::default();
        Some(true)
    }

    fn take(&mut self, hold: Hold) {
        self.undecided
            .retain(|(grab, _)| !is_same(grab, &hold.grab));
        self.holds.push(hold);
    }

    fn let_go(&mut self, grab: &Gd<SyncedGrab>) -> Option<Hold> {
        let place = self
            .holds
            .iter()
            .position(|hold| is_same(&hold.grab, grab))?;
        let hold = self.holds.swap_remove(place);
        if hold.claim == Claim::Asked {
            self.undecided
                .push((hold.grab.clone(), hold.synced.clone()));
        }
        Some(hold)
    }
}

/// Whether two are the same node, be it freed or not.
fn is_same<T: GodotClass>(one: &Gd<T>, other: &Gd<T>) -> bool {
    one.instance_id_unchecked() == other.instance_id_unchecked()
}
