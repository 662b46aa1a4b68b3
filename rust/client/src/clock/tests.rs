//! The estimate against the truth, over paths of every kind.

use std::collections::BTreeMap;

use proptest::prelude::*;
use synced_protocol::id::mix;

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
fn the_burst_asks_twenty_times_a_second_and_the_rest_twice_unless_answers_come_late_by_turns() {
    for (jitter_us, rest) in [(0, 2), (10_000, 8)] {
        let mut sync = ClockSync::new(START, truth(START));
        let mut asked = [0; 10];
        for ms in 0..10_000 {
            let now = START + Micros::from_millis(ms);
            if let Some(ping_sent_at) = sync.poll_ping(now) {
                asked[ms as usize / 1_000] += 1;
                let late = Micros(jitter_us * (asked.iter().sum::<u64>() % 4));
                let received_at = truth(now);
                let pong = Pong {
                    ping_sent_at,
                    received_at,
                    sent_at: received_at,
                    ..Pong::default()
                };
                sync.handle_pong(now + late, &pong);
            }
        }
        assert_eq!(asked[0], 20);
        assert!(asked[2..].iter().all(|count| *count <= rest), "{asked:?}");
        assert!(asked[2..].iter().sum::<u64>() >= rest * 7, "{asked:?}");
    }
}

#[test]
fn a_young_clock_jumps_ahead_and_an_old_one_slews_the_more_the_further_it_has_to_go() {
    let mut sync = ClockSync::new(START, truth(START));
    pong_after(&mut sync, START, TRUE_OFFSET_US + 7_000);
    assert_eq!(sync.session_time(START), truth(START) + Micros(7_000));

    for (way_us, ppm) in [(20_000, SLEW_PPM_MAX), (4_000, 2_000), (300, SLEW_PPM_MIN)] {
        let mut sync = ClockSync::new(START, truth(START));
        let later = START + BURST;
        pong_after(&mut sync, later, TRUE_OFFSET_US + way_us);
        let gained = |span| {
            sync.session_time(later + span)
                .offset_from(truth(later + span))
        };
        assert_eq!(gained(Micros::ZERO), 0);
        assert_eq!(gained(Micros::from_millis(100)), ppm.cast_signed() / 10);
        assert_eq!(gained(Micros::from_secs(9)), way_us);
    }
}

