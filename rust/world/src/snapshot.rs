//! A world in frames, and back.

use std::{fmt, iter, iter::Peekable};

use synced_protocol::{
    hlc::HlcTimestamp,
    id::{LogIndex, NodeId, PlayerId},
    limits::MAX_FRAME_BYTES,
    message::{LiveEntry, LivePose, NodeEntry, PlayerEntry, SnapshotPart},
    mutation::Rejection,
};

use crate::{
    effect::Outcome,
    node::Node,
    spawn::check_id,
    world::{Player, World},
};

/// Index, timestamp, counts and tags of a part at their longest.
pub(crate) const PART_OVERHEAD_BYTES: usize = 64;
/// Each id and length of an item that is not a node, at its longest.
const NUMBER_BYTES: usize = 9;

impl World {
    /// The world in parts, parents before children, with the newest live values and poses at the end.
    ///
    /// Each part's frame is at most `max_bytes` long (of which [`MAX_FRAME_BYTES`] are ever used), unless it holds but one
    /// node that is larger; even then it is at most [`MAX_FRAME_BYTES`]. There is always at least one part.
    pub fn snapshot_parts<'a>(
        &'a self,
        hlc: HlcTimestamp,
        live: impl Iterator<Item = LiveEntry> + 'a,
        poses: impl Iterator<Item = LivePose> + 'a,
        max_bytes: usize,
    ) -> impl Iterator<Item = SnapshotPart> + 'a {
        let budget = max_bytes
            .min(MAX_FRAME_BYTES)
            .saturating_sub(PART_OVERHEAD_BYTES);
        let unlogged = live.map(Item::Live).chain(poses.map(Item::Pose));
        let mut items = self.items().chain(unlogged).peekable();
        let mut done = false;
        iter::from_fn(move || {
            if done {
                return None;
            }
            let mut part = empty_part(self.log_index, hlc);
            fill(&mut part, &mut items, budget);
            done = items.peek().is_none();
            part.last = done;
            Some(part)
        })
    }

    /// The world that the parts tell of, in the order in which they were made. Live values and poses are not the world's: take
    /// them out before.
    ///
    /// # Errors
    /// What is wrong with the parts, [`SnapshotError::Incomplete`] when the last is missing.
    pub fn from_snapshot(
        parts: impl IntoIterator<Item = SnapshotPart>,
    ) -> Result<Self, SnapshotError> {
        let mut reader = SnapshotReader::default();
        for part in parts {
            reader.add(part)?;
        }
        reader.finish()
    }

    fn items(&self) -> impl Iterator<Item = Item<'_>> {
        let players = self.players().map(|(id, player)| Item::Player(id, player));
        let despawned = self.despawned().map(Item::Despawned);
        players
            .chain(self.nodes_downwards().map(Item::Node))
            .chain(despawned)
    }

    fn nodes_downwards(&self) -> impl Iterator<Item = &Node> {
        let mut stack: Vec<NodeId> = self.tree.children(NodeId::ROOT).rev().collect();
        iter::from_fn(move || {
            let node = self.node(stack.pop()?)?;
            stack.extend(self.tree.children(node.id()).rev());
            Some(node)
        })
    }
}

/// Puts a world together, part by part.
#[derive(Debug, Default)]
pub struct SnapshotReader {
    world: World,
    log_index: Option<LogIndex>,
    complete: bool,
}

impl SnapshotReader {
    /// Takes the next part and says whether it was the last.
    ///
    /// # Errors
    /// What is wrong with the part; the reader is of no use then.
    pub fn add(&mut self, part: SnapshotPart) -> Result<bool, SnapshotError> {
        let log_index = *self.log_index.get_or_insert(part.log_index);
        if self.complete || part.log_index != log_index {
            return Err(SnapshotError::OutOfOrder);
        }
        for player in &part.players {
            self.add_player(player)?;
        }
        for node in part.nodes {
            self.add_node(node)?;
        }
        for node in part.despawned {
            self.add_despawned(node)?;
        }
        self.complete = part.last;
        Ok(self.complete)
    }

    /// The world.
    ///
    /// # Errors
    /// [`SnapshotError::Incomplete`] before the last part.
    pub fn finish(mut self) -> Result<World, SnapshotError> {
        let log_index = self.log_index.filter(|_| self.complete);
        self.world.log_index = log_index.ok_or(SnapshotError::Incomplete)?;
        Ok(self.world)
    }

