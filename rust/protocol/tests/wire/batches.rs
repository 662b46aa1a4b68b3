//! Input batches, bit by bit.

use glam::{Quat, Vec3};
use synced_protocol::{
    error::DecodeError,
    input::{Controls, InputFrame, Precision, decode_batch, encode_batch},
    time::Micros,
};

use crate::golden::{bits, dump, hex};

const SENT_AT: Micros = Micros::from_secs(1_000_000);

/// Everything that a batch may say, written by hand.
const EVERYTHING: &str = "
    3:6                     # four samples
    1:2                     # fine
    2:2 2:2 0:1 1:1         # position and orientation as told, linear velocity still, angular velocity steady
    1:4 3:4                 # intervals: Rice 0, and Rice 2
    3:4 1:4 2:4 0:4         # linear velocity: Rice 1, angular velocity: sparse, position: Rice 0, orientation: zero
    15:5 9:5 10:5           # widths of position, linear velocity, angular velocity
    1:2 1100:11             # 11 ms ago

    1:1 0:1                 # there is more to say, but no jump:
    1:1 0x8001:16           # buttons
    1:1 51:8                # trigger
    1:1 255:8               # grip
    1:1 -127:8 64:8         # stick
    4545:15 10909:15 -2727:15
    3:2 46906258125:37      # w is the largest; x 1250, y 0, z -625 steps of 2500: ((1875 * 5001) + 2500) * 5001 + 3750
    200:9 -100:9 0:9
    0:10 500:10 0:10

    u0 u4 3:2               # one interval, ten ticks less: 0.9 ms later
    0:1                     # nothing more to say
    u1 0:1  u0 0:1  u0 1:1  # linear velocity 1, 0, -1
    0:1                     # angular velocity as expected
    u0 u2 u0                # position 0, 1, 0

    u2 u0 0:2               # three intervals
    1:1 1:1 1:1             # there is more to say: it is whole, and a jump
    1:1 0:16 0:1 0:1 0:1    # no buttons any more
    0:15 0:15 -16384:15
    0:2 12505000:37         # x is the largest; y 0, z 0, w -2500 steps
    0:9 0:9 0:9
    0:10 0:10 0:10

    u0 u0 0:2               # one interval
    0:1                     # nothing more to say
    n24 200000:32  u0 0:1  u0 0:1 # linear velocity 100000, 0, 0
    1:1  u0 u0 u1           # angular velocity 0, 0, -1
    u0 u0 u0                # position as expected: half of that velocity for a millisecond
";

/// What the encoder makes of [`swing`].
const SWING: &str = "
    4300c440c54b2aaf3400f0ccff8140c1914e5556fdff54c347878c330000e80300608462
    7819a1ffffff972d0000a0020004081000800fef7002
";

fn sample(age_us: u64, position: [f32; 3], orientation: [f32; 4]) -> InputFrame {
    InputFrame {
        sampled_at: SENT_AT - Micros(age_us),
        position: Vec3::from_array(position),
        orientation: Quat::from_array(orientation).normalize(),
        linear_velocity: Vec3::new(2.0, -1.0, 0.0),
        angular_velocity: Vec3::new(0.0, 10.0, 0.0),
        controls: Controls {
            buttons: 0x8001,
            trigger: 0.2,
            grip: 1.0,
            stick: [-1.0, 64.0 / 127.0],
        },
        is_jump: false,
    }
}

/// What [`EVERYTHING`] says.
fn everything() -> [InputFrame; 4] {
    let first = sample(
        11_000,
        [0.499_95, 1.199_99, -0.299_97],
        [0.5, 0.0, -0.25, 1.0],
    );
    // Half of both velocities for 0.9 ms, and a step.
    let way = Vec3::new(4.01, -2.0, -0.01) * 0.45e-3 + Vec3::new(0.0, 0.000_11, 0.0);
    let second = InputFrame {
        sampled_at: SENT_AT - Micros(10_100),
        position: first.position + way,
        orientation: Quat::from_rotation_y(10.0 * 0.9e-3) * first.orientation,
        linear_velocity: Vec3::new(2.01, -1.0, -0.01),
        ..first
    };
    let third = InputFrame {
        sampled_at: SENT_AT - Micros(7_100),
        position: Vec3::new(0.0, 0.0, -1.802_24),
        orientation: Quat::from_xyzw(1.0, 0.0, 0.0, -1.0).normalize(),
        linear_velocity: Vec3::ZERO,
        angular_velocity: Vec3::ZERO,
        controls: Controls {
            buttons: 0,
            ..first.controls
        },
        is_jump: true,
    };
    let fourth = InputFrame {
        sampled_at: SENT_AT - Micros(6_100),
        position: third.position + Vec3::new(0.5, 0.0, 0.0),
        orientation: Quat::from_rotation_z(-0.01 * 1e-3) * third.orientation,
        linear_velocity: Vec3::new(1_000.0, 0.0, 0.0),
        angular_velocity: Vec3::new(0.0, 0.0, -0.02),
        is_jump: false,
        ..third
    };
    [first, second, third, fourth]
}

