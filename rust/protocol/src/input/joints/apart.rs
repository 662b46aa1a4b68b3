//! Joints that have little to do with each other: each place from that of the joint that it hangs on, in numbers as wide as
//! the widest, and each orientation by itself.

use super::{
    JOINTS, PARENT,
    grid::{Hand, ORIENTATIONS, Place, RADIUS_BITS},
};
use crate::{
    bits::{BitReader, BitWriter, signed_width},
    error::DecodeError,
};

const WIDTH_BITS: u32 = 5;

pub(super) fn put(hand: &Hand, writer: &mut BitWriter<'_>) {
    let places = hand
        .0
        .map(|place| place.position.map(|steps| steps.round() as i32));
    let bones: [[i32; 3]; JOINTS] = std::array::from_fn(|joint| {
        let parent = parent(&places, joint);
        std::array::from_fn(|axis| places[joint][axis].wrapping_sub(parent[axis]))
    });
    let width = |bones: &[[i32; 3]]| bones.iter().flatten().map(|n| signed_width(*n)).max();
    let [palm_width, bone_width] =
        [&bones[..1], &bones[1..]].map(|bones| width(bones).unwrap_or(0));
    writer.put(palm_width, WIDTH_BITS);
    writer.put(bone_width, WIDTH_BITS);
    for (joint, (place, bone)) in hand.0.iter().zip(bones).enumerate() {
        let width = if joint == 0 { palm_width } else { bone_width };
        bone.iter()
            .for_each(|steps| writer.put(steps.cast_unsigned(), width));
        ORIENTATIONS.put(writer, ORIENTATIONS.nearest(place.orientation));
        writer.put(place.radius.cast_unsigned(), RADIUS_BITS);
    }
}

pub(super) fn take(reader: &mut BitReader<'_>) -> Result<Hand, DecodeError> {
    let palm_width = reader.take(WIDTH_BITS)?;
    let bone_width = reader.take(WIDTH_BITS)?;
    let mut places = [[0; 3]; JOINTS];
    let mut hand = Hand([Place::NONE; JOINTS]);
    for joint in 0..JOINTS {
        let width = if joint == 0 { palm_width } else { bone_width };
        let parent = parent(&places, joint);
        for (axis, steps) in places[joint].iter_mut().enumerate() {
            *steps = parent[axis].wrapping_add(reader.take_signed(width)?);
        }
        hand.0[joint] = Place {
            position: places[joint].map(f64::from),
            orientation: ORIENTATIONS.orientation(ORIENTATIONS.take(reader)?),
            radius: reader.take(RADIUS_BITS)?.cast_signed(),
        };
    }
    Ok(hand)
}

/// The palm hangs on nothing.
fn parent(places: &[[i32; 3]; JOINTS], joint: usize) -> [i32; 3] {
    match joint {
        0 => [0; 3],
        _ => places[PARENT[joint]],
    }
}
