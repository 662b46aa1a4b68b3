//! What an entry did, for those who show the world.

use synced_protocol::id::{NodeId, PlayerId, PropertyId};

/// One thing that changed. It carries no values: they are in the world, and in the entry that was applied.
///
/// Effects come in the order in which things happened, but the world is already the one after the whole entry: a node that
/// one entry spawns and despawns has both effects and cannot be looked up at either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A node came into being with its first values.
    Spawned {
        /// The node.
        node: NodeId,
    },
    /// A node went. Each descendant has an effect of its own, before the node that it hung under.
    Despawned {
        /// The node.
        node: NodeId,
    },
    /// A node hangs elsewhere now.
    Reparented {
        /// The node.
        node: NodeId,
    },
    /// A property was written, perhaps with the value that it had.
    PropertySet {
        /// Whose.
        node: NodeId,
        /// Which.
        property: PropertyId,
    },
    /// A node has another owner.
    OwnerChanged {
        /// The node.
        node: NodeId,
        /// The owner before.
        from: PlayerId,
        /// The owner now.
        to: PlayerId,
    },
    /// A method is to be called.
    Called {
        /// On which node.
        node: NodeId,
        /// The step of the entry's transaction, from 0, that names the method and its arguments.
        step: usize,
    },
    /// A player is in the world.
    PlayerJoined {
        /// Who.
        player: PlayerId,
    },
    /// A player is gone for good.
    PlayerLeft {
        /// Who.
        player: PlayerId,
    },
}

/// What became of an entry that was not rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// It was applied.
    Applied,
    /// It was decided before; nothing changed.
    Duplicate,
}
