//! Whole servers and players over real QUIC, in virtual time.

#![expect(clippy::unwrap_used, reason = "so a test fails")]

use std::time::Duration;

use simulator::{
    check::Promise,
    plant::Plant,
    quic::{QuicReport, run},
};

const TIME: Duration = Duration::from_secs(6);

fn played(seed: u64) -> QuicReport {
    run(seed, TIME, None).unwrap()
}

#[test]
fn over_quic_every_promise_is_kept_though_packets_are_lost_and_two_leaders() {
    for seed in 1..=3 {
        let report = played(seed);
        assert_eq!(report.violation, None, "seed {seed}");
        let [killed, cut_off] = report.leaders;
        assert!(killed.is_some(), "seed {seed}: nobody led");
        assert!(cut_off.is_some(), "seed {seed}: nobody followed the first");
        assert!(report.decided > 0, "seed {seed}: nobody played");
    }
}

#[test]
fn over_quic_the_same_seed_sends_the_same_packets_at_the_same_times_and_another_seed_others() {
    let [one, again, other] = [4, 4, 5].map(|seed| played(seed).packets);
    let differs = one.iter().zip(&again).find(|(one, again)| one != again);
    assert_eq!(differs, None);
    assert_eq!(one.len(), again.len());
    assert_ne!(one, other);
}

#[test]
fn over_quic_a_player_who_proposes_anew_what_is_not_lost_is_noticed() {
    let reports = (1..=20).map(|seed| run(seed, TIME, Some(Plant::DoubleApply)).unwrap());
    let mut broken = reports.filter_map(|report| report.violation);
    assert!(broken.any(|violation| violation.promise == Promise::ExactlyOnce));
}
