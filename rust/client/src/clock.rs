//! An estimate of the leader's clock.
//!
//! Pings measure the offset between local and session time; of the latest, the one with the shortest round trip is
//! believed, since it has waited least on the way. Its error is at most half of the difference between the two ways.
//!
//! Session time never runs backwards: while the session is young a better estimate that lies ahead is taken over at
//! once, later ones by running at most [`SLEW_PPM_MAX`] faster or slower than the local clock.

use synced_protocol::{live::Pong, time::Micros};

use crate::update::ClockEstimate;

/// How much faster or slower than local time session time may run, in millionths.
pub const SLEW_PPM_MAX: u64 = 10_000;
/// How long after the start pings follow each other quickly, and estimates that lie ahead are taken over at once.
pub const BURST: Micros = Micros::from_secs(1);
/// The time between two pings in the burst.
pub const PING_INTERVAL_BURST: Micros = Micros::from_millis(100);
/// The time between two pings afterwards.
pub const PING_INTERVAL: Micros = Micros::from_millis(500);
/// A change of the offset that is worth telling, in microseconds.
pub const TELL_STEP_US: u64 = 100;

/// How many measurements the shortest round trip is sought in: eight seconds of them.
const WINDOW: usize = 16;
/// How many pings may be under way; an answer to an older one is not believed.
const PINGS_REMEMBERED: usize = 16;

/// The client's side of the time protocol.
#[derive(Debug)]
pub struct ClockSync {
    line: Line,
    samples: Ring<Sample, WINDOW>,
    pings: Ring<Micros, PINGS_REMEMBERED>,
    started_at: Micros,
    next_ping_at: Micros,
    told: Option<ClockEstimate>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    offset_us: i64,
    round_trip: Micros,
}

impl ClockSync {
    /// Starts from the leader's word that it is `session_time`, heard just `now`. That is late by the way of the word, so
    /// that the truth lies ahead.
    #[must_use]
    pub fn new(now: Micros, session_time: Micros) -> Self {
        Self {
            line: Line::still(now, session_time.offset_from(now)),
            samples: Ring::default(),
            pings: Ring::default(),
            started_at: now,
            next_ping_at: now,
            told: None,
        }
    }

    /// Measures anew after a lost connection, without a break in session time.
    pub fn restart(&mut self, now: Micros, session_time: Micros) {
        let heard = session_time.offset_from(now);
        self.samples = Ring::default();
        self.pings = Ring::default();
        self.started_at = now;
        self.next_ping_at = now;
        if heard > self.line.offset_at(now) {
            self.line = Line::still(now, heard);
        }
    }

    /// Session time at a local time.
    #[must_use]
    pub fn session_time(&self, local: Micros) -> Micros {
        local.shifted(self.line.offset_at(local))
    }

    /// The time to put into a ping that is due now, if one is.
    pub fn poll_ping(&mut self, now: Micros) -> Option<Micros> {
        if now < self.next_ping_at {
            return None;
        }
        let in_burst = now.since(self.started_at) < BURST;
        self.next_ping_at = now
            + if in_burst {
                PING_INTERVAL_BURST
            } else {
                PING_INTERVAL
            };
        self.pings.push(now);
        Some(now)
    }

    /// Takes the answer to a ping. One to no ping of the latest, or one that contradicts itself, is not believed: `false`.
    pub fn handle_pong(&mut self, now: Micros, pong: &Pong) -> bool {
        let Some(sample) = measure(now, pong) else {
            return false;
        };
        if !self.pings.forget(&pong.ping_sent_at) {
            return false;
        }
        self.samples.push(sample);
        let best = self.samples.iter().min_by_key(|sample| sample.round_trip);
        let best_us = best.map_or(sample.offset_us, |best| best.offset_us);
        self.aim(now, best_us);
        true
    }

    /// The estimate, if it differs enough from the one told before.
    pub fn poll_estimate(&mut self, now: Micros) -> Option<ClockEstimate> {
        let round_trip = self.samples.iter().map(|sample| sample.round_trip).min()?;
        let estimate = ClockEstimate {
            offset_us: self.line.offset_at(now),
            round_trip,
        };
        if self.told.is_some_and(|told| !worth_telling(told, estimate)) {
            return None;
        }
        self.told = Some(estimate);
        Some(estimate)
    }

    /// When there is something to do next.
    #[must_use]
    pub fn poll_deadline(&self, now: Micros) -> Micros {
        if self.line.offset_at(now) == self.line.target_us {
            return self.next_ping_at;
        }
        let step = Micros(TELL_STEP_US * 1_000_000 / SLEW_PPM_MAX);
        self.next_ping_at.min(now + step)
    }

