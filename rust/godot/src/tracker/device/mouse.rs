//! The mouse as a hand.

use glam::{Quat, Vec2, Vec3};
use godot::global::MouseButton;
use synced_protocol::input::Controls;

use super::{Device, DeviceEvent, Side, button, pointing};

const METERS_PER_PIXEL: f32 = 0.001;
/// So far the hand goes to either side, and up and down.
const REACH_METERS: Vec2 = Vec2::new(0.4, 0.3);
/// How far before the viewer the hand is, and how far the wheel brings it.
const DEPTH_METERS: f32 = 0.5;
const DEPTH_METERS_MIN: f32 = 0.25;
const DEPTH_METERS_MAX: f32 = 0.8;
const METERS_PER_NOTCH: f32 = 0.05;
/// Where a hand begins.
const REST: Vec2 = Vec2::new(0.15, -0.15);

/// Moves with the mouse, goes further with the wheel. The left button is the trigger, the right one the grip, the middle
/// one the stick's click.
#[derive(Debug, Clone)]
pub(super) struct Mouse {
    offset: Vec2,
    depth: f32,
    buttons: u16,
}

impl Mouse {
    pub(super) const fn new(side: Side) -> Self {
        Self {
            offset: Vec2::new(REST.x * side.sign(), REST.y),
            depth: DEPTH_METERS,
            buttons: 0,
        }
    }

    fn press(&mut self, button: MouseButton, is_pressed: bool) -> bool {
        let bit = match button {
            MouseButton::LEFT => button::TRIGGER_CLICK,
            MouseButton::RIGHT => button::GRIP_CLICK,
            MouseButton::MIDDLE => button::PRIMARY_CLICK,
            MouseButton::WHEEL_UP if is_pressed => return self.push(METERS_PER_NOTCH),
            MouseButton::WHEEL_DOWN if is_pressed => return self.push(-METERS_PER_NOTCH),
            _ => return false,
        };
        self.buttons = if is_pressed {
            self.buttons | bit
        } else {
            self.buttons & !bit
        };
        true
    }

    fn push(&mut self, meters: f32) -> bool {
        self.depth = (self.depth + meters).clamp(DEPTH_METERS_MIN, DEPTH_METERS_MAX);
        true
    }
}

impl Device for Mouse {
    fn take(&mut self, event: DeviceEvent) -> bool {
        match event {
            DeviceEvent::MouseMoved(pixels) => {
                let moved = self.offset + METERS_PER_PIXEL * Vec2::new(pixels.x, -pixels.y);
                self.offset = moved.clamp(-REACH_METERS, REACH_METERS);
                true
            }
            DeviceEvent::MouseButton(button, is_pressed) => self.press(button, is_pressed),
            DeviceEvent::PadAxis(..) | DeviceEvent::PadButton(..) => false,
        }
    }

    fn place(&self) -> (Vec3, Quat) {
        let place = self.offset.extend(-self.depth);
        (place, pointing(place))
    }

    fn controls(&self) -> Controls {
        let is_pressed = |bit: u16| f32::from(u8::from(self.buttons & bit != 0));
        Controls {
            buttons: self.buttons,
            trigger: is_pressed(button::TRIGGER_CLICK),
            grip: is_pressed(button::GRIP_CLICK),
            stick: [0.0; 2],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(mouse: &mut Mouse, x: f32, y: f32) -> Vec3 {
        assert!(mouse.take(DeviceEvent::MouseMoved(Vec2::new(x, y))));
        mouse.place().0
    }

    #[test]
    fn a_thousand_pixels_are_a_metre_up_to_the_end_of_the_arm() {
        let mut mouse = Mouse::new(Side::Right);
        assert_eq!(mouse.place().0, Vec3::new(0.15, -0.15, -0.5));
        assert!(moved(&mut mouse, 100.0, -50.0).abs_diff_eq(Vec3::new(0.25, -0.1, -0.5), 1e-6));
        assert_eq!(
            moved(&mut mouse, 9_000.0, 9_000.0),
            Vec3::new(0.4, -0.3, -0.5)
        );
        assert_eq!(Mouse::new(Side::Left).place().0.x, -0.15);
    }

    #[test]
    fn the_wheel_stretches_the_arm() {
        let mut mouse = Mouse::new(Side::Right);
        for _ in 0..20 {
            assert!(mouse.take(DeviceEvent::MouseButton(MouseButton::WHEEL_UP, true)));
        }
        assert_eq!(mouse.place().0.z, -DEPTH_METERS_MAX);
    }

    #[test]
    fn the_buttons_are_trigger_and_grip() {
        let mut mouse = Mouse::new(Side::Right);
        mouse.take(DeviceEvent::MouseButton(MouseButton::RIGHT, true));
        let Controls {
            buttons,
            trigger,
            grip,
            ..
        } = mouse.controls();
        assert_eq!((buttons, trigger, grip), (button::GRIP_CLICK, 0.0, 1.0));
        mouse.take(DeviceEvent::MouseButton(MouseButton::RIGHT, false));
        assert_eq!(mouse.controls(), Controls::default());
    }

    #[test]
    fn a_gamepad_is_not_its_business() {
        let mut mouse = Mouse::new(Side::Right);
        assert!(!mouse.take(DeviceEvent::PadAxis(godot::global::JoyAxis::LEFT_X, 1.0)));
    }
}
