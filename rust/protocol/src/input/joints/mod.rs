//! The joints of a tracked hand, and the bytes of one snapshot of them.
//!
//! A hand is told along its bones: where each joint is, and how it is turned, as seen from the joint that it hangs on. In a
//! hand as they are that is much the same from finger to finger. What is no such hand is told joint by joint.

mod apart;
mod chained;
mod grid;

use super::Pose;
use crate::{
    bits::{BitReader, BitWriter},
    error::DecodeError,
    time::Micros,
};
use grid::Hand;

/// How many joints a hand has: palm, wrist, four of the thumb, five of each other finger, from its root to its tip. The
/// order is that of `XR_EXT_hand_tracking`.
pub const JOINTS: usize = 26;
/// The most that [`encode_joints`] appends for a hand whose joints are within 12 cm of the joint that they hang on. A hand
/// as they are takes some 120.
pub const MAX_JOINTS_BYTES: usize = 200;
/// The most by which the position of a decoded joint is off, in metres.
pub const JOINT_POSITION_ERROR_M_MAX: f32 = 1e-3;
/// The most by which the orientation of a decoded joint is off, in radians.
pub const JOINT_ORIENTATION_ERROR_RAD_MAX: f32 = 0.5_f32.to_radians();

/// A hand's joints at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HandJoints {
    /// When the runtime measured them, in session time.
    pub sampled_at: Micros,
    /// In the space of the tracked node's parent, like the positions of its samples.
    pub joints: [Joint; JOINTS],
}

/// One joint.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Joint {
    /// Where it is.
    pub pose: Pose,
    /// The distance from the joint to the skin, in metres, up to 0.063.
    pub radius: f32,
}

/// The joint that each one behind the palm hangs on.
const PARENT: [usize; JOINTS] = [
    0, 0, 1, 2, 3, 4, 1, 6, 7, 8, 9, 1, 11, 12, 13, 14, 1, 16, 17, 18, 19, 1, 21, 22, 23, 24,
];

/// Appends a hand's joints without their time. What is out of range is held at its ends, what is no number is zero, and
/// what has no direction is not turned.
pub fn encode_joints(hand: &HandJoints, out: &mut Vec<u8>) {
    let (begin, hand) = (out.len(), Hand::of(hand));
    if let Some(chain) = chained::Chain::of(&hand) {
        let mut writer = BitWriter::new(out);
        writer.put(1, 1);
        chain.put(&mut writer);
        writer.finish();
        if out.len() - begin <= MAX_JOINTS_BYTES {
            return;
        }
        out.truncate(begin);
    }
    let mut writer = BitWriter::new(out);
    writer.put(0, 1);
    apart::put(&hand, &mut writer);
    writer.finish();
}

/// Reads what [`encode_joints`] wrote.
///
/// # Errors
/// Whatever is wrong with the bytes.
pub fn decode_joints(bytes: &[u8], sampled_at: Micros) -> Result<HandJoints, DecodeError> {
    let mut reader = BitReader::new(bytes);
    let hand = match reader.take(1)? {
        0 => apart::take(&mut reader)?,
        _ => chained::Chain::take(&mut reader)?.hand(),
    };
    reader.finish()?;
    Ok(hand.joints(sampled_at))
}

#[cfg(test)]
mod tests;
