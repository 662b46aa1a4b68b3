//! A world in parts, one at a time, while the one that it was taken of goes on.

use synced_protocol::{
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId},
    limits::MAX_FRAME_BYTES,
    message::SnapshotPart,
};

use crate::{
    snapshot::{Item, PART_OVERHEAD_BYTES, empty_part},
    world::World,
};

/// Makes the parts of a world of its own, each when it is asked for: parents before children, and at least one.
///
/// Each part's frame is at most so long as was asked for, and no longer than [`MAX_FRAME_BYTES`], unless it holds but one node that is
/// larger; even then it is at most [`MAX_FRAME_BYTES`].
///
/// A copy of a world shares all nodes that neither has changed since, so it is cheap to give one away.
#[derive(Debug)]
pub struct SnapshotWriter {
    world: World,
    hlc: HlcTimestamp,
    budget: usize,
    /// How much of it the part that was made last has left.
    room: usize,
    next: Next,
}

/// Where the writer is.
#[derive(Debug)]
enum Next {
    Player(PlayerId),
    /// Those whose parents are written, the next one last.
    Nodes(Vec<NodeId>),
    Despawned(NodeId),
    Nothing,
}

impl SnapshotWriter {
    /// A writer of parts whose frames are at most `max_bytes` long.
    #[must_use]
    pub fn new(world: World, hlc: HlcTimestamp, max_bytes: usize) -> Self {
        let budget = max_bytes
            .min(MAX_FRAME_BYTES)
            .saturating_sub(PART_OVERHEAD_BYTES);
        Self {
            world,
            hlc,
            budget,
            room: budget,
            next: Next::Player(PlayerId(0)),
        }
    }

    /// The world.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// How many bytes more would fit in the part that was made last.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.room
    }

    /// A part with nothing of the world in it.
    #[must_use]
    pub const fn empty_part(&self) -> SnapshotPart {
        empty_part(self.world.log_index(), self.hlc)
    }

    /// Goes on to what follows the players, the nodes and the rest, once those are written.
    fn settle(&mut self) {
        if let Next::Player(from) = self.next
            && self.world.players.range(from..).next().is_none()
        {
            let top = self.world.tree.children(NodeId::ROOT);
            self.next = Next::Nodes(top.rev().collect());
        }
        if let Next::Nodes(stack) = &self.next
            && stack.is_empty()
        {
            self.next = Next::Despawned(NodeId(0));
        }
        if let Next::Despawned(from) = self.next
            && self.world.tree.tombstones().range(from..).next().is_none()
        {
            self.next = Next::Nothing;
        }
    }

    /// What is next to be written.
    fn item(&self) -> Option<Item<'_>> {
        match &self.next {
            Next::Player(from) => {
                let (id, player) = self.world.players.range(*from..).next()?;
                Some(Item::Player(*id, player))
            }
            Next::Nodes(stack) => self.world.node(*stack.last()?).map(Item::Node),
            Next::Despawned(from) => {
                let despawned = self.world.tree.tombstones().range(*from..).next()?;
                Some(Item::Despawned(*despawned))
            }
            Next::Nothing => None,
        }
    }

    /// What was next has been written.
    fn pass(&mut self) {
        let world = &self.world;
        match &mut self.next {
            Next::Player(from) => {
                let written = world.players.range(*from..).next();
                from.0 = written.map_or(from.0, |(id, _)| id.0) + 1;
            }
            Next::Nodes(stack) => {
                if let Some(written) = stack.pop() {
                    stack.extend(world.tree.children(written).rev());
                }
            }
            Next::Despawned(from) => {
                let written = world.tree.tombstones().range(*from..).next();
                match written.and_then(|written| written.0.checked_add(1)) {
                    Some(following) => from.0 = following,
                    None => self.next = Next::Nothing,
                }
            }
            Next::Nothing => {}
        }
    }
}

impl Iterator for SnapshotWriter {
    type Item = SnapshotPart;

    fn next(&mut self) -> Option<SnapshotPart> {
        if matches!(self.next, Next::Nothing) {
            return None;
        }
        let mut part = self.empty_part();
        self.room = self.budget;
        self.settle();
        while let Some(item) = self.item() {
            let bytes = item.bytes();
            if self.room < self.budget && bytes > self.room {
                return Some(part);
            }
            let room = self.room.saturating_sub(bytes);
            item.put(&mut part);
            self.room = room;
            self.pass();
            self.settle();
        }
        part.last = true;
        Some(part)
    }
}
