//! When datagrams leave, and how many.

use super::*;

#[test]
fn a_head_and_two_hands_at_a_kilohertz_go_in_250_datagrams_a_second_within_the_age() {
    let mut bench = Bench::new(all_samples());
    let mut trackers = [1, 2, 3].map(|node| bench.tracker(NodeId(node)));
    feed(&mut bench, &mut trackers, Micros::from_millis(1), 2_000);
    assert!(
        (495..=502).contains(&bench.sent.len()),
        "{}",
        bench.sent.len()
    );
    let capture = bench.meter.stats().capture;
    assert!(capture.count > 3 * 1_995, "{capture:?}");
    assert!(capture.max_us <= 4_100, "{capture:?}");
}

#[test]
fn a_driver_that_wakes_late_loses_no_pace_and_one_that_was_away_catches_up_at_once() {
    let mut bench = Bench::new(LiveConfig::default());
    let _hand = bench.tracker(HAND);
    let pace = LiveConfig::default().local_delta_max_age;
    let mut next_after = |now| {
        let Bench {
            upstream,
            clock,
            meter,
            ..
        } = &mut bench;
        upstream.poll(now, clock, Names::default(), meter, |_| {});
        upstream.poll_deadline(now)
    };
    assert_eq!(next_after(START), Some(START + pace));
    let late = START + pace + Micros(900);
    assert_eq!(next_after(late), Some(START + pace + pace));
    let away = late + Micros::from_secs(1);
    assert_eq!(next_after(away), Some(away + pace));
}

#[test]
fn datagrams_are_numbered_without_gaps() {
    let mut bench = Bench::new(LiveConfig::default());
    let mut hands = [bench.tracker(HAND)];
    feed(&mut bench, &mut hands, Micros::from_millis(1), 100);
    let numbers = bench.sent.iter().map(|(_, bytes)| content(bytes).sequence);
    assert!(numbers.eq(0..bench.sent.len() as u32));
}

#[test]
fn a_change_waits_for_company_no_longer_than_its_age_and_a_full_datagram_not_at_all() {
    let mut bench = Bench::new(LiveConfig::default());
    bench.run_for(Micros::from_millis(10));
    let changed = bench.now;
    bench.set(1, 1);
    bench.run_for(Micros::from_millis(1));
    bench.set(2, 2);
    bench.run_for(Micros::from_millis(20));
    let [(at, bytes)] = bench.sent.as_slice() else {
        panic!("{} datagrams", bench.sent.len());
    };
    assert_eq!(*at, changed + LiveConfig::default().local_delta_max_age);
    assert_eq!(content(bytes).values, [(NodeId(1), 1), (NodeId(2), 2)]);

    bench.sent.clear();
    let changed = bench.now;
    (1..=64).for_each(|node| bench.set(node, 3));
    bench.run_for(Micros::from_millis(20));
    let values: usize = bench
        .sent
        .iter()
        .map(|(_, bytes)| content(bytes).values.len())
        .sum();
    assert_eq!(values, 64);
    assert!(
        bench.sent.iter().all(|(at, _)| *at == changed),
        "{:?}",
        bench.sent
    );
}

#[test]
fn what_a_frame_changed_leaves_at_its_end_in_one_datagram() {
    let mut bench = Bench::new(LiveConfig::default());
    for frame in 0..10 {
        bench.run_for(Micros::from_millis(10));
        bench.set(1, frame);
        bench.run_for(Micros(500));
        bench.set(2, frame);
        bench.end_frame();
        let ended = bench.now;
        bench.run_for(Micros::from_millis(1));
        let (at, bytes) = bench.sent.last().unwrap();
        assert_eq!(*at, ended);
        let values = content(bytes).values;
        assert_eq!(values, [(NodeId(1), frame), (NodeId(2), frame)]);
        assert_eq!(bench.sent.len() as i64, frame + 1);
    }
}

#[test]
fn frames_shorter_than_the_age_share_datagrams() {
    let pace = LiveConfig::default().local_delta_max_age;
    let mut bench = Bench::new(LiveConfig::default());
    for frame in 0..1_000 {
        bench.run_for(Micros::from_millis(1));
        bench.set(1, frame);
        bench.end_frame();
    }
    bench.run_for(pace);
    let gaps = bench.sent.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert!(gaps.min() >= Some(pace), "{:?}", bench.sent.len());
    assert!(
        (249..=252).contains(&bench.sent.len()),
        "{}",
        bench.sent.len()
    );
}

