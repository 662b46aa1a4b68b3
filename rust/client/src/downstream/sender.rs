//! One other player, as far as its datagrams tell.

use synced_protocol::{live::Loss, time::Micros};

use super::{gaps::Gaps, loss::LossMeter};
use crate::{config::PlayoutConfig, playout::PlayoutDelay, stats::Counters};

/// What its datagrams say of the way that they come.
#[derive(Debug)]
pub(super) struct Sender {
    gaps: Gaps,
    loss: LossMeter,
    delay: PlayoutDelay,
}

impl Sender {
    /// Before the datagram of this number.
    pub(super) fn before(sequence: u32, config: PlayoutConfig) -> Self {
        Self {
            gaps: Gaps::before(sequence),
            loss: LossMeter::default(),
            delay: PlayoutDelay::new(config),
        }
    }

    /// Counts a datagram; returns whether there is a gap before it.
    pub(super) fn count(&mut self, now: Micros, sequence: u32, counters: &mut Counters) -> bool {
        let counted = self.gaps.count(sequence, counters);
        self.loss.decided(now, counted.decided, counted.lost);
        counted.after_gap
    }

    /// The gap just counted took nothing with it.
    pub(super) fn heal(&mut self, counters: &mut Counters) {
        self.gaps.heal(counters);
    }

    /// Something in motion came so late; returns the delay for this player's streams if it changed.
    pub(super) fn arrived(&mut self, now: Micros, lateness: Micros) -> Option<Micros> {
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
