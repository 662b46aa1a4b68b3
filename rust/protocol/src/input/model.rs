//! How the samples of a batch are expected to follow one another.

use crate::{
    bits::{BitReader, BitWriter},
    error::DecodeError,
};

/// What a position or an orientation is expected to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum PoseModel {
    /// It stays.
    #[default]
    Still,
    /// It goes on as it went.
    Steady,
    /// It goes as its velocity says.
    Told,
}

/// What a velocity is expected to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum RateModel {
    /// It stays.
    #[default]
    Still,
    /// It goes on changing as it changed.
    Steady,
}

/// What is expected of each part of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Model {
    pub(super) position: PoseModel,
    pub(super) orientation: PoseModel,
    pub(super) linear: RateModel,
    pub(super) angular: RateModel,
}

impl Model {
    pub(super) const STILL: Self = Self {
        position: PoseModel::Still,
        orientation: PoseModel::Still,
        linear: RateModel::Still,
        angular: RateModel::Still,
    };

    pub(super) fn put(self, writer: &mut BitWriter<'_>) {
        writer.put(self.position as u32, 2);
        writer.put(self.orientation as u32, 2);
        writer.put(self.linear as u32, 1);
        writer.put(self.angular as u32, 1);
    }

    pub(super) fn take(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            position: PoseModel::from_code(reader.take(2)?)?,
            orientation: PoseModel::from_code(reader.take(2)?)?,
            linear: RateModel::from_code(reader.take(1)?),
            angular: RateModel::from_code(reader.take(1)?),
        })
    }
}

impl PoseModel {
    const fn from_code(code: u32) -> Result<Self, DecodeError> {
        match code {
            0 => Ok(Self::Still),
            1 => Ok(Self::Steady),
            2 => Ok(Self::Told),
            _ => Err(DecodeError::OutOfRange { what: "model" }),
        }
    }
}

impl RateModel {
    const fn from_code(code: u32) -> Self {
        match code {
            0 => Self::Still,
            _ => Self::Steady,
        }
    }
}
