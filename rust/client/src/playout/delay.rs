//! How far in the past a player's streams have to be shown, so that what they show has mostly arrived.

use std::collections::VecDeque;

use synced_protocol::time::Micros;

use crate::config::PlayoutConfig;

/// How long an arrival is remembered.
pub const WINDOW: Micros = Micros::from_secs(4);
/// The most arrivals that are remembered: a little more than [`WINDOW`] at 250 a second.
pub const ARRIVALS_MAX: usize = 1_024;
/// How many arrivals there must be before anything is recommended.
pub const ARRIVALS_MIN: usize = 16;
/// Of so many arrivals one is passed over, and one at the least: a single stall is not what the network is like.
pub const STALL_ONE_IN: usize = 500;
/// For one part in so many of the time, what is shown may have nothing newer to go to.
pub const LATE_PART: u64 = 200;
/// What is added for what happens between the arrival and the frame that shows it.
pub const MARGIN: Micros = Micros(1_500);
/// How often the arrivals are looked at.
pub const LOOK_INTERVAL: Micros = Micros::from_millis(50);
/// A rise of less is not worth telling.
pub const RISE_MIN: Micros = Micros(500);
/// For so long less must have been enough, before less is recommended.
pub const CALM: Micros = Micros::from_secs(2);

/// Recommends a delay for one sender.
///
/// An arrival's *lateness* is the time from the newest stamp that was known before it until it came: just before it came,
/// whatever was shown with a smaller delay had nothing newer to go to, and had not for as long as the delay was too small. The
/// delay is what leaves that but one part in [`LATE_PART`] of the time, stalls aside, and a margin. It rises as soon as that does,
/// and falls when for [`CALM`] a noticeably smaller one has been enough.
#[derive(Debug)]
pub struct PlayoutDelay {
    config: PlayoutConfig,
    /// When each came and how late, the oldest first.
    arrivals: VecDeque<(Micros, Micros)>,
    scratch: Vec<Micros>,
    look_at: Micros,
    delay: Option<Micros>,
    jitter: Micros,
    /// Since when less would have been enough, and the most that was needed since.
    calm: Option<(Micros, Micros)>,
}

impl PlayoutDelay {
    /// Recommends nothing yet.
    #[must_use]
    pub fn new(config: PlayoutConfig) -> Self {
        Self {
            config,
            arrivals: VecDeque::with_capacity(ARRIVALS_MAX),
            scratch: Vec::with_capacity(ARRIVALS_MAX),
            look_at: Micros::ZERO,
            delay: None,
            jitter: Micros::ZERO,
            calm: None,
        }
    }

    /// The delay recommended last.
    #[must_use]
    pub const fn delay(&self) -> Option<Micros> {
        self.delay
    }

    /// By how much the lateness that 99 of 100 arrivals keep is more than that which half of them keep.
    #[must_use]
    pub const fn jitter(&self) -> Micros {
        self.jitter
    }

