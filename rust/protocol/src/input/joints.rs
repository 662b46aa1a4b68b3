//! The joints of a tracked hand, and the bytes of one snapshot of them.

use glam::{DQuat, Vec3};

use super::{Pose, cube::Cube, turn::direction};
use crate::{
    bits::{BitReader, BitWriter, signed_width},
    error::DecodeError,
    time::Micros,
};

/// How many joints a hand has: palm, wrist, four of the thumb, five of each other finger, from its root to its tip. The
/// order is that of `XR_EXT_hand_tracking`.
pub const JOINTS: usize = 26;
/// The most that [`encode_joints`] appends for a hand whose joints are within 12 cm of the joint that they hang on.
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

const POSITION_STEP_M: f32 = 1e-3;
/// A hundred kilometres.
const POSITION_STEPS_MAX: f32 = 1e8;
const ORIENTATIONS: Cube = Cube { steps: 200 };
const RADIUS_BITS: u32 = 6;
const RADIUS_STEP_M: f32 = 1e-3;

/// The joint that each one hangs on: its place is told from there.
const PARENT: [usize; JOINTS] = [
    0, 0, 1, 2, 3, 4, 1, 6, 7, 8, 9, 1, 11, 12, 13, 14, 1, 16, 17, 18, 19, 1, 21, 22, 23, 24,
];

/// Appends a hand's joints without their time.
pub fn encode_joints(hand: &HandJoints, out: &mut Vec<u8>) {
    let places = hand.joints.map(|joint| in_steps(joint.pose.position));
    let bones: [[i32; 3]; JOINTS] =
        std::array::from_fn(|joint| from_parent(&places, joint, i32::wrapping_sub));
    let width = |vectors: &[[i32; 3]]| vectors.iter().flatten().map(|n| signed_width(*n)).max();
    let root_width = width(&bones[..1]).unwrap_or(0);
    let bone_width = width(&bones[1..]).unwrap_or(0);

    let mut writer = BitWriter::new(out);
    writer.put(root_width, 5);
    writer.put(bone_width, 5);
    for (place, (joint, bone)) in hand.joints.iter().zip(bones).enumerate() {
        let width = if place == 0 { root_width } else { bone_width };
        bone.iter()
            .for_each(|steps| writer.put(steps.cast_unsigned(), width));
        let orientation = direction(joint.pose.orientation);
        let point = ORIENTATIONS.nearest(orientation);
        ORIENTATIONS.put(&mut writer, point);
        let radius = joint.radius / RADIUS_STEP_M;
        writer.put(radius.round().clamp(0.0, 63.0) as u32, RADIUS_BITS);
    }
    writer.finish();
}

/// Reads what [`encode_joints`] wrote.
///
/// # Errors
/// Whatever is wrong with the bytes.
pub fn decode_joints(bytes: &[u8], sampled_at: Micros) -> Result<HandJoints, DecodeError> {
    let mut reader = BitReader::new(bytes);
    let root_width = reader.take(5)?;
    let bone_width = reader.take(5)?;
    let mut hand = HandJoints {
        sampled_at,
        ..HandJoints::default()
    };
    let mut places = [[0; 3]; JOINTS];
    for joint in 0..JOINTS {
        let width = if joint == 0 { root_width } else { bone_width };
        for steps in &mut places[joint] {
            *steps = reader.take_signed(width)?;
        }
        places[joint] = from_parent(&places, joint, |bone, parent| bone.wrapping_add(parent));
        let orientation = ORIENTATIONS.orientation(ORIENTATIONS.take(&mut reader)?);
        let position = places[joint].map(|steps| steps as f32 * POSITION_STEP_M);
        hand.joints[joint] = Joint {
            pose: Pose {
                position: Vec3::from_array(position),
                orientation: DQuat::from_array(orientation).as_quat(),
            },
            radius: reader.take(RADIUS_BITS)? as f32 * RADIUS_STEP_M,
        };
    }
    reader.finish()?;
    Ok(hand)
}

