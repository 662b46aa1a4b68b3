//! The spaces that capture locates: its own, since Godot replaces those that it uses.

use godot::{classes::OpenXrApiExtension, obj::Gd, prelude::*};
use openxr_sys::{self as xr, Handle};

use super::{
    actions::Actions,
    functions::{Fault, Functions},
    layer,
};
use crate::tracker::TrackerTarget;

/// Which of a hand's poses, by the names that Godot's action map gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandPose {
    Grip,
    Aim,
    Default,
    Palm,
}

impl HandPose {
    const ALL: [Self; 4] = [Self::Grip, Self::Aim, Self::Default, Self::Palm];

    /// By the name that an `XRPositionalTracker` has for it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|pose| pose.name() == name || pose.action() == name)
    }

    /// As the tracker calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Grip => "grip",
            Self::Aim => "aim",
            Self::Default => "default",
            Self::Palm => "palm_pose",
        }
    }

    /// As the action map calls it.
    const fn action(self) -> &'static str {
        match self {
            Self::Grip => "grip_pose",
            Self::Aim => "aim_pose",
            Self::Default => "default_pose",
            Self::Palm => "palm_pose",
        }
    }
}

/// What a channel locates. The handles live as long as the [`Spaces`] that they are from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handles {
    pub space: xr::Space,
    pub aim: Option<xr::Space>,
    pub joints: Option<xr::HandTrackerEXT>,
    /// Buttons and axes, if they are sampled along.
    pub actions: Option<Actions>,
}

/// The spaces of one session. Dropped before the session is destroyed, and after the thread that uses them has ended.
pub(super) struct Spaces {
    functions: Functions,
    pub base: xr::Space,
    /// Whose place the runtime may change.
    pub base_type: xr::ReferenceSpaceType,
    view: xr::Space,
    hands: [HandSpaces; 2],
}

#[derive(Default)]
struct HandSpaces {
    /// In the order of [`HandPose::ALL`].
    poses: [Option<xr::Space>; 4],
    tracker: Option<xr::HandTrackerEXT>,
    actions: Option<Actions>,
}

impl Spaces {
    /// Makes them, after Godot has made its actions.
    pub(super) fn new(
        functions: Functions,
        api: &mut Gd<OpenXrApiExtension>,
    ) -> Result<Self, Fault> {
        // The stage stays where it is when the player recentres. A seated runtime may have none.
        let stage = functions.reference_space(xr::ReferenceSpaceType::STAGE);
        let (base, base_type) = match stage {
            Ok(space) => (space, xr::ReferenceSpaceType::STAGE),
            Err(_) => (
                functions.reference_space(xr::ReferenceSpaceType::LOCAL)?,
                xr::ReferenceSpaceType::LOCAL,
            ),
        };
        let mut spaces = Self {
            functions,
            base,
            base_type,
            view: xr::Space::NULL,
            hands: Default::default(),
        };
        spaces.view = functions.reference_space(xr::ReferenceSpaceType::VIEW)?;
        let hands = [
            (c"/user/hand/left", xr::HandEXT::LEFT),
            (c"/user/hand/right", xr::HandEXT::RIGHT),
        ];
        for (place, (path, hand)) in hands.into_iter().enumerate() {
            let path = functions.path(path)?;
            let made = &mut spaces.hands[place];
            for (pose, space) in HandPose::ALL.into_iter().zip(&mut made.poses) {
                let action = action(api, pose.action());
                *space = action.and_then(|action| functions.action_space(action, path).ok());
            }
            made.tracker = functions.hand_tracker(hand);
            made.actions = layer::can_repeat(functions.session())
                .then(|| Actions::new(path, |name| action(api, name)));
        }
        Ok(spaces)
    }

    /// What to locate for a controller; `None` if the action map has no such pose.
    pub(super) fn of(&self, target: TrackerTarget, pose: HandPose) -> Option<Handles> {
        let hand = match target {
            TrackerTarget::Head => {
                return Some(Handles {
                    space: self.view,
                    aim: None,
                    joints: None,
                    actions: None,
                });
            }
            TrackerTarget::LeftHand => &self.hands[0],
            TrackerTarget::RightHand => &self.hands[1],
        };
        let space_of = |wanted: HandPose| {
            let place = HandPose::ALL.iter().position(|pose| *pose == wanted)?;
            hand.poses[place]
        };
        Some(Handles {
            space: space_of(pose)?,
            aim: space_of(HandPose::Aim),
            joints: hand.tracker,
            actions: hand.actions,
        })
    }
}

impl Drop for Spaces {
    fn drop(&mut self) {
        let of_hands = self.hands.iter().flat_map(|hand| hand.poses).flatten();
        let all = of_hands.chain([self.view, self.base]);
        all.filter(|space| *space != xr::Space::NULL)
            .for_each(|space| self.functions.destroy_space(space));
        let trackers = self.hands.iter().filter_map(|hand| hand.tracker);
        trackers.for_each(|tracker| self.functions.destroy_hand_tracker(tracker));
    }
}

fn action(api: &mut Gd<OpenXrApiExtension>, name: &str) -> Option<xr::Action> {
    let found = api.find_action(name, Rid::Invalid);
    if found.is_invalid() {
        return None;
    }
    let action = xr::Action::from_raw(api.action_get_handle(found));
    (action != xr::Action::NULL).then_some(action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pose_goes_by_the_trackers_name_and_by_the_actions() {
        for pose in HandPose::ALL {
            assert_eq!(HandPose::named(pose.name()), Some(pose));
            assert_eq!(HandPose::named(pose.action()), Some(pose));
        }
        assert_eq!(HandPose::named("skeleton"), None);
    }
}
