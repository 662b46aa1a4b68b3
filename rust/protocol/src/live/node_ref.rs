//! A node's id in few bytes.

use std::ops::RangeInclusive;

use bytes::BufMut;

use crate::{
    bytes_io::{Reader, put_long_count},
    error::DecodeError,
    id::{NodeId, PlayerId},
};

/// How a live value names its node. Whoever reads it makes an id of it with what is known of the sender and of the world.
///
/// A spawned id is exact in itself. Of a derived one only the top bits are sent, and only where no other node of the sender's
/// world has the same; a reader in whose world they mean more than one node, or none, passes the value over: it has come by
/// another place in the log than the sender, and a later value finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeRef {
    /// The counter of a node that the sender itself spawned.
    Own(u32),
    /// A node that another player spawned.
    Spawned(PlayerId, u32),
    /// The top bits of a derived id, 24 of them, behind the one that all of those have.
    Prefix(u32),
    /// The id in full.
    Id(NodeId),
}

/// How much of a derived id is sent: in a world of as many nodes as there can be, one in 250 has to be sent in full.
const PREFIX_BITS: u32 = 24;
const PREFIX_SHIFT: u32 = 63 - PREFIX_BITS;
const PREFIX_BYTES: usize = 3;
const _: () = assert!(PREFIX_BITS as usize == 8 * PREFIX_BYTES);
const DERIVED: u64 = 1 << 63;

/// The number of forms, which a tag names in two bits.
pub(super) const FORM_BITS: u32 = 2;

impl From<NodeId> for NodeRef {
    fn from(id: NodeId) -> Self {
        Self::Id(id)
    }
}

impl NodeRef {
    /// The shortest for a node when `sender` sends it. `only` tells which node of the sender's world has an id in a range, if
    /// it is just one.
    #[must_use]
    pub fn shortest(
        node: NodeId,
        sender: PlayerId,
        only: impl FnOnce(RangeInclusive<NodeId>) -> Option<NodeId>,
    ) -> Self {
        match node.spawner() {
            Some(player) if player == sender => Self::Own(node.counter()),
            Some(player) => Self::Spawned(player, node.counter()),
            None if node.is_derived() => {
                let prefix = (node.0 >> PREFIX_SHIFT) as u32 & ((1 << PREFIX_BITS) - 1);
                let is_alone = only(with_prefix(prefix)) == Some(node);
                if is_alone {
                    Self::Prefix(prefix)
                } else {
                    Self::Id(node)
                }
            }
            None => Self::Id(node),
        }
    }

    /// The node that `sender` means. `only` tells which node of the reader's world has an id in a range, if it is just one.
    #[must_use]
    pub fn resolve(
        self,
        sender: PlayerId,
        only: impl FnOnce(RangeInclusive<NodeId>) -> Option<NodeId>,
    ) -> Option<NodeId> {
        match self {
            Self::Own(counter) => Some(NodeId::spawned(sender, counter)),
            Self::Spawned(player, counter) => Some(NodeId::spawned(player, counter)),
            Self::Prefix(prefix) => only(with_prefix(prefix)),
            Self::Id(id) => Some(id),
        }
    }

    pub(super) const fn form(self) -> u8 {
        match self {
            Self::Own(_) => 0,
            Self::Spawned(..) => 1,
            Self::Prefix(_) => 2,
            Self::Id(_) => 3,
        }
    }

    pub(super) fn put(self, out: &mut impl BufMut) {
        match self {
            Self::Own(counter) => put_long_count(out, counter),
            Self::Spawned(player, counter) => {
                put_long_count(out, player.0);
                put_long_count(out, counter);
            }
            Self::Prefix(prefix) => out.put_slice(&prefix.to_le_bytes()[..PREFIX_BYTES]),
            Self::Id(id) => out.put_u64_le(id.0),
        }
    }

