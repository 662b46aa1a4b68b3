//! What the engine's list says: how far each player has come, and a digest of everything that was appended.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use synced_protocol::id::mix;

use crate::system::Op;

/// One entry of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Append {
    /// Who.
    pub player: u64,
    /// That player's number for it, from 1.
    pub seq: u64,
    /// What.
    pub op: Op,
}

const APPEND_BYTES: usize = 24;

impl Append {
    /// As it stands in the log, with so many bytes more.
    #[must_use]
    pub fn encode(self, padding: usize) -> Bytes {
        let mut bytes = BytesMut::with_capacity(APPEND_BYTES + padding);
        for number in [self.player, self.seq, self.op.0] {
            bytes.put_u64_le(number);
        }
        bytes.put_bytes(0, padding);
        bytes.freeze()
    }

    /// From what [`Append::encode`] made.
    #[must_use]
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        if bytes.len() < APPEND_BYTES {
            return None;
        }
        Some(Self {
            player: bytes.get_u64_le(),
            seq: bytes.get_u64_le(),
            op: Op(bytes.get_u64_le()),
        })
    }
}

/// The state that every server comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    last_seq: BTreeMap<u64, u64>,
    digest: u64,
}

impl State {
    /// Takes an entry; returns whether it is new.
    pub fn apply(&mut self, append: Append) -> bool {
        let last = self.last_seq.entry(append.player).or_default();
        if append.seq <= *last {
            return false;
        }
        *last = append.seq;
        self.append(append);
        true
    }

    const fn append(&mut self, append: Append) {
        self.digest = mix(self.digest ^ mix(append.op.0) ^ append.player);
    }

    /// The number of a player's last entry.
    #[must_use]
    pub fn last_seq(&self, player: u64) -> u64 {
        self.last_seq.get(&player).copied().unwrap_or(0)
    }

    /// A digest of all entries in their order.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    /// As a snapshot has it.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        bytes.put_u64_le(self.digest);
        for (player, seq) in &self.last_seq {
            bytes.put_u64_le(*player);
            bytes.put_u64_le(*seq);
        }
        bytes.freeze()
    }

    /// From what [`State::encode`] made.
    #[must_use]
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut state = Self {
            digest: bytes.try_get_u64_le().ok()?,
            ..Self::default()
        };
        while bytes.has_remaining() {
            let player = bytes.try_get_u64_le().ok()?;
            state.last_seq.insert(player, bytes.try_get_u64_le().ok()?);
        }
        Some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Append = Append {
        player: 7,
        seq: 1,
        op: Op(9),
    };

    #[test]
    fn what_was_appended_once_is_not_appended_again() {
        let mut state = State::default();
        assert!(state.apply(FIRST));
        let digest = state.digest();
        assert!(!state.apply(FIRST));
        assert_eq!((state.digest(), state.last_seq(7)), (digest, 1));
    }

    #[test]
    fn entries_and_snapshots_survive_their_encoding() {
        assert_eq!(Append::decode(&FIRST.encode(100)), Some(FIRST));
        assert_eq!(Append::decode(b"short"), None);
        let mut state = State::default();
        state.apply(FIRST);
        assert_eq!(State::decode(&state.encode()), Some(state));
        assert_eq!(State::decode(b"short"), None);
    }
}
