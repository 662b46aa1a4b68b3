//! What players were told, held against the history.

use std::collections::{BTreeMap, VecDeque};

use synced_protocol::{hlc::HlcTimestamp, id::LogIndex};

use super::{History, Promise, Violation};
use crate::system::{Heard, Op, Oracle};

/// What all players of a run were told.
#[derive(Debug, Default)]
pub struct Told {
    /// The newest entry that anybody was told of.
    newest: LogIndex,
    players: BTreeMap<u64, Player>,
    /// Where each confirmed proposal is said to be.
    confirmed: BTreeMap<Op, LogIndex>,
    /// How many proposals were decided in whichever way.
    decided: u64,
}

#[derive(Debug, Default)]
struct Player {
    /// The newest entry that it was told of.
    seen: LogIndex,
    stamp: Option<HlcTimestamp>,
    /// On its way by each connection: the newest entry that anybody had been told of when the player asked to be let in.
    asking: BTreeMap<u32, VecDeque<LogIndex>>,
    /// The oldest of these that came to a server which could let it in.
    floor: Option<LogIndex>,
    pending: BTreeMap<Op, Option<HlcTimestamp>>,
    happened: BTreeMap<Op, LogIndex>,
}

impl Told {
    /// A player proposes.
    pub fn proposed(&mut self, player: u64, op: Op) {
        let player = self.players.entry(player).or_default();
        player.pending.insert(op, player.stamp);
    }

    /// A player asks to be let in: what it is then shown is to be no older than what anybody has been told. Who comes back goes
    /// on from what it has seen, and is told the rest later.
    pub fn asks_in(&mut self, player: u64, connection: u32) {
        let newest = self.newest;
        let player = self.players.entry(player).or_default();
        if player.seen == LogIndex::ZERO {
            let asking = player.asking.entry(connection).or_default();
            asking.push_back(newest);
        }
    }

    /// The oldest question on its way by a connection comes to a server, which may let the player in or sends it elsewhere. The player may
    /// ask again before it hears that it is in: what it is shown then answers the first question.
    pub fn asked(&mut self, player: u64, connection: u32, may_let_in: bool) {
        let Some(player) = self.players.get_mut(&player) else {
            return;
        };
        let asking = player.asking.get_mut(&connection);
        let floor = asking.and_then(VecDeque::pop_front);
        if may_let_in && player.floor.is_none() {
            player.floor = floor;
        }
    }

    /// Nobody will hear of a player again.
    pub fn gone(&mut self, player: u64) {
        self.players.remove(&player);
    }

    /// How many proposals were decided.
    #[must_use]
    pub const fn decided(&self) -> u64 {
        self.decided
    }

    /// The newest entry that anybody was told of.
    #[must_use]
    pub const fn newest(&self) -> LogIndex {
        self.newest
    }

    /// A player was told something.
    ///
    /// # Errors
    /// The promise that this breaks.
    pub fn heard<O: Oracle>(
        &mut self,
        history: &History<O>,
        number: u64,
        heard: Heard,
    ) -> Result<(), Violation> {
        match heard {
            Heard::Joined { index } => self.joined(number, index),
            Heard::Confirmed { index, own, stamp } => {
                self.told(history, number, index)?;
                self.stamped(number, index, own, stamp)?;
                own.map_or(Ok(()), |op| self.confirmed(history, number, op, index))
            }
            Heard::Settled(op) => self.decide(number, op),
            Heard::Rejected(op) => self.rejected(history, number, op),
            Heard::Happened(op) => self.happened(number, op),
        }
    }

    fn joined(&mut self, number: u64, index: LogIndex) -> Result<(), Violation> {
        let player = self.players.entry(number).or_default();
        player.asking.clear();
        let floor = player.floor.take().unwrap_or_default().max(player.seen);
        if index < floor {
            return Err(Violation::new(
                Promise::NoStaleRead,
                format!(
                    "player {number} was let in at {index}, but {floor} had been told before it asked"
                ),
            ));
        }
        player.seen = index;
        Ok(())
    }

