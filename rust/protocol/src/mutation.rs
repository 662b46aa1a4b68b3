//! Changes to the world, as a player asks for them and as the log holds them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    bounded,
    id::{LogIndex, NodeId, PlayerId, PropertyId},
    value::Value,
};

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Mutation {
    /// A node comes into being.
    Spawn(Spawn),
    /// A node and all below it go.
    Despawn {
        /// The topmost node that goes.
        node: NodeId,
    },
    /// A node is hung elsewhere in the tree.
    Reparent {
        /// The node.
        node: NodeId,
        /// Its new place.
        parent: ParentRef,
    },
    /// Properties take new values.
    SetProperties {
        /// Whose properties.
        node: NodeId,
        /// Each property at most once.
        #[serde(deserialize_with = "bounded::list")]
        properties: Vec<(PropertyId, Value)>,
    },
    /// A node gets another owner.
    TransferOwnership {
        /// The node.
        node: NodeId,
        /// The new owner; [`PlayerId::SERVER`] gives it back.
        to: PlayerId,
    },
    /// A method is called once on every machine, in the order of the log; nothing of it stays in the world.
    Call {
        /// On which node.
        node: NodeId,
        /// The method's name.
        #[serde(deserialize_with = "bounded::text")]
        method: String,
        /// At most [`MAX_CALL_ARGUMENTS`](crate::limits::MAX_CALL_ARGUMENTS).
        #[serde(deserialize_with = "bounded::list")]
        arguments: Vec<Value>,
    },
}

/// A node that comes into being.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spawn {
    /// Its id: of the player's own block for [`Origin::Scene`], else a derived one.
    pub node: NodeId,
    /// Where its engine nodes come from.
    pub origin: Origin,
    /// Where it hangs.
    pub parent: ParentRef,
    /// The name of its engine node.
    #[serde(deserialize_with = "bounded::text")]
    pub name: String,
    /// Who may do what with it.
    pub policy: Policy,
    /// The player who asks, or [`PlayerId::SERVER`].
    pub owner: PlayerId,
    /// Its properties; a [`PropertyId`] is a place in this list.
    #[serde(deserialize_with = "bounded::list")]
    pub properties: Vec<PropertySpec>,
}

/// Where a node's engine nodes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// It was there in the scene that every player loads.
    Authored,
    /// It is an instance of a scene, made anew on every machine.
    Scene {
        /// The spawner that lists the scene, as a derived id.
        spawner: NodeId,
        /// The scene's place in the spawner's list.
        scene: u16,
    },
    /// It came with the spawned scene that it hangs under.
    Part,
}

/// A place in the tree: a path below a synced node or below the session's root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentRef {
    /// The synced node to start from, or [`NodeId::ROOT`].
    pub anchor: NodeId,
    /// The engine's path from there; empty for the anchor itself.
    #[serde(deserialize_with = "bounded::text")]
    pub path: String,
}

/// Who may do what with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Who may set its properties, reparent and despawn it.
    pub write: Access,
    /// Who may call its methods.
    pub call: Access,
    /// When its ownership passes to a player who asks.
    pub transfer: Transfer,
    /// What becomes of it when its owner leaves.
    pub on_owner_left: OnOwnerLeft,
}

/// Who may do a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// The owner alone.
    Owner,
    /// Every player.
    Anyone,
    /// The server, and a player who hosts it.
    Server,
}

/// When ownership passes to a player who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transfer {
    /// While nobody owns the node.
    WhenFree,
    /// Always, also from another player.
    Always,
    /// Only when the owner gives it.
    ByOwner,
}

/// What becomes of a node when its owner leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnOwnerLeft {
    /// Nobody owns it any more.
    Release,
    /// It goes too.
    Despawn,
}

/// A property and its first value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PropertySpec {
    /// The engine's path to it, from the synced node's root.
    #[serde(deserialize_with = "bounded::text")]
    pub path: String,
    /// How it travels.
    pub lane: Lane,
    /// Its value.
    pub value: Value,
}

/// How a property travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lane {
    /// Through the log: in order, exactly once.
    Confirmed,
    /// By datagram, the newest wins; where it comes to rest goes through the log.
    Live,
}

/// Guards, then mutations: all or nothing. A plain mutation is a transaction of one step without guards.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Transaction {
    /// What must hold before the first step.
    #[serde(deserialize_with = "bounded::list")]
    pub guards: Vec<Guard>,
    /// What is then done, in order; a later step sees what an earlier one did.
    #[serde(deserialize_with = "bounded::list")]
    pub steps: Vec<Mutation>,
}

impl From<Mutation> for Transaction {
    fn from(mutation: Mutation) -> Self {
        Self {
            guards: Vec::new(),
            steps: vec![mutation],
        }
    }
}

/// What must hold for a transaction to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Guard {
    /// The node is there.
    Exists {
        /// The node.
        node: NodeId,
    },
    /// The node is there and this is its owner.
    OwnerIs {
        /// The node.
        node: NodeId,
        /// Its owner.
        owner: PlayerId,
    },
    /// The property was last written by the log entry at this index.
    VersionIs {
        /// The node.
        node: NodeId,
        /// The property.
        property: PropertyId,
        /// Its version.
        version: LogIndex,
    },
}

