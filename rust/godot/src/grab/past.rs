//! Where a hand and what it hangs below were in the last frames.

use std::collections::VecDeque;

use glam::{Quat, Vec3};
use godot::prelude::*;
use synced_client::playout::{FittedVelocity, fit_velocity};
use synced_protocol::{input::InputFrame, time::Micros};

/// Frames that are kept: more than a throw looks back, at 240 frames a second.
const FRAMES: usize = 64;
/// Whatever moves faster was put there: nobody is thrown by a teleport.
const PLAUSIBLE_METERS_PER_SEC: f32 = 20.0;

/// The last frames of one node in the world.
#[derive(Debug, Default)]
pub(crate) struct Past {
    frames: VecDeque<InputFrame>,
}

impl Past {
    pub(crate) fn remember(&mut self, at: Micros, place: &Transform3D) {
        if self.frames.back().is_some_and(|last| last.sampled_at >= at) {
            return;
        }
        if self.frames.len() == FRAMES {
            self.frames.pop_front();
        }
        let Quaternion { x, y, z, w } = place.basis.orthonormalized().get_quaternion();
        self.frames.push_back(InputFrame {
            sampled_at: at,
            position: vec3(place.origin),
            orientation: Quat::from_xyzw(x, y, z, w),
            ..InputFrame::default()
        });
    }

    /// How it moves now, in the world: by at least two frames, however long they took. Nothing is said of what jumped.
    pub(crate) fn motion(&self, window: Micros) -> FittedVelocity {
        let mut times = self.frames.iter().rev().map(|frame| frame.sampled_at);
        let step = times
            .next()
            .zip(times.next())
            .map(|(newest, before)| newest - before);
        let window = window.max(step.unwrap_or_default());
        let motion = fit_velocity(&self.frames, window).unwrap_or_default();
        if motion.linear.length() < PLAUSIBLE_METERS_PER_SEC {
            motion
        } else {
            FittedVelocity::default()
        }
    }
}

pub(crate) const fn vec3(v: Vector3) -> Vec3 {
    Vec3::new(v.x, v.y, v.z)
}

pub(crate) fn vector3(v: Vec3) -> Vector3 {
    Vector3::new(v.x, v.y, v.z)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(step_ms: u64, places: &[f32]) -> Past {
        let mut past = Past::default();
        for (number, x) in (0..).zip(places) {
            let place = Transform3D::new(Basis::IDENTITY, Vector3::new(*x, 0.0, 0.0));
            past.remember(Micros::from_millis(1_000 + step_ms * number), &place);
        }
        past
    }

    #[test]
    fn two_frames_make_a_motion_however_long_they_took() {
        let motion = past(200, &[0.0, 0.1, 0.3]).motion(Micros::from_millis(50));
        assert!((motion.linear.x - 1.0).abs() < 1e-4, "{motion:?}");
        assert_eq!(
            past(10, &[3.0]).motion(Micros::from_millis(50)),
            FittedVelocity::default()
        );
    }

    #[test]
    fn no_more_frames_are_kept_than_a_throw_looks_back() {
        let long = past(4, &[0.0; FRAMES + 9]);
        assert_eq!(long.frames.len(), FRAMES);
        assert_eq!(
            long.frames[0].sampled_at,
            Micros::from_millis(1_000 + 4 * 9)
        );
    }

    #[test]
    fn what_is_put_elsewhere_throws_nothing() {
        let motion = past(10, &[0.0, 0.0, 0.0, 4.0]).motion(Micros::from_millis(50));
        assert_eq!(motion, FittedVelocity::default());
    }
}
