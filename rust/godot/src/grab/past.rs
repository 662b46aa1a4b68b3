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

    /// How it moves now, in the world. Nothing is said of what jumped.
    pub(crate) fn motion(&self, window: Micros) -> FittedVelocity {
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