    /// Something in motion came at `now`, so much after the newest stamp before it. Returns the recommended delay if it
    /// changed.
    pub fn arrived(&mut self, now: Micros, lateness: Micros) -> Option<Micros> {
        if self.arrivals.len() == ARRIVALS_MAX {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back((now, lateness));
        if now < self.look_at || self.arrivals.len() < ARRIVALS_MIN {
            return None;
        }
        self.look_at = now + LOOK_INTERVAL;
        self.forget_before(now - WINDOW);
        let needed = self.needed(now)?;
        self.decide(now, needed)
    }

    fn forget_before(&mut self, time: Micros) {
        while self.arrivals.front().is_some_and(|(at, _)| *at < time) {
            self.arrivals.pop_front();
        }
    }

    /// What would have been enough for all but a small part of the time.
    fn needed(&mut self, now: Micros) -> Option<Micros> {
        let (begun, _) = self.arrivals.front()?;
        let budget = now.since(*begun).0 / LATE_PART;
        self.scratch.clear();
        let all = self.arrivals.iter().map(|(_, lateness)| *lateness);
        self.scratch.extend(all);
        self.scratch.sort_unstable_by(|a, b| b.cmp(a));
        self.jitter = jitter(&self.scratch);
        let stalls = (self.scratch.len() / STALL_ONE_IN).max(1);
        let delay = enough_but_for(self.scratch.get(stalls..)?, budget)? + MARGIN;
        Some(delay.min(self.config.delay_max).max(self.config.delay_min))
    }

    fn decide(&mut self, now: Micros, needed: Micros) -> Option<Micros> {
        let Some(delay) = self.delay else {
            return self.recommend(needed);
        };
        if needed > delay {
            self.calm = None;
            let at_bound = needed == self.config.delay_max;
            let noticeable = needed >= delay + RISE_MIN || at_bound;
            return noticeable.then(|| self.recommend(needed)).flatten();
        }
        let (since, most) = self.calm.unwrap_or((now, needed));
        let most = most.max(needed);
        self.calm = Some((since, most));
        if now.since(since) < CALM {
            return None;
        }
        self.calm = None;
        let fall = delay.since(most);
        (fall >= fall_min(delay))
            .then(|| self.recommend(most))
            .flatten()
    }

    fn recommend(&mut self, delay: Micros) -> Option<Micros> {
        self.delay = Some(delay);
        self.delay
    }
}

/// What the latest of 100 come later than the usual ones; given the latest first.
fn jitter(latenesses: &[Micros]) -> Micros {
    let [late, usual] = [100, 2].map(|part| latenesses.get(latenesses.len() / part));
    late.zip(usual)
        .map_or(Micros::ZERO, |(late, usual)| *late - *usual)
}

/// The smallest delay that the latenesses, the longest first, exceed together by no more than a budget in microseconds.
fn enough_but_for(latenesses: &[Micros], budget: u64) -> Option<Micros> {
    let mut delay = *latenesses.first()?;
    let mut left = budget;
    for (count, lateness) in (0_u64..).zip(latenesses) {
        let step = count * delay.since(*lateness).0;
        if step > left {
            break;
        }
        left -= step;
        delay = *lateness;
    }
    let longer = latenesses.iter().take_while(|lateness| **lateness >= delay);
    Some(delay - Micros(left / longer.count().max(1) as u64))
}

/// A smaller fall is not worth a change.
fn fall_min(delay: Micros) -> Micros {
    Micros(delay.0 / 10).max(Micros(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Micros = Micros::from_secs(1_000);
    const CONFIG: PlayoutConfig = PlayoutConfig {
        delay_min: Micros::from_millis(10),
        delay_max: Micros::from_millis(200),
    };

    struct Bench {
        delay: PlayoutDelay,
        now: Micros,
        random: u64,
        told: Vec<(Micros, Micros)>,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                delay: PlayoutDelay::new(CONFIG),
                now: START,
                random: 7,
                told: Vec::new(),
            }
        }

        fn next_random(&mut self, most: u64) -> u64 {
            self.random = synced_protocol::id::mix(self.random.wrapping_add(1));
            self.random % (most + 1)
        }

        /// An arrival every 4 ms, late by `base` and up to `jitter` more.
        fn run(&mut self, millis: u64, base: Micros, jitter: Micros) {
            for _ in 0..millis / 4 {
                self.now = self.now + Micros::from_millis(4);
                let lateness = base + Micros(self.next_random(jitter.0));
                let told = self.delay.arrived(self.now, lateness);
                self.told.extend(told.map(|delay| (self.now, delay)));
            }
        }

        fn recommended(&self) -> Micros {
            self.delay.delay().unwrap()
        }
    }

    const fn ms(millis: u64) -> Micros {
        Micros::from_millis(millis)
    }

    #[test]
    fn it_comes_to_what_is_needed_within_a_tenth_of_a_second() {
        let mut bench = Bench::new();
        bench.run(100, ms(20), ms(0));
        assert!((ms(20)..=ms(20) + MARGIN).contains(&bench.recommended()));
        let mut bench = Bench::new();
        bench.run(10_000, ms(20), ms(20));
        let most = ms(40) + MARGIN;
        assert!(
            (ms(39)..=most).contains(&bench.recommended()),
            "{:?}",
            bench.delay
        );
    }

    #[test]
    fn a_stall_now_and_then_does_not_move_it_and_many_do() {
        let stalled = |every_ms| {
            let mut bench = Bench::new();
            for _ in 0..10_000 / every_ms {
                bench.run(every_ms, ms(20), ms(0));
                bench.run(4, ms(120), ms(0));
            }
            bench.recommended()
        };
        assert!(stalled(2_500) <= ms(20) + MARGIN);
        assert!(stalled(250) >= ms(100), "{:?}", stalled(250));
    }

    #[test]
    fn the_time_that_is_late_is_within_the_budget_and_no_delay_is_wasted() {
        let latenesses = [90, 50, 50, 30, 10].map(Micros);
        let late = |delay: u64| -> u64 {
            let late = latenesses
                .iter()
                .map(|lateness| lateness.0.saturating_sub(delay));
            late.sum()
        };
        for budget in 0..200 {
            let Micros(delay) = enough_but_for(&latenesses, budget).unwrap();
            assert!(late(delay) <= budget, "{delay} for {budget}");
            let less = delay.saturating_sub(5);
            assert!(
                delay == 0 || late(less) > budget || less == 0,
                "{delay} for {budget}"
            );
        }
        assert_eq!(enough_but_for(&[], 9), None);
    }

    #[test]
    fn when_jitter_grows_it_follows_at_once_and_when_it_goes_it_follows_slowly() {
        let mut bench = Bench::new();
        bench.run(5_000, ms(10), ms(2));
        let calm = bench.recommended();
        assert!(calm <= ms(12) + MARGIN);
        bench.run(400, ms(10), ms(30));
        assert!(bench.recommended() >= ms(30), "{:?}", bench.recommended());
        bench.run(5_000, ms(10), ms(30));
        let rough = bench.recommended();
        let gone = bench.now;
        bench.run(2_000, ms(10), ms(2));
        assert_eq!(bench.recommended(), rough);
        bench.run(10_000, ms(10), ms(2));
        assert_eq!(bench.recommended().0 / 1_000, calm.0 / 1_000);
        let fell = bench.told.iter().find(|(at, _)| *at > gone).unwrap();
        assert!(fell.0.since(gone) >= CALM);
    }

    #[test]
    fn jitter_that_stays_as_it_is_changes_the_delay_only_a_few_times_a_minute() {
        let mut bench = Bench::new();
        bench.run(10_000, ms(15), ms(20));
        let before = bench.told.len();
        bench.run(60_000, ms(15), ms(20));
        assert!(bench.told.len() - before <= 3, "{:?}", bench.told);
    }

    #[test]
    fn jitter_is_how_much_later_the_latest_come_than_the_usual() {
        let mut bench = Bench::new();
        bench.run(5_000, ms(15), ms(0));
        assert_eq!(bench.delay.jitter(), ms(0));
        bench.run(5_000, ms(15), ms(20));
        assert!(
            (ms(9)..=ms(11)).contains(&bench.delay.jitter()),
            "{:?}",
            bench.delay.jitter()
        );
    }

    #[test]
    fn it_keeps_within_its_bounds() {
        let mut bench = Bench::new();
        bench.run(1_000, Micros(100), ms(0));
        assert_eq!(bench.recommended(), CONFIG.delay_min);
        bench.run(1_000, ms(700), ms(900));
        assert_eq!(bench.recommended(), CONFIG.delay_max);
    }

    #[test]
    fn too_few_arrivals_recommend_nothing() {
        let mut bench = Bench::new();
        bench.run(4 * (ARRIVALS_MIN as u64 - 1), ms(20), ms(5));
        assert_eq!(bench.delay.delay(), None);
    }

    #[test]
    fn it_remembers_so_many_arrivals_and_no_more() {
        let mut bench = Bench::new();
        let room = bench.delay.arrivals.capacity();
        for _ in 0..100_000 {
            bench.now = bench.now + Micros(10);
            let _ = bench.delay.arrived(bench.now, ms(20));
        }
        assert_eq!(bench.delay.arrivals.len(), ARRIVALS_MAX);
        assert_eq!(bench.delay.arrivals.capacity(), room);
    }
}
