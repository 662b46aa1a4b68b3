//! What time is shown of each player: session time less the delay that this player's stream needs.

use std::collections::BTreeMap;

use synced_client::playout::DelaySlew;
use synced_protocol::{id::PlayerId, time::Micros};

/// A step back of the session's clock by more than this is followed; a smaller one is waited out, so that nothing shown
/// goes back.
const STEP_BACK_MAX: Micros = Micros::from_millis(250);

/// The timelines of all players, moved on once a frame.
#[derive(Debug, Default)]
pub(crate) struct Timelines {
    now: Micros,
    /// For players of whom nothing was measured yet.
    initial: Micros,
    players: BTreeMap<PlayerId, Timeline>,
}

#[derive(Debug)]
struct Timeline {
    slew: DelaySlew,
    shown_at: Micros,
}

impl Timelines {
    /// Forgets every player: a session begins, whose players are shown this late until something is known of them.
    pub(crate) fn begin(&mut self, initial: Micros) {
        *self = Self {
            initial,
            ..Self::default()
        };
    }

    /// What the session says that a player's stream needs.
    pub(crate) fn recommend(&mut self, player: PlayerId, delay: Micros) {
        let now = self.now;
        let begun = Timeline {
            slew: DelaySlew::new(self.initial),
            shown_at: now - self.initial,
        };
        let timeline = self.players.entry(player).or_insert(begun);
        timeline.slew.aim(now, delay);
    }

    /// A player has left for good.
    pub(crate) fn forget(&mut self, player: PlayerId) {
        self.players.remove(&player);
    }

    /// Another frame is shown, at a session time.
    pub(crate) fn advance(&mut self, now: Micros) {
        self.now = monotonic(self.now, now);
        for Timeline { slew, shown_at } in self.players.values_mut() {
            *shown_at = monotonic(*shown_at, slew.shown_at(self.now));
        }
    }

    /// The session time of this frame.
    pub(crate) const fn now(&self) -> Micros {
        self.now
    }

    /// The session time that is shown of a player in this frame.
    pub(crate) fn shown_at(&self, player: PlayerId) -> Micros {
        let known = self.players.get(&player);
        known.map_or(self.now - self.initial, |timeline| timeline.shown_at)
    }

    /// The longest delay of a player, zero without any.
    pub(crate) fn delay_max(&self) -> Micros {
        let shown = self.players.values().map(|timeline| timeline.shown_at);
        shown.map(|at| self.now - at).max().unwrap_or_default()
    }
}

/// The later of two times, unless the clock was set back.
fn monotonic(before: Micros, now: Micros) -> Micros {
    if before.since(now) > STEP_BACK_MAX {
        now
    } else {
        now.max(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Micros = Micros::from_secs(1_000_000);
    const ANN: PlayerId = PlayerId(1);
    const BEN: PlayerId = PlayerId(2);

    fn begun() -> Timelines {
        let mut timelines = Timelines::default();
        timelines.begin(Micros::from_millis(50));
        timelines.advance(START);
        timelines
    }

    #[test]
    fn each_player_is_shown_by_the_delay_that_this_player_needs() {
        let mut timelines = begun();
        timelines.recommend(ANN, Micros::from_millis(20));
        timelines.recommend(BEN, Micros::from_millis(100));
        assert_eq!(
            timelines.shown_at(ANN),
            timelines.shown_at(BEN),
            "none leaps"
        );
        for frame in 1..=200 {
            timelines.advance(START + Micros::from_millis(10 * frame));
        }
        let delay = |player| timelines.now() - timelines.shown_at(player);
        assert_eq!(delay(ANN), Micros::from_millis(20));
        assert_eq!(delay(BEN), Micros::from_millis(100));
        assert_eq!(
            delay(PlayerId(3)),
            Micros::from_millis(50),
            "nothing is known of this one"
        );
        assert_eq!(timelines.delay_max(), Micros::from_millis(100));
    }

    #[test]
    fn a_clock_that_is_set_back_a_little_holds_the_shown_time_and_by_far_takes_it_along() {
        let mut timelines = begun();
        timelines.recommend(ANN, Micros::from_millis(50));
        timelines.advance(START);
        let shown = timelines.shown_at(ANN);
        timelines.advance(START - Micros::from_millis(200));
        assert_eq!((timelines.now(), timelines.shown_at(ANN)), (START, shown));
        timelines.advance(START - Micros::from_secs(10));
        assert_eq!(timelines.shown_at(ANN), shown - Micros::from_secs(10));
    }

    #[test]
    fn a_player_who_left_is_forgotten() {
        let mut timelines = begun();
        timelines.recommend(ANN, Micros::from_millis(200));
        timelines.advance(START + Micros::from_secs(10));
        timelines.forget(ANN);
        assert_eq!(timelines.delay_max(), Micros::ZERO);
    }
}
