//! A `SyncedNode` in this game's scene tree, and how its properties stand to the session.

use godot::{
    classes::{Node, RigidBody2D, RigidBody3D},
    prelude::*,
};
use synced_client::{
    playout::{ValueBuffer, ValueSmoother},
    reconcile::Slot,
};
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    mutation::Lane,
    time::Micros,
    value::Value,
};
use synced_transport::clock;

use crate::{
    classes::SyncedNode, config::NodeConfig, engine::EngineValue, property::Target,
    tracker::Tracker,
};

/// Live values of a property that are kept for playout: half a second at 120 frames a second.
const PLAYOUT_VALUES: usize = 64;

/// The physics server writes a body's transform back, rounded its own way, a tick or two after it was set. So long after each
/// such change it is watched for another.
const GUARDED_FRAMES: u8 = 12;
/// What goes on changing all the same is left alone after so many changes.
const GUARDED_CHANGES: u8 = 60;

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
    /// Whether this player wants what another one streams of it.
    pub wants_live: bool,
    /// Whether the body stands still because another player simulates it, and not because the game froze it.
    pub is_frozen_here: bool,
}

/// What there is of a node while the session knows it.
#[derive(Debug)]
pub(crate) struct Bound {
    pub owner: PlayerId,
    /// This player's own request for ownership, not decided yet: it is treated as granted.
    pub requested: Option<ClientSeq>,
    pub properties: Vec<Property>,
}

impl Bound {
    /// Whether the session says that the node is this player's. What is nobody's is not, also before the player has an id.
    pub(crate) fn is_owned_by(&self, me: PlayerId) -> bool {
        me != PlayerId::SERVER && self.owner == me
    }

    pub(crate) fn property_mut(&mut self, property: PropertyId) -> Option<&mut Property> {
        self.properties.get_mut(usize::from(property.0))
    }
}

#[derive(Debug)]
pub(crate) struct Property {
    pub target: Target,
    pub state: PropertyState,
    /// What the scene made of the value that was last set: a setter may clamp it, an angle may come back rounded.
    pub echo: Option<EngineValue>,
}

#[derive(Debug)]
pub(crate) enum PropertyState {
    Confirmed(Slot<EngineValue>),
    Live(Box<LiveState>),
}

