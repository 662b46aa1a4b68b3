//! What a batch says of all its samples behind the first.

use super::{field::FieldCode, interval::IntervalCode, model::Model};
use crate::{
    bits::{BitReader, BitWriter},
    error::DecodeError,
};

/// What is expected of them, and how what they add to it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codes {
    pub(super) model: Model,
    pub(super) interval: IntervalCode,
    pub(super) linear: FieldCode,
    pub(super) angular: FieldCode,
    pub(super) position: FieldCode,
    pub(super) orientation: FieldCode,
}

impl Codes {
    /// For a batch of one sample.
    pub(super) const NONE: Self = Self {
        model: Model::STILL,
        interval: IntervalCode::NONE,
        linear: FieldCode::Zero,
        angular: FieldCode::Zero,
        position: FieldCode::Zero,
        orientation: FieldCode::Zero,
    };

    pub(super) fn put(&self, writer: &mut BitWriter<'_>) {
        self.model.put(writer);
        self.interval.put_self(writer);
        for field in [self.linear, self.angular, self.position, self.orientation] {
            field.put_self(writer);
        }
    }

    pub(super) fn take(reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            model: Model::take(reader)?,
            interval: IntervalCode::take_self(reader)?,
            linear: FieldCode::take_self(reader)?,
            angular: FieldCode::take_self(reader)?,
            position: FieldCode::take_self(reader)?,
            orientation: FieldCode::take_self(reader)?,
        })
    }
}