/// What has no place is in the middle.
fn in_steps(position: Vec3) -> [i32; 3] {
    position.to_array().map(|metres| {
        let steps = (metres / POSITION_STEP_M).round();
        steps.clamp(-POSITION_STEPS_MAX, POSITION_STEPS_MAX) as i32
    })
}

/// The palm hangs on nothing.
fn from_parent(
    vectors: &[[i32; 3]; JOINTS],
    joint: usize,
    combine: fn(i32, i32) -> i32,
) -> [i32; 3] {
    let (own, parent) = (vectors[joint], vectors[PARENT[joint]]);
    if joint == 0 {
        return own;
    }
    std::array::from_fn(|axis| combine(own[axis], parent[axis]))
}

#[cfg(test)]
mod tests {
    use glam::{DVec3, Quat};
    use proptest::prelude::*;

    use super::*;

    /// Any hand whose bones are shorter than 12 cm along each axis.
    fn hand() -> impl Strategy<Value = HandJoints> {
        let bone = prop::array::uniform3(-0.12_f32..0.12);
        let turn = prop::array::uniform4(-1.0_f32..1.0);
        let joints = prop::array::uniform26((bone, turn, 0.0_f32..0.06));
        (joints, prop::array::uniform3(-20.0_f32..20.0)).prop_map(|(joints, palm)| {
            let mut hand = HandJoints::default();
            for (joint, (bone, turn, radius)) in joints.into_iter().enumerate() {
                let parent = hand.joints[PARENT[joint]].pose.position;
                let from = if joint == 0 { palm.into() } else { parent };
                hand.joints[joint] = Joint {
                    pose: Pose {
                        position: from + Vec3::from_array(bone),
                        orientation: (Quat::from_array(turn)
                            + Quat::from_xyzw(0.0, 0.0, 0.0, 1e-3))
                        .normalize(),
                    },
                    radius,
                };
            }
            hand
        })
    }

    fn round_trip(hand: &HandJoints) -> (usize, HandJoints) {
        let mut bytes = Vec::new();
        encode_joints(hand, &mut bytes);
        let decoded = decode_joints(&bytes, hand.sampled_at).unwrap();
        (bytes.len(), decoded)
    }

    proptest! {
        #[test]
        fn any_hand_reads_back_within_its_bounds_in_200_bytes(hand in hand()) {
            let (bytes, decoded) = round_trip(&hand);
            prop_assert!(bytes <= MAX_JOINTS_BYTES, "{bytes}");
            for (sent, got) in hand.joints.iter().zip(&decoded.joints) {
                let [a, b] = [sent, got].map(|joint| DVec3::from(joint.pose.position));
                prop_assert!(a.distance(b) <= f64::from(JOINT_POSITION_ERROR_M_MAX));
                let [a, b] = [sent, got].map(|joint| joint.pose.orientation.as_dquat().normalize());
                let off = 2.0 * (a.inverse() * b).xyz().length().asin();
                prop_assert!(off <= f64::from(JOINT_ORIENTATION_ERROR_RAD_MAX), "{off}");
                prop_assert!((sent.radius - got.radius).abs() <= 0.51e-3);
            }
        }

        #[test]
        fn any_floats_are_a_hand_that_decodes(numbers in prop::array::uniform8(any::<f32>())) {
            let [x, y, z, a, b, c, d, radius] = numbers;
            let position = Vec3::new(x, y, z);
            let joint = Joint { pose: Pose { position, orientation: Quat::from_xyzw(a, b, c, d) }, radius };
            let mut hand = HandJoints { joints: [joint; JOINTS], ..HandJoints::default() };
            hand.joints[3].pose.position = -position;
            let (_, decoded) = round_trip(&hand);
            prop_assert!(decoded.joints.iter().all(|joint| joint.pose.position.is_finite()));
        }

        #[test]
        fn any_bytes_are_a_hand_or_an_error(bytes in prop::collection::vec(any::<u8>(), 180..260)) {
            if let Ok(hand) = decode_joints(&bytes, Micros::ZERO) {
                for joint in &hand.joints {
                    prop_assert!(joint.pose.position.is_finite() && joint.pose.orientation.is_normalized());
                }
            }
        }
    }
}
