//! One node of the world.

use synced_protocol::{
    id::{LogIndex, NodeId, PlayerId, PropertyId},
    limits::{MAX_NAME_BYTES, MAX_PROPERTIES, MAX_VALUE_BYTES, MAX_VALUE_DEPTH},
    message::NodeEntry,
    mutation::{Lane, Limit, Origin, ParentRef, Policy, PropertySpec, Rejection, Spawn},
    value::Value,
};

use crate::digest::{self, Head};

/// A synced node as it is now.
#[derive(Debug, Clone)]
pub struct Node {
    id: NodeId,
    origin: Origin,
    parent: ParentRef,
    name: String,
    policy: Policy,
    owner: PlayerId,
    properties: Vec<Property>,
    /// An upper bound of the bytes of this node's snapshot entry.
    bytes: usize,
    head_hash: u64,
}

/// A property of a node.
#[derive(Debug, Clone)]
pub struct Property {
    pub(crate) path: String,
    pub(crate) lane: Lane,
    pub(crate) content: Content,
}

/// What a write replaces.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    value: Value,
    version: LogIndex,
    value_bytes: usize,
    pub(crate) hash: u64,
}

/// Ids, tags, counts and lengths of a snapshot entry at their longest: 9 bytes each but for the shortest ones.
const NODE_OVERHEAD_BYTES: usize = 64;
/// Lengths, lane and version of one property likewise.
const PROPERTY_OVERHEAD_BYTES: usize = 16;

impl Node {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// Where its engine nodes come from.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// Where it hangs.
    #[must_use]
    pub const fn parent(&self) -> &ParentRef {
        &self.parent
    }

    /// The name of its engine node.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who may do what with it.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// Who owns it: a player who is present, or [`PlayerId::SERVER`].
    #[must_use]
    pub const fn owner(&self) -> PlayerId {
        self.owner
    }

    /// All properties; a [`PropertyId`] is a place here.
    #[must_use]
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// One property.
    #[must_use]
    pub fn property(&self, property: PropertyId) -> Option<&Property> {
        self.properties.get(usize::from(property.0))
    }

    /// What counts against [`MAX_NODE_BYTES`](synced_protocol::limits::MAX_NODE_BYTES).
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The node as a snapshot tells it.
    #[must_use]
    pub fn entry(&self) -> NodeEntry {
        let properties = self.properties.iter().map(|property| PropertySpec {
            path: property.path.clone(),
            lane: property.lane,
            value: property.value().clone(),
        });
        let spawn = Spawn {
            node: self.id,
            origin: self.origin,
            parent: self.parent.clone(),
            name: self.name.clone(),
            policy: self.policy,
            owner: self.owner,
            properties: properties.collect(),
        };
        NodeEntry {
            spawn,
            versions: self.properties.iter().map(Property::version).collect(),
        }
    }

    /// Makes a node whose properties have the given versions. `scratch` is overwritten.
    pub(crate) fn build(
        spawn: Spawn,
        versions: impl Iterator<Item = LogIndex>,
        scratch: &mut Vec<u8>,
    ) -> Result<Self, Rejection> {
        check_name(&spawn.name)?;
        check_name(&spawn.parent.path)?;
        if spawn.properties.len() > MAX_PROPERTIES {
            return Err(Rejection::TooLarge(Limit::Properties));
        }
        let mut node = Self {
            id: spawn.node,
            origin: spawn.origin,
            bytes: NODE_OVERHEAD_BYTES + spawn.name.len() + spawn.parent.path.len(),
            parent: spawn.parent,
            name: spawn.name,
            policy: spawn.policy,
            owner: spawn.owner,
            properties: Vec::with_capacity(spawn.properties.len()),
            head_hash: 0,
        };
        for ((place, spec), version) in (0..).zip(spawn.properties).zip(versions) {
            node.add(PropertyId(place), spec, version, scratch)?;
        }
        node.head_hash = node.hash_head();
        Ok(node)
    }

    /// The sum of the hashes of all its parts.
    pub(crate) fn hash(&self) -> u64 {
        let contents = self.properties.iter().map(|property| property.content.hash);
        contents.fold(self.head_hash, u64::wrapping_add)
    }

    /// Moves the node and returns where it hung.
    pub(crate) fn set_parent(&mut self, parent: ParentRef) -> ParentRef {
        self.bytes = self.bytes - self.parent.path.len() + parent.path.len();
        let before = std::mem::replace(&mut self.parent, parent);
        self.head_hash = self.hash_head();
        before
    }

    /// Gives the node away and returns whose it was.
    pub(crate) fn set_owner(&mut self, owner: PlayerId) -> PlayerId {
        let before = std::mem::replace(&mut self.owner, owner);
        self.head_hash = self.hash_head();
        before
    }

    /// Writes a property and returns what was there.
    pub(crate) fn set_content(
        &mut self,
        property: PropertyId,
        content: Content,
    ) -> Option<Content> {
        let slot = &mut self.properties.get_mut(usize::from(property.0))?.content;
        self.bytes = self.bytes - slot.value_bytes + content.value_bytes;
        Some(std::mem::replace(slot, content))
    }

    fn add(
        &mut self,
        id: PropertyId,
        spec: PropertySpec,
        version: LogIndex,
        scratch: &mut Vec<u8>,
    ) -> Result<(), Rejection> {
        check_name(&spec.path)?;
        let content = Content::build((self.id, id), spec.value, version, scratch)?;
        self.bytes += PROPERTY_OVERHEAD_BYTES + spec.path.len() + content.value_bytes;
        self.properties.push(Property {
            path: spec.path,
            lane: spec.lane,
            content,
        });
        Ok(())
    }

    fn hash_head(&self) -> u64 {
        digest::of_head(&Head {
            id: self.id,
            origin: self.origin,
            parent: &self.parent,
            name: &self.name,
            policy: self.policy,
            owner: self.owner,
            properties: &self.properties,
        })
    }
}

impl Property {
    /// The engine's path to it, from the synced node's root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// How it travels.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        self.lane
    }

    /// The confirmed value.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.content.value
    }

    /// The log entry that wrote the value.
    #[must_use]
    pub const fn version(&self) -> LogIndex {
        self.content.version
    }
}

impl Content {
    pub(crate) fn build(
        (node, property): (NodeId, PropertyId),
        value: Value,
        version: LogIndex,
        scratch: &mut Vec<u8>,
    ) -> Result<Self, Rejection> {
        encode_value(&value, scratch)?;
        Ok(Self {
            value,
            version,
            value_bytes: scratch.len(),
            hash: digest::of_content(node, property, version, scratch),
        })
    }
}

/// Leaves the value's encoding in `out`, unless it is past a limit.
pub(crate) fn encode_value(value: &Value, out: &mut Vec<u8>) -> Result<(), Rejection> {
    if value.depth() > MAX_VALUE_DEPTH {
        return Err(Rejection::TooLarge(Limit::ValueDepth));
    }
    out.clear();
    value.encode(out);
    if out.len() > MAX_VALUE_BYTES {
        return Err(Rejection::TooLarge(Limit::ValueBytes));
    }
    Ok(())
}

pub(crate) const fn check_name(name: &str) -> Result<(), Rejection> {
    if name.len() > MAX_NAME_BYTES {
        return Err(Rejection::TooLarge(Limit::NameBytes));
    }
    Ok(())
}