    fn aim(&mut self, now: Micros, target_us: i64) {
        let offset_us = self.line.offset_at(now);
        let young = now.since(self.started_at) < BURST;
        self.line = if young && target_us > offset_us {
            Line::still(now, target_us)
        } else {
            Line {
                from: now,
                offset_us,
                target_us,
            }
        };
    }
}

/// The offset over time: from one value towards another at the slew rate, and there it stays.
#[derive(Debug, Clone, Copy)]
struct Line {
    from: Micros,
    offset_us: i64,
    target_us: i64,
}

impl Line {
    const fn still(from: Micros, offset_us: i64) -> Self {
        Self {
            from,
            offset_us,
            target_us: offset_us,
        }
    }

    fn offset_at(&self, local: Micros) -> i64 {
        let way = self.target_us.saturating_sub(self.offset_us);
        let most = local.since(self.from).0.saturating_mul(SLEW_PPM_MAX) / 1_000_000;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.offset_us.saturating_add(way.clamp(-most, most))
    }
}

/// NTP's on-wire protocol (RFC 5905, section 8): the offset as if both ways were alike, and the round trip without the
/// time spent at the leader.
fn measure(now: Micros, pong: &Pong) -> Option<Sample> {
    let there_and_back = now.0.checked_sub(pong.ping_sent_at.0)?;
    let at_leader = pong.sent_at.0.checked_sub(pong.received_at.0)?;
    let round_trip = Micros(there_and_back.checked_sub(at_leader)?);
    let way_there = i128::from(pong.received_at.0) - i128::from(pong.ping_sent_at.0);
    let way_back = i128::from(pong.sent_at.0) - i128::from(now.0);
    let offset_us = i64::try_from((way_there + way_back) / 2).ok()?;
    Some(Sample {
        offset_us,
        round_trip,
    })
}

fn worth_telling(told: ClockEstimate, estimate: ClockEstimate) -> bool {
    let moved = told.offset_us.abs_diff(estimate.offset_us) >= TELL_STEP_US;
    let round_trip = told.round_trip.0.abs_diff(estimate.round_trip.0);
    moved || round_trip * 10 > told.round_trip.0
}

/// The latest few of something.
#[derive(Debug)]
struct Ring<T, const N: usize> {
    items: [Option<T>; N],
    next: usize,
}

impl<T: Copy + PartialEq, const N: usize> Default for Ring<T, N> {
    fn default() -> Self {
        Self {
            items: [None; N],
            next: 0,
        }
    }
}

impl<T: Copy + PartialEq, const N: usize> Ring<T, N> {
    fn push(&mut self, item: T) {
        self.items[self.next] = Some(item);
        self.next = (self.next + 1) % N;
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().flatten()
    }

