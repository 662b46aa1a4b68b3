//! What happens between two frames: a throw's release and a drum's hit, as the other player can find them.

use std::{
    thread,
    time::{Duration, SystemTime},
};

use glam::DVec3;
use synced_tests::{
    Failure, Outcome,
    hands::{HANDS, Stage, Truth, Tuning},
    player::Player,
    relay::Network,
};

const SECONDS: f64 = 40.0;
/// Of a thousand packets, each way.
const LOST_PERMILLE: u16 = 50;
const SETTLING: Duration = Duration::from_secs(3);
/// How long after it happened something is looked for. Two seconds are kept.
const LOOKED_AFTER_USEC: f64 = 700_000.0;
/// How much before and after a hit is looked at.
const AROUND_HIT_USEC: f64 = 60_000.0;
const RELEASES: usize = 4;
const HITS: usize = 12;
/// The most by which a velocity may be off, as a share of it.
const VELOCITY_ERROR_MAX: f64 = 0.02;
/// The most by which the time of a hit may be off.
const HIT_ERROR_USEC_MAX: f64 = 2_000.0;
/// A drummer's hand is faster than this up to the hit, in m/s.
const STRIKING_MPS: f64 = 1.0;

/// Something that is to be looked for: when, on the machine's clock, and of which hand.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at_usec: f64,
    hand: usize,
}

#[test]
fn who_watches_finds_the_velocity_of_each_release_and_the_time_of_each_hit_though_packets_are_lost()
-> Outcome {
    let mut stage = Stage::begin("hands-marks", &Tuning::DEFAULT, SECONDS, 7)?;
    stage.set_network(Network::losing(LOST_PERMILLE));
    thread::sleep(SETTLING);
    let (ben, truths) = stage.receiver();
    let releases = marks(truths, |truth| truth.motion().releases());
    let hits = marks(truths, |truth| truth.motion().hits());
    let mut found = (0, 0);
    let mut upcoming: Vec<_> = releases
        .iter()
        .map(|mark| (*mark, true))
        .chain(hits.iter().map(|mark| (*mark, false)))
        .collect();
    upcoming.sort_by(|a, b| a.0.at_usec.total_cmp(&b.0.at_usec));
    for (mark, is_release) in upcoming {
        if found.0 >= RELEASES && found.1 >= HITS {
            break;
        }
        wait_until(mark.at_usec + LOOKED_AFTER_USEC);
        if is_release {
            assert_velocity(ben, mark, &truths[mark.hand])?;
            found.0 += 1;
        } else {
            assert_hit(ben, mark)?;
            found.1 += 1;
        }
    }
    assert!(found.0 >= RELEASES && found.1 >= HITS, "{found:?}");
    stage.end()
}

/// What is still to come, of both hands.
fn marks(truths: &[Truth; 2], of: impl Fn(&Truth) -> Vec<f64>) -> Vec<Mark> {
    let of_hand = |hand: usize| {
        let times = of(&truths[hand]).into_iter();
        times
            .map(|seconds| Mark {
                at_usec: truths[hand].time_of(seconds),
                hand,
            })
            .collect::<Vec<_>>()
    };
    let now = now_usec();
    let all = [0, 1].into_iter().flat_map(of_hand);
    all.filter(|mark| mark.at_usec > now).collect()
}

fn assert_velocity(player: &mut Player, mark: Mark, truth: &Truth) -> Outcome {
    let truth = truth.at(mark.at_usec).linear_velocity;
    let ask = format!(
        "world.velocity_at({:?}, {:.0})",
        HANDS[mark.hand], mark.at_usec
    );
    let seen: [f64; 3] = player.get(&ask)?;
    let off = DVec3::from_array(seen).distance(truth) / truth.length();
    println!(
        "a release at {truth:.3} m/s is seen off by {:.2} %",
        off * 100.0
    );
    assert!(off <= VELOCITY_ERROR_MAX, "{seen:?} instead of {truth}");
    Ok(())
}

fn assert_hit(player: &mut Player, mark: Mark) -> Outcome {
    let (from, to) = (
        mark.at_usec - AROUND_HIT_USEC,
        mark.at_usec + AROUND_HIT_USEC,
    );
    let ask = format!("world.speeds({:?}, {from:.0}, {to:.0})", HANDS[mark.hand]);
    let (times, speeds): (Vec<f64>, Vec<f64>) = player.get(&ask)?;
    let last = times
        .iter()
        .zip(&speeds)
        .rfind(|(_, speed)| **speed > STRIKING_MPS);
    let Some((last, _)) = last else {
        let text = format!("no stroke in {} samples", times.len());
        return Err(Failure::new(text));
    };
    let stands = times.iter().find(|time| *time > last).unwrap_or(last);
    let seen = f64::midpoint(*last, *stands);
    let off = seen - mark.at_usec;
    println!(
        "a hit is seen off by {:.2} ms, between samples {:.2} ms apart",
        off / 1e3,
        (stands - last) / 1e3
    );
    assert!(off.abs() <= HIT_ERROR_USEC_MAX, "{off} us");
    Ok(())
}

fn wait_until(usec: f64) {
    let left = usec - now_usec();
    if left > 0.0 {
        thread::sleep(Duration::from_secs_f64(left / 1e6));
    }
}

fn now_usec() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64() * 1e6
}
