//! What stands before everything that one server sends to another: `[version u8][kind u8][hlc u64 LE]`.

use bytes::{BufMut as _, Bytes, BytesMut};
use synced_protocol::{error::DecodeError, hlc::HlcTimestamp};

/// The version of the envelope.
pub const PEER_ENVELOPE_VERSION: u8 = 1;
/// How long it is.
pub(crate) const ENVELOPE_BYTES: usize = 10;

/// What is in an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For the consensus.
    Consensus = 0,
    /// What the leader heard by datagram.
    Standby = 1,
    /// What time it is.
    Clock = 2,
    /// Who takes part.
    Roster = 3,
}

/// What arrived from another server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) kind: Kind,
    pub(crate) hlc: HlcTimestamp,
    pub(crate) body: Bytes,
}

/// The bytes of an envelope with this in it.
pub(crate) fn seal(kind: Kind, hlc: HlcTimestamp, body: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(ENVELOPE_BYTES + body.len());
    bytes.put_u8(PEER_ENVELOPE_VERSION);
    bytes.put_u8(kind as u8);
    bytes.put_u64_le(hlc.0);
    bytes.put_slice(body);
    bytes.freeze()
}

/// What is in the envelope, without a copy.
pub(crate) fn open(bytes: &Bytes) -> Result<Envelope, DecodeError> {
    let (&[version, kind, h0, h1, h2, h3, h4, h5, h6, h7], _) = bytes
        .split_first_chunk::<ENVELOPE_BYTES>()
        .ok_or(DecodeError::Truncated)?;
    if version != PEER_ENVELOPE_VERSION {
        return Err(DecodeError::BadTag {
            what: "peer envelope version",
            tag: version,
        });
    }
    Ok(Envelope {
        kind: Kind::from_tag(kind)?,
        hlc: HlcTimestamp(u64::from_le_bytes([h0, h1, h2, h3, h4, h5, h6, h7])),
        body: bytes.slice(ENVELOPE_BYTES..),
    })
}

impl Kind {
    const fn from_tag(tag: u8) -> Result<Self, DecodeError> {
        match tag {
            0 => Ok(Self::Consensus),
            1 => Ok(Self::Standby),
            2 => Ok(Self::Clock),
            3 => Ok(Self::Roster),
            _ => Err(DecodeError::BadTag {
                what: "peer envelope",
                tag,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_a_version_a_kind_a_time_and_what_is_in_it() {
        for kind in [Kind::Consensus, Kind::Standby, Kind::Clock, Kind::Roster] {
            let hlc = HlcTimestamp(0x0807_0605_0403_0201);
            let bytes = seal(kind, hlc, b"word");
            let head = [1, kind as u8, 1, 2, 3, 4, 5, 6, 7, 8];
            assert_eq!(bytes, [&head, b"word".as_slice()].concat());
            let body = Bytes::from_static(b"word");
            assert_eq!(open(&bytes), Ok(Envelope { kind, hlc, body }));
        }
    }

    #[test]
    fn what_is_too_short_or_of_another_version_or_kind_is_an_error() {
        let whole = seal(Kind::Clock, HlcTimestamp::ZERO, b"");
        for length in 0..ENVELOPE_BYTES {
            let cut = open(&whole.slice(..length));
            assert_eq!(cut, Err(DecodeError::Truncated));
        }
        for (place, byte) in [(0, 0), (0, 2), (1, 4), (1, 255)] {
            let mut other = whole.to_vec();
            other[place] = byte;
            let opened = open(&other.into());
            assert!(matches!(opened, Err(DecodeError::BadTag { tag, .. }) if tag == byte));
        }
    }
}
