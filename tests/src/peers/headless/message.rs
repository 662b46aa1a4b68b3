//! What is sent: of each object, sixty times a second, as many bytes as a position and a rotation take.

use crate::clock::{self, Nanos};

/// A position and a rotation, of three numbers of 32 bits each. The first eight bytes are the time of sending instead.
pub(super) const POSE_BYTES: usize = 24;
/// An object's number, and its pose.
pub(super) const MESSAGE_BYTES: usize = OBJECT_BYTES + POSE_BYTES;

const OBJECT_BYTES: usize = 4;
const STAMP_BYTES: usize = 8;
/// No number of any pose; it keeps a compressor from shortening what a pose would not.
const FILLING: [u8; 16] = *b"\x3d\x0a\x97\x3f\x8f\xc2\x35\xbe\x29\x5c\x0f\x3e\xcd\xcc\x4c\xbd";

/// The pose that is sent now.
#[must_use]
pub(super) fn pose() -> [u8; POSE_BYTES] {
    let mut pose = [0; POSE_BYTES];
    pose[..STAMP_BYTES].copy_from_slice(&clock::now().0.to_le_bytes());
    pose[STAMP_BYTES..].copy_from_slice(&FILLING);
    pose
}

/// When a pose was sent; `None` if it is none.
#[must_use]
pub(super) fn sent_at(pose: &[u8]) -> Option<Nanos> {
    let (stamp, filling) = pose.split_first_chunk::<STAMP_BYTES>()?;
    (filling == FILLING).then(|| Nanos(u64::from_le_bytes(*stamp)))
}

/// A message for those who send bytes: the object, then the pose.
#[must_use]
pub(super) fn message(object: u32, pose: &[u8; POSE_BYTES]) -> [u8; MESSAGE_BYTES] {
    let mut bytes = [0; MESSAGE_BYTES];
    bytes[..OBJECT_BYTES].copy_from_slice(&object.to_le_bytes());
    bytes[OBJECT_BYTES..].copy_from_slice(pose);
    bytes
}

/// The object of a message, and when it was sent; `None` if it is none.
#[must_use]
pub(super) fn read(message: &[u8]) -> Option<(u32, Nanos)> {
    let (object, pose) = message.split_first_chunk::<OBJECT_BYTES>()?;
    Some((u32::from_le_bytes(*object), sent_at(pose)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_its_object_and_when_it_was_sent() {
        let before = clock::now();
        let (object, sent) = read(&message(7, &pose())).unwrap();
        assert_eq!(object, 7);
        assert!((before..=clock::now()).contains(&sent));
        assert_eq!(read(b"short"), None);
        assert_eq!(read(&[0; MESSAGE_BYTES]), None);
    }
}
