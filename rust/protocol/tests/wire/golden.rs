//! Bytes written for people, and what must hold for every one of them.

use std::fmt::Debug;

use synced_protocol::{
    bits::BitWriter,
    control::{self, Message},
    error::DecodeError,
    id::{ClientSeq, LogIndex},
    message::{ClientMessage, ServerMessage},
    mutation::{Mutation, Rejection, Transaction},
};

/// The bytes of pairs of digits; `#` begins a comment.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    text.lines()
        .flat_map(|line| {
            line.split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace()
        })
        .flat_map(|digits| {
            assert!(digits.len().is_multiple_of(2), "half a byte in {digits}");
            (0..digits.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        })
        .collect()
}

/// The bytes of numbers in so many bits, `7:3`, of so many ones, `n24`, and of so many ones and a zero, `u2`; `#` begins a
/// comment.
pub(crate) fn bits(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = BitWriter::new(&mut bytes);
    let words = text.lines().flat_map(|line| {
        let (words, _) = line.split_once('#').unwrap_or((line, ""));
        words.split_whitespace()
    });
    for word in words {
        let (number, count) = if let Some(ones) = word.strip_prefix('n') {
            (u64::MAX, ones.parse().unwrap())
        } else if let Some(ones) = word.strip_prefix('u') {
            let ones: u32 = ones.parse().unwrap();
            ((1 << ones) - 1, ones + 1)
        } else {
            let (number, count) = word.split_once(':').unwrap();
            (number_of(number), count.parse().unwrap())
        };
        writer.put_wide(number, count);
    }
    writer.finish();
    bytes
}

fn number_of(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).unwrap(),
        None => text.parse::<i64>().unwrap().cast_unsigned(),
    }
}

/// The message is these bytes and these bytes are the message; fewer or more of them are none.
pub(crate) fn assert_frame<M: Message + PartialEq + Debug>(message: &M, golden: &str) {
    let golden = hex(golden);
    let encoded = control::encode(message).unwrap();
    assert_eq!(dump(&encoded), dump(&golden), "{message:?}");
    assert_eq!(control::decode::<M>(&golden).as_ref(), Ok(message));
    for cut in 0..golden.len() {
        let refused = control::decode::<M>(&golden[..cut]);
        assert_eq!(refused, Err(DecodeError::BadMessage), "cut at {cut}");
    }
    let longer = [&golden, [0].as_slice()].concat();
    assert_eq!(control::decode::<M>(&longer), Err(DecodeError::Trailing));
}

/// Whatever follows, the bytes are refused, since their last one is no tag. Zeros are some content of every tag that is one.
pub(crate) fn assert_no_tag<M: Message + PartialEq + Debug>(frame: &str) {
    let mut bytes = hex(frame);
    bytes.extend([0; 256]);
    assert_eq!(control::decode::<M>(&bytes), Err(DecodeError::BadMessage));
}

pub(crate) fn propose(mutation: Mutation) -> ClientMessage {
    ClientMessage::Propose {
        seq: ClientSeq(1),
        transaction: Transaction::from(mutation),
    }
}

/// What goes before the mutation in the frame of [`propose`].
pub(crate) const PROPOSE: &str = "01 01 00 01\n";

pub(crate) fn rejected(reason: Rejection) -> ServerMessage {
    ServerMessage::Rejected {
        seq: ClientSeq(1),
        log_index: LogIndex(2),
        reason,
    }
}

/// What goes before the reason in the frame of [`rejected`].
pub(crate) const REJECTED: &str = "04 01 02\n";

/// Bytes as a failing test should show them.
pub(crate) fn dump(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x} ")).collect()
}
