//! One controller sample.

use glam::{Quat, Vec3};

use crate::time::Micros;

/// One controller sample set. Positions in metres, in the space of the tracked node's parent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct InputFrame {
    /// When the runtime measured it, in session time.
    pub sampled_at: Micros,
    /// Metres.
    pub position: Vec3,
    /// A unit quaternion.
    pub orientation: Quat,
    /// Metres a second.
    pub linear_velocity: Vec3,
    /// Radians a second, an axis times a rate.
    pub angular_velocity: Vec3,
    /// Buttons and axes.
    pub controls: Controls,
    /// The controller did not move here from where it was in the sample before: recentred, found again, teleported. Nobody
    /// interpolates across it.
    pub is_jump: bool,
}

/// Buttons and axes of a controller.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Controls {
    /// One bit a button.
    pub buttons: u16,
    /// 0 to 1.
    pub trigger: f32,
    /// 0 to 1.
    pub grip: f32,
    /// Each -1 to 1.
    pub stick: [f32; 2],
}