#[test]
fn each_way_is_believed_at_its_best_even_if_the_two_never_meet() {
    let mut sync = ClockSync::new(START, truth(START));
    let trips = (0..60).map(|place| {
        // Now the one way is slow and now the other.
        let slow_us = 5_000 + 15_000 * (place % 3);
        let (there_us, back_us) = if place % 2 == 0 {
            (10_000 + slow_us, 10_000)
        } else {
            (10_000, 10_000 + slow_us)
        };
        Some(Trip { there_us, back_us })
    });
    let now = run(&mut sync, trips) + Micros::from_secs(8);
    assert!(error_us(&sync, now) < 100, "{}", error_us(&sync, now));
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

/// A leader whose clock runs faster than this one's by some millionths, at the end of a path that is alike both ways.
#[derive(Debug, Clone, Copy)]
struct Leader {
    /// At the time when it begins to lead.
    offset_us: f64,
    begun: Micros,
    ppm: f64,
    way_us: u64,
    /// What a way takes longer, on average; now and then much longer.
    jitter_us: f64,
    random: u64,
}

impl Leader {
    fn session_time(&self, local: Micros) -> Micros {
        let drift_us = local.since(self.begun).0 as f64 * self.ppm * 1e-6;
        local.shifted((self.offset_us + drift_us) as i64)
    }

    fn way(&mut self) -> Micros {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let part = (mix(self.random) >> 11) as f64 / (1_u64 << 53) as f64;
        Micros(self.way_us + (-(1.0 - part).ln() * self.jitter_us) as u64)
    }
}

/// A player's clock and the leader that it follows.
struct Pair {
    sync: ClockSync,
    leader: Leader,
    now: Micros,
    pongs: BTreeMap<(Micros, Micros), Pong>,
    shown: Micros,
}

impl Pair {
    fn new(leader: Leader) -> Self {
        let heard = leader.session_time(START) - Micros(leader.way_us);
        Self {
            sync: ClockSync::new(START, heard),
            shown: heard,
            leader,
            now: START,
            pongs: BTreeMap::new(),
        }
    }

    /// Another leader takes over, whose session time is a little off the one before.
    fn change_leader(&mut self, ppm: f64, off_us: f64) {
        let begun = self.now;
        let true_before = self.truth();
        self.leader = Leader {
            offset_us: true_before.offset_from(begun) as f64 + off_us,
            begun,
            ppm,
            ..self.leader
        };
        self.pongs.clear();
        let heard = self.truth() - Micros(self.leader.way_us);
        self.sync.restart(self.now, heard);
    }

    fn truth(&self) -> Micros {
        self.leader.session_time(self.now)
    }

    /// Lets time pass; returns the largest error on the way.
    fn run_for(&mut self, span: Micros) -> u64 {
        let end = self.now + span;
        let mut worst = 0;
        while self.now < end {
            self.now = self.now + Micros(500);
            self.exchange();
            let shown = self.sync.session_time(self.now);
            assert!(shown >= self.shown, "session time runs backwards");
            let step = shown - self.shown;
            let fastest = 500 + 500 * SLEW_PPM_MAX / 1_000_000;
            assert!(self.sync.leaps || step.0 <= fastest + 1, "{step:?}");
            self.shown = shown;
            worst = worst.max(shown.offset_from(self.truth()).unsigned_abs());
        }
        worst
    }

    fn exchange(&mut self) {
        let now = self.now;
        if let Some(ping_sent_at) = self.sync.poll_ping(now) {
            let arrived = now + self.leader.way();
            let at_leader = self.leader.session_time(arrived);
            let pong = Pong {
                ping_sent_at,
                received_at: at_leader,
                sent_at: at_leader,
                ..Pong::default()
            };
            let back = arrived + self.leader.way();
            self.pongs.insert((back, ping_sent_at), pong);
        }
        while let Some(entry) = self.pongs.first_entry() {
            if entry.key().0 > now {
                break;
            }
            self.sync.handle_pong(now, &entry.remove());
        }
    }
}

/// Leaders at the end of paths with ever more jitter, whose clocks drift one way and the other.
fn leaders(jitters_us: &[f64]) -> impl Iterator<Item = Leader> {
    let drifts = |jitter_us: &f64| {
        let jitter_us = *jitter_us;
        [-100.0, 0.0, 100.0].map(|ppm| (jitter_us, ppm))
    };
    let kinds = jitters_us.iter().flat_map(drifts);
    let seeded = kinds.flat_map(|kind| (0..4).map(move |seed| (kind, seed)));
    seeded.map(|((jitter_us, ppm), random)| Leader {
        offset_us: TRUE_OFFSET_US as f64,
        begun: START,
        ppm,
        way_us: 500 + 4 * jitter_us as u64,
        jitter_us,
        random,
    })
}

#[test]
fn on_a_path_that_is_alike_both_ways_the_estimate_stays_within_a_millisecond_of_a_drifting_clock() {
    for leader in leaders(&[0.0, 1_000.0, 5_000.0]) {
        let about = format!("{leader:?}");
        let mut pair = Pair::new(leader);
        pair.run_for(Micros::from_secs(10));
        let worst = pair.run_for(Micros::from_secs(120));
        assert!(worst < 1_000, "{worst} us: {about}");
    }
}

#[test]
fn once_the_drift_is_known_twice_the_jitter_does_no_harm_either() {
    for leader in leaders(&[10_000.0]) {
        let about = format!("{leader:?}");
        let mut pair = Pair::new(leader);
        pair.run_for(Micros::from_secs(60));
        let worst = pair.run_for(Micros::from_secs(120));
        assert!(worst < 1_000, "{worst} us: {about}");
    }
}

#[test]
fn session_time_goes_on_without_a_leap_when_leaders_change_and_stays_within_a_millisecond() {
    for leader in leaders(&[0.0, 1_000.0, 5_000.0]) {
        let about = format!("{leader:?}");
        let mut pair = Pair::new(leader);
        pair.run_for(Micros::from_secs(30));
        for (ppm, off_us) in [(-60.0, 100.0), (20.0, -150.0), (100.0, 50.0)] {
            pair.change_leader(ppm, off_us);
            let worst = pair.run_for(Micros::from_secs(30));
            assert!(worst < 1_000, "{worst} us: {about}");
        }
    }
}

#[test]
fn a_leader_whose_clock_is_far_ahead_is_followed_at_once_and_one_that_is_behind_slowly() {
    for (off_us, at_once) in [(400_000.0, true), (-10_000.0, false), (15_000.0, false)] {
        let mut pair = Pair::new(leaders(&[0.0]).nth(4).unwrap());
        pair.run_for(Micros::from_secs(10));
        pair.change_leader(0.0, off_us);
        let soon = pair.run_for(Micros::from_millis(100)).min(error_now(&pair));
        assert_eq!(soon < 1_000, at_once, "{soon} us");
        pair.run_for(Micros::from_secs(9));
        assert!(error_now(&pair) < 100);
    }
}

fn error_now(pair: &Pair) -> u64 {
    let shown = pair.sync.session_time(pair.now);
    shown.offset_from(pair.truth()).unsigned_abs()
}