    /// Whether the item was there; it is not any more.
    fn forget(&mut self, item: &T) -> bool {
        let place = self
            .items
            .iter_mut()
            .find(|place| place.as_ref() == Some(item));
        place.and_then(Option::take).is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRUE_OFFSET_US: i64 = 1_700_000_000_000_000;
    const START: Micros = Micros::from_secs(100);

    /// One round trip as the network makes it: `None` where it is lost.
    #[derive(Debug, Clone, Copy)]
    struct Trip {
        there_us: u64,
        back_us: u64,
    }

    fn truth(local: Micros) -> Micros {
        local.shifted(TRUE_OFFSET_US)
    }

    /// Runs the protocol over a path and checks at every step that session time goes forward.
    fn run(sync: &mut ClockSync, trips: impl Iterator<Item = Option<Trip>>) -> Micros {
        let mut now = START;
        let mut before = sync.session_time(now);
        for trip in trips {
            while sync.poll_ping(now).is_none() {
                now = sync.poll_deadline(now).max(now + Micros(1));
            }
            let sent_at = now;
            if let Some(Trip { there_us, back_us }) = trip {
                let arrived = sent_at + Micros(there_us);
                now = arrived + Micros(50 + back_us);
                let pong = Pong {
                    ping_sent_at: sent_at,
                    received_at: truth(arrived),
                    sent_at: truth(arrived + Micros(50)),
                    ..Pong::default()
                };
                sync.handle_pong(now, &pong);
            }
            let session = sync.session_time(now);
            assert!(session >= before, "{session:?} is before {before:?}");
            before = session;
        }
        now
    }

    fn error_us(sync: &ClockSync, now: Micros) -> u64 {
        sync.session_time(now)
            .offset_from(truth(now))
            .unsigned_abs()
    }

    proptest! {
        #[test]
        fn on_a_path_with_jitter_each_way_and_loss_the_estimate_comes_within_a_millisecond(
            base_us in 100..100_000_u64,
            trips in prop::collection::vec(
                (0..30_000_u64, 0..30_000_u64, prop::bool::weighted(0.2)), 60,
            ),
            quiet in 20..50_usize,
        ) {
            let mut sync = ClockSync::new(START, truth(START) - Micros(base_us));
            // Queues are empty now and then, in both ways at once: the filter waits for that.
            let trips = trips.into_iter().enumerate().map(|(place, (there, back, lost))| {
                let calm = place == quiet || place == 55;
                let [there_us, back_us] = [there, back].map(|jitter| {
                    base_us + if calm { jitter % 500 } else { jitter }
                });
                (calm || !lost).then_some(Trip { there_us, back_us })
            });
            let now = run(&mut sync, trips);
            let settled = now + Micros::from_secs(4);
            prop_assert!(error_us(&sync, settled) < 1_000, "{} us", error_us(&sync, settled));
        }

        #[test]
        fn any_answer_leaves_session_time_running_forwards(
            answers in prop::collection::vec(any::<(u64, u64, u64, u64, bool)>(), 0..50),
        ) {
            let mut sync = ClockSync::new(START, truth(START));
            let mut now = START;
            for (ping, received, sent, wait, ours) in answers {
                let ping_sent_at = sync.poll_ping(now).filter(|_| ours).unwrap_or(Micros(ping));
                let before = sync.session_time(now);
                let pong = Pong { ping_sent_at, received_at: Micros(received), sent_at: Micros(sent), ..Pong::default() };
                sync.handle_pong(now, &pong);
                now = now + Micros(wait % 1_000_000);
                prop_assert!(sync.session_time(now) >= before);
            }
        }
    }

    fn pong_after(sync: &mut ClockSync, now: Micros, offset_us: i64) {
        let ping_sent_at = sync.poll_ping(now).unwrap();
        let received_at = now.shifted(offset_us);
        let pong = Pong {
            ping_sent_at,
            received_at,
            sent_at: received_at,
            ..Pong::default()
        };
        sync.handle_pong(now, &pong);
    }

    #[test]
    fn the_burst_asks_ten_times_a_second_and_the_rest_twice() {
        let mut sync = ClockSync::new(START, truth(START));
        let asked = |sync: &mut ClockSync, second: u64| {
            let times =
                (0..1_000).map(|ms| START + Micros::from_secs(second) + Micros::from_millis(ms));
            times.filter(|now| sync.poll_ping(*now).is_some()).count()
        };
        assert_eq!(asked(&mut sync, 0), 10);
        assert_eq!(asked(&mut sync, 1), 2);
        assert_eq!(asked(&mut sync, 2), 2);
    }

    #[test]
    fn a_young_clock_jumps_ahead_and_an_old_one_slews_at_its_rate() {
        let mut sync = ClockSync::new(START, truth(START));
        pong_after(&mut sync, START, TRUE_OFFSET_US + 7_000);
        assert_eq!(sync.session_time(START), truth(START) + Micros(7_000));

        let later = START + BURST;
        sync.restart(START, truth(START));
        pong_after(&mut sync, later, TRUE_OFFSET_US + 27_000);
        let gained = |span: Micros| sync.session_time(later + span) - truth(later + span);
        assert_eq!(gained(Micros::ZERO), Micros(7_000));
        assert_eq!(gained(Micros::from_secs(1)), Micros(7_000 + SLEW_PPM_MAX));
        assert_eq!(gained(Micros::from_secs(5)), Micros(27_000));
    }

    #[test]
    fn an_estimate_is_told_first_and_then_only_when_it_has_moved() {
        let mut sync = ClockSync::new(START, truth(START));
        assert_eq!(sync.poll_estimate(START), None, "nothing is measured yet");
        pong_after(&mut sync, START, TRUE_OFFSET_US);
        assert!(sync.poll_estimate(START).is_some());
        assert_eq!(sync.poll_estimate(START), None);
    }

    #[test]
    fn an_answer_that_was_not_asked_for_or_comes_twice_changes_nothing() {
        let mut sync = ClockSync::new(START, truth(START));
        let sent_at = sync.poll_ping(START).unwrap();
        let pong = |ping_sent_at, ahead_us| Pong {
            ping_sent_at,
            received_at: truth(START) + Micros(ahead_us),
            sent_at: truth(START) + Micros(ahead_us),
            ..Pong::default()
        };
        let now = START + Micros(10);
        sync.handle_pong(now, &pong(sent_at - Micros(1), 900_000));
        assert_eq!(sync.session_time(now), truth(now));
        sync.handle_pong(now, &pong(sent_at, 5));
        sync.handle_pong(now, &pong(sent_at, 900_000));
        assert_eq!(sync.session_time(now), truth(now));
    }
}
