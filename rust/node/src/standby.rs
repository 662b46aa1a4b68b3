//! What another server heard by datagram, kept for when this one leads.

use synced_protocol::{
    error::DecodeError,
    limits::MAX_LIVE_VALUE_BYTES,
    message::{LiveEntry, LivePose},
    time::Micros,
};

use crate::{config::LIVE_VALUE_OVERHEAD_BYTES, log::Log, node::Node};

impl<L: Log> Node<L> {
    /// Keeps a live value that another server relayed. The node need not be here yet.
    pub(crate) fn stand_by_value(&mut self, entry: LiveEntry) {
        let bytes = entry.value.encoded_len();
        if bytes <= MAX_LIVE_VALUE_BYTES {
            self.live_values
                .offer(entry, bytes + LIVE_VALUE_OVERHEAD_BYTES);
        }
    }

    /// Keeps the newest input of a tracked node that another server relayed.
    pub(crate) fn stand_by_pose(
        &mut self,
        now: Micros,
        pose: &LivePose,
    ) -> Result<(), DecodeError> {
        let limits = &self.config.limits.input;
        self.trackers.stand_by(limits, now, pose)
    }
}
