//! Places and turns in few bits, within the bounds of a [`Precision`].
//!
//! What does not fit is not packed, and travels as it is: numbers that are none, places far out, axes that are skewed or
//! mirrored, vectors so short that a step is much of them.

mod axes;
mod place;
#[cfg(test)]
mod tests;

use glam::{DQuat, Mat3, Quat};

use self::{
    axes::{Axes, Scaling, UNIT_ERROR_MAX},
    place::Place,
};
use crate::{
    bits::{BitReader, BitWriter},
    bytes_io::Reader,
    error::DecodeError,
    input::{
        Precision,
        cube::{Cube, OnCube},
    },
    value::Value,
};

/// In front of the bits: the precision, and how many bits each coordinate takes.
const PRECISION_BITS: u32 = 2;
const WIDTH_BITS: u32 = 5;
/// A vector with no component of so many steps is not packed: it may be a scale or a speed, of which a step is too much.
const VECTOR_STEPS_MIN: i32 = 512;

/// A value, as it is packed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Packed {
    kind: Kind,
    precision: Precision,
    place: Place,
    turn: OnCube,
    scaling: Scaling,
}

/// What it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Vector3,
    Quaternion,
    Basis,
    Transform3D,
}

impl Packed {
    /// `None` when the value does not fit, or is of a kind that is not packed.
    pub(super) fn of(value: &Value, precision: Precision) -> Option<Self> {
        let packed = Self {
            kind: Kind::Vector3,
            precision,
            place: Place::default(),
            turn: OnCube::default(),
            scaling: Scaling::None,
        };
        match value {
            Value::Vector3(vector) => packed.with_vector(*vector),
            Value::Quaternion(turn) => packed.with_quaternion(*turn),
            Value::Basis(basis) => packed.with_basis(Kind::Basis, *basis),
            Value::Transform3D(transform) => {
                let (basis, origin) = transform.split_first_chunk()?;
                Self {
                    place: Place::nearest(*origin.first_chunk()?, precision)?,
                    ..packed.with_basis(Kind::Transform3D, *basis)?
                }
                .into()
            }
            _ => None,
        }
    }

    /// From 1 to 8, for the tag.
    pub(super) const fn code(&self) -> u8 {
        match (self.kind, self.scaling) {
            (Kind::Vector3, _) => 1,
            (Kind::Quaternion, _) => 2,
            (Kind::Basis, scaling) => 3 + scaling.code(),
            (Kind::Transform3D, scaling) => 6 + scaling.code(),
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        self.scaling.put(out);
        let mut writer = BitWriter::new(out);
        writer.put(self.precision.code(), PRECISION_BITS);
        if self.kind.has_place() {
            writer.put(self.place.width(), WIDTH_BITS);
            self.place.put(&mut writer);
        }
        if self.kind.has_turn() {
            self.precision.cube().put(&mut writer, self.turn);
        }
        writer.finish();
    }

    pub(super) fn take(code: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, scaling) = match code {
            1 => (Kind::Vector3, 0),
            2 => (Kind::Quaternion, 0),
            3..=5 => (Kind::Basis, code - 3),
            6..=8 => (Kind::Transform3D, code - 6),
            tag => {
                let what = "packed value";
                return Err(DecodeError::BadTag { what, tag });
            }
        };
        let scaling = Scaling::take(scaling, reader)?;
        let (precision, width) = kind.peek(reader)?;
        let bits = kind.bits(precision.cube(), width);
        let mut bits = BitReader::new(reader.take(bits.div_ceil(8) as usize)?);
        bits.take(kind.head_bits())?;
        let place = Place::take(width, &mut bits)?;
        let turn = if kind.has_turn() {
            precision.cube().take(&mut bits)?
        } else {
            OnCube::default()
        };
        bits.finish()?;
        Ok(Self {
            kind,
            precision,
            place,
            turn,
            scaling,
        })
    }

    pub(super) fn value(&self) -> Value {
        let turn = DQuat::from_array(self.precision.cube().orientation(self.turn)).as_quat();
        let basis = || self.scaling.scaled(Mat3::from_quat(turn)).to_cols_array();
        let place = self.place.position(self.precision);
        match self.kind {
            Kind::Vector3 => Value::Vector3(place),
            Kind::Quaternion => Value::Quaternion(turn.to_array()),
            Kind::Basis => Value::Basis(basis()),
            Kind::Transform3D => {
                let mut transform = [0.0; 12];
                let (axes, origin) = transform.split_at_mut(9);
                axes.copy_from_slice(&basis());
                origin.copy_from_slice(&place);
                Value::Transform3D(transform)
            }
        }
    }

    fn with_vector(self, vector: [f32; 3]) -> Option<Self> {
        let place = Place::nearest(vector, self.precision)?;
        let is_exact = place.position(self.precision) == vector;
        (is_exact || place.reach() >= VECTOR_STEPS_MIN).then_some(Self { place, ..self })
    }

    fn with_quaternion(self, turn: [f32; 4]) -> Option<Self> {
        let turn = Quat::from_array(turn);
        let is_unit = (turn.length() - 1.0).abs() <= UNIT_ERROR_MAX;
        is_unit.then(|| self.turned(Kind::Quaternion, turn))
    }

    fn with_basis(self, kind: Kind, basis: [f32; 9]) -> Option<Self> {
        let Axes { rotation, scaling } = Axes::of(&Mat3::from_cols_array(&basis))?;
        Some(Self {
            scaling,
            ..self.turned(kind, rotation)
        })
    }

    fn turned(self, kind: Kind, turn: Quat) -> Self {
        let turn = turn.as_dquat().to_array();
        Self {
            kind,
            turn: self.precision.cube().nearest(turn),
            ..self
        }
    }
}

impl Kind {
    const fn has_place(self) -> bool {
        matches!(self, Self::Vector3 | Self::Transform3D)
    }

    const fn has_turn(self) -> bool {
        !matches!(self, Self::Vector3)
    }

    const fn head_bits(self) -> u32 {
        PRECISION_BITS + if self.has_place() { WIDTH_BITS } else { 0 }
    }

    const fn bits(self, cube: Cube, width: u32) -> u32 {
        self.head_bits() + 3 * width + if self.has_turn() { cube.bits() } else { 0 }
    }

    /// What stands in front, all in the first byte.
    fn peek(self, reader: &Reader<'_>) -> Result<(Precision, u32), DecodeError> {
        let mut head = BitReader::new(reader.rest());
        let precision = Precision::from_code(head.take(PRECISION_BITS)?)?;
        let width = if self.has_place() {
            head.take(WIDTH_BITS)?
        } else {
            0
        };
        Ok((precision, width))
    }
}
