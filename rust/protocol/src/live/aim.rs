//! An aim pose in a block: seven floats, refused when one is not finite.

use glam::{Quat, Vec3};

use crate::{bytes_io::Reader, error::DecodeError, input::Pose};

/// What has no place is in the middle, what has no direction is not turned.
pub(super) fn put(aim: &Pose, out: &mut Vec<u8>) {
    let (position, orientation) = (finite_place(aim.position), unit(aim.orientation));
    let orientation = orientation.unwrap_or(Quat::IDENTITY);
    let numbers = position.to_array().into_iter();
    numbers
        .chain(orientation.to_array())
        .for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
}

pub(super) fn take(reader: &mut Reader<'_>) -> Result<Pose, DecodeError> {
    let position = Vec3::new(reader.f32()?, reader.f32()?, reader.f32()?);
    let orientation = Quat::from_xyzw(reader.f32()?, reader.f32()?, reader.f32()?, reader.f32()?);
    match unit(orientation) {
        Some(orientation) if position.is_finite() => Ok(Pose {
            position,
            orientation,
        }),
        _ => Err(DecodeError::OutOfRange { what: "aim" }),
    }
}

fn finite_place(position: Vec3) -> Vec3 {
    if position.is_finite() {
        position
    } else {
        Vec3::ZERO
    }
}

fn unit(orientation: Quat) -> Option<Quat> {
    let length = orientation.length();
    (length.is_finite() && length > 1e-6).then(|| orientation / length)
}
