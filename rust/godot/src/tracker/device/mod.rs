//! Mouse and gamepad as hands, event by event.
//!
//! Godot hands over at the beginning of a frame the events since the frame before, none with a time. A device that moves
//! reports at a steady pace, so the events of a frame are taken to be spread evenly over it.

mod events;
mod gamepad;
mod hand;
mod mouse;
mod viewer;

pub(crate) use events::{DeviceEvent, Events};
pub(crate) use hand::DeviceHand;
pub(crate) use viewer::Viewer;

use glam::{Quat, Vec3};
use synced_protocol::input::Controls;

/// Whose hand a device moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Side {
    /// To the right.
    const fn sign(self) -> f32 {
        match self {
            Self::Left => -1.0,
            Self::Right => 1.0,
        }
    }
}

/// A device as a hand before its viewer, who looks along -Z.
trait Device {
    /// Takes in an event. Says whether it was about this hand.
    fn take(&mut self, event: DeviceEvent) -> bool;

    /// Where the hand is, as the viewer sees it.
    fn place(&self) -> (Vec3, Quat);

    fn controls(&self) -> Controls;
}

/// A hand that points where it is held: more to the side the further it is there.
fn pointing(offset: Vec3) -> Quat {
    Quat::from_rotation_y(-offset.x) * Quat::from_rotation_x(offset.y)
}

/// The bits of [`Controls::buttons`], named as Godot's XR action map names them.
mod button {
    pub(super) const TRIGGER_CLICK: u16 = 1;
    pub(super) const GRIP_CLICK: u16 = 1 << 1;
    pub(super) const PRIMARY_CLICK: u16 = 1 << 2;
    pub(super) const AX_BUTTON: u16 = 1 << 4;
    pub(super) const BY_BUTTON: u16 = 1 << 5;
    pub(super) const MENU_BUTTON: u16 = 1 << 6;
}
