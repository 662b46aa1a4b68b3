//! Half a gamepad as a hand.

use glam::{Quat, Vec2, Vec3};
use godot::global::{JoyAxis, JoyButton};
use synced_protocol::input::Controls;

use super::{Device, DeviceEvent, Side, button, pointing};

/// Where the hand is while its stick rests.
const REST: Vec3 = Vec3::new(0.2, -0.2, -0.5);
/// How far the stick moves it to either side, and up and down.
const REACH_METERS: Vec2 = Vec2::new(0.3, 0.25);
/// A stick that is nearer to its rest rests.
const DEAD_ZONE: f32 = 0.12;

/// Is moved by its side's stick. That side's trigger is the trigger, its shoulder the grip.
#[derive(Debug, Clone)]
pub(super) struct Gamepad {
    side: Side,
    stick: Vec2,
    trigger: f32,
    buttons: u16,
}

impl Gamepad {
    pub(super) const fn new(side: Side) -> Self {
        Self {
            side,
            stick: Vec2::ZERO,
            trigger: 0.0,
            buttons: 0,
        }
    }

    fn turn(&mut self, axis: JoyAxis, value: f32) -> bool {
        let [x, y, trigger] = match self.side {
            Side::Left => [JoyAxis::LEFT_X, JoyAxis::LEFT_Y, JoyAxis::TRIGGER_LEFT],
            Side::Right => [JoyAxis::RIGHT_X, JoyAxis::RIGHT_Y, JoyAxis::TRIGGER_RIGHT],
        };
        if axis == x {
            self.stick.x = value.clamp(-1.0, 1.0);
        } else if axis == y {
            // A pad's stick goes down, a hand goes up.
            self.stick.y = (-value).clamp(-1.0, 1.0);
        } else if axis == trigger {
            self.trigger = value.clamp(0.0, 1.0);
        } else {
            return false;
        }
        true
    }

    fn press(&mut self, button: JoyButton, is_pressed: bool) -> bool {
        let Some(bit) = bit_of(self.side, button) else {
            return false;
        };
        self.buttons = if is_pressed {
            self.buttons | bit
        } else {
            self.buttons & !bit
        };
        true
    }

    /// The stick, at rest within its dead zone.
    fn deflection(&self) -> Vec2 {
        if self.stick.length() < DEAD_ZONE {
            Vec2::ZERO
        } else {
            self.stick
        }
    }
}

/// The button of the hand that a pad's button is.
fn bit_of(side: Side, button: JoyButton) -> Option<u16> {
    let of_side = match side {
        Side::Left => [
            JoyButton::LEFT_SHOULDER,
            JoyButton::LEFT_STICK,
            JoyButton::X,
            JoyButton::Y,
            JoyButton::BACK,
        ],
        Side::Right => [
            JoyButton::RIGHT_SHOULDER,
            JoyButton::RIGHT_STICK,
            JoyButton::A,
            JoyButton::B,
            JoyButton::START,
        ],
    };
    let bits = [
        button::GRIP_CLICK,
        button::PRIMARY_CLICK,
        button::AX_BUTTON,
        button::BY_BUTTON,
        button::MENU_BUTTON,
    ];
    let place = of_side.iter().position(|of_side| *of_side == button)?;
    Some(bits[place])
}

impl Device for Gamepad {
    fn take(&mut self, event: DeviceEvent) -> bool {
        match event {
            DeviceEvent::PadAxis(axis, value) => self.turn(axis, value),
            DeviceEvent::PadButton(button, is_pressed) => self.press(button, is_pressed),
            DeviceEvent::MouseMoved(_) | DeviceEvent::MouseButton(..) => false,
        }
    }

    fn place(&self) -> (Vec3, Quat) {
        let rest = Vec3::new(REST.x * self.side.sign(), REST.y, REST.z);
        let place = rest + (REACH_METERS * self.deflection()).extend(0.0);
        (place, pointing(place))
    }

    fn controls(&self) -> Controls {
        let is_pressed = |bit: u16| self.buttons & bit != 0;
        let trigger_click = if self.trigger > 0.9 {
            button::TRIGGER_CLICK
        } else {
            0
        };
        Controls {
            buttons: self.buttons | trigger_click,
            trigger: self.trigger,
            grip: f32::from(u8::from(is_pressed(button::GRIP_CLICK))),
            stick: self.deflection().to_array(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hand_follows_the_stick_of_its_side() {
        let [mut left, mut right] = [Side::Left, Side::Right].map(Gamepad::new);
        let up = DeviceEvent::PadAxis(JoyAxis::RIGHT_Y, -1.0);
        assert!(!left.take(up) && right.take(up));
        assert_eq!(left.place().0, Vec3::new(-0.2, -0.2, -0.5));
        assert!(
            right
                .place()
                .0
                .abs_diff_eq(Vec3::new(0.2, 0.05, -0.5), 1e-6)
        );
        assert_eq!(right.controls().stick, [0.0, 1.0]);
    }

    #[test]
    fn a_stick_that_hardly_moves_rests() {
        let mut left = Gamepad::new(Side::Left);
        left.take(DeviceEvent::PadAxis(JoyAxis::LEFT_X, 0.11));
        assert_eq!(left.controls(), Controls::default());
        assert_eq!(left.place(), Gamepad::new(Side::Left).place());
    }

    #[test]
    fn shoulder_and_trigger_are_grip_and_trigger() {
        let mut right = Gamepad::new(Side::Right);
        right.take(DeviceEvent::PadButton(JoyButton::RIGHT_SHOULDER, true));
        right.take(DeviceEvent::PadAxis(JoyAxis::TRIGGER_RIGHT, 0.95));
        let Controls {
            buttons,
            trigger,
            grip,
            ..
        } = right.controls();
        assert_eq!((trigger, grip), (0.95, 1.0));
        assert_eq!(buttons, button::GRIP_CLICK | button::TRIGGER_CLICK);
        assert!(!right.take(DeviceEvent::PadButton(JoyButton::LEFT_SHOULDER, true)));
    }
}
