//! Snapshots of this replica's own state.

use std::sync::Arc;

use bytes::Bytes;
use synced_protocol::{
    id::{LogIndex, ReplicaId, Term},
    limits::MAX_FRAME_BYTES,
    store::LogSnapshot,
};

use super::size;
use crate::{
    codec::{MAX_SNAPSHOT_BYTES, MAX_SNAPSHOT_PARTS},
    group::{Group, Io},
    news::News,
};

/// How many different lengths of log servers bear before they want a snapshot: from the configured one to almost twice as much.
const LENGTHS: usize = 8;

fn is_small_enough(parts: &[Bytes]) -> bool {
    parts.len() <= MAX_SNAPSHOT_PARTS
        && size(parts) <= MAX_SNAPSHOT_BYTES
        && parts.iter().all(|part| part.len() <= MAX_FRAME_BYTES)
}

impl Group {
    /// Asks for a snapshot when the log is long, or when a follower needs one.
    pub(in crate::group) fn want_snapshot(&mut self, io: &mut Io<'_>) {
        let log = self.engine.store();
        // Not all servers at once: whoever writes down its state is busy for a moment.
        let later = usize::from(self.own.server().0) % LENGTHS;
        let kept_max = io.config.log_bytes_kept_max;
        let long = log.bytes_uncovered() > kept_max + kept_max / LENGTHS * later;
        if (log.take_wanted() || long) && self.snapshot_wanted.is_none() {
            self.snapshot_wanted = Some(self.applied);
            self.tell(io, News::SnapshotWanted);
        }
    }

    /// Takes a snapshot of the state that was told up to `index`.
    pub(crate) fn take_snapshot(&mut self, io: &mut Io<'_>, index: LogIndex, parts: Vec<Bytes>) {
        let Some(asked_at) = self.snapshot_wanted.take() else {
            return;
        };
        // Between the last entry with content and the question there may be others, which the state does not show.
        let index = index.0.max(asked_at);
        let newer = index > self.engine.store().snapshot().index.0 && index <= self.applied;
        let Some(term) = self.engine.store().term_of(index).filter(|_| newer) else {
            return;
        };
        if !is_small_enough(&parts) {
            self.counters.snapshots_refused += 1;
            return;
        }
        let known = self.history.partition_point(|(from, _)| *from <= index);
        self.history.drain(..known.saturating_sub(1));
        let Some((_, members)) = self.history.first().cloned() else {
            return;
        };
        let snapshot = LogSnapshot {
            index: LogIndex(index),
            term: Term(term),
            members,
            parts,
        };
        let snapshot = Arc::new(snapshot);
        let (kept_max, needed) = (io.config.log_bytes_kept_max, self.needed(io));
        self.engine
            .mut_store()
            .cover(Arc::clone(&snapshot), kept_max, needed);
        self.write(io, |write| write.snapshot = Some(snapshot));
    }

    /// The last entry that every follower within reach has, or will have by a snapshot that is on its way.
    fn needed(&self, io: &Io<'_>) -> u64 {
        let within_reach = |id: u64| {
            let silence = self.lease.silence(ReplicaId(id));
            silence.is_some_and(|ticks| ticks < io.config.quorum_silence_ticks)
        };
        let followers = self
            .engine
            .raft
            .prs()
            .iter()
            .filter(|(id, _)| within_reach(**id));
        followers
            .map(|(_, p)| p.matched.max(p.pending_snapshot))
            .min()
            .unwrap_or(u64::MAX)
    }
}
