//! What other players' controllers tell, each thing once.

use std::collections::BTreeMap;

use synced_protocol::{
    error::DecodeError,
    id::NodeId,
    input::{Pose, decode_batch, decode_joints},
    time::Micros,
};
use synced_world::World;

use super::{
    continuity::{Continuity, Times},
    seen::{News, Seen},
};
use crate::{stats::Counters, update::Update};

/// How far the samples, aims and joints of each controller have come.
#[derive(Debug, Default)]
pub(super) struct Hands {
    samples: BTreeMap<NodeId, Samples>,
    aims: BTreeMap<NodeId, Micros>,
    joints: BTreeMap<NodeId, Micros>,
}

#[derive(Debug, Default)]
struct Samples {
    seen: Seen,
    continuity: Continuity,
}

/// A batch on its way through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) node: NodeId,
    pub(super) bytes: &'a [u8],
    pub(super) sent_at: Micros,
    /// Whether datagrams before it are missing.
    pub(super) after_gap: bool,
}

/// What a batch brought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came {
    pub(super) newest_before: Option<Micros>,
    pub(super) newest: Option<Micros>,
    /// Whether no sample is missing before it.
    pub(super) connects: bool,
}

impl Hands {
    /// Tells the samples that were not told before.
    pub(super) fn take_batch(
        &mut self,
        batch: Batch<'_>,
        counters: &mut Counters,
        tell: &mut impl FnMut(Update),
    ) -> Result<Came, DecodeError> {
        let node = batch.node;
        let Samples { seen, continuity } = self.samples.entry(node).or_default();
        let newest_before = seen.newest();
        let mut times = Times::default();
        decode_batch(batch.bytes, batch.sent_at, |frame| {
            times.add(frame.sampled_at);
            let news = seen.insert(frame.sampled_at);
            if news != News::Known {
                counters.samples_received += 1;
                counters.samples_late += u64::from(news == News::Late);
                tell(Update::Input { node, frame });
            }
        })?;
        let connects = newest_before
            .is_some_and(|before| continuity.connects(before, &times, batch.after_gap));
        Ok(Came {
            newest_before,
            newest: seen.newest(),
            connects,
        })
    }

    /// Tells the newest, also one that says nothing new: the game may have forgotten it when the node came to hang elsewhere, or
    /// was not wanted for a while.
    pub(super) fn take_aim(
        &mut self,
        node: NodeId,
        stamp: Micros,
        aim: Pose,
        tell: &mut impl FnMut(Update),
    ) {
        if self.aims.get(&node).is_none_or(|newest| *newest < stamp) {
            self.aims.insert(node, stamp);
            tell(Update::Aim { node, aim });
        }
    }

    /// Tells the newest.
    pub(super) fn take_joints(
        &mut self,
        node: NodeId,
        stamp: Micros,
        packed: &[u8],
        tell: &mut impl FnMut(Update),
    ) -> Result<(), DecodeError> {
        let is_newer = self.joints.get(&node).is_none_or(|newest| *newest < stamp);
        if is_newer {
            let joints = Box::new(decode_joints(packed, stamp)?);
            self.joints.insert(node, stamp);
            tell(Update::Joints { node, joints });
        }
        Ok(())
    }

    /// The node is gone, or another player's.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.samples.remove(&node);
        self.aims.remove(&node);
        self.joints.remove(&node);
    }

    /// Forgets the nodes that are not in the world.
    pub(super) fn retain(&mut self, world: &World) {
        self.samples.retain(|node, _| world.node(*node).is_some());
        self.aims.retain(|node, _| world.node(*node).is_some());
        self.joints.retain(|node, _| world.node(*node).is_some());
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.aims.is_empty() && self.joints.is_empty()
    }
}
