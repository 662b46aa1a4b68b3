//! A hand in steps, not yet rounded.

use glam::{DQuat, Vec3};

use super::{HandJoints, JOINTS, Joint};
use crate::{
    input::{
        Pose,
        cube::Cube,
        turn::{direction, normalised},
    },
    time::Micros,
};

const STEP_M: f64 = 1e-3;
/// A hundred kilometres.
const STEPS_MAX: f64 = 1e8;
/// The largest radius, in steps.
pub(super) const RADIUS_MAX: i32 = 63;
pub(super) const RADIUS_BITS: u32 = 6;
pub(super) const ORIENTATIONS: Cube = Cube { steps: 200 };

/// A hand's joints.
pub(super) struct Hand(pub(super) [Place; JOINTS]);

/// Where a joint is and how it is turned, and its radius.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) position: [f64; 3],
    /// Of unit length.
    pub(super) orientation: [f64; 4],
    /// In whole steps, up to [`RADIUS_MAX`].
    pub(super) radius: i32,
}

impl Place {
    pub(super) const NONE: Self = Self {
        position: [0.0; 3],
        orientation: [0.0, 0.0, 0.0, 1.0],
        radius: 0,
    };
}

impl Hand {
    pub(super) fn of(hand: &HandJoints) -> Self {
        Self(hand.joints.map(|joint| Place {
            position: joint.pose.position.to_array().map(in_steps),
            orientation: normalised(direction(joint.pose.orientation)),
            radius: (in_steps(joint.radius).round() as i32).clamp(0, RADIUS_MAX),
        }))
    }

    pub(super) fn joints(&self, sampled_at: Micros) -> HandJoints {
        HandJoints {
            sampled_at,
            joints: self.0.map(|place| Joint {
                pose: Pose {
                    position: Vec3::from_array(place.position.map(in_metres)),
                    orientation: DQuat::from_array(place.orientation).as_quat(),
                },
                radius: in_metres(f64::from(place.radius)),
            }),
        }
    }
}

/// What is no number is zero.
fn in_steps(metres: f32) -> f64 {
    let steps = f64::from(metres) / STEP_M;
    if steps.is_nan() {
        0.0
    } else {
        steps.clamp(-STEPS_MAX, STEPS_MAX)
    }
}

fn in_metres(steps: f64) -> f32 {
    (steps * STEP_M) as f32
}
