//! What the log cannot take just now: it is full, or another server is about to lead.

use synced_protocol::{
    id::{ClientSeq, PlayerId},
    message::{Change, LogEntry},
    mutation::Rejection,
    time::Micros,
};

use crate::{config::POSTPONED_MAX, early_rejections::EarlyRejection, log::Log, node::Node};

/// In its turn.
#[derive(Debug)]
pub(crate) enum Postponed {
    /// For the log.
    Change(Change),
    /// Not for the log, but decided behind what is.
    Rejection(EarlyRejection),
}

impl<L: Log> Node<L> {
    /// Stamps a change and gives it to the log, now or as soon as that takes it.
    pub(crate) fn append(&mut self, now: Micros, change: Change) {
        if !self.postponed.is_empty() {
            self.postpone(change);
        } else if let Err(entry) = self.try_append(now, change) {
            self.postpone(entry.change);
        }
    }

    /// Decides without the log that a proposal is not to be done, behind everything that the log was given.
    pub(crate) fn reject_early(&mut self, player: PlayerId, seq: ClientSeq, reason: Rejection) {
        let rejection = EarlyRejection {
            player,
            seq,
            reason,
        };
        if self.postponed.is_empty() {
            self.queue_rejection(rejection);
        } else {
            self.postponed.push_back(Postponed::Rejection(rejection));
        }
    }

    /// Gives the log as much as it takes.
    pub(crate) fn append_postponed(&mut self, now: Micros) {
        while let Some(postponed) = self.postponed.pop_front() {
            match postponed {
                Postponed::Rejection(rejection) => self.queue_rejection(rejection),
                Postponed::Change(change) => {
                    if let Err(entry) = self.try_append(now, change) {
                        let change = Postponed::Change(entry.change);
                        return self.postponed.push_front(change);
                    }
                }
            }
        }
    }

    fn try_append(&mut self, now: Micros, change: Change) -> Result<(), LogEntry> {
        let hlc = self.stamp(now);
        let log_index = self.log.append(LogEntry { hlc, change })?;
        self.in_flight.appended(log_index, hlc.physical());
        Ok(())
    }

    /// Whoever comes or goes does so in any case; of proposals, some are too many.
    fn postpone(&mut self, change: Change) {
        match change {
            Change::Transaction { player, seq, .. } if self.postponed.len() >= POSTPONED_MAX => {
                self.meter.counters.proposals_throttled += 1;
                self.reject_early(player, seq, Rejection::TooMany);
            }
            change => self.postponed.push_back(Postponed::Change(change)),
        }
    }

    fn queue_rejection(&mut self, rejection: EarlyRejection) {
        let in_flight = self.in_flight.last();
        let behind = in_flight.unwrap_or(self.world.log_index());
        self.early_rejections.push(behind, rejection);
    }
}