#[test]
fn beside_a_hand_the_end_of_a_frame_brings_no_more_datagrams() {
    let mut bench = Bench::new(all_samples());
    let mut hand = bench.tracker(HAND);
    for ms in 0..1_000 {
        bench.run_for(Micros::from_millis(1));
        hand.push(sample(bench.now)).unwrap();
        if ms % 11 == 0 {
            bench.set(2, ms);
            bench.end_frame();
        }
    }
    assert!(
        (248..=252).contains(&bench.sent.len()),
        "{}",
        bench.sent.len()
    );
}

#[test]
fn full_datagrams_of_values_do_not_keep_samples_waiting() {
    let mut bench = Bench::new(LiveConfig {
        bytes_per_second_max: 2_000_000,
        ..all_samples()
    });
    let mut hand = bench.tracker(HAND);
    for round in 0..100 {
        for _ in 0..3 {
            bench.run_for(Micros::from_millis(1));
            hand.push(sample(bench.now)).unwrap();
        }
        (1..=64).for_each(|node| bench.set(node, round));
    }
    bench.run_for(Micros::from_millis(10));
    let capture = bench.meter.stats().capture;
    assert_eq!(capture.count, 300);
    assert!(capture.max_us <= 4_100, "{capture:?}");
}

#[test]
fn under_the_rate_cap_every_property_has_its_turn_and_the_cap_is_kept() {
    let config = LiveConfig {
        bytes_per_second_max: 20_000,
        ..LiveConfig::default()
    };
    let mut bench = Bench::new(config);
    let mut hand = [bench.tracker(HAND)];
    let mut last_sent = BTreeMap::from_iter((2..502).map(|node| (NodeId(node), START)));
    let mut longest = Micros::ZERO;
    for round in 0..1_000 {
        (2..502).for_each(|node| bench.set(node, round));
        feed(&mut bench, &mut hand, Micros::from_millis(10), 1);
    }
    for (at, bytes) in &bench.sent {
        for (node, _) in content(bytes).values {
            let before = last_sent.insert(node, *at).unwrap();
            longest = longest.max(*at - before);
        }
    }
    // 500 values of 21 bytes and the samples between them fill the cap in a good half second.
    assert!(longest < Micros::from_millis(900), "{longest:?}");
    assert!(
        last_sent
            .values()
            .all(|at| bench.now - *at < Micros::from_millis(900))
    );
    let most = 10 * 20_000 + LIVE_BURST_BYTES_MAX as usize;
    assert!(
        bench.bytes() <= most && bench.bytes() > most / 2,
        "{}",
        bench.bytes()
    );
    assert_eq!(bench.meter.counters.samples_dropped, 0);
}

#[test]
fn values_have_their_turn_even_where_the_samples_alone_are_more_than_the_cap() {
    let config = LiveConfig {
        bytes_per_second_max: 10_000,
        ..all_samples()
    };
    let mut bench = Bench::new(config);
    let mut trackers: Vec<_> = (1..=16).map(|node| bench.tracker(NodeId(node))).collect();
    for round in 0..100 {
        bench.set(99, round);
        feed(&mut bench, &mut trackers, Micros::from_millis(1), 50);
    }
    let last_half = &bench.sent[bench.sent.len() / 2..];
    let values = last_half
        .iter()
        .filter(|(_, bytes)| !content(bytes).values.is_empty());
    assert!(values.count() >= 3);
    assert!(bench.meter.counters.samples_dropped > 0);
}

#[test]
fn no_more_datagrams_leave_than_the_leader_takes_even_if_configured_so() {
    let config = LiveConfig {
        local_delta_max_age: Micros(100),
        ..all_samples()
    };
    let mut bench = Bench::new(config);
    let mut hand = [bench.tracker(HAND)];
    feed(&mut bench, &mut hand, Micros(250), 8_000);
    let most = 2 * LIVE_DATAGRAMS_PER_SECOND_MAX + LIVE_BURST_DATAGRAMS_MAX;
    assert!(bench.sent.len() <= most as usize, "{}", bench.sent.len());
    bench.run_for(Micros::from_millis(10));
    assert_eq!(received_without(&bench, 0, 0, HAND).len(), 8_000);
}
