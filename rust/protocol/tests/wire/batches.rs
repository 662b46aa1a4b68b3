//! Input batches, bit by bit.

use glam::{Quat, Vec3};
use synced_protocol::{
    error::DecodeError,
    input::{Controls, InputFrame, decode_batch, encode_batch},
    time::Micros,
};

use crate::golden::{dump, hex};

const SENT_AT: Micros = Micros::from_secs(1_000_000);

/// With the parameters 3, 4, 2, 1, 0: long codes, short ones and escapes. Seven bits of padding.
const SWING: &str = "
    c3202280ffff7fac0d0080ffff7f88130080ffff7fe02e0080ffffffb70b0080930d0000e0ffff9f25
    000080ffffff18000000ffffffd0070000ffffff63000000030067fe03812002720004d80870000000
    24dbe07e7cb8077300d4ffff7f1a0000803e01000000000000
";

/// With those that the encoder chooses for the same samples: 4, 4, 0, 3, 1.
const SWING_FITTED: &str = "
    03216084ffff7fac0d0080ffff7f88130080ffff7fe02e0080ffffffb70b0080930d0000e0ffff9f25
    0000007ee1ffff1ffa0000e0ffff7f0c00006000e0cc7f201088801c4000680870000000241b82e460
    780fe6c0e44797000000000000
";

fn sample(age_us: u64, position: [f32; 3], orientation: [f32; 4]) -> InputFrame {
    InputFrame {
        sampled_at: SENT_AT - Micros(age_us),
        position: Vec3::from_array(position),
        orientation: Quat::from_array(orientation),
        linear_velocity: Vec3::new(1.5, 0.0, -0.25),
        angular_velocity: Vec3::new(0.0, 10.0, -0.5),
        controls: Controls {
            buttons: 0x8001,
            trigger: 0.2,
            grip: 1.0,
            stick: [-1.0, 64.0 / 127.0],
        },
    }
}

/// The second has the first's orientation with the other sign, the third another largest component, the fourth none of the controls.
fn swing() -> [InputFrame; 4] {
    let mut swing = [
        sample(3500, [0.5, 1.2, -0.3], [0.6, 0.0, 0.0, 0.8]),
        sample(2500, [0.5010, 1.2, -0.3005], [-0.6, 0.0, 0.0, -0.8]),
        sample(1490, [0.5021, 1.2, -0.3014], [0.8, 0.0, 0.0, 0.6]),
        sample(500, [0.5, 1.2, -0.3], [0.8, 0.0, 0.0, 0.6]),
    ];
    swing[1].linear_velocity.y = 0.01;
    swing[2].linear_velocity = Vec3::new(1.52, 0.01, -0.26);
    swing[2].angular_velocity = Vec3::new(0.01, 10.03, -0.5);
    swing[3].linear_velocity = Vec3::new(1.5, 0.0, 0.0);
    swing[3].controls = Controls::default();
    swing
}

fn decode(bytes: &[u8]) -> Result<Vec<InputFrame>, DecodeError> {
    let mut frames = Vec::new();
    decode_batch(bytes, SENT_AT, |frame| frames.push(frame))?;
    Ok(frames)
}

fn assert_alike(got: &InputFrame, want: &InputFrame) {
    assert_eq!(got.sampled_at, want.sampled_at);
    assert!(got.position.distance(want.position) < 1e-6, "{got:?}");
    assert!(
        got.orientation.dot(want.orientation).abs() > 0.999_999,
        "{got:?}"
    );
    assert!(
        got.linear_velocity.distance(want.linear_velocity) < 1e-5,
        "{got:?}"
    );
    assert!(
        got.angular_velocity.distance(want.angular_velocity) < 1e-5,
        "{got:?}"
    );
    assert_eq!(got.controls, want.controls);
}

#[test]
fn a_swinging_hand() {
    let frames = decode(&hex(SWING)).unwrap();
    assert_eq!(frames.len(), 4);
    for (got, want) in frames.iter().zip(&swing()) {
        assert_alike(got, want);
    }
}

#[test]
fn the_same_with_the_parameters_that_the_encoder_chooses() {
    let mut encoded = Vec::new();
    encode_batch(&swing(), SENT_AT, &mut encoded);
    assert_eq!(dump(&encoded), dump(&hex(SWING_FITTED)));
}

#[test]
fn a_hand_at_rest_in_the_middle_of_its_space_is_ten_bytes() {
    let still = InputFrame {
        sampled_at: SENT_AT,
        ..InputFrame::default()
    };
    let golden = hex("00000000 18 0000000000");
    let mut encoded = Vec::new();
    encode_batch(&[still], SENT_AT, &mut encoded);
    assert_eq!(dump(&encoded), dump(&golden));
    assert_eq!(decode(&golden), Ok(vec![still]));
}

#[test]
fn what_is_left_over_or_missing_is_refused() {
    let golden = hex(SWING);
    for cut in 0..golden.len() {
        assert_eq!(decode(&golden[..cut]), Err(DecodeError::Truncated));
    }
    let longer = [&golden, [0].as_slice()].concat();
    assert_eq!(decode(&longer), Err(DecodeError::Trailing));
    let mut padded = golden;
    *padded.last_mut().unwrap() |= 0x80;
    assert_eq!(decode(&padded), Err(DecodeError::Trailing));
}