    fn add_player(&mut self, entry: &PlayerEntry) -> Result<(), SnapshotError> {
        match self.world.join(entry, &mut Vec::new()) {
            Ok(Outcome::Applied) => Ok(()),
            Ok(Outcome::Duplicate) | Err(_) => Err(SnapshotError::Player(entry.player)),
        }
    }

    fn add_node(&mut self, entry: NodeEntry) -> Result<(), SnapshotError> {
        let node = entry.spawn.node;
        if entry.versions.len() != entry.spawn.properties.len() {
            return Err(SnapshotError::Versions(node));
        }
        self.insert(entry)
            .map_err(|reason| SnapshotError::Node { node, reason })
    }

    fn insert(&mut self, NodeEntry { spawn, versions }: NodeEntry) -> Result<(), Rejection> {
        check_id(&spawn)?;
        if spawn.owner != PlayerId::SERVER && self.world.player(spawn.owner).is_none() {
            return Err(Rejection::PlayerMissing(spawn.owner));
        }
        let tree = &mut self.world.tree;
        tree.check_fresh(spawn.node)?;
        tree.check_place(spawn.node, spawn.parent.anchor)?;
        let node = Node::build(spawn, versions.into_iter(), tree.scratch())?;
        tree.insert(node)?;
        tree.commit();
        Ok(())
    }

    fn add_despawned(&mut self, node: NodeId) -> Result<(), SnapshotError> {
        self.bury(node)
            .map_err(|reason| SnapshotError::Node { node, reason })
    }

    fn bury(&mut self, node: NodeId) -> Result<(), Rejection> {
        if !node.is_derived() {
            return Err(Rejection::ForeignId(node));
        }
        let tree = &mut self.world.tree;
        tree.check_fresh(node)?;
        tree.check_room()?;
        tree.bury(node);
        tree.commit();
        Ok(())
    }
}

/// Why parts make no world. Always the sender's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotError {
    /// A part of another snapshot, or one behind the last.
    OutOfOrder,
    /// The last part is missing.
    Incomplete,
    /// A player who is told twice, or who cannot be.
    Player(PlayerId),
    /// A node with more or fewer versions than properties.
    Versions(NodeId),
    /// A node that cannot be there.
    Node {
        /// Which.
        node: NodeId,
        /// Why not.
        reason: Rejection,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfOrder => f.write_str("a part does not belong to the snapshot before it"),
            Self::Incomplete => f.write_str("the snapshot's last part is missing"),
            Self::Player(player) => write!(f, "{player} cannot be in the snapshot, or not twice"),
            Self::Versions(node) => write!(f, "{node} has not one version for each property"),
            Self::Node { node, reason } => write!(f, "{node} cannot be in the snapshot: {reason}"),
        }
    }
}

impl std::error::Error for SnapshotError {}

pub(crate) enum Item<'a> {
    Player(PlayerId, &'a Player),
    Node(&'a Node),
    Despawned(NodeId),
    Live(LiveEntry),
    Pose(LivePose),
}

impl Item<'_> {
    /// An upper bound.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Player(_, player) => 2 * NUMBER_BYTES + player.name().len(),
            Self::Node(node) => node.bytes(),
            Self::Despawned(_) => NUMBER_BYTES,
            Self::Live(entry) => 4 * NUMBER_BYTES + entry.value.encoded_len(),
            Self::Pose(pose) => 3 * NUMBER_BYTES + pose.batch.len(),
        }
    }

    pub(crate) fn put(self, part: &mut SnapshotPart) {
        match self {
            Self::Player(id, player) => part.players.push(player.entry(id)),
            Self::Node(node) => part.nodes.push(node.entry()),
            Self::Despawned(node) => part.despawned.push(node),
            Self::Live(entry) => part.live.push(entry),
            Self::Pose(pose) => part.poses.push(pose),
        }
    }
}

fn fill<'a>(
    part: &mut SnapshotPart,
    items: &mut Peekable<impl Iterator<Item = Item<'a>>>,
    budget: usize,
) {
    let mut used = 0;
    while let Some(item) = items.next_if(|item| used == 0 || used + item.bytes() <= budget) {
        used += item.bytes();
        item.put(part);
    }
}

pub(crate) const fn empty_part(log_index: LogIndex, hlc: HlcTimestamp) -> SnapshotPart {
    SnapshotPart {
        log_index,
        hlc,
        players: Vec::new(),
        nodes: Vec::new(),
        despawned: Vec::new(),
        live: Vec::new(),
        poses: Vec::new(),
        last: false,
    }
}
