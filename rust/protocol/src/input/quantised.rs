//! A sample in whole steps, as far apart as the wire's precision.

use glam::{Quat, Vec3};

use super::{Controls, InputFrame, MAX_FRAME_AGE};
use crate::{error::DecodeError, time::Micros};

const POSITION_STEP_M: f32 = 1e-4;
const LINEAR_STEP_M_S: f32 = 1e-2;
const ANGULAR_STEP_RAD_S: f32 = 1e-2;
const ORIENTATION_STEPS: f32 = 2047.0 * std::f32::consts::SQRT_2;

/// A sample in whole steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantised {
    pub(super) age_us: i32,
    pub(super) position: [i32; 3],
    pub(super) largest: u32,
    pub(super) orientation: [i32; 3],
    pub(super) linear: [i32; 3],
    pub(super) angular: [i32; 3],
    pub(super) controls: [u32; 2],
}

impl Quantised {
    pub(super) fn new(frame: &InputFrame, sent_at: Micros) -> Self {
        let age = sent_at.since(frame.sampled_at).min(MAX_FRAME_AGE);
        let (largest, orientation) = smallest_three(frame.orientation);
        let axis = |value: f32| u32::from((value.clamp(-1.0, 1.0) * 127.0).round() as i8 as u8);
        let part = |value: f32| u32::from((value.clamp(0.0, 1.0) * 255.0).round() as u8);
        let controls = frame.controls;
        Self {
            age_us: age.0 as i32,
            position: steps(frame.position, POSITION_STEP_M),
            largest,
            orientation,
            linear: steps(frame.linear_velocity, LINEAR_STEP_M_S),
            angular: steps(frame.angular_velocity, ANGULAR_STEP_RAD_S),
            controls: [
                u32::from(controls.buttons)
                    | part(controls.trigger) << 16
                    | part(controls.grip) << 24,
                axis(controls.stick[0]) | axis(controls.stick[1]) << 8,
            ],
        }
    }

    pub(super) fn dequantised(&self, sent_at: Micros) -> Result<InputFrame, DecodeError> {
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
            position: metres(self.position, POSITION_STEP_M),
            orientation: from_smallest_three(self.largest, self.orientation),
            linear_velocity: metres(self.linear, LINEAR_STEP_M_S),
            angular_velocity: metres(self.angular, ANGULAR_STEP_RAD_S),
            controls: Controls {
                buttons: packed as u16,
                trigger: part(16),
                grip: part(24),
                stick: [axis(0), axis(8)],
            },
        })
    }
}

fn steps(vector: Vec3, step: f32) -> [i32; 3] {
    (vector / step)
        .to_array()
        .map(|component| component.round() as i32)
}

fn metres(steps: [i32; 3], step: f32) -> Vec3 {
    Vec3::from_array(steps.map(|component| component as f32 * step))
}

/// The place of the largest component, and the other three in steps, the largest made positive.
fn smallest_three(orientation: Quat) -> (u32, [i32; 3]) {
    let unit = if orientation.is_finite() && orientation.length_squared() > 0.0 {
        orientation.normalize()
    } else {
        Quat::IDENTITY
    };
    let components = unit.to_array();
    let largest = (0..4)
        .max_by(|a, b| components[*a].abs().total_cmp(&components[*b].abs()))
        .unwrap_or(3);
    let sign = components[largest].signum();
    let others =
        OTHERS[largest].map(|place| (components[place] * sign * ORIENTATION_STEPS).round() as i32);
    (largest as u32, others)
}

fn from_smallest_three(largest: u32, others: [i32; 3]) -> Quat {
    let largest = largest as usize & 3;
    let mut components = [0.0; 4];
    for (place, steps) in OTHERS[largest].into_iter().zip(others) {
        components[place] = steps as f32 / ORIENTATION_STEPS;
    }
    let squares: f32 = components
        .iter()
        .map(|component| component * component)
        .sum();
    components[largest] = (1.0 - squares).max(0.0).sqrt();
    Quat::from_array(components).normalize()
}

const OTHERS: [[usize; 3]; 4] = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]];
