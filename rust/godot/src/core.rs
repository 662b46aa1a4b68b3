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
    id::{LogIndex, NodeId, PlayerId, PropertyId, ServerId, Term},
    message::ServerEntry,
    time::Micros,
    value::Value,
};
use synced_transport::clock;

use crate::{
    classes::{SyncedNode, SyncedSpawner},
    directory::Directory,
    frame_stats::FrameStats,
    grab::Grabs,
    local::{Bound, Local, Place},
    network::Link,
    pending::Pending,
    timeline::Timelines,
    tracker::Events,
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

/// The servers of the session, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    /// The one that this player is with; 0 is one that is alone, or none.
    pub leader: ServerId,
    /// The period of its lead.
    pub term: Term,
    /// The likeliest next leader first; empty where one server is alone.
    pub all: Vec<ServerEntry>,
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
    pub servers: Servers,
    pub clock: ClockEstimate,
    /// What is shown of each player, and when this frame is.
    pub timelines: Timelines,
    pub log_index: LogIndex,
    /// Every node of the session, in the scene here or not.
    pub entries: HashMap<NodeId, Entry>,
    /// Every `SyncedNode` in the scene here, of the session or not.
    pub locals: HashMap<NodeId, Local>,
    pub directory: Directory,
    pub spawners: HashMap<NodeId, Gd<SyncedSpawner>>,
    pub grabs: Grabs,
    pub device_events: Events,
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
    /// How often something happened after which a property that was not looked at may have to be.
    pub watch_changes: u64,
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

    /// Another frame is shown, now.
    pub(crate) fn begin_frame(&mut self) {
        self.timelines.advance(self.session_time(clock::now()));
    }

    /// The session time that a node is shown at in this frame.
    pub(crate) fn shown_at(&self, local: &Local) -> Micros {
        match &local.bound {
            Some(bound) if !local.is_held_by(self.me) && bound.owner != PlayerId::SERVER => {
                self.timelines.shown_at(bound.owner)
            }
            _ => self.timelines.now(),
        }
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

    /// The `SyncedNode` with this id, if it is in the scene here.
    pub(crate) fn synced_node(&self, id: NodeId) -> Option<Gd<SyncedNode>> {
        let local = self.locals.get(&id).filter(|local| local.is_alive())?;
        Some(local.node.clone())
    }

    pub(crate) fn bound_mut(&mut self, id: NodeId) -> Option<&mut Bound> {
        self.locals.get_mut(&id)?.bound.as_mut()
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
        let wanted = self
            .locals
            .remove(&id)
            .is_some_and(|local| local.wants_live);
        self.directory.remove(id);
        self.unbound.remove(&id);
        self.generation += 1;
        if let Some(handle) = self.handle() {
            handle.forget_live(id);
            handle.detach_tracker(id);
            if !wanted {
                // Should it come back, it may be wanted.
                handle.set_interest(id, true);
            }
        }
        self.entries
            .get(&id)
            .is_some_and(|entry| self.is_mine(entry.spawned.spawn.owner))
    }

    /// Whether an owner is this player; nobody is not, also before this player has an id.
    pub(crate) fn is_mine(&self, owner: PlayerId) -> bool {
        self.me != PlayerId::SERVER && owner == self.me
    }

    /// This player wants what is streamed of a node, or does not.
    pub(crate) fn set_receiving(&mut self, id: NodeId, wanted: bool) {
        let Some(local) = self.locals.get_mut(&id) else {
            return;
        };
        local.wants_live = wanted;
        if let Some(tracker) = local.tracker.as_mut().filter(|_| !wanted) {
            tracker.forget_remote();
        }
        if local.bound.is_some()
            && let Some(handle) = self.handle()
        {
            handle.set_interest(id, wanted);
        }
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
}
