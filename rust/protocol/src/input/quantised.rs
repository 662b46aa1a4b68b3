//! A sample in whole steps, as far apart as the wire's precision.

use glam::Vec3;

use super::{
    Controls, InputFrame, MAX_FRAME_AGE, Precision,
    cube::{OnCube, steps_for},
};
use crate::{error::DecodeError, time::Micros};

/// A hundred kilometres, or as many a second, in the finest steps.
const STEPS_MAX: f32 = 1e9;

/// How far apart the numbers of a preset are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    position_m: f32,
    linear_m_s: f32,
    angular_rad_s: f32,
    orientation: i32,
}

impl Steps {
    pub(super) const fn of(precision: Precision) -> Self {
        let (linear_m_s, angular_rad_s) = match precision {
            Precision::Exact => (1e-3, 2e-3),
            Precision::Fine => (1e-2, 2e-2),
            Precision::Coarse => (5e-2, 1e-1),
        };
        Self {
            position_m: precision.position_error_m_max() * 1.15,
            linear_m_s,
            angular_rad_s,
            orientation: steps_for(precision.orientation_error_rad_max()),
        }
    }

    /// How many bits a ratio of an orientation takes in two's complement.
    pub(super) const fn ratio_bits(&self) -> u32 {
        self.orientation.ilog2() + 2
    }
}

/// A sample in whole steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantised {
    pub(super) age_us: i32,
    pub(super) position: [i32; 3],
    pub(super) orientation: OnCube,
    pub(super) linear: [i32; 3],
    pub(super) angular: [i32; 3],
    pub(super) controls: [u32; 2],
    pub(super) is_jump: bool,
}

impl Quantised {
    pub(super) fn new(frame: &InputFrame, sent_at: Micros, steps: &Steps) -> Self {
        let age = sent_at.since(frame.sampled_at).min(MAX_FRAME_AGE);
        let axis = |value: f32| u32::from((value.clamp(-1.0, 1.0) * 127.0).round() as i8 as u8);
        let part = |value: f32| u32::from((value.clamp(0.0, 1.0) * 255.0).round() as u8);
        let controls = frame.controls;
        Self {
            age_us: age.0 as i32,
            position: in_steps(frame.position, steps.position_m),
            orientation: OnCube::new(frame.orientation, steps.orientation),
            linear: in_steps(frame.linear_velocity, steps.linear_m_s),
            angular: in_steps(frame.angular_velocity, steps.angular_rad_s),
            controls: [
                u32::from(controls.buttons)
                    | part(controls.trigger) << 16
                    | part(controls.grip) << 24,
                axis(controls.stick[0]) | axis(controls.stick[1]) << 8,
            ],
            is_jump: frame.is_jump,
        }
    }

    pub(super) fn dequantised(
        &self,
        sent_at: Micros,
        steps: &Steps,
    ) -> Result<InputFrame, DecodeError> {
        let age = u64::try_from(self.age_us).map_err(|_| DecodeError::OutOfRange {
            what: "sample time",
        })?;
        if age > MAX_FRAME_AGE.0 {
            return Err(DecodeError::OutOfRange {
                what: "sample time",
            });
        }
        let [packed, axes] = self.controls;
        let part = |shift: u32| ((packed >> shift) & 0xff) as f32 / 255.0;
        let axis = |shift: u32| f32::from((axes >> shift) as u8 as i8).max(-127.0) / 127.0;
        Ok(InputFrame {
            sampled_at: sent_at - Micros(age),
            position: metres(self.position, steps.position_m),
            orientation: self.orientation.orientation(steps.orientation),
            linear_velocity: metres(self.linear, steps.linear_m_s),
            angular_velocity: metres(self.angular, steps.angular_rad_s),
            controls: Controls {
                buttons: packed as u16,
                trigger: part(16),
                grip: part(24),
                stick: [axis(0), axis(8)],
            },
            is_jump: self.is_jump,
        })
    }
}

/// What is no number is in the middle.
fn in_steps(vector: Vec3, step: f32) -> [i32; 3] {
    (vector / step)
        .to_array()
        .map(|component| component.round().clamp(-STEPS_MAX, STEPS_MAX) as i32)
}

fn metres(steps: [i32; 3], step: f32) -> Vec3 {
    Vec3::from_array(steps.map(|component| component as f32 * step))
}
