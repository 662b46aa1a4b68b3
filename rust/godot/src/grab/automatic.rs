//! Hands that grab by themselves, by their grip.

use godot::{classes::Node3D, prelude::*};
use synced_protocol::id::NodeId;

use super::{hold, is_same};
use crate::{
    classes::{SyncedGrab, SyncedNode, with_core},
    core::Core,
    report,
};

/// A hand lets go where its grip is this much looser than it has to be to grab, so that it does not flutter.
const RELEASE_SHARE: f32 = 0.75;

/// The pass, with its lists.
#[derive(Debug, Default)]
pub(super) struct Automatic {
    /// How firmly each hand of this player is gripping.
    grips: Vec<(NodeId, f32)>,
    grips_before: Vec<(NodeId, f32)>,
    hands: Vec<Hand>,
    begun: Vec<(Gd<SyncedGrab>, Gd<SyncedNode>)>,
    ended: Vec<Gd<SyncedGrab>>,
}

/// A hand of this player.
#[derive(Debug)]
struct Hand {
    id: NodeId,
    node: Gd<SyncedNode>,
    place: Vector3,
    grip_before: f32,
    grip: f32,
}

impl Automatic {
    pub(super) fn run(&mut self) {
        with_core(|core| {
            if !core.grabs.present.is_empty() {
                self.look_at_hands(core);
                self.decide(core);
            }
        });
        // Each may run a script, which may free what comes after it.
        let ended = self.ended.drain(..).filter(Gd::is_instance_valid);
        ended.for_each(|grab| hold::end(&grab));
        for (grab, hand) in self.begun.drain(..) {
            if grab.is_instance_valid()
                && hand.is_instance_valid()
                && let Err(fault) = hold::begin(&grab, &hand, true)
            {
                report::error(&grab, &fault);
            }
        }
    }

    fn look_at_hands(&mut self, core: &Core) {
        std::mem::swap(&mut self.grips, &mut self.grips_before);
        self.grips.clear();
        self.hands.clear();
        for (id, local) in core.locals.iter().filter(|(_, local)| local.is_alive()) {
            let tracker = local
                .tracker
                .as_ref()
                .filter(|tracker| tracker.is_feeding() && tracker.is_hand());
            let (Some(tracker), Ok(root)) = (tracker, local.root.clone().try_cast::<Node3D>())
            else {
                continue;
            };
            let grip = tracker.grip();
            // A hand that comes with its grip closed has not just closed it.
            let grip_before = self
                .grips_before
                .iter()
                .find(|(known, _)| known == id)
                .map_or(grip, |(_, grip)| *grip);
            self.grips.push((*id, grip));
            self.hands.push(Hand {
                id: *id,
                node: local.node.clone(),
                place: root.get_global_position(),
                grip_before,
                grip,
            });
        }
        self.hands.sort_unstable_by_key(|hand| hand.id);
    }

    fn decide(&mut self, core: &Core) {
        for hand in &self.hands {
            let mut holds = core.grabs.holds.iter().filter(|hold| hold.is_alive());
            match holds.find(|hold| is_same(&hold.hand, &hand.node)) {
                Some(hold) => {
                    let threshold = hold.grab.bind().grip_threshold();
                    if hold.is_automatic && hand.grip < RELEASE_SHARE * threshold {
                        self.ended.push(hold.grab.clone());
                    }
                }
                None => {
                    let nearest = hand.nearest(core);
                    self.begun
                        .extend(nearest.map(|grab| (grab, hand.node.clone())));
                }
            }
        }
    }
}

impl Hand {
    /// What the hand has just gripped.
    fn nearest(&self, core: &Core) -> Option<Gd<SyncedGrab>> {
        let in_reach = core.grabs.present.iter().filter_map(|present| {
            let grab = &present.grab;
            let bound = grab.is_instance_valid().then(|| grab.bind())?;
            let reach = bound.reach_of_grip(self.grip_before, self.grip)?;
            let (root, _) = bound.parts().ok()?;
            let distance = root.get_global_position().distance_to(self.place);
            (distance <= reach && core.grabs.holder(grab).is_none()).then_some((grab, distance))
        });
        let nearest = in_reach.min_by(|(_, a), (_, b)| a.total_cmp(b));
        nearest.map(|(grab, _)| grab.clone())
    }
}
