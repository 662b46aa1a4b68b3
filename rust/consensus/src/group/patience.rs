//! How long a follower waits before it takes its leader for dead.
//!
//! A leader that has too little of a processor, or a follower that has, makes for silences that mean nothing. Where they come often, a
//! follower waits longer than those that it has lately lived through; where they do not, as long as it is told to, so that a dead
//! leader is replaced soon, and it says so when another asks whether it would vote. Nothing that must not fail rests on it: loyalty, and
//! with it the lease, go by the settings alone.

use synced_protocol::time::Micros;

/// For how long a silence is remembered, at least; at most twice as long.
const WINDOW: Micros = Micros::from_secs(1);
/// So many silences in that time are let pass: on a busy machine there is always one.
const TOLERATED: u32 = 1;
/// The longest silence that is told from longer ones, and the longest wait, in ticks.
pub(super) const TICKS_MAX: usize = 64;

/// The silences of living leaders.
#[derive(Debug)]
pub(super) struct Patience {
    /// How many lasted so many ticks, in this window and in the one before.
    windows: [[u32; TICKS_MAX]; 2],
    /// When this window began.
    since: Micros,
}

impl Patience {
    pub(super) const fn new(now: Micros) -> Self {
        Self {
            windows: [[0; TICKS_MAX]; 2],
            since: now,
        }
    }

    /// A leader was silent for that long without having died, and this replica did not stand meanwhile.
    pub(super) fn outlast(&mut self, now: Micros, silence: Micros, tick: Micros) {
        self.roll(now);
        let ticks = usize::try_from(silence.0 / tick.0).unwrap_or(TICKS_MAX);
        self.windows[0][ticks.min(TICKS_MAX - 1)] += 1;
    }

    /// For how many ticks to wait now, `least` or more: one and a half times what all silences but the longest few took.
    pub(super) fn ticks(&self, now: Micros, least: usize) -> usize {
        let remembered = match now.since(self.since) {
            age if age < WINDOW => self.windows.as_slice(),
            age if age < WINDOW + WINDOW => &self.windows[..1],
            _ => return least,
        };
        let lasted = |ticks: usize| remembered.iter().map(|window| window[ticks]).sum::<u32>();
        let mut longer = 0;
        let longest = (0..TICKS_MAX).rev().find(|ticks| {
            longer += lasted(*ticks);
            longer > TOLERATED
        });
        let wanted = longest.map_or(0, |ticks| (ticks + 1) * 3 / 2);
        wanted.min(TICKS_MAX).max(least)
    }

    fn roll(&mut self, now: Micros) {
        let age = now.since(self.since);
        if age < WINDOW {
            return;
        }
        let this = std::mem::replace(&mut self.windows[0], [0; TICKS_MAX]);
        let just_over = age < WINDOW + WINDOW;
        self.windows[1] = if just_over { this } else { [0; TICKS_MAX] };
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Micros = Micros::from_millis(1);
    const LEAST: usize = 5;

    fn lived_through(silences: &[u64]) -> Patience {
        let mut patience = Patience::new(Micros::ZERO);
        for silence in silences {
            patience.outlast(Micros::ZERO, Micros::from_millis(*silence), TICK);
        }
        patience
    }

    #[test]
    fn a_few_long_silences_are_let_pass_and_more_are_waited_for() {
        let few = [[20; TOLERATED as usize].as_slice(), &[1; 500]].concat();
        assert_eq!(lived_through(&few).ticks(Micros::ZERO, LEAST), LEAST);
        let more = [few, vec![9]].concat();
        assert_eq!(lived_through(&more).ticks(Micros::ZERO, LEAST), 15);
    }

    #[test]
    fn short_silences_shorten_no_wait_and_endless_ones_make_none_endless() {
        assert_eq!(lived_through(&[0; 100]).ticks(Micros::ZERO, LEAST), LEAST);
        let endless = lived_through(&[u64::MAX / 1_000; 100]).ticks(Micros::ZERO, LEAST);
        assert_eq!(endless, TICKS_MAX);
    }

    #[test]
    fn silences_are_remembered_for_one_window_and_forgotten_after_two() {
        let second = |seconds| Micros::from_secs(seconds);
        let mut patience = lived_through(&[9; 100]);
        assert_eq!(patience.ticks(second(1), LEAST), 15);
        assert_eq!(patience.ticks(second(2), LEAST), LEAST);
        patience.outlast(second(1), Micros::ZERO, TICK);
        assert_eq!(patience.ticks(second(1), LEAST), 15);
        assert_eq!(patience.ticks(second(2), LEAST), LEAST);
    }
}
