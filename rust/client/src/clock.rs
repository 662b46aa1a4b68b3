//! An estimate of the leader's clock.
//!
//! Pings measure the offset between local and session time, each way by itself. Of the latest measurements of each way the one
//! that has waited least is believed, and the offset lies halfway between the two: its error is half of the difference between
//! the two ways at their best, whatever they are at their worst.
//!
//! Over the seconds in which they are collected the two clocks drift apart, by a rate that is measured over a minute and taken
//! out of them.
//!
//! Session time never runs backwards: while the session is young a better estimate that lies ahead is taken over at
//! once, later ones by running a little faster or slower than the local clock: the further there is to go the more, so that it
//! takes about [`SLEW_TIME`], and at most by [`SLEW_PPM_MAX`]. So a hand's speed, which is told in session time, is hardly touched.

mod drift;

use synced_protocol::{live::Pong, time::Micros};

use self::drift::Drift;
use crate::update::ClockEstimate;

/// How much faster or slower than local time session time may run, in millionths.
pub const SLEW_PPM_MAX: u64 = 10_000;
/// How much faster or slower it runs at the least, until it is where it belongs.
pub const SLEW_PPM_MIN: u64 = 500;
/// In this time it would be where it belongs.
pub const SLEW_TIME: Micros = Micros::from_secs(2);
/// How long after the start pings follow each other quickly, and estimates that lie ahead are taken over at once.
pub const BURST: Micros = Micros::from_secs(1);
/// The time between two pings in the burst.
pub const PING_INTERVAL_BURST: Micros = Micros::from_millis(50);
/// The time between two pings afterwards, if any answer was late lately: then the quickest of many is needed.
pub const PING_INTERVAL_JITTER: Micros = Micros::from_millis(125);
/// The time between two pings if all answers took as long as the quickest.
pub const PING_INTERVAL: Micros = Micros::from_millis(500);
/// A round trip that is longer than the quickest by more than this was late.
pub const JITTER_MIN: Micros = Micros(1_000);
/// What is made good by running faster, also early on, by another connection than the first: all that [`SLEW_PPM_MAX`] makes good
/// in [`SLEW_TIME`].
pub const LEAP_MIN: Micros = Micros(SLEW_TIME.0 * SLEW_PPM_MAX / 1_000_000);
/// A change of the offset that is worth telling, in microseconds.
pub const TELL_STEP_US: u64 = 100;

/// How old a measurement may be: in this time two clocks that differ by 20 millionths drift apart by 160 us.
const SAMPLE_AGE_MAX: Micros = Micros::from_secs(8);
/// In how many measurements the shortest ways are sought.
const WINDOW: usize = 64;
/// How many pings may be under way; an answer to an older one is not believed.
const PINGS_REMEMBERED: usize = 32;

/// The client's side of the time protocol.
#[derive(Debug)]
pub struct ClockSync {
    line: Line,
    samples: Ring<Sample, WINDOW>,
    pings: Ring<Micros, PINGS_REMEMBERED>,
    drift: Drift,
    started_at: Micros,
    /// Whether estimates that lie ahead are taken over at once, early on.
    leaps: bool,
    next_ping_at: Micros,
    /// When an answer was late for the last time.
    late_at: Option<Micros>,
    told: Option<ClockEstimate>,
}

