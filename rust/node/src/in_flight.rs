//! What the log was given and has not committed yet.

use std::collections::VecDeque;

use synced_protocol::{id::LogIndex, time::Micros};

/// Places in the log and when each was ordered, in session time. Both grow.
#[derive(Debug, Default)]
pub(crate) struct InFlight(VecDeque<(LogIndex, Micros)>);

impl InFlight {
    pub(crate) fn appended(&mut self, log_index: LogIndex, ordered_at: Micros) {
        self.0.push_back((log_index, ordered_at));
    }

    /// Everything up to this place is committed; tells of each of it when it was ordered.
    pub(crate) fn committed(&mut self, log_index: LogIndex, mut tell: impl FnMut(Micros)) {
        while let Some((_, ordered_at)) = self.0.pop_front_if(|entry| entry.0 <= log_index) {
            tell(ordered_at);
        }
    }

    /// None of them may ever be committed.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The last of them.
    pub(crate) fn last(&self) -> Option<LogIndex> {
        self.0.back().map(|entry| entry.0)
    }

    /// The last of them that was ordered before a moment.
    pub(crate) fn last_before(&self, moment: Micros) -> Option<LogIndex> {
        let count = self.0.partition_point(|entry| entry.1 < moment);
        Some(self.0.get(count.checked_sub(1)?)?.0)
    }
}
