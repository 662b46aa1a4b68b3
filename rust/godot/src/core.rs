//! What the extension knows of the session, on the main thread.
//!
//! Nothing in here runs a script: whatever may (setting a property, adding a node, emitting a signal) is handed back to be
//! done while nothing is borrowed, since a script may call right back into the session.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use godot::prelude::*;
use synced_client::{
    bridge::Handle,
    stats::ClientStats,
    update::{ClockEstimate, Spawned},
};
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    mutation::{Mutation, Origin, ParentRef, Transaction},
    time::Micros,
    value::Value,
};

use crate::{
    classes::{SyncedNode, SyncedSpawner},
    directory::Directory,
    frame_stats::FrameStats,
    local::{Bound, Local, Place},
    network::Link,
};

/// Where the session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    #[default]
    Offline,
    Connecting,
    Joined,
    Reconnecting,
}

/// The session as the main thread sees it.
#[derive(Debug, Default)]
pub(crate) struct Core {
    pub state: State,
    pub link: Option<Link>,
    /// Links of sessions that are over, whose threads may still say farewell. The library must not be unloaded before.
    pub retired: Vec<Link>,
    pub me: PlayerId,
    pub players: BTreeMap<PlayerId, String>,
    pub clock: ClockEstimate,
    pub log_index: LogIndex,
    /// Every node of the session, in the scene here or not.
    pub entries: HashMap<NodeId, Entry>,
    /// Every `SyncedNode` in the scene here, of the session or not.
    pub locals: HashMap<NodeId, Local>,
    pub directory: Directory,
    pub spawners: HashMap<NodeId, Gd<SyncedSpawner>>,
    /// Locals that the next binding pass looks at.
    pub unbound: BTreeSet<NodeId>,
    /// Spawned nodes whose spawner or parent is not in the scene here yet.
    pub unplaced: BTreeSet<NodeId>,
    /// Own proposals, in the order in which they will be decided.
    pub pending: VecDeque<Pending>,
    pub last_spawn_counter: u32,
    /// The node that is being hung elsewhere: what leaves and enters the tree below it does not come and go.
    pub moving: Option<Gd<Node>>,
    /// Properties that refer to a node that is not in the scene here yet.
    pub dangling: Vec<(NodeId, Place)>,
    /// Those of them whose node has come.
    pub reshown: Vec<Place>,
    /// Counts changes of `locals` and their binding, so that the passes over them know when to look anew.
    pub generation: u64,
    /// Nodes whose parent is not in the scene, and that were reported already.
    pub reported_orphans: BTreeSet<NodeId>,
    /// Properties whose local writes were refused and reported already.
    pub reported: BTreeSet<(NodeId, PropertyId)>,
    pub frame_stats: FrameStats,
    pub client_stats: Option<Box<ClientStats>>,
}

/// A node of the session.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The confirmed state; of an own spawn not decided yet, the proposed one.
    pub spawned: Spawned,
    /// False while it is an own spawn that is not decided yet.
    pub is_confirmed: bool,
}

/// An own proposal that is not decided yet.
#[derive(Debug)]
pub(crate) struct Pending {
    pub seq: ClientSeq,
    pub touches: Vec<Touch>,
}

/// What an own proposal shows already, and what has to be taken back when it is rejected.
#[derive(Debug, Clone)]
pub(crate) enum Touch {
    Property(NodeId, PropertyId),
    Settle(NodeId, PropertyId),
    Spawn(NodeId),
    Declare(NodeId),
    Ownership(NodeId),
    Reparent(NodeId),
    Despawn(NodeId),
    Call(NodeId),
}

impl Touch {
    pub(crate) const fn node(&self) -> NodeId {
        match self {
            Self::Property(node, _)
            | Self::Settle(node, _)
            | Self::Spawn(node)
            | Self::Declare(node)
            | Self::Ownership(node)
            | Self::Reparent(node)
            | Self::Despawn(node)
            | Self::Call(node) => *node,
        }
    }
}

impl Core {
    pub(crate) fn is_joined(&self) -> bool {
        matches!(self.state, State::Joined | State::Reconnecting) && self.link.is_some()
    }

    /// Whether the session's server runs inside this game.
    pub(crate) fn is_hosting(&self) -> bool {
        self.link.as_ref().is_some_and(Link::is_hosting)
    }

    pub(crate) fn handle(&mut self) -> Option<&mut Handle> {
        self.link.as_mut().map(|link| &mut link.handle)
    }

