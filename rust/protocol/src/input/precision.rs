//! How exactly a batch tells its samples.

use super::cube::Cube;
use crate::{error::DecodeError, time::Micros};

/// A preset of bounds to the error of what is decoded. The code stands in the batch.
///
/// The bounds hold within 32 m of the middle of the space; further out, the 32 bits of a coordinate are coarser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Precision {
    /// 0.05 mm and 0.01 degrees: for recordings and measurements.
    Exact,
    /// 0.1 mm and 0.04 degrees: less than any tracker's own noise.
    #[default]
    Fine,
    /// 1 mm and 0.2 degrees: for many players over a narrow link.
    Coarse,
}

impl Precision {
    /// The most by which a decoded position is off, in metres.
    #[must_use]
    pub const fn position_error_m_max(self) -> f32 {
        match self {
            Self::Exact => 0.05e-3,
            Self::Fine => 0.1e-3,
            Self::Coarse => 1e-3,
        }
    }

    /// The most by which a decoded orientation is off, in radians.
    #[must_use]
    pub const fn orientation_error_rad_max(self) -> f32 {
        match self {
            Self::Exact => 0.01_f32.to_radians(),
            Self::Fine => 0.04_f32.to_radians(),
            Self::Coarse => 0.2_f32.to_radians(),
        }
    }

    /// The most by which a decoded linear velocity is off, in metres a second.
    #[must_use]
    pub const fn linear_velocity_error_m_s_max(self) -> f32 {
        match self {
            Self::Exact => 0.001,
            Self::Fine => 0.01,
            Self::Coarse => 0.05,
        }
    }

    /// The most by which a decoded angular velocity is off, in radians a second.
    #[must_use]
    pub const fn angular_velocity_error_rad_s_max(self) -> f32 {
        2.0 * self.linear_velocity_error_m_s_max()
    }

    /// The most by which a decoded time is off. A sample has the same time in every datagram that repeats it.
    #[must_use]
    pub const fn time_error_max(self) -> Micros {
        match self {
            Self::Exact => Micros::ZERO,
            Self::Fine => Micros(5),
            Self::Coarse => Micros(25),
        }
    }

    /// The orientations of the preset.
    pub(crate) const fn cube(self) -> Cube {
        match self {
            Self::Exact => Cube { steps: 10_000 },
            Self::Fine => Cube { steps: 2_500 },
            Self::Coarse => Cube { steps: 500 },
        }
    }

    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Exact => 0,
            Self::Fine => 1,
            Self::Coarse => 2,
        }
    }

    pub(crate) const fn from_code(code: u32) -> Result<Self, DecodeError> {
        match code {
            0 => Ok(Self::Exact),
            1 => Ok(Self::Fine),
            2 => Ok(Self::Coarse),
            _ => Err(DecodeError::OutOfRange { what: "precision" }),
        }
    }
}
