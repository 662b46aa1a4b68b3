//! Which samples are sent, and how often.

use super::*;

#[test]
fn the_loss_of_any_two_datagrams_in_a_row_loses_no_sample_at_any_rate_of_samples_and_at_any_pace() {
    for (interval_us, count) in [(250, 200), (1_000, 100), (11_111, 20), (40_000, 8)] {
        for pace in [1, 4, 20].map(Micros::from_millis) {
            let mut bench = Bench::new(LiveConfig {
                local_delta_max_age: pace,
                ..all_samples()
            });
            let mut hands = [HAND, NodeId(2)].map(|node| bench.tracker(node));
            feed(&mut bench, &mut hands, Micros(interval_us), count);
            bench.run_for(Micros::from_millis(400));
            assert!(bench.sent.len() > 2);
            for lost in 0..bench.sent.len() - 1 {
                let times = received_without(&bench, lost, 2, HAND);
                assert_eq!(
                    times.len() as u64,
                    count,
                    "every {interval_us} us, sent every {pace:?}, without {lost} and the next"
                );
            }
        }
    }
}

#[test]
fn a_backlog_of_samples_goes_in_several_datagrams_and_loses_nothing_either() {
    let mut bench = Bench::new(all_samples());
    let mut hands: Vec<_> = (1..=2).map(|node| bench.tracker(NodeId(node))).collect();
    bench.run_for(Micros::from_millis(10));
    let taken = bench.now;
    for ms in 0..100 {
        let at = taken + Micros::from_millis(ms);
        hands
            .iter_mut()
            .for_each(|hand| hand.push(sample(at)).unwrap());
    }
    bench.now = taken + Micros::from_millis(200);
    bench.run_for(Micros::from_millis(200));
    for lost in 0..bench.sent.len() {
        assert_eq!(
            received_without(&bench, lost, 2, HAND).len(),
            100,
            "without {lost}"
        );
    }
}

#[test]
fn more_samples_than_the_backlog_takes_are_dropped_from_its_old_end_and_counted() {
    let mut bench = Bench::new(all_samples());
    let mut hand = bench.tracker(HAND);
    bench.run_for(Micros::from_millis(10));
    let taken = bench.now;
    let count = crate::limits::TRACKER_BACKLOG_MAX as u64 + 40;
    let at = |place: u64| taken + Micros(10 * place);
    (1..=count).for_each(|place| hand.push(sample(at(place))).unwrap());
    bench.now = at(count);
    bench.run_for(Micros::from_millis(100));
    let times = received_without(&bench, 0, 0, HAND);
    assert_eq!(times.len(), crate::limits::TRACKER_BACKLOG_MAX);
    assert_eq!(times.last(), Some(&bench.clock.session_time(at(count))));
    assert_eq!(bench.meter.counters.samples_dropped, 40);
}

#[test]
fn a_sample_from_a_time_that_has_not_come_is_taken_for_now_and_blocks_nothing() {
    let mut bench = Bench::new(all_samples());
    let mut hands = [bench.tracker(HAND)];
    hands[0]
        .push(sample(bench.now + Micros::from_secs(3_600)))
        .unwrap();
    feed(&mut bench, &mut hands, Micros::from_millis(1), 10);
    bench.run_for(Micros::from_millis(100));
    assert_eq!(received_without(&bench, 0, 0, HAND).len(), 11);
}

#[test]
fn a_tracker_that_was_detached_sends_its_last_samples_as_often_as_all_others_and_is_gone() {
    let mut bench = Bench::new(all_samples());
    let mut hands = [bench.tracker(HAND)];
    feed(&mut bench, &mut hands, Micros::from_millis(1), 10);
    bench.upstream.detach(HAND);
    bench.run_for(Micros::from_millis(200));
    for lost in 0..bench.sent.len() {
        assert_eq!(received_without(&bench, lost, 2, HAND).len(), 10);
    }
    assert_eq!(
        bench.upstream.poll_deadline(bench.now),
        None,
        "nothing is left to do"
    );
}

#[test]
fn there_is_a_most_of_trackers() {
    let mut bench = Bench::new(LiveConfig::default());
    let _kept: Vec<_> = (0..TRACKERS_MAX as u64)
        .map(|node| bench.tracker(NodeId(node)))
        .collect();
    let attach = |bench: &mut Bench, node| {
        let feed = TrackerFeed::new(RingBuffer::new(1).1);
        bench.upstream.attach(NodeId(node), feed)
    };
    assert!(!attach(&mut bench, TRACKERS_MAX as u64));
    assert!(
        attach(&mut bench, 0),
        "one that is there can change its source"
    );
}

#[test]
fn a_smooth_hand_is_sent_in_a_quarter_of_its_samples_and_a_struck_one_in_more() {
    let sent = |thinning, struck: bool| {
        let mut bench = Bench::new(LiveConfig {
            thinning,
            ..LiveConfig::default()
        });
        let mut hand = bench.tracker(HAND);
        for place in 0..1_000_u64 {
            let at = bench.now + Micros::from_millis(1);
            bench.run_until(at);
            let mut frame = moving(at);
            if struck && place % 100 < 10 {
                frame.position.y += 1e-3 * (place % 3) as f32;
            }
            hand.push(frame).unwrap();
        }
        bench.run_for(Micros::from_millis(100));
        let counters = bench.meter.counters;
        assert_eq!(
            counters.samples_sent + counters.samples_thinned,
            counters.samples_captured
        );
        (counters.samples_sent, bench.bytes())
    };
    let (all, bytes_of_all) = sent(false, false);
    let (few, bytes_of_few) = sent(true, false);
    assert_eq!(all, 1_000);
    assert!((249..=260).contains(&few), "{few}");
    assert!(
        bytes_of_few * 20 < bytes_of_all * 17,
        "{bytes_of_few} of {bytes_of_all}"
    );
    let (struck, _) = sent(true, true);
    assert!(struck > few + 60, "{struck}");
}

#[test]
fn the_more_is_lost_the_more_is_repeated_and_the_cap_takes_that_back_before_anything_waits() {
    let repeated = |loss: u16, bytes_per_second_max| {
        let mut bench = Bench::new(LiveConfig {
            bytes_per_second_max,
            ..all_samples()
        });
        let others = 1;
        for second in 0..60 {
            let now = Micros::from_secs(second);
            bench
                .upstream
                .learn_loss(now, Loss(loss), Loss::NONE, others);
        }
        let mut hands = [bench.tracker(HAND)];
        feed(&mut bench, &mut hands, Micros::from_millis(1), 3_000);
        let capture = bench.meter.stats().capture;
        assert!(capture.max_us <= 4_100, "{capture:?}");
        let counters = bench.meter.counters;
        counters.samples_repeated as f64 / counters.samples_sent as f64
    };
    let near = |found: f64, wanted: f64| (found - wanted).abs() < 0.05;
    let enough = LiveConfig::default().bytes_per_second_max;
    assert!(near(repeated(0, enough), 2.0));
    assert!(near(repeated(2_500, enough), 4.0));
    let held_back = repeated(2_500, 15_000);
    assert!(held_back < 3.0, "{held_back}");
}

/// A sample whose velocities are those of its motion.
fn moving(at: Micros) -> InputFrame {
    let t = (at.0 % 10_000_000) as f32 * 1e-6;
    InputFrame {
        linear_velocity: glam::Vec3::new(3.0 * (3.0 * t).cos(), 0.0, -2.0 * (2.0 * t).sin()),
        angular_velocity: glam::Vec3::Y * 5.0,
        ..sample(at)
    }
}