    /// Whether the network's half of the session is gone without having said so.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.state != State::Offline && self.link.as_ref().is_some_and(Link::is_cut_off)
    }

    /// Session time at a local time.
    pub(crate) const fn session_time(&self, local: Micros) -> Micros {
        local.shifted(self.clock.offset_us)
    }

    /// Proposes a transaction; `None` when there is no session.
    pub(crate) fn propose(
        &mut self,
        transaction: Transaction,
        touches: Vec<Touch>,
    ) -> Option<ClientSeq> {
        if !self.is_joined() {
            return None;
        }
        let seq = self.handle()?.propose(transaction);
        for touch in &touches {
            if let Touch::Ownership(node) = touch
                && let Some(bound) = self.bound_mut(*node)
            {
                bound.requested = Some(seq);
            }
        }
        self.pending.push_back(Pending { seq, touches });
        Some(seq)
    }

    /// Takes the touches of the proposal that was just decided. Decisions come in order.
    pub(crate) fn decided(&mut self, seq: ClientSeq) -> Vec<Touch> {
        let Some(place) = self.pending.iter().position(|pending| pending.seq == seq) else {
            return Vec::new();
        };
        let touches = self
            .pending
            .remove(place)
            .map(|pending| pending.touches)
            .unwrap_or_default();
        for touch in &touches {
            if let Some(bound) = self.bound_mut(touch.node())
                && bound.requested == Some(seq)
            {
                bound.requested = None;
            }
        }
        touches
    }

    /// The nodes to bind, those nearer to the root first: what hangs below a synced node is told by way of that.
    pub(crate) fn take_unbound(&mut self) -> Vec<NodeId> {
        let mut unbound: Vec<_> = std::mem::take(&mut self.unbound).into_iter().collect();
        unbound.sort_by_cached_key(|id| {
            let local = self.locals.get(id).filter(|local| local.is_alive());
            local.map_or(0, |local| local.node.get_path().get_name_count())
        });
        unbound
    }

    /// Takes a node out of the session's hands until it can be bound again.
    pub(crate) fn unbind(&mut self, id: NodeId) {
        if let Some(local) = self.locals.get_mut(&id) {
            local.bound = None;
            self.unbound.insert(id);
            self.generation += 1;
        }
    }

    /// Whether some own proposal that is not decided yet is about the node.
    pub(crate) fn is_pending(&self, id: NodeId) -> bool {
        self.pending
            .iter()
            .any(|pending| pending.touches.iter().any(|touch| touch.node() == id))
    }

    /// Whether some own proposal that is not decided yet writes this property.
    pub(crate) fn is_write_pending(&self, id: NodeId, property: PropertyId) -> bool {
        self.pending.iter().any(|pending| {
            pending.touches.iter().any(|touch| {
                matches!(touch, Touch::Property(node, written) | Touch::Settle(node, written)
                    if *node == id && *written == property)
            })
        })
    }

    /// Whether some own proposal that is not decided yet hangs the node elsewhere.
    pub(crate) fn is_reparent_pending(&self, id: NodeId) -> bool {
        self.pending.iter().any(|pending| {
            pending
                .touches
                .iter()
                .any(|touch| matches!(touch, Touch::Reparent(node) if *node == id))
        })
    }

    /// The `SyncedNode` with this id, if it is in the scene here.
    pub(crate) fn synced_node(&self, id: NodeId) -> Option<Gd<SyncedNode>> {
        let local = self.locals.get(&id).filter(|local| local.is_alive())?;
        Some(local.node.clone())
    }

    /// Whether the node is below the one that is being hung elsewhere, or that one itself.
    pub(crate) fn is_moving(&self, node: &Gd<Node>) -> bool {
        self.moving
            .as_ref()
            .is_some_and(|moving| moving == node || moving.is_ancestor_of(node))
    }

    pub(crate) fn bound_mut(&mut self, id: NodeId) -> Option<&mut Bound> {
        self.locals.get_mut(&id)?.bound.as_mut()
    }

    /// Takes the proposals that the game has been told a number of; it never was of a declaration.
    pub(crate) fn take_undecided(&mut self) -> Vec<ClientSeq> {
        let told = |pending: &Pending| {
            pending
                .touches
                .iter()
                .any(|touch| !matches!(touch, Touch::Declare(_)))
        };
        let pending = self.pending.drain(..).filter(told);
        pending.map(|pending| pending.seq).collect()
    }

    /// The id for the next node that this player spawns.
    pub(crate) fn next_spawn_id(&mut self) -> NodeId {
        self.last_spawn_counter += 1;
        NodeId::spawned(self.me, self.last_spawn_counter)
    }

    /// A `SyncedNode` entered the tree.
    pub(crate) fn register(&mut self, id: NodeId, local: Local) {
        self.directory
            .insert(id, local.node.instance_id(), &local.root);
        self.locals.insert(id, local);
        self.unbound.insert(id);
        self.generation += 1;
        let reshown = &mut self.reshown;
        self.dangling.retain(|(missing, place)| {
            if *missing == id {
                reshown.push(*place);
            }
            *missing != id
        });
    }

    /// A `SyncedNode` left the tree. Says whether the session should be told that it is gone.
    pub(crate) fn unregister(&mut self, id: NodeId, node: &Gd<SyncedNode>) -> bool {
        let is_known = |local: &Local| local.node.instance_id_unchecked() == node.instance_id();
        if !self.locals.get(&id).is_some_and(is_known) {
            return false;
        }
        self.locals.remove(&id);
        self.directory.remove(id);
        self.unbound.remove(&id);
        self.generation += 1;
        if let Some(handle) = self.handle() {
            handle.forget_live(id);
            handle.detach_tracker(id);
        }
        self.entries
            .get(&id)
            .is_some_and(|entry| self.is_mine(entry.spawned.spawn.owner))
    }

    /// Whether an owner is this player; nobody is not, also before this player has an id.
    pub(crate) fn is_mine(&self, owner: PlayerId) -> bool {
        self.me != PlayerId::SERVER && owner == self.me
    }

    /// Where in the tree a node hangs, as every machine can find it: below the nearest synced node, else below the root.
    pub(crate) fn parent_ref(&self, parent: &Gd<Node>) -> ParentRef {
        let mut names = Vec::new();
        let mut current = Some(parent.clone());
        while let Some(node) = current {
            if let Some(anchor) = self.anchor_at(&node) {
                names.reverse();
                return ParentRef {
                    anchor,
                    path: names.join("/"),
                };
            }
            current = node.get_parent();
            if current.is_some() {
                names.push(node.get_name().to_string());
            }
        }
        names.reverse();
        ParentRef {
            anchor: NodeId::ROOT,
            path: names.join("/"),
        }
    }

    /// The node that a place in the tree means here, if it is here.
    pub(crate) fn resolve_parent(
        &self,
        parent: &ParentRef,
        tree_root: &Gd<Node>,
    ) -> Option<Gd<Node>> {
        let anchor = if parent.anchor == NodeId::ROOT {
            tree_root.clone()
        } else {
            self.directory.root(parent.anchor)?
        };
        if parent.path.is_empty() {
            Some(anchor)
        } else {
            anchor.get_node_or_null(&parent.path)
        }
    }

    /// A node and all that hang below it, itself first.
    pub(crate) fn subtree(&self, top: NodeId) -> Vec<NodeId> {
        let is_below = |id: &NodeId| {
            let mut current = *id;
            loop {
                if current == top {
                    return true;
                }
                let Some(entry) = self.entries.get(&current) else {
                    return false;
                };
                current = entry.spawned.spawn.parent.anchor;
            }
        };
        let mut nodes: Vec<_> = self.entries.keys().copied().filter(is_below).collect();
        nodes.sort_by_key(|id| (*id != top, *id));
        nodes
    }

    /// The nodes of a spawner that are not in the scene here.
    pub(crate) fn missing_of(&self, spawner: NodeId) -> Vec<NodeId> {
        let is_missing = |(id, entry): &(&NodeId, &Entry)| {
            matches!(entry.spawned.spawn.origin, Origin::Scene { spawner: by, .. } if by == spawner)
                && !self.locals.contains_key(id)
        };
        let missing = self.entries.iter().filter(is_missing);
        missing.map(|(id, _)| *id).collect()
    }

    /// What a rejected or lost ownership leaves to be shown: the owner's newest values.
    pub(crate) fn confirmed_value(&self, node: NodeId, property: PropertyId) -> Option<&Value> {
        let spec = self
            .entries
            .get(&node)?
            .spawned
            .spawn
            .properties
            .get(usize::from(property.0))?;
        Some(&spec.value)
    }

    fn anchor_at(&self, node: &Gd<Node>) -> Option<NodeId> {
        let id = self.directory.id_of(node.instance_id())?;
        self.entries.contains_key(&id).then_some(id)
    }
}

/// A mutation of one node, with what it shows already.
pub(crate) fn single(mutation: Mutation, touch: Touch) -> (Transaction, Vec<Touch>) {
    (mutation.into(), vec![touch])
}
