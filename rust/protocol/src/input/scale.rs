//! How far apart the numbers of a preset are.

use glam::Vec3;

use super::{Precision, cube::Cube};

/// The steps of a preset. Whole steps from what was expected, a number is at most half a step off, and a vector at most
/// half the diagonal of a cube of steps.
#[derive(Debug)]
pub(super) struct Scale {
    /// Of time, in microseconds; a divisor of [`USUAL_INTERVAL_US`].
    pub(super) tick_us: u64,
    pub(super) position_m: f64,
    pub(super) linear_m_s: f64,
    pub(super) angular_rad_s: f64,
    pub(super) cube: Cube,
}

/// Between two samples of a runtime that is asked a thousand times a second.
pub(super) const USUAL_INTERVAL_US: u64 = 1_000;

/// No number is further than this from zero, in steps: about 55 km for the finest.
const STEPS_MAX: f64 = 1e9;

static EXACT: Scale = Scale {
    tick_us: 1,
    position_m: 0.000_055,
    linear_m_s: 0.001,
    angular_rad_s: 0.002,
    cube: Precision::Exact.cube(),
};
static FINE: Scale = Scale {
    tick_us: 10,
    position_m: 0.000_11,
    linear_m_s: 0.01,
    angular_rad_s: 0.02,
    cube: Precision::Fine.cube(),
};
static COARSE: Scale = Scale {
    tick_us: 50,
    position_m: 0.001_1,
    linear_m_s: 0.05,
    angular_rad_s: 0.1,
    cube: Precision::Coarse.cube(),
};

impl Scale {
    pub(super) const fn of(precision: Precision) -> &'static Self {
        match precision {
            Precision::Exact => &EXACT,
            Precision::Fine => &FINE,
            Precision::Coarse => &COARSE,
        }
    }

    pub(super) const fn usual_interval(&self) -> u32 {
        (USUAL_INTERVAL_US / self.tick_us) as u32
    }

    /// The steps of position that one step of linear velocity makes in a tick.
    pub(super) const fn position_per_linear(&self) -> f64 {
        self.linear_m_s * self.tick_us as f64 / (1e6 * self.position_m)
    }

    /// Half the radians that one step of angular velocity makes in a tick.
    pub(super) const fn half_turn_per_angular(&self) -> f64 {
        self.angular_rad_s * self.tick_us as f64 / 2e6
    }
}

/// A vector in steps, not yet rounded. What is no number is zero.
pub(super) fn in_steps(vector: Vec3, step: f64) -> [f64; 3] {
    let per_metre = 1.0 / step;
    vector.to_array().map(|number| {
        let steps = f64::from(number) * per_metre;
        if steps.is_nan() { 0.0 } else { held(steps) }
    })
}

pub(super) fn from_steps(steps: [f64; 3], step: f64) -> Vec3 {
    Vec3::from_array(steps.map(|number| (number * step) as f32))
}

/// Held within what a number may be.
pub(super) const fn held(steps: f64) -> f64 {
    steps.clamp(-STEPS_MAX, STEPS_MAX)
}