/// The two ways of one ping, each as if both clocks were one: off by the offset, the one to one side and the other to the other.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    /// Local time of the answer.
    at: Micros,
    there_us: i64,
    back_us: i64,
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
            drift: Drift::default(),
            started_at: now,
            leaps: true,
            next_ping_at: now,
            late_at: None,
            told: None,
        }
    }

    /// Measures anew by another connection, perhaps to another leader, without a break in session time: leaders hand it on, so that
    /// what was known before still counts. Only what lies further ahead than [`LEAP_MIN`] is taken over at once.
    pub fn restart(&mut self, now: Micros, session_time: Micros) {
        let heard = session_time.offset_from(now);
        self.samples = Ring::default();
        self.pings = Ring::default();
        self.drift = Drift::default();
        self.started_at = now;
        self.next_ping_at = now;
        self.leaps = is_far_ahead(heard, self.line.offset_at(now));
        if self.leaps {
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
        self.next_ping_at = now + self.ping_interval(now);
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
        if let Some(best) = self.best(now) {
            if sample.round_trip() > best.round_trip() + JITTER_MIN {
                self.late_at = Some(now);
            }
            // Before the window is full its best is not what it will be.
            if now.since(self.started_at) >= SAMPLE_AGE_MAX {
                self.drift.learn(now, best.offset_us());
            }
            self.aim(now, best);
        }
        true
    }

    /// The estimate, if it differs enough from the one told before.
    pub fn poll_estimate(&mut self, now: Micros) -> Option<ClockEstimate> {
        let estimate = ClockEstimate {
            offset_us: self.line.offset_at(now),
            round_trip: self.best(now)?.round_trip(),
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
        let step = Micros(TELL_STEP_US * 1_000_000 / self.line.ppm);
        self.next_ping_at.min(now + step)
    }

    fn ping_interval(&self, now: Micros) -> Micros {
        let is_jittery = self
            .late_at
            .is_some_and(|late_at| now.since(late_at) <= SAMPLE_AGE_MAX);
        if now.since(self.started_at) < BURST {
            PING_INTERVAL_BURST
        } else if is_jittery {
            PING_INTERVAL_JITTER
        } else {
            PING_INTERVAL
        }
    }

    /// The two ways at their shortest, lately, as they would be now.
    fn best(&self, now: Micros) -> Option<Sample> {
        let lately = || {
            let samples = self.samples.iter();
            samples.filter(|sample| now.since(sample.at) <= SAMPLE_AGE_MAX)
        };
        let rate = self.drift.rate();
        let there = |sample: &Sample| sample.there_us + rate.growth_us(now.since(sample.at));
        let back = |sample: &Sample| sample.back_us - rate.growth_us(now.since(sample.at));
        Some(Sample {
            at: now,
            there_us: lately().map(there).min()?,
            back_us: lately().map(back).min()?,
        })
    }

    fn aim(&mut self, now: Micros, best: Sample) {
        let (offset_us, target_us) = (self.line.offset_at(now), best.offset_us());
        let young = now.since(self.started_at) < BURST;
        let leaps = self.leaps || is_far_ahead(target_us, offset_us);
        self.line = if young && leaps && target_us > offset_us {
            Line::still(now, target_us)
        } else if young && !self.leaps && best.allows(offset_us) {
            // The few measurements so far do not contradict what was known better before.
            Line::still(now, offset_us)
        } else {
            Line::towards(now, offset_us, target_us)
        };
    }
}

/// The offset over time: from one value towards another at an even rate, and there it stays.
#[derive(Debug, Clone, Copy)]
struct Line {
    from: Micros,
    offset_us: i64,
    target_us: i64,
    /// The rate in millionths.
    ppm: u64,
}

impl Line {
    const fn still(from: Micros, offset_us: i64) -> Self {
        Self {
            from,
            offset_us,
            target_us: offset_us,
            ppm: SLEW_PPM_MIN,
        }
    }

    fn towards(from: Micros, offset_us: i64, target_us: i64) -> Self {
        let way = target_us.abs_diff(offset_us).saturating_mul(1_000_000);
        Self {
            from,
            offset_us,
            target_us,
            ppm: (way / SLEW_TIME.0).clamp(SLEW_PPM_MIN, SLEW_PPM_MAX),
        }
    }

    fn offset_at(&self, local: Micros) -> i64 {
        let way = self.target_us.saturating_sub(self.offset_us);
        let most = local.since(self.from).0.saturating_mul(self.ppm) / 1_000_000;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.offset_us.saturating_add(way.clamp(-most, most))
    }
}

impl Sample {
    const fn offset_us(self) -> i64 {
        (self.there_us - self.back_us) / 2
    }

    /// Whether the offset could be this one, if the two ways took what they took.
    const fn allows(self, offset_us: i64) -> bool {
        -self.back_us <= offset_us && offset_us <= self.there_us
    }

    const fn round_trip(self) -> Micros {
        Micros((self.there_us + self.back_us).unsigned_abs())
    }
}

const fn is_far_ahead(target_us: i64, offset_us: i64) -> bool {
    target_us.saturating_sub(offset_us) > LEAP_MIN.0.cast_signed()
}

/// NTP's on-wire protocol (RFC 5905, section 8), the two ways kept apart; `None` of what contradicts itself.
fn measure(now: Micros, pong: &Pong) -> Option<Sample> {
    let way = |from: Micros, to: Micros| i64::try_from(i128::from(to.0) - i128::from(from.0)).ok();
    let there_us = way(pong.ping_sent_at, pong.received_at)?;
    let back_us = way(pong.sent_at, now)?;
    let at_leader = pong.sent_at.0.checked_sub(pong.received_at.0);
    let round_trip = there_us.checked_add(back_us).filter(|trip| *trip >= 0);
    // So that no difference of two of them leaves the range either.
    let sane = |way: i64| way.unsigned_abs() <= i64::MAX.unsigned_abs() / 4;
    let all = at_leader.is_some() && round_trip.is_some() && sane(there_us) && sane(back_us);
    all.then_some(Sample {
        at: now,
        there_us,
        back_us,
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
mod tests;
