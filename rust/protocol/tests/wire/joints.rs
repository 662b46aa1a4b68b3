//! The joints of a hand, bit by bit.

use glam::{Quat, Vec3};
use synced_protocol::{
    error::DecodeError,
    input::{HandJoints, decode_joints, encode_joints},
    time::Micros,
};

use crate::golden::{bits, dump};

/// A palm that looks to the left, and joints that each hang 20 mm before the last one and are bent.
const CHAINED: &str = "
    1:1                     # along the bones
    11:5 1000:11 0:11 -250:11
    3:2 32320800:26         # w is the largest; x 0, y 200, z 0 steps of 200: ((200 * 401) + 400) * 401 + 200
    20:6                    # radius
    0:4 5:4 8:4 0:4 0:4     # bones across: none, along: Rice 4, bend: Rice 7, twist and radius: none
";
const LINK: &str = "
    u2 7:4                  # 20 mm towards -z
    u1 72:7                 # 100 steps of 200 about x
";

/// A palm as above, and joints that each are 3 mm to the left of the last one and 2 mm above it.
const APART: &str = "
    0:1                     # each by itself
    11:5 3:5
    1000:11 0:11 -250:11
    3:2 32320800:26
    20:6
";
const JOINT: &str = "
    -3:3 2:3 0:3
    0:2 80350:26            # x is the largest; y -50, z 0, w -200 steps: ((0 * 401) + 200) * 401 + 150
    10:6
";

fn golden(palm: &str, joint: &str) -> Vec<u8> {
    bits(&[palm, &joint.repeat(25)].concat())
}

fn decode(bytes: &[u8]) -> Result<HandJoints, DecodeError> {
    decode_joints(bytes, Micros(7))
}

fn assert_joint(hand: &HandJoints, joint: usize, position: Vec3, orientation: Quat, radius: f32) {
    let pose = hand.joints[joint].pose;
    assert!(pose.position.distance(position) < 1e-6, "{pose:?}");
    let off = (pose.orientation.inverse() * orientation).xyz().length();
    assert!(off < 1e-6, "{pose:?}, not {orientation}");
    assert!((hand.joints[joint].radius - radius).abs() < 1e-6);
}

#[test]
fn a_hand_along_its_bones() {
    let golden = golden(CHAINED, LINK);
    let hand = decode(&golden).unwrap();
    assert_eq!(hand.sampled_at, Micros(7));
    let (mut at, mut turn) = (
        Vec3::new(1.0, 0.0, -0.25),
        Quat::from_rotation_y(90_f32.to_radians()),
    );
    assert_joint(&hand, 0, at, turn, 0.02);
    // The wrist, then the index finger from its root to its tip.
    for joint in [1, 6, 7, 8, 9, 10] {
        at += turn * Vec3::new(0.0, 0.0, -0.02);
        turn *= Quat::from_rotation_x(2.0 * 0.5_f32.atan());
        assert_joint(&hand, joint, at, turn, 0.02);
    }
    let mut encoded = Vec::new();
    encode_joints(&hand, &mut encoded);
    assert_eq!(dump(&encoded), dump(&golden));
}

#[test]
fn joints_by_themselves() {
    let hand = decode(&golden(APART, JOINT)).unwrap();
    let palm = Vec3::new(1.0, 0.0, -0.25);
    assert_joint(
        &hand,
        0,
        palm,
        Quat::from_rotation_y(90_f32.to_radians()),
        0.02,
    );
    let turn = Quat::from_xyzw(1.0, -0.25, 0.0, -1.0).normalize();
    for (place, joint) in [1, 21, 22, 23, 24, 25].into_iter().enumerate() {
        let way = (place + 1) as f32 * Vec3::new(-0.003, 0.002, 0.0);
        assert_joint(&hand, joint, palm + way, turn, 0.01);
    }
}

#[test]
fn what_is_left_over_or_missing_is_refused() {
    for golden in [golden(CHAINED, LINK), golden(APART, JOINT)] {
        for cut in 0..golden.len() {
            assert_eq!(decode(&golden[..cut]), Err(DecodeError::Truncated));
        }
        let longer = [&golden, [0].as_slice()].concat();
        assert_eq!(decode(&longer), Err(DecodeError::Trailing));
    }
}