/// A hand that is thrown about: the second orientation has the first's with the other sign, the third another largest
/// component, the fourth none of the controls.
fn swing() -> [InputFrame; 4] {
    let mut swing = [
        sample(3500, [0.5, 1.2, -0.3], [0.6, 0.0, 0.0, 0.8]),
        sample(2500, [0.5010, 1.2, -0.3005], [-0.6, 0.0, 0.0, -0.8]),
        sample(1490, [0.5021, 1.2, -0.3014], [0.8, 0.0, 0.0, 0.6]),
        sample(500, [0.5, 1.2, -0.3], [0.8, 0.0, 0.0, 0.6]),
    ];
    swing[2].linear_velocity.y = -1.05;
    swing[3].controls = Controls::default();
    swing
}

fn decode(bytes: &[u8]) -> Result<Vec<InputFrame>, DecodeError> {
    let mut frames = Vec::new();
    decode_batch(bytes, SENT_AT, |frame| frames.push(frame))?;
    Ok(frames)
}

fn assert_alike(got: &InputFrame, want: &InputFrame, position_error_max: f32, turn_error_max: f32) {
    assert_eq!(got.sampled_at, want.sampled_at);
    let off = got.position.distance(want.position);
    assert!(off < position_error_max, "{got:?} {want:?}");
    let off = (got.orientation.inverse() * want.orientation)
        .xyz()
        .length();
    assert!(2.0 * off < turn_error_max, "{got:?} {want:?}");
    let off = got.linear_velocity.distance(want.linear_velocity);
    assert!(off < 1e-2, "{got:?} {want:?}");
    let off = got.angular_velocity.distance(want.angular_velocity);
    assert!(off < 2e-2, "{got:?} {want:?}");
    assert_eq!(got.controls, want.controls);
    assert_eq!(got.is_jump, want.is_jump);
}

#[test]
fn everything_that_a_batch_may_say() {
    let frames = decode(&bits(EVERYTHING)).unwrap();
    assert_eq!(frames.len(), 4);
    for (got, want) in frames.iter().zip(&everything()) {
        assert_alike(got, want, 2e-7, 1e-6);
    }
}

#[test]
fn a_swinging_hand_as_the_encoder_writes_it() {
    let mut encoded = Vec::new();
    encode_batch(&swing(), Precision::Fine, SENT_AT, &mut encoded);
    assert_eq!(dump(&encoded), dump(&hex(SWING)));
    for (got, want) in decode(&encoded).unwrap().iter().zip(&swing()) {
        assert_alike(got, want, 1e-4, 7e-4);
    }
}

#[test]
fn a_hand_at_rest_in_the_middle_of_its_space_is_ten_bytes() {
    let still = InputFrame {
        sampled_at: SENT_AT,
        ..InputFrame::default()
    };
    let golden = bits(STILL);
    let mut encoded = Vec::new();
    encode_batch(&[still], Precision::Fine, SENT_AT, &mut encoded);
    assert_eq!((dump(&encoded), encoded.len()), (dump(&golden), 10));
    assert_eq!(decode(&golden), Ok(vec![still]));
}

const STILL: &str = "
    0:6 1:2                 # one sample, fine
    0:5 0:5 0:5             # positions and velocities have no bits
    0:2 0:8                 # just now
    0:1                     # nothing more to say
    3:2 62537507500:37      # w is the largest, all ratios are 0: (2500 * 5001 + 2500) * 5001 + 2500
";

#[test]
fn what_is_left_over_or_missing_is_refused() {
    let golden = bits(EVERYTHING);
    for cut in 0..golden.len() {
        assert_eq!(decode(&golden[..cut]), Err(DecodeError::Truncated));
    }
    let longer = [&golden, [0].as_slice()].concat();
    assert_eq!(decode(&longer), Err(DecodeError::Trailing));
    let mut padded = bits(STILL);
    *padded.last_mut().unwrap() |= 0x80;
    assert_eq!(decode(&padded), Err(DecodeError::Trailing));
}
