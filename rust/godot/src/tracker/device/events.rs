//! What the engine tells of mouse and gamepads.

use glam::Vec2;
use godot::{
    classes::{
        Engine, Input, InputEvent, InputEventJoypadButton, InputEventJoypadMotion,
        InputEventMouseButton, InputEventMouseMotion, SceneTree, Window,
    },
    global::{JoyAxis, JoyButton, MouseButton},
    prelude::*,
};

use crate::classes::with_core;

/// Events of a frame that are kept: what a mouse reports at 8 kHz in a tenth of a second. The oldest go first.
const EVENTS_MAX: usize = 800;

/// One event of a mouse or gamepad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum DeviceEvent {
    /// By so many pixels, down and to the right.
    MouseMoved(Vec2),
    MouseButton(MouseButton, bool),
    /// -1 to 1, down and to the right; 0 to 1 for a trigger.
    PadAxis(JoyAxis, f32),
    PadButton(JoyButton, bool),
}

impl DeviceEvent {
    fn of(event: Gd<InputEvent>) -> Option<Self> {
        let event = match event.try_cast::<InputEventMouseMotion>() {
            Ok(motion) => {
                let Vector2 { x, y } = motion.get_relative();
                return Some(Self::MouseMoved(Vec2::new(x, y)));
            }
            Err(event) => event,
        };
        let event = match event.try_cast::<InputEventMouseButton>() {
            Ok(button) => {
                return Some(Self::MouseButton(
                    button.get_button_index(),
                    button.is_pressed(),
                ));
            }
            Err(event) => event,
        };
        let event = match event.try_cast::<InputEventJoypadMotion>() {
            Ok(motion) => return Some(Self::PadAxis(motion.get_axis(), motion.get_axis_value())),
            Err(event) => event,
        };
        let button = event.try_cast::<InputEventJoypadButton>().ok()?;
        Some(Self::PadButton(
            button.get_button_index(),
            button.is_pressed(),
        ))
    }
}

/// The events since the last frame, as long as a hand wants them.
#[derive(Debug, Default)]
pub(crate) struct Events {
    events: Vec<DeviceEvent>,
    /// The game's window, and what listens to it.
    listening: Option<(Gd<Window>, Callable)>,
    /// Whether the game had events of a frame put together, before the mouse became a hand.
    was_accumulated: Option<bool>,
}

impl Events {
    /// Begins and ends to listen, as hands want it.
    pub(crate) fn attend(&mut self, is_wanted: bool, is_mouse_wanted: bool) {
        if is_wanted != self.listening.is_some() {
            self.listen(is_wanted);
        }
        if is_mouse_wanted != self.was_accumulated.is_some() {
            self.take_apart(is_mouse_wanted);
        }
    }

    /// Takes out the events since the last call, in order.
    pub(crate) fn take(&mut self, events: &mut Vec<DeviceEvent>) {
        events.clear();
        std::mem::swap(&mut self.events, events);
    }

    fn listen(&mut self, is_wanted: bool) {
        if let Some((mut window, listener)) = self.listening.take()
            && window.is_instance_valid()
        {
            window.disconnect("window_input", &listener);
        }
        self.events.clear();
        if let Some(mut window) = main_window().filter(|_| is_wanted) {
            let listener = Callable::from_fn("synced_devices", heard);
            window.connect("window_input", &listener);
            self.listening = Some((window, listener));
        }
    }

    /// Put together, the movements within a frame would be one.
    fn take_apart(&mut self, is_wanted: bool) {
        let mut input = Input::singleton();
        if is_wanted {
            self.was_accumulated = Some(input.is_using_accumulated_input());
            input.set_use_accumulated_input(false);
        } else if let Some(was_accumulated) = self.was_accumulated.take() {
            input.set_use_accumulated_input(was_accumulated);
        }
    }

    fn push(&mut self, event: DeviceEvent) {
        if self.events.len() == EVENTS_MAX {
            self.events.remove(0);
        }
        self.events.push(event);
    }
}

fn heard(arguments: &[&Variant]) {
    let event = arguments.first().and_then(|event| event.try_to().ok());
    if let Some(event) = event.and_then(DeviceEvent::of) {
        with_core(|core| core.device_events.push(event));
    }
}

fn main_window() -> Option<Gd<Window>> {
    let tree = Engine::singleton().get_main_loop()?;
    tree.try_cast::<SceneTree>().ok()?.get_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_events_than_a_frame_may_have_the_newest_are_kept_in_order() {
        let mut events = Events::default();
        let moved = |number: usize| DeviceEvent::MouseMoved(Vec2::new(number as f32, 0.0));
        (0..EVENTS_MAX + 2).for_each(|number| events.push(moved(number)));
        let mut taken = vec![moved(0)];
        events.take(&mut taken);
        assert_eq!(taken, (2..EVENTS_MAX + 2).map(moved).collect::<Vec<_>>());
        events.take(&mut taken);
        assert_eq!(taken, []);
    }
}
