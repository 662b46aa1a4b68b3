//! One other player, as far as its datagrams tell.

use synced_protocol::{live::Loss, time::Micros};

use super::{gaps::Gaps, loss::LossMeter};
use crate::{config::PlayoutConfig, playout::PlayoutDelay, stats::Counters};

/// What its datagrams say of the way that they come.
#[derive(Debug)]
pub(super) struct Sender {
    /// Since the connection began; `None` before the first datagram.
    gaps: Option<Gaps>,
    /// Whether the newest datagram is the first of the connection: it is late by the interruption, not by its way.
    is_first: bool,
    loss: LossMeter,
    delay: PlayoutDelay,
}

impl Sender {
    pub(super) fn new(config: PlayoutConfig) -> Self {
        Self {
            gaps: None,
            is_first: true,
            loss: LossMeter::default(),
            delay: PlayoutDelay::new(config),
        }
    }

    /// Counts a datagram; returns whether others are missing before it, or may be.
    pub(super) fn count(&mut self, now: Micros, sequence: u32, counters: &mut Counters) -> bool {
        self.is_first = self.gaps.is_none();
        let gaps = self.gaps.get_or_insert_with(|| Gaps::before(sequence));
        let counted = gaps.count(sequence, counters);
        self.loss.decided(now, counted.decided, counted.lost);
        self.is_first || counted.after_gap
    }

    /// Datagrams went by elsewhere; nobody knows how many.
    pub(super) const fn interrupted(&mut self) {
        self.gaps = None;
    }

    /// The gap just counted took nothing with it.
    pub(super) fn heal(&mut self, counters: &mut Counters) {
        if let Some(gaps) = &mut self.gaps {
            gaps.heal(counters);
        }
    }

    /// Something in motion came so late; returns the delay for this player's streams if it changed.
    pub(super) fn arrived(&mut self, now: Micros, lateness: Micros) -> Option<Micros> {
        if self.is_first {
            return None;
        }
        self.delay.arrived(now, lateness)
    }

    pub(super) fn loss(&mut self, now: Micros) -> Option<Loss> {
        self.loss.loss(now)
    }

    pub(super) const fn delay(&self) -> Option<Micros> {
        self.delay.delay()
    }

    pub(super) const fn jitter(&self) -> Micros {
        self.delay.jitter()
    }
}