    fn told<O: Oracle>(
        &mut self,
        history: &History<O>,
        number: u64,
        index: LogIndex,
    ) -> Result<(), Violation> {
        if index > history.last() {
            let last = history.last();
            return Err(Violation::new(
                Promise::NothingEarly,
                format!("player {number} was told of {index} when {last} was the last committed"),
            ));
        }
        let player = self.players.entry(number).or_default();
        if index < player.seen {
            let seen = player.seen;
            return Err(Violation::new(
                Promise::NoStaleRead,
                format!("player {number} was told of {index} after {seen}"),
            ));
        }
        player.seen = index;
        self.newest = self.newest.max(index);
        Ok(())
    }

    fn stamped(
        &mut self,
        number: u64,
        index: LogIndex,
        own: Option<Op>,
        stamp: Option<HlcTimestamp>,
    ) -> Result<(), Violation> {
        let Some(stamp) = stamp else {
            return Ok(());
        };
        let player = self.players.entry(number).or_default();
        let proposed_after = own.and_then(|op| player.pending.get(&op).copied().flatten());
        if let Some(cause) = proposed_after.filter(|cause| *cause >= stamp) {
            return Err(Violation::new(
                Promise::CauseFirst,
                format!("{index} is stamped {stamp}, but its player had seen {cause} before"),
            ));
        }
        player.stamp = player.stamp.max(Some(stamp));
        Ok(())
    }

    fn confirmed<O: Oracle>(
        &mut self,
        history: &History<O>,
        number: u64,
        op: Op,
        index: LogIndex,
    ) -> Result<(), Violation> {
        let place = history.place(op);
        if place != Some(index) {
            return Err(Violation::new(
                Promise::NothingLost,
                format!(
                    "player {number} was told of its proposal {} at {index}, but it is at {place:?}",
                    op.0
                ),
            ));
        }
        self.confirmed.insert(op, index);
        self.decide(number, op)
    }

    fn rejected<O: Oracle>(
        &mut self,
        history: &History<O>,
        number: u64,
        op: Op,
    ) -> Result<(), Violation> {
        if let Some(place) = history.place(op) {
            return Err(Violation::new(
                Promise::NothingLost,
                format!(
                    "player {number} was told that proposal {} changed nothing, but it is at {place}",
                    op.0
                ),
            ));
        }
        self.decide(number, op)
    }

    fn decide(&mut self, number: u64, op: Op) -> Result<(), Violation> {
        let player = self.players.entry(number).or_default();
        if player.pending.remove(&op).is_none() {
            return Err(Violation::new(
                Promise::ExactlyOnce,
                format!(
                    "player {number} was told twice what became of proposal {}",
                    op.0
                ),
            ));
        }
        self.decided += 1;
        Ok(())
    }

    fn happened(&mut self, number: u64, op: Op) -> Result<(), Violation> {
        let player = self.players.entry(number).or_default();
        let seen = player.seen;
        match player.happened.insert(op, seen) {
            None => Ok(()),
            Some(first) => Err(Violation::new(
                Promise::ExactlyOnce,
                format!(
                    "player {number} saw proposal {} happen twice, after {first} and after {seen}",
                    op.0
                ),
            )),
        }
    }

    /// Whatever was told as confirmed is in the history, now that all is over.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check_final<O: Oracle>(&self, history: &History<O>) -> Result<(), Violation> {
        for (op, index) in &self.confirmed {
            if history.place(*op) != Some(*index) {
                return Err(Violation::new(
                    Promise::NothingLost,
                    format!("proposal {}, told as confirmed at {index}, is gone", op.0),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use synced_protocol::store::Members;

    use super::*;
    use crate::system::engine::State;

    /// Whether it is noticed that player 2 is let in at entry 3, when player 1 was told of entry 5 before the second question.
    fn is_noticed(first_comes_to_who_serves: bool) -> bool {
        let mut told = Told::default();
        told.asks_in(2, 7);
        told.asked(2, 7, first_comes_to_who_serves);
        told.newest = LogIndex(5);
        told.asks_in(2, 7);
        told.asked(2, 7, true);
        let history = History::new(State::default(), Members::default());
        let index = LogIndex(3);
        told.heard(&history, 2, Heard::Joined { index }).is_err()
    }

    #[test]
    fn what_a_player_is_shown_may_answer_its_first_question_if_that_could_be_answered() {
        assert!(!is_noticed(true));
        assert!(is_noticed(false));
    }
}
