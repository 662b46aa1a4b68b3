//! Input batches, bit by bit.

use synced_protocol::{
    error::DecodeError,
    input::{InputFrame, Precision, decode_batch, encode_batch},
    time::Micros,
};

use crate::golden::{dump, hex};

const SENT_AT: Micros = Micros::from_secs(1_000_000);

fn decode(bytes: &[u8]) -> Result<Vec<InputFrame>, DecodeError> {
    let mut frames = Vec::new();
    decode_batch(bytes, SENT_AT, |frame| frames.push(frame))?;
    Ok(frames)
}

#[test]
fn a_hand_at_rest_in_the_middle_of_its_space_is_eleven_bytes() {
    let still = InputFrame {
        sampled_at: SENT_AT,
        ..InputFrame::default()
    };
    let golden = hex("40000000 60 000000000000");
    let mut encoded = Vec::new();
    encode_batch(&[still], Precision::Fine, SENT_AT, &mut encoded);
    assert_eq!(dump(&encoded), dump(&golden));
    assert_eq!(decode(&golden), Ok(vec![still]));
}

#[test]
fn what_is_left_over_or_missing_is_refused() {
    let golden = hex("40000000 60 000000000000");
    for cut in 0..golden.len() {
        assert_eq!(decode(&golden[..cut]), Err(DecodeError::Truncated));
    }
    let longer = [&golden, [0].as_slice()].concat();
    assert_eq!(decode(&longer), Err(DecodeError::Trailing));
    let mut padded = golden;
    *padded.last_mut().unwrap() |= 0x80;
    assert_eq!(decode(&padded), Err(DecodeError::Trailing));
}
