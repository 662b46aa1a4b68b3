//! One number that tells whether two worlds are the same.
//!
//! The digest is the sum, modulo 2^64, of one hash for each part of the world: each node's head (id, origin, place, name,
//! policy, owner, and the path and lane of every property), each property's content (value and version), each player, and
//! each authored node that was despawned. A sum does not depend on order, and a change costs one subtraction and one
//! addition. What is not replicated state stays out: the log index, decided proposals and spawn counters.
//!
//! A part's hash chains [`mix`] over its content in words of eight bytes. Two worlds that differ by accident have the same
//! digest with a probability of 2^-64; it is no defence against someone who looks for a collision.

use synced_protocol::{
    id::{LogIndex, NodeId, PlayerId, PropertyId, mix},
    mutation::{Origin, ParentRef, Policy},
    replica::LedgerEntry,
};

use crate::{node::Property, world::Player};

/// The part of a node that is not its properties' contents.
pub(crate) struct Head<'a> {
    pub(crate) id: NodeId,
    pub(crate) origin: Origin,
    pub(crate) parent: &'a ParentRef,
    pub(crate) name: &'a str,
    pub(crate) policy: Policy,
    pub(crate) owner: PlayerId,
    pub(crate) properties: &'a [Property],
}

pub(crate) fn of_head(head: &Head<'_>) -> u64 {
    let mut hasher = Hasher::new(Domain::Head);
    hasher.number(head.id.0);
    hasher.origin(head.origin);
    hasher.number(head.parent.anchor.0);
    hasher.bytes(head.parent.path.as_bytes());
    hasher.bytes(head.name.as_bytes());
    hasher.policy(head.policy);
    hasher.number(head.owner.0.into());
    for property in head.properties {
        hasher.bytes(property.path.as_bytes());
        hasher.number(property.lane as u64);
    }
    hasher.0
}

/// `value` is the value's encoding.
pub(crate) fn of_content(
    node: NodeId,
    property: PropertyId,
    version: LogIndex,
    value: &[u8],
) -> u64 {
    let mut hasher = Hasher::new(Domain::Content);
    hasher.number(node.0);
    hasher.number(property.0.into());
    hasher.number(version.0);
    hasher.bytes(value);
    hasher.0
}

pub(crate) fn of_player(id: PlayerId, player: &Player) -> u64 {
    let mut hasher = Hasher::new(Domain::Player);
    hasher.number(id.0.into());
    hasher.bytes(player.name.as_bytes());
    hasher.number(player.hosts.into());
    hasher.0
}

pub(crate) fn of_tombstone(id: NodeId) -> u64 {
    let mut hasher = Hasher::new(Domain::Tombstone);
    hasher.number(id.0);
    hasher.0
}

/// All that replicas know beside the world, at one place of the log.
pub(crate) fn of_ledger(
    log_index: u64,
    last_player: PlayerId,
    players: impl Iterator<Item = LedgerEntry>,
) -> u64 {
    let mut hasher = Hasher::new(Domain::Ledger);
    hasher.numbers([log_index, last_player.0.into()]);
    for entry in players {
        let counter = entry.last_spawn_counter;
        hasher.bytes(&entry.mark.0);
        hasher.numbers([entry.player.0.into(), entry.last_seq.0, counter.into()]);
    }
    hasher.0
}

/// So that parts of different kinds with the same content differ.
#[derive(Clone, Copy)]
enum Domain {
    Head = 1,
    Content = 2,
    Player = 3,
    Tombstone = 4,
    Ledger = 5,
}

struct Hasher(u64);

impl Hasher {
    fn new(domain: Domain) -> Self {
        Self(mix(domain as u64))
    }

    fn number(&mut self, number: u64) {
        const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15; // SplitMix64's
        self.0 = mix(self.0.wrapping_add(GOLDEN_GAMMA) ^ number);
    }

    fn numbers<const N: usize>(&mut self, numbers: [u64; N]) {
        for number in numbers {
            self.number(number);
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.number(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.number(u64::from_le_bytes(last));
    }

    fn origin(&mut self, origin: Origin) {
        let (tag, spawner, scene) = match origin {
            Origin::Authored => (0, NodeId::ROOT, 0),
            Origin::Scene { spawner, scene } => (1, spawner, scene),
            Origin::Part => (2, NodeId::ROOT, 0),
        };
        self.numbers([tag, spawner.0, scene.into()]);
    }

    fn policy(&mut self, policy: Policy) {
        self.numbers([
            policy.write as u64,
            policy.call as u64,
            policy.transfer as u64,
            policy.on_owner_left as u64,
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_bytes(bytes: &[u8]) -> u64 {
        let mut hasher = Hasher::new(Domain::Content);
        hasher.bytes(bytes);
        hasher.0
    }

    #[test]
    fn trailing_zeros_count() {
        let hashes = [0, 1, 7, 8, 9, 16].map(|length| of_bytes(&vec![0; length]));
        for (place, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..place].contains(hash), "{hashes:x?}");
        }
    }

    #[test]
    fn a_tombstone_has_the_same_hash_on_every_machine() {
        assert_eq!(of_tombstone(NodeId(1)), 0x7dbe_7cce_ec9f_bed3);
    }
}
