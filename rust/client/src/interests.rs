//! Which nodes' streams this player does not want to be sent.

use std::collections::BTreeSet;

use bytes::Bytes;
use synced_protocol::{
    control::encode, id::NodeId, limits::MAX_UNWANTED_NODES, message::ClientMessage, time::Micros,
};

use crate::{
    limits::{INTEREST_BURST_MAX, INTERESTS_PER_SECOND_MAX},
    pacing::Bucket,
};

/// What the leader is to know, and what it was told. Said anew on each connection.
#[derive(Debug)]
pub(crate) struct Interests {
    unwanted: BTreeSet<NodeId>,
    /// Nodes of which the leader thinks otherwise, or may.
    untold: BTreeSet<NodeId>,
    pace: Bucket,
}

impl Default for Interests {
    fn default() -> Self {
        Self {
            unwanted: BTreeSet::new(),
            untold: BTreeSet::new(),
            pace: fresh(),
        }
    }
}

impl Interests {
    /// Beyond [`MAX_UNWANTED_NODES`] a node is wanted whatever is said of it: the leader would not listen either.
    pub(crate) fn set(&mut self, node: NodeId, wanted: bool) {
        let changed = if wanted {
            self.unwanted.remove(&node)
        } else {
            self.unwanted.len() < MAX_UNWANTED_NODES && self.unwanted.insert(node)
        };
        if changed {
            self.untold.insert(node);
        }
    }

    /// The node is gone for good; the leader has forgotten it too.
    pub(crate) fn forget(&mut self, node: NodeId) {
        self.unwanted.remove(&node);
        self.untold.remove(&node);
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(NodeId) -> bool) {
        self.unwanted.retain(|node| keep(*node));
        self.untold.retain(|node| keep(*node));
    }

    /// A connection is up, whose leader thinks that everything is wanted.
    pub(crate) fn connected(&mut self) {
        self.untold.clone_from(&self.unwanted);
        self.pace = fresh();
    }

    /// The next thing to tell the leader.
    pub(crate) fn poll_frame(&mut self, now: Micros) -> Option<Bytes> {
        if self.untold.is_empty() || !self.pace.has(now, 1) {
            return None;
        }
        let node = self.untold.pop_first()?;
        self.pace.take(now, 1);
        let wanted = !self.unwanted.contains(&node);
        encode(&ClientMessage::Interest { node, wanted }).ok()
    }

    pub(crate) fn poll_deadline(&self, now: Micros) -> Option<Micros> {
        (!self.untold.is_empty()).then(|| self.pace.ready_at(now, 1))
    }
}

fn fresh() -> Bucket {
    Bucket::new(INTERESTS_PER_SECOND_MAX, INTEREST_BURST_MAX)
}

#[cfg(test)]
mod tests {
    use synced_protocol::control::decode;

    use super::*;

    const NOW: Micros = Micros::from_secs(9);

    fn told(interests: &mut Interests, now: Micros) -> Vec<(u64, bool)> {
        let frames = std::iter::from_fn(|| interests.poll_frame(now));
        frames
            .map(|frame| match decode(&frame) {
                Ok(ClientMessage::Interest { node, wanted }) => (node.0, wanted),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn what_changes_is_told_once_and_all_that_is_unwanted_on_each_connection() {
        let mut interests = Interests::default();
        interests.set(NodeId(1), false);
        interests.set(NodeId(1), false);
        interests.set(NodeId(2), true);
        interests.set(NodeId(3), false);
        assert_eq!(told(&mut interests, NOW), [(1, false), (3, false)]);
        interests.set(NodeId(1), true);
        assert_eq!(told(&mut interests, NOW), [(1, true)]);
        interests.connected();
        assert_eq!(told(&mut interests, NOW), [(3, false)]);
        interests.forget(NodeId(3));
        interests.connected();
        assert_eq!(interests.poll_deadline(NOW), None);
    }

    #[test]
    fn however_often_the_game_changes_its_mind_no_more_is_told_than_the_leader_hears() {
        let mut interests = Interests::default();
        let mut count = 0;
        for ms in 0..10_000 {
            let now = NOW + Micros::from_millis(ms);
            for node in 0..10 {
                interests.set(NodeId(node), ms % 2 == 0);
            }
            count += told(&mut interests, now).len();
        }
        let most = 10 * INTERESTS_PER_SECOND_MAX + INTEREST_BURST_MAX;
        assert!(
            count <= most as usize && count > most as usize / 2,
            "{count}"
        );
    }

    #[test]
    fn there_is_a_most_of_unwanted_nodes_and_all_of_them_can_be_told_at_once() {
        let mut interests = Interests::default();
        (0..2 * MAX_UNWANTED_NODES as u64).for_each(|node| interests.set(NodeId(node), false));
        assert_eq!(told(&mut interests, NOW).len(), MAX_UNWANTED_NODES);
        interests.connected();
        assert_eq!(told(&mut interests, NOW).len(), MAX_UNWANTED_NODES);
    }
}
