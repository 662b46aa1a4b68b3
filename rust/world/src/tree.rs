//! The nodes, and the way back from a transaction that fails in the middle.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::Arc,
};

use synced_protocol::{
    id::{LogIndex, NodeId, PlayerId, PropertyId},
    limits::{MAX_NODE_BYTES, MAX_NODES, MAX_TREE_DEPTH, MAX_WORLD_BYTES},
    mutation::{Limit, ParentRef, Rejection},
    value::Value,
};

use crate::{
    digest,
    node::{Content, Node},
};

/// The nodes of a world.
///
/// Invariants: every anchor is the root or a node; no node hangs below itself; `children` has each node below its anchor;
/// `bytes` and `digest` are the sums over all nodes (and tombstones, for the digest).
///
/// A change that fails may leave its half behind: whoever asked for it goes back with [`Tree::roll_back`].
#[derive(Debug, Default, Clone)]
pub(crate) struct Tree {
    /// Shared with copies of the world that were taken before a node changed.
    nodes: BTreeMap<NodeId, Arc<Node>>,
    children: BTreeSet<(NodeId, NodeId)>,
    tombstones: BTreeSet<NodeId>,
    bytes: usize,
    digest: u64,
    undo: Vec<Undo>,
    scratch: Vec<u8>,
    touched: usize,
}

/// Where to go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checkpoint {
    bytes: usize,
    digest: u64,
}

/// How to take one change back.
#[derive(Debug, Clone)]
enum Undo {
    Inserted(NodeId),
    Removed(Arc<Node>),
    Buried(NodeId),
    Moved(NodeId, ParentRef),
    Given(NodeId, PlayerId),
    Written(NodeId, PropertyId, Content),
}

