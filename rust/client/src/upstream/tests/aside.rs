//! What comes with a hand beside its samples.

use super::*;

/// A controller with an aim and joints.
fn whole_hand(bench: &mut Bench) -> (Producer<InputFrame>, Producer<Pose>, Producer<HandJoints>) {
    let (samples, samples_out) = RingBuffer::new(1_024);
    let (aim, aim_out) = RingBuffer::new(16);
    let (joints, joints_out) = RingBuffer::new(16);
    let feed = TrackerFeed {
        aim: aim_out,
        joints: joints_out,
        ..TrackerFeed::new(samples_out)
    };
    assert!(bench.upstream.attach(HAND, feed));
    (samples, aim, joints)
}

#[test]
fn an_aim_goes_when_it_moves_and_four_times_a_second_when_it_rests() {
    let mut bench = Bench::new(LiveConfig::default());
    let (_samples, mut aim, _joints) = whole_hand(&mut bench);
    let pose = |metres: f32| Pose {
        position: glam::Vec3::X * metres,
        ..Pose::default()
    };
    bench.run_for(Micros::from_millis(10));
    for place in 0..100 {
        aim.push(pose(
            if place < 50 { 0.1 } else { 0.2 } + 1e-4 * (place % 2) as f32,
        ))
        .unwrap();
        bench.run_for(Micros::from_millis(10));
    }
    let aims: Vec<_> = bench
        .sent
        .iter()
        .flat_map(|(_, bytes)| content(bytes).aims)
        .collect();
    let moved = aims.windows(2).filter(|pair| pair[0].0 != pair[1].0);
    assert_eq!(moved.count(), 1, "{aims:?}");
    assert_eq!(aims.len(), 4, "{aims:?}");
}

#[test]
fn joints_go_thirty_times_a_second_at_the_most_and_the_newest_of_them() {
    let mut bench = Bench::new(LiveConfig::default());
    let (_samples, _aim, mut joints) = whole_hand(&mut bench);
    bench.run_for(Micros::from_millis(10));
    for _ in 0..100 {
        bench.run_for(Micros::from_millis(10));
        let sampled_at = bench.now;
        joints
            .push(HandJoints {
                sampled_at,
                ..HandJoints::default()
            })
            .unwrap();
    }
    bench.run_for(Micros::from_millis(100));
    let stamps: Vec<_> = bench
        .sent
        .iter()
        .flat_map(|(_, bytes)| content(bytes).joints)
        .collect();
    assert!((28..=31).contains(&stamps.len()), "{}", stamps.len());
    let last = bench
        .clock
        .session_time(bench.now - Micros::from_millis(100));
    assert_eq!(stamps.last(), Some(&last));
}
