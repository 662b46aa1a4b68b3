//! One connection: how far its peer has come, what it may still send, and what waits for it.

use std::collections::VecDeque;

use bytes::Bytes;
use synced_protocol::{id::PlayerId, limits::MAX_FRAME_BYTES, time::Micros};

use crate::{
    config::{Limits, QUESTIONS},
    interest::Unwanted,
    loss::{Arrivals, LossReport},
    rate::{Allowance, Bucket},
};

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stage: Stage,
    /// Whether it ever watched: it may not know yet that its hello was answered.
    pub(crate) has_watched: bool,
    /// Whether it was sent the first frame, which alone has a preface.
    pub(crate) is_answered: bool,
    pub(crate) allowances: Allowances,
    pub(crate) unwanted: Unwanted,
    pub(crate) arrivals: Arrivals,
    pub(crate) loss_report: Option<LossReport>,
    pub(crate) outlet: Outlet,
    /// Datagrams that go out at the end of the round.
    pub(crate) held: Vec<Bytes>,
}

/// How far a peer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not said who it is.
    Unknown,
    /// It was told who leads, and is told whenever that changes.
    Watching,
    /// It waits for the log to take the player in.
    Joining(PlayerId),
    /// It was welcomed and follows the stream.
    Joined(PlayerId),
}

impl Connection {
    pub(crate) fn new(limits: &Limits, now: Micros) -> Self {
        Self {
            stage: Stage::Unknown,
            has_watched: false,
            is_answered: false,
            allowances: Allowances::new(limits, now),
            unwanted: Unwanted::default(),
            arrivals: Arrivals::new(),
            loss_report: None,
            outlet: Outlet::new(limits, now),
            held: Vec::new(),
        }
    }

    pub(crate) const fn player(&self) -> Option<PlayerId> {
        match self.stage {
            Stage::Unknown | Stage::Watching => None,
            Stage::Joining(player) | Stage::Joined(player) => Some(player),
        }
    }

    pub(crate) const fn is_joined(&self) -> bool {
        matches!(self.stage, Stage::Joined(_))
    }
}

/// What a peer may still send.
#[derive(Debug)]
pub(crate) struct Allowances {
    pub(crate) bytes: Bucket,
    pub(crate) proposals: Allowance,
    pub(crate) interests: Bucket,
    pub(crate) questions: Bucket,
    pub(crate) datagrams: Allowance,
}

impl Allowances {
    const fn new(limits: &Limits, now: Micros) -> Self {
        Self {
            bytes: Bucket::new(limits.bytes, now),
            proposals: Allowance::new(limits.proposals, now),
            interests: Bucket::new(limits.interests, now),
            questions: Bucket::new(QUESTIONS, now),
            datagrams: Allowance::new(limits.datagrams, now),
        }
    }
}

/// Frames on their way out. Usually they go at once; a snapshot, and what comes behind it, goes at a pace, so that neither
/// the transport's queue nor the live lane beside it is swamped.
#[derive(Debug)]
pub(crate) struct Outlet {
    backlog: VecDeque<Bytes>,
    /// While the parts of a snapshot are still to come: what goes behind them.
    behind: Option<VecDeque<Bytes>>,
    bytes: usize,
    bytes_max: usize,
    pace: Bucket,
}

/// More waits than may.
#[derive(Debug)]
pub(crate) struct Overflow;

impl Outlet {
    const fn new(limits: &Limits, now: Micros) -> Self {
        Self {
            backlog: VecDeque::new(),
            behind: None,
            bytes: 0,
            bytes_max: limits.backlog_bytes_max,
            pace: Bucket::new(limits.snapshot_bytes.at_once(MAX_FRAME_BYTES as u32), now),
        }
    }

    /// Whether nothing waits or is waited for.
    pub(crate) fn is_free(&self) -> bool {
        self.backlog.is_empty() && self.behind.is_none()
    }

    /// Lets a frame wait for its turn.
    pub(crate) fn hold(&mut self, frame: Bytes) -> Result<(), Overflow> {
        self.bytes += frame.len();
        self.behind
            .as_mut()
            .unwrap_or(&mut self.backlog)
            .push_back(frame);
        self.check()
    }

    /// Keeps a place for the parts of a snapshot.
    pub(crate) fn begin_snapshot(&mut self) {
        self.behind = Some(VecDeque::new());
    }

    /// Expects no further part, and drops what was to go behind.
    pub(crate) fn abandon_snapshot(&mut self) {
        let behind = self.behind.take().into_iter().flatten();
        self.bytes -= behind.map(|frame| frame.len()).sum::<usize>();
    }

    pub(crate) const fn awaits_snapshot(&self) -> bool {
        self.behind.is_some()
    }

    /// Lets the next part wait, ahead of what came since the snapshot was begun.
    pub(crate) fn hold_part(&mut self, frame: Bytes) -> Result<(), Overflow> {
        self.bytes += frame.len();
        self.backlog.push_back(frame);
        self.check()
    }

    /// There is no further part.
    pub(crate) fn end_snapshot(&mut self) {
        self.backlog
            .extend(self.behind.take().into_iter().flatten());
    }

    /// Drops whatever waits or is waited for.
    pub(crate) fn clear(&mut self) {
        self.backlog.clear();
        self.behind = None;
        self.bytes = 0;
    }

    const fn check(&self) -> Result<(), Overflow> {
        if self.bytes > self.bytes_max {
            return Err(Overflow);
        }
        Ok(())
    }

    /// The next frame whose turn has come.
    pub(crate) fn release(&mut self, now: Micros) -> Option<Bytes> {
        let length = self.backlog.front()?.len();
        if !self.pace.take(now, length) {
            return None;
        }
        self.bytes -= length;
        self.backlog.pop_front()
    }

    /// When the turn of the next frame comes.
    pub(crate) fn ready_at(&self) -> Option<Micros> {
        let next = self.backlog.front()?;
        Some(self.pace.ready_at(next.len()))
    }
}