    /// Of the forms, the one of that number; all above are the last.
    pub(super) fn take(form: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match form {
            0 => Self::Own(reader.long_count("counter")?),
            1 => {
                let player = PlayerId(reader.long_count("player")?);
                if player > PlayerId::MAX {
                    return Err(DecodeError::OutOfRange { what: "player" });
                }
                Self::Spawned(player, reader.long_count("counter")?)
            }
            2 => {
                let [low, middle, high] = reader.array()?;
                Self::Prefix(u32::from_le_bytes([low, middle, high, 0]))
            }
            _ => Self::Id(NodeId(reader.u64()?)),
        })
    }
}

/// All derived ids that begin so.
const fn with_prefix(prefix: u32) -> RangeInclusive<NodeId> {
    let first = DERIVED | (prefix as u64) << PREFIX_SHIFT;
    NodeId(first)..=NodeId(first | ((1 << PREFIX_SHIFT) - 1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const ANN: PlayerId = PlayerId(7);

    fn only(world: &BTreeSet<NodeId>) -> impl Fn(RangeInclusive<NodeId>) -> Option<NodeId> {
        |ids| {
            let mut within = world.range(ids);
            within.next().copied().filter(|_| within.next().is_none())
        }
    }

    fn any_id() -> impl Strategy<Value = NodeId> {
        prop_oneof![
            (0..=PlayerId::MAX.0, any::<u32>())
                .prop_map(|(player, counter)| NodeId::spawned(PlayerId(player), counter)),
            any::<u32>().prop_map(|counter| NodeId::spawned(ANN, counter)),
            any::<u64>().prop_map(NodeId),
            // Many that begin alike.
            (0..4_u64, 0..4_u64).prop_map(|(top, low)| NodeId(DERIVED | top << PREFIX_SHIFT | low)),
        ]
    }

    proptest! {
        #[test]
        fn in_one_world_every_reference_means_the_node_that_it_was_made_of(
            ids in prop::collection::btree_set(any_id(), 1..40),
        ) {
            for id in &ids {
                let short = NodeRef::shortest(*id, ANN, only(&ids));
                let mut bytes = Vec::new();
                short.put(&mut bytes);
                let mut reader = Reader::new(&bytes);
                prop_assert_eq!(NodeRef::take(short.form(), &mut reader), Ok(short));
                prop_assert_eq!(reader.finish(), Ok(()));
                prop_assert!(bytes.len() <= 10);
                prop_assert_eq!(short.resolve(ANN, only(&ids)), Some(*id));
            }
        }

        #[test]
        fn in_another_world_a_reference_means_a_node_of_the_same_beginning_or_none(
            here in prop::collection::btree_set(any_id(), 1..40),
            there in prop::collection::btree_set(any_id(), 0..40),
        ) {
            for id in &here {
                let short = NodeRef::shortest(*id, ANN, only(&here));
                let meant = short.resolve(ANN, only(&there));
                let same_beginning = meant.is_none_or(|meant| meant.0 >> PREFIX_SHIFT == id.0 >> PREFIX_SHIFT);
                prop_assert!(same_beginning, "{short:?} of {id} means {meant:?}");
                if there.contains(id) && there.is_subset(&here) {
                    prop_assert_eq!(meant, Some(*id));
                }
            }
        }
    }

    #[test]
    fn what_a_player_spawned_itself_takes_a_byte_and_an_authored_node_three() {
        let authored = NodeId::derived(NodeId::ROOT, "Main/Cup");
        let world = BTreeSet::from([authored]);
        let bytes = |id| {
            let mut bytes = Vec::new();
            NodeRef::shortest(id, ANN, only(&world)).put(&mut bytes);
            bytes.len()
        };
        let own = |counter| NodeId::spawned(ANN, counter);
        let others = NodeId::spawned(PlayerId(9), 100);
        assert_eq!([own(100), others, authored].map(bytes), [1, 2, 3]);
        assert_eq!(bytes(own(u32::MAX)), 5);
        assert_eq!(bytes(NodeId::derived(NodeId::ROOT, "Elsewhere")), 8);
    }

    #[test]
    fn a_player_that_there_cannot_be_is_refused() {
        let bytes = [0x80, 0x80, 0x80, 0x80, 0x08, 0x01];
        let refused = NodeRef::take(1, &mut Reader::new(&bytes));
        assert_eq!(refused, Err(DecodeError::OutOfRange { what: "player" }));
    }
}
