//! What players and servers of the engine say to each other: the least that can be lost, doubled and stale.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// A player's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Who it is.
    Hello {
        /// The player.
        player: u64,
    },
    /// What it wants appended.
    Append {
        /// Its number for it.
        seq: u64,
        /// What.
        op: u64,
    },
}

/// A server's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    /// It leads; this is where its state stands.
    Welcome {
        /// The last entry that was applied.
        index: u64,
        /// The last number of this player's that was.
        last_seq: u64,
    },
    /// It does not lead, or not any more: ask another.
    Elsewhere,
    /// A player's entry is committed.
    Appended {
        /// Where.
        index: u64,
        /// The player's number for it.
        seq: u64,
    },
}

impl Ask {
    /// Its bytes.
    #[must_use]
    pub(super) fn encode(self) -> Bytes {
        match self {
            Self::Hello { player } => numbers(0, [player, 0]),
            Self::Append { seq, op } => numbers(1, [seq, op]),
        }
    }

    /// From bytes.
    #[must_use]
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        match split(bytes)? {
            (0, player, _) => Some(Self::Hello { player }),
            (1, seq, op) => Some(Self::Append { seq, op }),
            _ => None,
        }
    }
}

impl Tell {
    /// Its bytes.
    #[must_use]
    pub(super) fn encode(self) -> Bytes {
        match self {
            Self::Welcome { index, last_seq } => numbers(0, [index, last_seq]),
            Self::Elsewhere => numbers(1, [0, 0]),
            Self::Appended { index, seq } => numbers(2, [index, seq]),
        }
    }

    /// From bytes.
    #[must_use]
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        match split(bytes)? {
            (0, index, last_seq) => Some(Self::Welcome { index, last_seq }),
            (1, ..) => Some(Self::Elsewhere),
            (2, index, seq) => Some(Self::Appended { index, seq }),
            _ => None,
        }
    }
}

fn numbers(tag: u8, numbers: [u64; 2]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(17);
    bytes.put_u8(tag);
    for number in numbers {
        bytes.put_u64_le(number);
    }
    bytes.freeze()
}

fn split(mut bytes: &[u8]) -> Option<(u8, u64, u64)> {
    let tag = bytes.try_get_u8().ok()?;
    let first = bytes.try_get_u64_le().ok()?;
    Some((tag, first, bytes.try_get_u64_le().ok()?))
}
