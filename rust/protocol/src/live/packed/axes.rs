//! The axes of a basis as a rotation after a scale.

use glam::{Mat3, Quat, Vec3};

use crate::{bytes_io::Reader, error::DecodeError};

/// Lengths that differ by no more than this part of them are taken for the same, and cosines up to this for right angles: what
/// many rotations one after the other make of a basis.
pub(super) const UNIT_ERROR_MAX: f32 = 1e-4;

/// What a basis does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axes {
    pub(super) rotation: Quat,
    pub(super) scaling: Scaling,
}

/// The lengths of the axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scaling {
    /// All are 1.
    None,
    /// All are this.
    Uniform(f32),
    /// One for each axis.
    Each([f32; 3]),
}

impl Axes {
    /// `None` when the axes are no rotation after a scale, or mirrored.
    pub(super) fn of(basis: &Mat3) -> Option<Self> {
        let columns = [basis.x_axis, basis.y_axis, basis.z_axis];
        let lengths = columns.map(Vec3::length);
        let [x, y, z] = [0, 1, 2].map(|axis| columns[axis] / lengths[axis]);
        let cosines = Vec3::new(x.dot(y), y.dot(z), z.dot(x));
        let unit = Mat3::from_cols(x, y, z);
        let is_rotation = unit.is_finite()
            && cosines.abs().max_element() <= UNIT_ERROR_MAX
            && unit.determinant() > 0.0;
        is_rotation.then(|| Self {
            rotation: Quat::from_mat3(&unit).normalize(),
            scaling: Scaling::of(lengths),
        })
    }
}

impl Scaling {
    fn of(lengths: [f32; 3]) -> Self {
        let are_all = |length: f32| {
            let near = |other: &f32| (other - length).abs() <= UNIT_ERROR_MAX * length;
            lengths.iter().all(near)
        };
        let [x, ..] = lengths;
        if are_all(1.0) {
            Self::None
        } else if are_all(x) {
            Self::Uniform(x)
        } else {
            Self::Each(lengths)
        }
    }

    /// From 0 to 2.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Uniform(_) => 1,
            Self::Each(_) => 2,
        }
    }

    pub(super) fn put(self, out: &mut Vec<u8>) {
        let mut put = |length: f32| out.extend_from_slice(&length.to_le_bytes());
        match self {
            Self::None => {}
            Self::Uniform(length) => put(length),
            Self::Each(lengths) => lengths.into_iter().for_each(put),
        }
    }

    pub(super) fn take(code: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let scaling = match code {
            0 => Self::None,
            1 => Self::Uniform(reader.f32()?),
            _ => Self::Each([reader.f32()?, reader.f32()?, reader.f32()?]),
        };
        if scaling.lengths().is_finite() {
            Ok(scaling)
        } else {
            Err(DecodeError::OutOfRange { what: "scale" })
        }
    }

    pub(super) fn scaled(self, rotation: Mat3) -> Mat3 {
        let lengths = self.lengths();
        Mat3::from_cols(
            rotation.x_axis * lengths.x,
            rotation.y_axis * lengths.y,
            rotation.z_axis * lengths.z,
        )
    }

    const fn lengths(self) -> Vec3 {
        match self {
            Self::None => Vec3::ONE,
            Self::Uniform(length) => Vec3::splat(length),
            Self::Each(lengths) => Vec3::from_array(lengths),
        }
    }
}
