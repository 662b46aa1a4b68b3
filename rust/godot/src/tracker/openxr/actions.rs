//! A hand's buttons and axes, read from the runtime itself.

use openxr_sys as xr;
use synced_protocol::input::Controls;

use super::functions::Functions;
use crate::tracker::xr::BUTTONS;

/// The actions of a hand, by the names of Godot's action map. What a map does not have reads as not pressed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Actions {
    hand: xr::Path,
    /// In the order of the bits.
    buttons: [Option<xr::Action>; BUTTONS.len()],
    trigger: Option<xr::Action>,
    grip: Option<xr::Action>,
    stick: Option<xr::Action>,
}

impl Actions {
    /// `find` gives an action by its name.
    pub(super) fn new(hand: xr::Path, mut find: impl FnMut(&str) -> Option<xr::Action>) -> Self {
        Self {
            hand,
            buttons: BUTTONS.map(&mut find),
            trigger: find("trigger"),
            grip: find("grip"),
            stick: find("primary"),
        }
    }

    /// As they were when actions were synced last.
    pub(super) fn read(&self, functions: &Functions) -> Controls {
        let axis = |action: Option<xr::Action>| {
            action.map_or(0.0, |action| functions.axis(action, self.hand))
        };
        let is_down = |action: &Option<xr::Action>| {
            action.is_some_and(|action| functions.is_down(action, self.hand))
        };
        let pressed = self.buttons.iter().map(is_down).enumerate();
        Controls {
            buttons: pressed.fold(0, |all, (bit, is_down)| all | u16::from(is_down) << bit),
            trigger: axis(self.trigger),
            grip: axis(self.grip),
            stick: self
                .stick
                .map_or([0.0; 2], |action| functions.stick(action, self.hand)),
        }
    }
}
