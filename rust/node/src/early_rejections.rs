//! Proposals that are rejected without getting into the log.
//!
//! Such a proposal is decided in its turn all the same: once everything is decided that the log had been given when it came.
//! So a player's proposals are decided in the order of their numbers, and the last number decided stands for all before it.

use std::collections::VecDeque;

use synced_protocol::{
    id::{ClientSeq, LogIndex, PlayerId},
    mutation::Rejection,
};

/// A proposal that is not to be done.
#[derive(Debug)]
pub(crate) struct EarlyRejection {
    pub(crate) player: PlayerId,
    pub(crate) seq: ClientSeq,
    pub(crate) reason: Rejection,
}

/// In the order in which they came, each with the last log entry before it.
#[derive(Debug, Default)]
pub(crate) struct EarlyRejections(VecDeque<(LogIndex, EarlyRejection)>);

impl EarlyRejections {
    pub(crate) fn push(&mut self, behind: LogIndex, rejection: EarlyRejection) {
        self.0.push_back((behind, rejection));
    }

    /// None of them is decided any more.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The next one whose turn has come with the decision at `log_index`.
    pub(crate) fn pop_due(&mut self, log_index: LogIndex) -> Option<EarlyRejection> {
        self.0
            .pop_front_if(|(behind, _)| *behind <= log_index)
            .map(|(_, rejection)| rejection)
    }
}