/// A property of the live lane.
#[derive(Debug)]
pub(crate) struct LiveState {
    /// What the property was when last looked at.
    pub seen: EngineValue,
    /// When the owner last saw it change, in local time.
    pub changed_at: Micros,
    /// Whether the value seen is confirmed, or proposed to be.
    pub settled: bool,
    /// What its owner sent, if that is another player.
    pub buffer: ValueBuffer,
    smoother: ValueSmoother,
    /// Whether the buffer still has something to show.
    pub playing: bool,
    /// For so many more frames, whatever physics or a script makes of a confirmed value of another player is set back.
    pub guarded_frames: u8,
    /// How many more such changes are set back.
    pub guarded_changes: u8,
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
            .is_some_and(|bound| bound.is_owned_by(me) || bound.requested.is_some())
    }

    /// Whether what another player streams of it is to be shown here.
    pub(crate) fn follows_stream(&self, me: PlayerId) -> bool {
        self.wants_live && !self.is_held_by(me)
    }

    /// A body under physics is simulated by its owner alone; everywhere else it is frozen and follows. A game's own freezing
    /// is left as it is.
    pub(crate) fn apply_authority(&mut self, me: PlayerId) {
        let is_elsewhere = self.bound.is_some() && !self.is_held_by(me);
        let streams = self
            .config
            .properties
            .iter()
            .any(|(_, lane)| *lane == Lane::Live);
        let Some(mut body) = Body::of(&self.root).filter(|_| streams) else {
            return;
        };
        if is_elsewhere && !body.is_frozen() {
            body.set_frozen(true);
            self.is_frozen_here = true;
        } else if !is_elsewhere && std::mem::take(&mut self.is_frozen_here) {
            body.set_frozen(false);
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

/// A body that physics moves.
enum Body {
    Flat(Gd<RigidBody2D>),
    Solid(Gd<RigidBody3D>),
}

impl Body {
    fn of(root: &Gd<Node>) -> Option<Self> {
        let solid = root.clone().try_cast().map(Self::Solid);
        solid.or_else(|root| root.try_cast().map(Self::Flat)).ok()
    }

    fn is_frozen(&self) -> bool {
        match self {
            Self::Flat(body) => body.is_freeze_enabled(),
            Self::Solid(body) => body.is_freeze_enabled(),
        }
    }

    fn set_frozen(&mut self, frozen: bool) {
        match self {
            Self::Flat(body) => body.set_freeze_enabled(frozen),
            Self::Solid(body) => body.set_freeze_enabled(frozen),
        }
        if !frozen {
            self.wake();
        }
    }

    /// What was frozen counts as asleep until it is told otherwise.
    fn wake(&mut self) {
        match self {
            Self::Flat(body) => body.set_sleeping(false),
            Self::Solid(body) => body.set_sleeping(false),
        }
    }
}

impl Property {
    pub(crate) fn new(target: Target, lane: Lane, shown: EngineValue, version: LogIndex) -> Self {
        let state = match lane {
            Lane::Confirmed => PropertyState::Confirmed(Slot::new(shown, version)),
            Lane::Live => PropertyState::Live(Box::new(LiveState::new(shown, version))),
        };
        Self {
            target,
            state,
            echo: None,
        }
    }

    /// Whether the end of the next frame has to look at it: what this player may not write is only looked at in its turn.
    pub(crate) const fn is_watched(&self, may_write: bool, is_held: bool, is_turn: bool) -> bool {
        match &self.state {
            PropertyState::Confirmed(_) => may_write || is_turn,
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
    fn new(seen: EngineValue, version: LogIndex) -> Self {
        Self {
            seen,
            changed_at: Micros::ZERO,
            settled: true,
            buffer: ValueBuffer::new(PLAYOUT_VALUES),
            smoother: ValueSmoother::new(),
            playing: false,
            guarded_frames: GUARDED_FRAMES,
            guarded_changes: GUARDED_CHANGES,
            version,
        }
    }

    /// Looks at a confirmed value of another player in the scene, and says whether it is to be set back.
    pub(crate) fn guard(&mut self, value: &EngineValue) -> bool {
        self.guarded_frames -= 1;
        if self.seen == *value || self.guarded_changes == 0 {
            return false;
        }
        self.guarded_changes -= 1;
        self.guarded_frames = GUARDED_FRAMES;
        true
    }

    /// Takes in what the owner sent.
    pub(crate) fn received(&mut self, stamp: Micros, value: Value) {
        self.buffer.push(stamp, value);
        self.playing = true;
        self.guarded_frames = 0;
    }

    /// What to show of another player's stream at a session time; none once it has been shown to its end.
    pub(crate) fn play(&mut self, shown_at: Micros) -> Option<Value> {
        if !self.playing {
            return None;
        }
        let value = self.smoother.show(&self.buffer, shown_at);
        self.buffer.forget_before(shown_at);
        let newest = self.buffer.newest();
        self.playing =
            newest.is_some_and(|(newest, _)| newest > shown_at) || self.smoother.is_catching_up();
        value
    }

    /// A value was confirmed. Returns it if it is to be shown: to another player's follower always; to the player who holds
    /// the node only if it is not an echo of that player's own writing, since the node has moved on meanwhile.
    pub(crate) fn committed(
        &mut self,
        value: EngineValue,
        version: LogIndex,
        is_held: bool,
        is_own_write: bool,
    ) -> Option<EngineValue> {
        self.version = version;
        if !is_held {
            self.rest_at(value.clone());
            return Some(value);
        }
        if self.seen == value {
            return None;
        }
        if is_own_write {
            self.settled = false;
            self.changed_at = clock::now();
            return None;
        }
        self.rest_at(value.clone());
        Some(value)
    }

    /// Forgets what another player streamed, and returns the newest of it.
    pub(crate) fn forget_stream(&mut self) -> Option<Value> {
        let newest = self.buffer.newest().filter(|_| self.playing);
        let newest = newest.map(|(_, value)| value.clone());
        self.buffer.clear();
        self.smoother.clear();
        self.playing = false;
        newest
    }

    /// Forgets what was under way: the property rests at a confirmed value, or has another owner.
    pub(crate) fn rest_at(&mut self, value: EngineValue) {
        self.seen = value;
        self.settled = true;
        self.playing = false;
        self.guarded_frames = GUARDED_FRAMES;
        self.guarded_changes = GUARDED_CHANGES;
        self.buffer.clear();
        self.smoother.clear();
    }
}

/// A property of a node, as the passes of a frame name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub node: NodeId,
    pub property: PropertyId,
}