/// Why a transaction changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rejection {
    /// The node is not there, or not any more.
    NodeMissing(NodeId),
    /// A node with this id is there already.
    NodeExists(NodeId),
    /// The node was despawned; an authored node does not come back.
    NodeDespawned(NodeId),
    /// The id is not of the player's own block, or was used before.
    ForeignId(NodeId),
    /// A node cannot hang below itself.
    WouldCycle(NodeId),
    /// The node belongs to another.
    NotOwner {
        /// The node.
        node: NodeId,
        /// Who owns it.
        owner: PlayerId,
    },
    /// The node's policy leaves that to the server.
    ServerOnly(NodeId),
    /// No player of this id is in the world.
    PlayerMissing(PlayerId),
    /// The node has no such property.
    PropertyMissing {
        /// The node.
        node: NodeId,
        /// The property.
        property: PropertyId,
    },
    /// The guard at this place, from 0, did not hold.
    GuardFailed(u8),
    /// Something is larger than its limit.
    TooLarge(Limit),
    /// More proposals than a player may make in the time.
    TooMany,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// A limit, as a rejection names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Limit {
            $($(#[$doc])* $name,)+
        }

        impl fmt::Display for Limit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)+ })
            }
        }
    };
}

limits! {
    /// [`MAX_MUTATION_BYTES`](crate::limits::MAX_MUTATION_BYTES).
    MutationBytes = "the bytes of a mutation",
    /// [`MAX_VALUE_BYTES`](crate::limits::MAX_VALUE_BYTES).
    ValueBytes = "the bytes of a value",
    /// [`MAX_VALUE_DEPTH`](crate::limits::MAX_VALUE_DEPTH).
    ValueDepth = "the depth of a value",
    /// [`MAX_PROPERTIES`](crate::limits::MAX_PROPERTIES).
    Properties = "the properties of a node",
    /// [`MAX_NAME_BYTES`](crate::limits::MAX_NAME_BYTES).
    NameBytes = "the bytes of a name or path",
    /// [`MAX_TRANSACTION_STEPS`](crate::limits::MAX_TRANSACTION_STEPS); none at all is refused too.
    Steps = "the steps of a transaction",
    /// [`MAX_CALL_ARGUMENTS`](crate::limits::MAX_CALL_ARGUMENTS).
    Arguments = "the arguments of a call",
    /// [`MAX_NODE_BYTES`](crate::limits::MAX_NODE_BYTES).
    NodeBytes = "the bytes of a node",
    /// [`MAX_WORLD_BYTES`](crate::limits::MAX_WORLD_BYTES).
    WorldBytes = "the bytes of a world",
    /// [`MAX_NODES`](crate::limits::MAX_NODES).
    Nodes = "the nodes of a world",
    /// [`MAX_TREE_DEPTH`](crate::limits::MAX_TREE_DEPTH).
    TreeDepth = "the depth of the tree",
}

impl Rejection {
    /// A short name that a game can compare with, stable over versions.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NodeMissing(_) => "node_missing",
            Self::NodeExists(_) => "node_exists",
            Self::NodeDespawned(_) => "node_despawned",
            Self::ForeignId(_) => "foreign_id",
            Self::WouldCycle(_) => "would_cycle",
            Self::NotOwner { .. } => "not_owner",
            Self::ServerOnly(_) => "server_only",
            Self::PlayerMissing(_) => "player_missing",
            Self::PropertyMissing { .. } => "property_missing",
            Self::GuardFailed(_) => "guard_failed",
            Self::TooLarge(_) => "too_large",
            Self::TooMany => "too_many",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeMissing(node) => write!(f, "{node} is not in the session"),
            Self::NodeExists(node) => write!(f, "{node} is in the session already"),
            Self::NodeDespawned(node) => write!(f, "{node} was despawned and does not come back"),
            Self::ForeignId(node) => write!(f, "{node} is not a fresh id of this player"),
            Self::WouldCycle(node) => write!(f, "{node} cannot hang below itself"),
            Self::NotOwner {
                node,
                owner: PlayerId::SERVER,
            } => {
                write!(f, "{node} is owned by nobody: request its ownership first")
            }
            Self::NotOwner { node, owner } => write!(f, "{node} is owned by {owner}"),
            Self::ServerOnly(node) => write!(f, "the policy of {node} leaves this to the server"),
            Self::PlayerMissing(player) => write!(f, "{player} is not in the session"),
            Self::PropertyMissing { node, property } => write!(f, "{node} has no {property}"),
            Self::GuardFailed(place) => write!(f, "guard {place} of the transaction did not hold"),
            Self::TooLarge(limit) => write!(f, "{limit} are outside the limit"),
            Self::TooMany => f.write_str("more proposals than a player may make in the time"),
        }
    }
}

impl std::error::Error for Rejection {}
