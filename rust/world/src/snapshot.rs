//! A world in frames, and back.

use std::fmt;

use synced_protocol::{
    hlc::HlcTimestamp,
    id::{LogIndex, NodeId, PlayerId},
    message::{JoinMark, NodeEntry, PlayerEntry, SnapshotPart},
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
    /// The world that the parts tell of, in the order in which they were made. Live values and poses in them are not the world's.
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
        match self.world.join(entry, JoinMark::default(), &mut Vec::new()) {
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
}

impl Item<'_> {
    /// An upper bound.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Player(_, player) => 2 * NUMBER_BYTES + player.name().len(),
            Self::Node(node) => node.bytes(),
            Self::Despawned(_) => NUMBER_BYTES,
        }
    }

    pub(crate) fn put(self, part: &mut SnapshotPart) {
        match self {
            Self::Player(id, player) => part.players.push(player.entry(id)),
            Self::Node(node) => part.nodes.push(node.entry()),
            Self::Despawned(node) => part.despawned.push(node),
        }
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