impl Tree {
    pub(crate) fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.nodes.values().map(AsRef::as_ref)
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id).map(AsRef::as_ref)
    }

    /// The node with an id among these, if there is just one.
    pub(crate) fn only_node_in(&self, ids: RangeInclusive<NodeId>) -> Option<NodeId> {
        let mut within = self.nodes.range(ids);
        let (id, _) = within.next()?;
        within.next().is_none().then_some(*id)
    }

    pub(crate) const fn tombstones(&self) -> &BTreeSet<NodeId> {
        &self.tombstones
    }

    pub(crate) const fn digest(&self) -> u64 {
        self.digest
    }

    /// How many nodes were looked at since the last [`Tree::forget_touched`].
    pub(crate) const fn touched(&self) -> usize {
        self.touched
    }

    pub(crate) const fn forget_touched(&mut self) {
        self.touched = 0;
    }

    pub(crate) const fn scratch(&mut self) -> &mut Vec<u8> {
        &mut self.scratch
    }

    pub(crate) fn get(&self, id: NodeId) -> Result<&Node, Rejection> {
        self.node(id).ok_or(Rejection::NodeMissing(id))
    }

    pub(crate) fn children(&self, id: NodeId) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        let all = (id, NodeId(0))..=(id, NodeId(u64::MAX));
        self.children.range(all).map(|&(_, child)| child)
    }

    /// The node and all below it, parents first.
    pub(crate) fn subtree(&mut self, id: NodeId) -> Vec<NodeId> {
        let mut found = vec![id];
        let mut next = 0;
        while let Some(&parent) = found.get(next) {
            found.extend(self.children(parent));
            next += 1;
        }
        self.touched += found.len();
        found
    }

    /// Whether the id was never used here, as far as that is remembered.
    pub(crate) fn check_fresh(&self, id: NodeId) -> Result<(), Rejection> {
        if self.nodes.contains_key(&id) {
            return Err(Rejection::NodeExists(id));
        }
        if self.tombstones.contains(&id) {
            return Err(Rejection::NodeDespawned(id));
        }
        Ok(())
    }

    /// Whether one node more can be there, or be remembered.
    pub(crate) fn check_room(&self) -> Result<(), Rejection> {
        if self.nodes.len() + self.tombstones.len() >= MAX_NODES {
            return Err(Rejection::TooLarge(Limit::Nodes));
        }
        Ok(())
    }

    /// Whether `subtree` may hang below `anchor`: that is there, not inside of it, and not too deep for it.
    pub(crate) fn check_place(&mut self, subtree: NodeId, anchor: NodeId) -> Result<(), Rejection> {
        let mut depth = self.height(subtree);
        let mut at = anchor;
        while at != NodeId::ROOT {
            if at == subtree {
                return Err(Rejection::WouldCycle(subtree));
            }
            at = self.get(at)?.parent().anchor;
            depth += 1;
        }
        if depth > MAX_TREE_DEPTH {
            return Err(Rejection::TooLarge(Limit::TreeDepth));
        }
        Ok(())
    }

    /// From here on, changes can be taken back together.
    pub(crate) const fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            bytes: self.bytes,
            digest: self.digest,
        }
    }

    /// From here on, there is no way back.
    pub(crate) fn commit(&mut self) {
        self.undo.clear();
    }

    pub(crate) fn roll_back(&mut self, checkpoint: Checkpoint) {
        while let Some(undo) = self.undo.pop() {
            self.take_back(undo);
        }
        self.bytes = checkpoint.bytes;
        self.digest = checkpoint.digest;
    }

    pub(crate) fn insert(&mut self, node: Node) -> Result<(), Rejection> {
        self.check_room()?;
        let (id, bytes) = (node.id(), node.bytes());
        self.undo.push(Undo::Inserted(id));
        self.digest = self.digest.wrapping_add(node.hash());
        self.put(Arc::new(node));
        self.resize(0, bytes)
    }

    pub(crate) fn remove(&mut self, id: NodeId) {
        if let Some(node) = self.take(id) {
            self.digest = self.digest.wrapping_sub(node.hash());
            self.bytes -= node.bytes();
            self.undo.push(Undo::Removed(node));
        }
    }

    /// Remembers that a node must not come back.
    pub(crate) fn bury(&mut self, id: NodeId) {
        if self.tombstones.insert(id) {
            self.digest = self.digest.wrapping_add(digest::of_tombstone(id));
            self.undo.push(Undo::Buried(id));
        }
    }

    pub(crate) fn hang(&mut self, id: NodeId, parent: ParentRef) -> Result<(), Rejection> {
        let anchor = parent.anchor;
        let (before, (bytes_before, bytes)) = self.change(id, |node| {
            let bytes_before = node.bytes();
            let before = node.set_parent(parent);
            (before, (bytes_before, node.bytes()))
        })?;
        self.children.remove(&(before.anchor, id));
        self.children.insert((anchor, id));
        self.undo.push(Undo::Moved(id, before));
        self.resize(bytes_before, bytes)
    }

    /// Returns the owner before.
    pub(crate) fn give(&mut self, id: NodeId, owner: PlayerId) -> Result<PlayerId, Rejection> {
        let before = self.change(id, |node| node.set_owner(owner))?;
        self.undo.push(Undo::Given(id, before));
        Ok(before)
    }

    pub(crate) fn write(
        &mut self,
        id: NodeId,
        property: PropertyId,
        value: &Value,
        version: LogIndex,
    ) -> Result<(), Rejection> {
        let missing = Rejection::PropertyMissing { node: id, property };
        let content = Content::build((id, property), value.clone(), version, &mut self.scratch)?;
        let node = self.get_mut(id).ok_or(Rejection::NodeMissing(id))?;
        let (bytes_before, hash) = (node.bytes(), content.hash);
        let before = node.set_content(property, content).ok_or(missing)?;
        let bytes = node.bytes();
        self.digest = self.digest.wrapping_sub(before.hash).wrapping_add(hash);
        self.undo.push(Undo::Written(id, property, before));
        self.resize(bytes_before, bytes)
    }

    /// Changes a node's head and keeps the digest in step.
    fn change<T>(
        &mut self,
        id: NodeId,
        change: impl FnOnce(&mut Node) -> T,
    ) -> Result<T, Rejection> {
        let node = self.get_mut(id).ok_or(Rejection::NodeMissing(id))?;
        let before = node.hash();
        let result = change(node);
        let now = node.hash();
        self.digest = self.digest.wrapping_sub(before).wrapping_add(now);
        Ok(result)
    }

    const fn resize(&mut self, before: usize, now: usize) -> Result<(), Rejection> {
        self.bytes = self.bytes - before + now;
        if now > MAX_NODE_BYTES {
            return Err(Rejection::TooLarge(Limit::NodeBytes));
        }
        if self.bytes > MAX_WORLD_BYTES {
            return Err(Rejection::TooLarge(Limit::WorldBytes));
        }
        Ok(())
    }

    /// How many levels a node and what hangs below it take: 1 for a leaf.
    fn height(&mut self, id: NodeId) -> usize {
        let mut level = vec![id];
        let mut height = 0;
        while !level.is_empty() {
            height += 1;
            self.touched += level.len();
            level = level.iter().flat_map(|&node| self.children(node)).collect();
        }
        height
    }

    fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(&id).map(Arc::make_mut)
    }

    fn put(&mut self, node: Arc<Node>) {
        self.children.insert((node.parent().anchor, node.id()));
        self.nodes.insert(node.id(), node);
    }

    fn take(&mut self, id: NodeId) -> Option<Arc<Node>> {
        let node = self.nodes.remove(&id)?;
        self.children.remove(&(node.parent().anchor, id));
        Some(node)
    }

    fn take_back(&mut self, undo: Undo) {
        match undo {
            Undo::Inserted(id) => {
                self.take(id);
            }
            Undo::Removed(node) => self.put(node),
            Undo::Buried(id) => {
                self.tombstones.remove(&id);
            }
            Undo::Moved(id, parent) => {
                if let Some(mut node) = self.take(id) {
                    Arc::make_mut(&mut node).set_parent(parent);
                    self.put(node);
                }
            }
            Undo::Given(id, owner) => {
                if let Some(node) = self.get_mut(id) {
                    node.set_owner(owner);
                }
            }
            Undo::Written(id, property, content) => {
                if let Some(node) = self.get_mut(id) {
                    node.set_content(property, content);
                }
            }
        }
    }
}
