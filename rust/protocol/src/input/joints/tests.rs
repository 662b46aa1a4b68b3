use glam::{DVec3, Quat, Vec3};
use proptest::prelude::*;

use super::*;

/// The joints of which no other hangs on the one before: where a finger begins, as seen from the wrist, in metres.
const ROOTS: [(usize, [f32; 3]); 5] = [
    (2, [-0.025, -0.015, -0.035]),
    (6, [-0.02, 0.0, -0.035]),
    (11, [-0.005, 0.005, -0.035]),
    (16, [0.01, 0.0, -0.035]),
    (21, [0.02, -0.005, -0.035]),
];
/// From each other joint to the one before.
const BONES_M: [f32; JOINTS] = [
    0.0, 0.0, 0.0, 0.046, 0.032, 0.025, 0.0, 0.063, 0.04, 0.025, 0.022, 0.0, 0.062, 0.045, 0.028,
    0.023, 0.0, 0.056, 0.042, 0.027, 0.022, 0.0, 0.052, 0.032, 0.02, 0.02,
];

/// A hand of any size between a child's and a giant's, bent and spread as far as hands are.
fn human_hand() -> impl Strategy<Value = HandJoints> {
    let turn = prop::array::uniform4(-1.0_f32..1.0);
    let palm = (prop::array::uniform3(-3.0_f32..3.0), turn);
    let fingers = prop::array::uniform5((0.0_f32..1.6, -0.3_f32..0.3));
    (palm, fingers, 0.7_f32..1.2).prop_map(|((position, turn), fingers, size)| {
        let mut hand = HandJoints::default();
        let palm = Pose {
            position: position.into(),
            orientation: unit(turn),
        };
        hand.joints[0] = joint(palm, 0.02 * size);
        hand.joints[1] = joint(
            after(&palm, Vec3::Z * 0.06 * size, Quat::IDENTITY),
            0.025 * size,
        );
        for (finger, (root, place)) in ROOTS.into_iter().enumerate() {
            let (bend, spread) = fingers[finger];
            let wrist = hand.joints[1].pose;
            let mut pose = after(
                &wrist,
                Vec3::from(place) * size,
                Quat::from_rotation_y(spread),
            );
            hand.joints[root] = joint(pose, 0.012 * size);
            let end = ROOTS.get(finger + 1).map_or(JOINTS, |(root, _)| *root);
            for (next, bone) in BONES_M.iter().enumerate().take(end).skip(root + 1) {
                let is_tip = next + 1 == end;
                let bent = Quat::from_rotation_x(if is_tip { 0.0 } else { -bend });
                pose = after(&pose, Vec3::NEG_Z * *bone * size, bent);
                hand.joints[next] = joint(pose, (0.011 - 0.001 * (next - root) as f32) * size);
            }
        }
        hand
    })
}

fn after(parent: &Pose, bone: Vec3, turn: Quat) -> Pose {
    Pose {
        position: parent.position + parent.orientation * bone,
        orientation: (parent.orientation * turn).normalize(),
    }
}

const fn joint(pose: Pose, radius: f32) -> Joint {
    Joint { pose, radius }
}

fn unit(turn: [f32; 4]) -> Quat {
    (Quat::from_array(turn) + Quat::from_xyzw(0.0, 0.0, 0.0, 1e-3)).normalize()
}

/// Any hand whose bones are shorter than 12 cm along each axis, turned as no hand is.
fn any_hand() -> impl Strategy<Value = HandJoints> {
    let bone = prop::array::uniform3(-0.12_f32..0.12);
    let turn = prop::array::uniform4(-1.0_f32..1.0);
    let joints = prop::array::uniform26((bone, turn, 0.0_f32..0.06));
    (joints, prop::array::uniform3(-20.0_f32..20.0)).prop_map(|(joints, palm)| {
        let mut hand = HandJoints::default();
        for (place, (bone, turn, radius)) in joints.into_iter().enumerate() {
            let parent = hand.joints[PARENT[place]].pose.position;
            let from = if place == 0 { palm.into() } else { parent };
            let pose = Pose {
                position: from + Vec3::from_array(bone),
                orientation: unit(turn),
            };
            hand.joints[place] = joint(pose, radius);
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

fn assert_within_bounds(hand: &HandJoints, decoded: &HandJoints) {
    for (sent, got) in hand.joints.iter().zip(&decoded.joints) {
        let [a, b] = [sent, got].map(|joint| DVec3::from(joint.pose.position));
        assert!(
            a.distance(b) <= f64::from(JOINT_POSITION_ERROR_M_MAX),
            "{sent:?} {got:?}"
        );
        let [a, b] = [sent, got].map(|joint| joint.pose.orientation.as_dquat().normalize());
        let off = 2.0 * (a.inverse() * b).xyz().length().asin();
        assert!(
            off <= f64::from(JOINT_ORIENTATION_ERROR_RAD_MAX),
            "{sent:?} {got:?}"
        );
        assert!(
            (sent.radius - got.radius).abs() <= 0.51e-3,
            "{sent:?} {got:?}"
        );
    }
}

proptest! {
    #[test]
    fn a_hand_as_they_are_reads_back_within_its_bounds_in_135_bytes(hand in human_hand()) {
        let (bytes, decoded) = round_trip(&hand);
        prop_assert!(bytes <= 135, "{bytes}");
        assert_within_bounds(&hand, &decoded);
    }

    #[test]
    fn any_hand_reads_back_within_its_bounds_in_200_bytes(hand in any_hand()) {
        let (bytes, decoded) = round_trip(&hand);
        prop_assert!(bytes <= MAX_JOINTS_BYTES, "{bytes}");
        assert_within_bounds(&hand, &decoded);
    }

    #[test]
    fn any_floats_are_a_hand_that_decodes(numbers in prop::array::uniform8(any::<f32>())) {
        let [x, y, z, a, b, c, d, radius] = numbers;
        let position = Vec3::new(x, y, z);
        let pose = Pose { position, orientation: Quat::from_xyzw(a, b, c, d) };
        let mut hand = HandJoints { joints: [joint(pose, radius); JOINTS], ..HandJoints::default() };
        hand.joints[3].pose.position = -position;
        let (bytes, decoded) = round_trip(&hand);
        prop_assert!(bytes <= 450, "{bytes}");
        for joint in &decoded.joints {
            prop_assert!(joint.pose.position.is_finite() && joint.pose.orientation.is_normalized());
        }
    }

    #[test]
    fn any_bytes_are_a_hand_or_an_error(bytes in prop::collection::vec(any::<u8>(), 90..260)) {
        if let Ok(hand) = decode_joints(&bytes, Micros::ZERO) {
            for joint in &hand.joints {
                prop_assert!(joint.pose.position.is_finite() && joint.pose.orientation.is_normalized());
                prop_assert!((0.0..0.064).contains(&joint.radius));
            }
        }
    }
}

#[test]
fn a_joint_that_is_turned_right_round_is_told_by_itself() {
    let mut hand = HandJoints::default();
    hand.joints[7].pose.orientation = Quat::from_xyzw(1.0, 0.0, 0.0, 0.0);
    let (bytes, decoded) = round_trip(&hand);
    assert!(bytes <= MAX_JOINTS_BYTES);
    assert_within_bounds(&hand, &decoded);
}
