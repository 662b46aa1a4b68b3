//! How the two journals take turns, as the side that writes sees it.

use std::{sync::Arc, thread, time::Duration};

use crate::{
    error::StorageResult, failure::Failure, handover::Giver, journal::Journal, keeper::Keeper,
    tail::Tail,
};

/// From which length, in bytes, a journal is settled behind a snapshot, which has made most of what is before it superfluous; without
/// one, at twice that length. The less often, the less of what soon goes again is moved to the database; the next start reads what was
/// not settled.
pub const SETTLED_BYTES: u64 = 16 * 1024 * 1024;
/// How long a journal may become, in bytes, before a write waits until the other one is settled. It may pass this by one batch.
pub const JOURNAL_BYTES_MAX: u64 = 64 * 1024 * 1024;
const _: () = assert!(2 * SETTLED_BYTES < JOURNAL_BYTES_MAX);

/// How long passes between two looks whether the other journal is settled.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(crate) struct Turns {
    /// The other journal, unless it is handed over.
    spare: Option<Journal>,
    giver: Giver,
    /// Until somebody else runs it.
    keeper: Option<Keeper>,
    failure: Arc<Failure>,
}

impl Turns {
    pub(crate) const fn new(
        spare: Journal,
        giver: Giver,
        keeper: Keeper,
        failure: Arc<Failure>,
    ) -> Self {
        Self {
            spare: Some(spare),
            giver,
            keeper: Some(keeper),
            failure,
        }
    }

    pub(crate) const fn take_keeper(&mut self) -> Option<Keeper> {
        self.keeper.take()
    }

    /// Hands the journal over if it is at least so long, in bytes, and nobody need wait for that.
    pub(crate) fn hand_over_if_longer(&mut self, tail: &mut Tail, long: u64) {
        if tail.len() >= long && self.keeper.is_none() {
            self.hand_over(tail);
        }
    }

    /// Whether the journal is so long that the next write waits.
    pub(crate) fn would_wait(&mut self, tail: &Tail) -> bool {
        tail.len() >= JOURNAL_BYTES_MAX && (self.keeper.is_some() || !self.has_spare())
    }

    /// Makes room in a journal that is too long.
    pub(crate) fn make_room(&mut self, tail: &mut Tail) -> StorageResult<()> {
        if tail.len() < JOURNAL_BYTES_MAX {
            return Ok(());
        }
        if self.keeper.is_some() {
            return self.settle(tail);
        }
        self.finish()?;
        self.hand_over(tail);
        Ok(())
    }

    /// Has everything settled, and waits for that.
    pub(crate) fn settle(&mut self, tail: &mut Tail) -> StorageResult<()> {
        self.finish()?;
        self.hand_over(tail);
        self.finish()
    }

    fn hand_over(&mut self, tail: &mut Tail) {
        if tail.len() > 0
            && self.has_spare()
            && let Some(spare) = self.spare.take()
        {
            self.giver.give(tail.turn(spare));
        }
    }

    fn has_spare(&mut self) -> bool {
        if self.spare.is_none() {
            self.spare = self.giver.take_back();
        }
        self.spare.is_some()
    }

    /// Waits until what was handed over is settled.
    fn finish(&mut self) -> StorageResult<()> {
        loop {
            self.failure.check()?;
            // Asked before, since it may give back and go in between.
            let is_over = self.giver.is_abandoned();
            if self.has_spare() {
                return Ok(());
            }
            match &mut self.keeper {
                Some(keeper) => keeper.settle_if_any()?,
                None if is_over => return Err(self.failure.abandoned()),
                None => thread::sleep(LOOK_INTERVAL),
            }
        }
    }
}
