//! What is proposed: at once while nothing is on its way, else together once that has arrived.

use std::collections::VecDeque;

use bytes::Bytes;
use raft::eraftpb::{Entry, Message, MessageType};
use synced_protocol::{id::LogIndex, limits::MAX_FRAME_BYTES};

use super::{Group, Io};
use crate::{config::Config, error::ProposeError};

/// Bytes gathered above which they are proposed while others are still on their way.
const ROUND_BYTES: usize = 64 * 1024;

/// Entries on their way into the log, and through it.
#[derive(Debug, Default)]
pub(super) struct Proposals {
    /// Not proposed yet.
    gathered: VecDeque<Bytes>,
    gathered_bytes: usize,
    /// Proposed and not committed.
    in_flight_bytes: usize,
    /// The last one proposed.
    last: u64,
}

impl Proposals {
    fn gather(&mut self, data: Bytes) {
        self.gathered_bytes += data.len();
        self.gathered.push_back(data);
    }

    fn take(&mut self) -> Vec<Entry> {
        self.in_flight_bytes += std::mem::take(&mut self.gathered_bytes);
        let entry = |data| Entry {
            data,
            ..Entry::default()
        };
        self.gathered.drain(..).map(entry).collect()
    }

    const fn bytes(&self) -> usize {
        self.gathered_bytes + self.in_flight_bytes
    }

    /// Forgets everything, since the leadership has changed.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// One of them is committed.
    pub(super) const fn committed(&mut self, bytes: usize) {
        self.in_flight_bytes = self.in_flight_bytes.saturating_sub(bytes);
    }
}

impl Group {
    pub(crate) fn propose(
        &mut self,
        config: &Config,
        data: Bytes,
    ) -> Result<LogIndex, ProposeError> {
        if !self.serves() || self.handover.is_some() {
            return Err(ProposeError::NotLeading {
                leader: self.other_leader(),
            });
        }
        if data.is_empty() || data.len() > MAX_FRAME_BYTES {
            return Err(ProposeError::Size);
        }
        if self.proposals.bytes() + data.len() > config.entries_in_flight_bytes_max {
            return Err(ProposeError::InFlight);
        }
        self.proposals.gather(data);
        let gathered = self.proposals.gathered.len() as u64;
        Ok(LogIndex(self.engine.raft.raft_log.last_index() + gathered))
    }

    /// Proposes what was gathered, if it is time.
    pub(crate) fn propose_due(&mut self, io: &mut Io<'_>) {
        let idle = self.engine.raft.raft_log.committed >= self.proposals.last;
        if idle || self.proposals.gathered_bytes >= ROUND_BYTES {
            self.propose_queued(io);
        }
    }

    /// Proposes what was gathered.
    pub(super) fn propose_queued(&mut self, io: &mut Io<'_>) {
        if self.proposals.gathered.is_empty() || !self.serves() {
            return;
        }
        let mut message = Message {
            from: self.own.0,
            ..Message::default()
        };
        message.set_msg_type(MessageType::MsgPropose);
        message.set_entries(self.proposals.take().into());
        // The engine drops proposals while leadership is handed over, and none are gathered then.
        let _ = self.engine.raft.step(message);
        self.proposals.last = self.engine.raft.raft_log.last_index();
        self.pump(io);
    }
}
