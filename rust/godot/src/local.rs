//! A `SyncedNode` in this game's scene tree, and how its properties stand to the session.

use godot::{
    classes::{Node, RigidBody2D, RigidBody3D},
    prelude::*,
};
use synced_client::{playout::ValueBuffer, reconcile::Slot};
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    mutation::Lane,
    time::Micros,
    value::Value,
};

use crate::{classes::SyncedNode, config::NodeConfig, property::Target, tracker::Tracker};

/// Live values of a property that are kept for playout: a third of a second at 90 frames a second.
const PLAYOUT_VALUES: usize = 32;

/// The physics server writes a body's transform back, rounded its own way, a frame or two after it was set.
const GUARDED_FRAMES: u8 = 8;

/// One `SyncedNode` that is in the tree.
#[derive(Debug)]
pub(crate) struct Local {
    pub node: Gd<SyncedNode>,
    pub root: Gd<Node>,
    pub config: NodeConfig,
    /// The spawned scene that it came with; none if every player's own scene holds it.
    pub spawned_with: Option<NodeId>,
    /// Present once the session knows the node.
    pub bound: Option<Bound>,
    pub tracker: Option<Tracker>,
}

/// What there is of a node while the session knows it.
#[derive(Debug)]
pub(crate) struct Bound {
    pub owner: PlayerId,
    /// This player's own request for ownership, not decided yet: it is treated as granted.
    pub requested: Option<ClientSeq>,
    pub properties: Vec<Property>,
    /// Own proposals about this node that are not decided yet.
    pub undecided: u32,
}

#[derive(Debug)]
pub(crate) struct Property {
    pub target: Target,
    pub state: PropertyState,
}

#[derive(Debug)]
pub(crate) enum PropertyState {
    Confirmed(Slot<Variant>),
    Live(Box<LiveState>),
}

/// A property of the live lane.
#[derive(Debug)]
pub(crate) struct LiveState {
    /// What the property was when last looked at.
    pub seen: Variant,
    /// When the owner last saw it change, in local time.
    pub changed_at: Micros,
    /// Whether the value seen is confirmed, or proposed to be.
    pub settled: bool,
    /// What its owner sent, if that is another player.
    pub buffer: ValueBuffer,
    /// Whether the buffer still has something to show.
    pub playing: bool,
    /// For so many more frames, whatever physics or a script makes of a confirmed value of another player is set back.
    pub guarded_frames: u8,
    pub version: LogIndex,
}

impl Local {
    pub(crate) fn is_alive(&self) -> bool {
        self.node.is_instance_valid() && self.root.is_instance_valid()
    }

    /// Whether this player writes the node now: as its owner, or as one who has asked and not been refused.
    pub(crate) fn is_held_by(&self, me: PlayerId) -> bool {
        self.bound
            .as_ref()
            .is_some_and(|bound| bound.owner == me || bound.requested.is_some())
    }

    /// A body under physics is simulated by its owner alone; everywhere else it is frozen and follows.
    pub(crate) fn apply_authority(&self, me: PlayerId) {
        let is_simulated_elsewhere = self.bound.is_some() && !self.is_held_by(me);
        if !self
            .config
            .properties
            .iter()
            .any(|(_, lane)| *lane == Lane::Live)
        {
            return;
        }
        if let Ok(mut body) = self.root.clone().try_cast::<RigidBody3D>() {
            body.set_freeze_enabled(is_simulated_elsewhere);
        } else if let Ok(mut body) = self.root.clone().try_cast::<RigidBody2D>() {
            body.set_freeze_enabled(is_simulated_elsewhere);
        }
    }

    pub(crate) fn property_id(&self, path: &str) -> Option<PropertyId> {
        let place = self
            .config
            .properties
            .iter()
            .position(|(known, _)| known == path)?;
        u8::try_from(place).ok().map(PropertyId)
    }
}

impl Property {
    pub(crate) fn new(target: Target, lane: Lane, shown: Variant, version: LogIndex) -> Self {
        let state = match lane {
            Lane::Confirmed => PropertyState::Confirmed(Slot::new(shown, version)),
            Lane::Live => PropertyState::Live(Box::new(LiveState::new(shown, version))),
        };
        Self { target, state }
    }

    /// Whether the end of a frame has to look at it; `is_held` says whether this player writes the node.
    pub(crate) const fn is_watched(&self, is_held: bool) -> bool {
        match &self.state {
            PropertyState::Confirmed(_) => true,
            PropertyState::Live(live) => is_held || live.guarded_frames > 0,
        }
    }

    pub(crate) fn version(&self) -> LogIndex {
        match &self.state {
            PropertyState::Confirmed(slot) => slot.version(),
            PropertyState::Live(live) => live.version,
        }
    }
}

impl LiveState {
    fn new(seen: Variant, version: LogIndex) -> Self {
        Self {
            seen,
            changed_at: Micros::ZERO,
            settled: true,
            buffer: ValueBuffer::new(PLAYOUT_VALUES),
            playing: false,
            guarded_frames: GUARDED_FRAMES,
            version,
        }
    }

    /// Takes in what the owner sent.
    pub(crate) fn received(&mut self, stamp: Micros, value: Value) {
        self.buffer.push(stamp, value);
        self.playing = true;
        self.guarded_frames = 0;
    }

    /// Forgets what was under way: the property rests at a confirmed value, or has another owner.
    pub(crate) fn rest_at(&mut self, value: Variant) {
        self.seen = value;
        self.settled = true;
        self.playing = false;
        self.guarded_frames = GUARDED_FRAMES;
        self.buffer.clear();
    }
}

/// A property of a node, as the passes of a frame name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub node: NodeId,
    pub property: PropertyId,
}
