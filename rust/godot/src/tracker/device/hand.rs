//! The samples of a hand that a device moves.

use std::collections::VecDeque;

use synced_client::playout::fit_velocity;
use synced_protocol::{input::InputFrame, time::Micros};

use super::{Device, DeviceEvent, Side, Viewer, gamepad::Gamepad, mouse::Mouse};

/// What is fitted to get a velocity: a device moves in steps.
const VELOCITY_WINDOW: Micros = Micros::from_millis(30);
/// The window's samples of a device that reports at 1 kHz, and some more.
const SAMPLES_KEPT: usize = 64;
/// A frame that took longer is taken to have been this long.
const FRAME_MAX: Micros = Micros::from_millis(250);

/// A hand that a device moves.
#[derive(Debug)]
pub(crate) struct DeviceHand {
    device: AnyDevice,
    recent: VecDeque<InputFrame>,
}

#[derive(Debug, Clone)]
enum AnyDevice {
    Mouse(Mouse),
    Gamepad(Gamepad),
}

impl DeviceHand {
    pub(crate) fn mouse(side: Side) -> Self {
        Self::new(AnyDevice::Mouse(Mouse::new(side)))
    }

    pub(crate) fn gamepad(side: Side) -> Self {
        Self::new(AnyDevice::Gamepad(Gamepad::new(side)))
    }

    /// Whether it moves by the mouse.
    pub(crate) const fn is_mouse(&self) -> bool {
        matches!(self.device, AnyDevice::Mouse(_))
    }

    fn new(device: AnyDevice) -> Self {
        Self {
            device,
            recent: VecDeque::with_capacity(SAMPLES_KEPT),
        }
    }

    /// The samples of a frame that ends now: one for each event about this hand, or one if there is none.
    pub(crate) fn frame(
        &mut self,
        events: &[DeviceEvent],
        viewer: Viewer,
        now: Micros,
        mut each: impl FnMut(InputFrame),
    ) {
        let begun = self.newest_at().unwrap_or(now).max(now - FRAME_MAX);
        let all = self.count(events);
        let mut taken = 0;
        for event in events {
            if self.device.get().take(*event) {
                taken += 1;
                let at = begun + Micros((now - begun).0 * taken / all);
                self.sample(viewer, at).into_iter().for_each(&mut each);
            }
        }
        self.sample(viewer, now).into_iter().for_each(each);
    }

    /// The hand as it is now, unless there is a sample of that time already.
    fn sample(&mut self, viewer: Viewer, at: Micros) -> Option<InputFrame> {
        if self.newest_at().is_some_and(|newest| newest >= at) {
            return None;
        }
        let (place, turn) = self.device.get().place();
        let mut frame = InputFrame {
            sampled_at: at,
            position: viewer.position + viewer.orientation * place,
            orientation: (viewer.orientation * turn).normalize(),
            controls: self.device.get().controls(),
            is_jump: self.recent.is_empty(),
            ..InputFrame::default()
        };
        if self.recent.len() == SAMPLES_KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(frame);
        let velocity = fit_velocity(&self.recent, VELOCITY_WINDOW).unwrap_or_default();
        frame.linear_velocity = velocity.linear;
        frame.angular_velocity = velocity.angular;
        Some(frame)
    }

    /// How many of the events are about this hand.
    fn count(&self, events: &[DeviceEvent]) -> u64 {
        let mut device = self.device.clone();
        let concerned = events.iter().filter(|event| device.get().take(**event));
        concerned.count() as u64
    }

    fn newest_at(&self) -> Option<Micros> {
        self.recent.back().map(|newest| newest.sampled_at)
    }
}

impl AnyDevice {
    fn get(&mut self) -> &mut dyn Device {
        match self {
            Self::Mouse(mouse) => mouse,
            Self::Gamepad(gamepad) => gamepad,
        }
    }
}

#[cfg(test)]
mod tests {
    use glam::{Quat, Vec2, Vec3};

    use super::*;

    const VIEWER: Viewer = Viewer {
        position: Vec3::new(0.0, 1.6, 0.0),
        orientation: Quat::IDENTITY,
    };
    const MOVED: DeviceEvent = DeviceEvent::MouseMoved(Vec2::new(-2.0, 0.0));

    fn frame(hand: &mut DeviceHand, events: &[DeviceEvent], now_ms: u64) -> Vec<InputFrame> {
        let mut samples = Vec::new();
        hand.frame(events, VIEWER, Micros::from_millis(now_ms), |sample| {
            samples.push(sample)
        });
        samples
    }

    #[test]
    fn the_events_of_a_frame_are_spread_over_it_and_move_at_their_speed() {
        let mut hand = DeviceHand::mouse(Side::Right);
        assert_eq!(frame(&mut hand, &[MOVED], 1_000).len(), 1);
        for number in 1..=5 {
            let now = 1_000 + 16 * number;
            let samples = frame(&mut hand, &[MOVED; 16], now);
            let times: Vec<_> = samples
                .iter()
                .map(|sample| sample.sampled_at.0 / 1_000)
                .collect();
            assert_eq!(times, (now - 15..=now).collect::<Vec<_>>());
            // 2 mm each millisecond, to the left.
            let off = samples[15].linear_velocity.distance(-2.0 * Vec3::X);
            assert!(
                number < 3 || off < 0.05,
                "{:?}",
                samples[15].linear_velocity
            );
        }
    }

    #[test]
    fn no_more_samples_are_kept_than_a_velocity_needs() {
        let mut hand = DeviceHand::mouse(Side::Right);
        for number in 0..SAMPLES_KEPT as u64 + 9 {
            frame(&mut hand, &[MOVED], 1_000 + number);
        }
        assert_eq!(hand.recent.len(), SAMPLES_KEPT);
    }

    #[test]
    fn a_frame_that_took_long_has_its_events_at_its_end() {
        let mut hand = DeviceHand::mouse(Side::Right);
        frame(&mut hand, &[], 1_000);
        let samples = frame(&mut hand, &[MOVED], 9_000);
        assert_eq!(samples[0].sampled_at, Micros::from_millis(9_000));
        let samples = frame(&mut hand, &[MOVED; 2], 19_000);
        let first = Micros::from_millis(19_000) - Micros(FRAME_MAX.0 / 2);
        assert_eq!(samples[0].sampled_at, first);
    }

    #[test]
    fn a_frame_without_events_has_one_sample() {
        let mut hand = DeviceHand::mouse(Side::Right);
        let pad = DeviceEvent::PadAxis(godot::global::JoyAxis::LEFT_X, 0.5);
        assert!(frame(&mut hand, &[], 1_000)[0].is_jump);
        let samples = frame(&mut hand, &[pad], 1_016);
        assert_eq!(samples.len(), 1);
        assert!(!samples[0].is_jump);
        assert_eq!(samples[0].sampled_at, Micros::from_millis(1_016));
    }

    #[test]
    fn the_hand_is_before_the_viewer_who_turns() {
        let mut hand = DeviceHand::gamepad(Side::Right);
        let viewer = Viewer {
            orientation: Quat::from_rotation_y(std::f32::consts::FRAC_PI_2),
            ..VIEWER
        };
        let mut at = Vec3::ZERO;
        hand.frame(&[], viewer, Micros::from_millis(1_000), |sample| {
            at = sample.position
        });
        // To the left is where the viewer looks now.
        assert!(at.abs_diff_eq(Vec3::new(-0.5, 1.4, -0.2), 1e-6), "{at}");
    }
}
