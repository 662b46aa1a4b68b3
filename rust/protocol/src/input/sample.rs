//! A sample between what a game sees and what is coded: in steps, not yet rounded, and the other way.

use glam::DQuat;

use super::{
    InputFrame, MAX_FRAME_AGE,
    controls::PackedControls,
    predictor::Motion,
    scale::{Scale, from_steps, in_steps},
    turn::direction,
};
use crate::time::Micros;

impl Motion {
    pub(super) fn of(frame: &InputFrame, scale: &Scale) -> Self {
        Self {
            position: in_steps(frame.position, scale.position_m),
            orientation: direction(frame.orientation),
            linear: in_steps(frame.linear_velocity, scale.linear_m_s),
            angular: in_steps(frame.angular_velocity, scale.angular_rad_s),
        }
    }

    pub(super) fn frame(
        &self,
        sampled_at: Micros,
        controls: PackedControls,
        is_jump: bool,
        scale: &Scale,
    ) -> InputFrame {
        InputFrame {
            sampled_at,
            position: from_steps(self.position, scale.position_m),
            orientation: DQuat::from_array(self.orientation).as_quat(),
            linear_velocity: from_steps(self.linear, scale.linear_m_s),
            angular_velocity: from_steps(self.angular, scale.angular_rad_s),
            controls: controls.controls(),
            is_jump,
        }
    }
}

/// The tick at or before a time.
pub(super) const fn tick_before(time: Micros, scale: &Scale) -> u64 {
    time.0 / scale.tick_us
}

/// The tick nearest to a sample's time, not behind its datagram's and not too far before.
pub(super) fn tick_of(frame: &InputFrame, sent_at: Micros, scale: &Scale) -> u64 {
    let newest = tick_before(sent_at, scale);
    let oldest = newest.saturating_sub(max_age_ticks(scale));
    let nearest = frame.sampled_at.0.saturating_add(scale.tick_us / 2) / scale.tick_us;
    nearest.clamp(oldest, newest)
}

pub(super) const fn max_age_ticks(scale: &Scale) -> u64 {
    MAX_FRAME_AGE.0 / scale.tick_us
}
