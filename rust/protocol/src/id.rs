//! Names of things, each a number of its own type.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty), $format:literal) => {
        $(#[$doc])*
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $format, self.0)
            }
        }
    };
}

number!(
    /// A player of one world; the leader gives it and never gives it again. At most 2^31 - 1.
    PlayerId(u32), "player {}"
);
number!(
    /// A synced node; see [`NodeId::spawned`] and [`NodeId::derived`] for how it comes about.
    NodeId(u64), "node {:016x}"
);
number!(
    /// A property's place in its node's list, below [`MAX_PROPERTIES`](crate::limits::MAX_PROPERTIES).
    PropertyId(u8), "property {}"
);
number!(
    /// A client's own numbering of its proposals, from 1, without gaps. It makes a proposal that is sent twice count once.
    ClientSeq(u64), "proposal {}"
);
number!(
    /// A place in the shard's log, from 1. It is also the version of whatever the entry there wrote.
    LogIndex(u64), "log index {}"
);
number!(
    /// A server of a cluster: one process, one certificate, one folder. From 1; 0 is a server that is alone.
    ServerId(u16), "server {}"
);
number!(
    /// One life of a server's memory in the consensus. A server that has lost what it acknowledged comes back as another
    /// replica, see [`ReplicaId::new`].
    ReplicaId(u64), "replica {:012x}"
);
number!(
    /// A consensus group: the servers' agreement about one shard's log.
    GroupId(u32), "group {}"
);
number!(
    /// A period with at most one leader; a later leader has a greater one.
    Term(u64), "term {}"
);

impl ReplicaId {
    /// The replica of a server that began at `incarnation`: 0 for the one that the cluster was founded with, else seconds since
    /// the Unix epoch, so that a later one is greater.
    #[must_use]
    pub const fn new(server: ServerId, incarnation: u32) -> Self {
        Self((server.0 as u64) << 32 | incarnation as u64)
    }

    /// Whose replica it is.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the rest is another field")]
    pub const fn server(self) -> ServerId {
        ServerId((self.0 >> 32) as u16)
    }

    /// Which of that server's lives.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the rest is another field")]
    pub const fn incarnation(self) -> u32 {
        self.0 as u32
    }
}

impl PlayerId {
    /// Nobody in particular: what it owns, nobody owns yet.
    pub const SERVER: Self = Self(0);
    /// The largest player id, so that it fits a spawned [`NodeId`].
    pub const MAX: Self = Self(i32::MAX.cast_unsigned());
}

impl LogIndex {
    /// Before the first entry.
    pub const ZERO: Self = Self(0);

    /// The index after this one; nothing comes after the last.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl ClientSeq {
    /// The number after this one; nothing comes after the last.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

const DERIVED_BIT: u64 = 1 << 63;

impl NodeId {
    /// The root of the session, under which everything hangs. It is no synced node itself.
    pub const ROOT: Self = Self(0);

    /// The id of a node that `player` spawned as its `counter`th, from 1.
    ///
    /// The leader grants the block with the player id, so that a player can go on to change what it has just spawned
    /// without waiting for an answer.
    #[must_use]
    pub const fn spawned(player: PlayerId, counter: u32) -> Self {
        Self(((player.0 as u64) << 32 | counter as u64) & !DERIVED_BIT)
    }

    /// The id of a node that was authored at `path` below `parent`: the same on every machine, without a word exchanged.
    ///
    /// FNV-1a over the parent's eight little-endian bytes and the path, mixed by SplitMix64's finaliser, with the top bit
    /// set. Two of 65,536 nodes collide with a probability of 2.3e-10.
    #[must_use]
    pub fn derived(parent: Self, path: &str) -> Self {
        let bytes = parent.0.to_le_bytes().into_iter().chain(path.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(mix(hash) | DERIVED_BIT)
    }

    /// The player in whose block this id lies, or `None` for the root and for authored nodes.
    #[must_use]
    pub const fn spawner(self) -> Option<PlayerId> {
        if self.0 == 0 || self.is_derived() {
            return None;
        }
        Some(PlayerId((self.0 >> 32) as u32))
    }

    /// The place within its player's block, for a spawned node.
    #[must_use]
    pub const fn counter(self) -> u32 {
        (self.0 & 0xffff_ffff) as u32
    }

    /// Whether every machine derives this id alike from a path.
    #[must_use]
    pub const fn is_derived(self) -> bool {
        self.0 & DERIVED_BIT != 0
    }
}

/// SplitMix64's finaliser (Steele, Lea and Flood, 2014): every input bit reaches every output bit.
#[must_use]
pub const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authored_id_is_the_same_on_every_machine() {
        assert_eq!(
            NodeId::derived(NodeId::ROOT, "Main/Cup"),
            NodeId(0x8974_ba05_09a5_607e)
        );
    }

    #[test]
    fn the_same_path_below_two_parents_gives_two_ids() {
        let parents = [
            NodeId::spawned(PlayerId(1), 1),
            NodeId::spawned(PlayerId(1), 2),
        ];
        let [first, second] = parents.map(|parent| NodeId::derived(parent, "Hand"));
        assert_ne!(first, second);
    }

    #[test]
    fn a_spawned_id_tells_its_player_and_counter() {
        let id = NodeId::spawned(PlayerId::MAX, u32::MAX);
        assert_eq!(
            (id.spawner(), id.counter()),
            (Some(PlayerId::MAX), u32::MAX)
        );
        assert_eq!(NodeId::ROOT.spawner(), None);
        assert_eq!(NodeId::derived(NodeId::ROOT, "x").spawner(), None);
    }
}
