//! Where something is and how it is turned.

use glam::{Quat, Vec3};

/// A place and an orientation in some space.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pose {
    /// Metres.
    pub position: Vec3,
    /// A unit quaternion.
    pub orientation: Quat,
}
