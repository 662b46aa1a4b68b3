//! Frames to and from bytes. The one place that knows bincode.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::DecodeError,
    limits::MAX_FRAME_BYTES,
    message::{ClientMessage, ServerMessage},
};

/// The version of everything behind a frame's preface.
pub const PROTOCOL_VERSION: u16 = 1;
/// The first bytes of the first frame each way, in every version.
pub const MAGIC: [u8; 4] = *b"SYND";

const PREFACE_BYTES: usize = MAGIC.len() + 2;
/// What most frames fit in, so that they do not grow step by step while they are written.
const FRAME_BYTES_USUAL: usize = 256;

/// A first frame: its peer's version, and the message if that is ours.
#[derive(Debug, Clone, PartialEq)]
pub enum First<M> {
    /// The peer speaks our version.
    SameVersion(M),
    /// The peer speaks another one; nothing more of the frame can be understood.
    OtherVersion(u16),
}

/// A message with a frame of its own.
pub trait Message: Serialize + DeserializeOwned {}

impl Message for ClientMessage {}
impl Message for ServerMessage {}

/// The bytes of a frame.
///
/// # Errors
/// [`DecodeError::TooLong`] when they are more than [`MAX_FRAME_BYTES`].
pub fn encode(message: &impl Message) -> Result<Bytes, DecodeError> {
    encode_behind(Vec::with_capacity(FRAME_BYTES_USUAL), message)
}

/// The bytes of the first frame, with the preface that no version changes.
///
/// # Errors
/// As [`encode`].
pub fn encode_first(message: &impl Message) -> Result<Bytes, DecodeError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    encode_behind(bytes, message)
}

/// The message of a frame.
///
/// What is allocated on the way is at most a small multiple of the frame's own bytes, whatever lengths it claims.
///
/// # Errors
/// [`DecodeError::BadMessage`], `Trailing`, or `TooLong` past [`MAX_FRAME_BYTES`].
pub fn decode<M: Message>(frame: &[u8]) -> Result<M, DecodeError> {
    if frame.len() > MAX_FRAME_BYTES {
        return Err(TOO_LONG);
    }
    let (message, read) = bincode::serde::borrow_decode_from_slice(frame, CONFIG)
        .map_err(|_| DecodeError::BadMessage)?;
    if read == frame.len() {
        Ok(message)
    } else {
        Err(DecodeError::Trailing)
    }
}

/// The message of the first frame.
///
/// # Errors
/// [`DecodeError::Truncated`] or `BadMessage` when the peer does not speak this protocol at all, else as [`decode`].
pub fn decode_first<M: Message>(frame: &[u8]) -> Result<First<M>, DecodeError> {
    if frame.len() > MAX_FRAME_BYTES {
        return Err(TOO_LONG);
    }
    let (preface, body) = frame
        .split_at_checked(PREFACE_BYTES)
        .ok_or(DecodeError::Truncated)?;
    let [m0, m1, m2, m3, v0, v1] = *preface else {
        return Err(DecodeError::Truncated);
    };
    if [m0, m1, m2, m3] != MAGIC {
        return Err(DecodeError::BadMessage);
    }
    match u16::from_le_bytes([v0, v1]) {
        PROTOCOL_VERSION => decode(body).map(First::SameVersion),
        other => Ok(First::OtherVersion(other)),
    }
}

/// A second line behind [`crate::bounded`]. bincode counts every number at its full width, and one of 8 bytes may take
/// a single byte of the frame.
const MAX_COUNTED_BYTES: usize = 8 * MAX_FRAME_BYTES;
const CONFIG: Configuration<LittleEndian, Varint, Limit<MAX_COUNTED_BYTES>> =
    bincode::config::standard().with_limit::<MAX_COUNTED_BYTES>();

const TOO_LONG: DecodeError = DecodeError::TooLong {
    what: "frame",
    limit: MAX_FRAME_BYTES,
};

pub(crate) fn encode_behind(
    mut bytes: Vec<u8>,
    message: &impl Message,
) -> Result<Bytes, DecodeError> {
    bincode::serde::encode_into_std_write(message, &mut bytes, CONFIG).map_err(|_| TOO_LONG)?;
    if bytes.len() > MAX_FRAME_BYTES {
        Err(TOO_LONG)
    } else {
        Ok(bytes.into())
    }
}
