//! A controller's trajectory as games read it: of this player and of others, and where others are shown.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use synced_tests::{
    Outcome,
    play::Play,
    player::Player,
    relay::{Network, Relay},
    stalls::Stalls,
};

type Vector = [f64; 3];

/// What a `Recorder` saw of a frame: the shown time in microseconds, where the hand was, the playout delay in seconds.
#[derive(Debug, Deserialize)]
struct Shown(i64, Vector, f64);

/// One sample: its time in microseconds, position, rotation, linear and angular velocity.
#[derive(Debug, Deserialize)]
struct Sample(i64, Vector, [f64; 4], Vector, Vector);

/// The synthetic right hand: a closed curve around a centre, its rates in radians a second.
const CENTRE: Vector = [0.25, 1.2, -0.4];
const REACH: Vector = [0.15, 0.2, 0.1];
const RATES: Vector = [4.0, 5.0, 3.0];
/// The most that its coordinates change in a second.
const SPEED_M_S_MAX: f64 = 1.3;
/// How far the estimates of the leader's clock by two players on one machine may be apart.
const CLOCKS_APART_SEC_MAX: f64 = 2e-3;
/// So much later than others a packet may come on a rough network.
const JITTER_MSEC: u64 = 150;
/// What a frame may make good of what it showed wrongly before: about half of the longest extrapolation. A machine that stood
/// still has as much more to make good as the hand has gone meanwhile.
const CORRECTION_M_MAX: f64 = 0.03;
/// What is shorter is nothing that a program would notice.
const STALL_MIN: Duration = Duration::from_millis(5);
/// What the codec leaves of a position and of a velocity by default.
const CODEC_M: f64 = 1e-4;
const VELOCITY_M_S: f64 = 1e-2;

#[test]
fn both_sides_read_the_samples_that_were_measured_and_what_is_shown_is_true_of_its_time() -> Outcome
{
    let play = Play::begin("trajectory")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    bring(&mut ann, &mut ben, "hand")?;
    record(&mut [&mut ann, &mut ben], 3_000)?;
    let [own, theirs] = [samples(&mut ann)?, samples(&mut ben)?];

    assert!(own.len() > 1_000, "{} samples", own.len());
    assert!(
        theirs.len() > own.len() / 20,
        "{} of {} arrived",
        theirs.len(),
        own.len()
    );
    for (whose, samples, noise) in [("own", &own, 1e-5), ("another's", &theirs, CODEC_M)] {
        let is_in_order = samples.windows(2).all(|pair| pair[0].0 < pair[1].0);
        assert!(is_in_order, "{whose} samples are not in order");
        for sample in samples {
            check_derivatives(sample, noise);
        }
    }
    let truth = Truth(&own);
    let tolerance = CODEC_M + SPEED_M_S_MAX * CLOCKS_APART_SEC_MAX;
    for Sample(at, position, ..) in &theirs {
        if let Some(true_position) = truth.at(*at) {
            let off = distance(true_position, *position);
            assert!(off < tolerance, "a sample is {off} m off at {at}");
        }
    }

    let shown: Vec<Shown> = ben.get("act(\"Recorder\").shown")?;
    let mut off: Vec<_> = shown
        .iter()
        .filter_map(|Shown(at, position, _)| Some(distance(truth.at(*at)?, *position)))
        .collect();
    off.sort_by(f64::total_cmp);
    assert!(off.len() > 60, "{} frames", off.len());
    let median = off[off.len() / 2];
    assert!(
        median < tolerance,
        "half of the frames are more than {median} m off"
    );
    play.end([ann, ben])
}

#[test]
fn the_shown_time_never_goes_back_and_its_delay_comes_to_what_the_way_needs_within_its_bounds()
-> Outcome {
    let play = Play::begin("playout-delay")?;
    let mut players = [("ann", 10, 200), ("ben", 10, 200), ("cat", 120, 150)]
        .map(|(name, least, most)| -> Outcome<Player> {
            let mut player = play.open(name, "things")?;
            player.run(&format!(
                "SyncedSession.playout_delay_min_msec = {least}; SyncedSession.playout_delay_max_msec = {most}"
            ))?;
            play.connect(&mut player)?;
            Ok(player)
        })
        .into_iter()
        .collect::<Outcome<Vec<_>>>()?;
    let [ann, ben, cat] = &mut *players else {
        unreachable!("three players")
    };
    bring(ann, ben, "hand")?;
    cat.until("labelled(\"hand\").size() == 1")?;
    // It begins with 50 ms: that it came to something else shows that it was measured.
    ben.until(
        "absf(Performance.get_custom_monitor(\"synced_node/playout_delay\") - 0.05) > 0.005",
    )?;
    record(&mut [ben, cat], 500)?;
    for (player, least, most) in [(ben, 0.010, 0.200), (cat, 0.120, 0.150)] {
        let shown: Vec<Shown> = player.get("act(\"Recorder\").shown")?;
        let goes_back = shown.windows(2).find(|pair| pair[1].0 < pair[0].0);
        assert!(goes_back.is_none(), "{goes_back:?}");
        assert!(shown.last().map(|last| last.0) > shown.first().map(|first| first.0));
        let stray = shown
            .iter()
            .find(|Shown(_, _, delay)| !(least..=most).contains(delay));
        assert!(stray.is_none(), "not from {least} to {most} s: {stray:?}");
    }
    play.end(players)
}

#[test]
fn the_delay_follows_the_networks_jitter_up_and_down_again_and_nothing_shown_leaps() -> Outcome {
    let play = Play::begin("jitter")?;
    let relay = Relay::start(play.server().address(), Network::default(), 1)?;
    let mut ann = play.join("ann", "things")?;
    let mut ben = play.open("ben", "things")?;
    play.connect_by(relay.address(), &mut ben)?;
    bring(&mut ann, &mut ben, "hand")?;
    ben.until("SyncedSession.get_stats().client.live.playout_delay_us_max > 0")?;
    ben.run("await seconds(1.0)")?;
    let delay = "Performance.get_custom_monitor(\"synced_node/playout_delay\")";
    let calm: f64 = ben.get(delay)?;

    let stalls = Stalls::watch(STALL_MIN);
    record(&mut [&mut ben], 0)?;
    relay.set_network(Network::losing(50).with_jitter(Duration::from_millis(JITTER_MSEC)));
    ben.until(&format!("{delay} > {calm} + 0.015"))?;
    // It comes to more than what a busy machine keeps packets waiting, or it would not go down again there.
    ben.run("await seconds(5.0)")?;
    let rough: f64 = ben.get(delay)?;
    relay.set_network(Network::default());
    ben.until(&format!("{delay} < {rough} - 0.01"))?;

    let shown: Vec<Shown> = recorded(&mut ben, "shown")?;
    let stalled = stalls.end().iter().map(|stall| stall.late).max();
    let wrong_m_max = CORRECTION_M_MAX + SPEED_M_S_MAX * stalled.unwrap_or_default().as_secs_f64();
    let leap = shown.windows(2).find(|pair| {
        let seconds = (pair[1].0 - pair[0].0) as f64 * 1e-6;
        distance(pair[0].1, pair[1].1) > SPEED_M_S_MAX * seconds + wrong_m_max
    });
    assert!(leap.is_none(), "it leapt: {leap:?}");
    play.end([ann, ben])
}

#[test]
fn a_throws_velocity_is_fitted_over_the_last_samples_alike_on_both_sides() -> Outcome {
    let play = Play::begin("fitted-velocity")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    bring(&mut ann, &mut ben, "hand")?;
    for player in [&mut ann, &mut ben] {
        player.until("SyncedSession.get_session_time_usec() - hand().synced.get_trajectory(0, 1 << 60).times_usec[0] > 1_000_000")?;
        // Fitted and told are of one moment: the newest sample's.
        let fits: Vec<(Vector, Vector, Vector, Vector)> = player.get("Array(fits(hand()))")?;
        assert!(fits.len() > 5, "{fits:?}");
        for (fitted, told, fitted_turn, told_turn) in fits {
            let off = distance(fitted, told);
            assert!(off < 0.05, "fitted {fitted:?}, told {told:?}");
            let off = distance(fitted_turn, told_turn);
            assert!(off < 0.1, "fitted {fitted_turn:?}, told {told_turn:?}");
        }
    }
    play.end([ann, ben])
}

#[test]
fn a_time_that_nothing_is_known_of_gives_nothing() -> Outcome {
    let play = Play::begin("unknown-time")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    bring(&mut ann, &mut ben, "hand")?;
    for player in [&mut ann, &mut ben] {
        player.until(
            "not hand().synced.sample_at(SyncedSession.get_session_time_usec()).is_empty()",
        )?;
        for nothing in [
            "hand().synced.sample_at(SyncedSession.get_session_time_usec() - 10_000_000)",
            "hand().synced.sample_at(-1)",
            "synced(\"Cup1\").sample_at(SyncedSession.get_session_time_usec())",
            "synced(\"Cup1\").get_trajectory(0, SyncedSession.get_session_time_usec()).fit_velocity(50.0)",
            "synced(\"Cup1\").get_hand_joints()",
            "hand().synced.get_trajectory(0, -5).get_sample(0)",
        ] {
            assert!(
                player.get::<bool>(&format!("{nothing}.is_empty()"))?,
                "{nothing}"
            );
        }
        assert_eq!(
            player.get::<i64>("synced(\"Cup1\").get_trajectory(0, 1 << 60).size()")?,
            0
        );
        assert!(player.get::<bool>("synced(\"Cup1\").get_aim() == Transform3D.IDENTITY")?);
    }
    ann.run("SyncedSession.leave()")?;
    ann.until("SyncedSession.get_state() == SyncedSession.STATE_OFFLINE")?;
    // Without a session it is always now.
    let age = "SyncedSession.get_session_time_usec() - synced(\"Cup1\").get_shown_time_usec()";
    assert!((0..5_000_000).contains(&ann.get::<i64>(age)?));
    play.end([ann, ben])
}

#[test]
fn a_teleport_is_shown_as_one_and_told_on_both_sides() -> Outcome {
    let play = Play::begin("teleport")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    bring(&mut ann, &mut ben, "teleporting_hand")?;
    record(&mut [&mut ann, &mut ben], 2_500)?;
    for player in [&mut ann, &mut ben] {
        player.until("act(\"Recorder\").jumps >= 2")?;
        let shown: Vec<Shown> = player.get("act(\"Recorder\").shown")?;
        let is_at = |x: f64| move |shown: &&Shown| (shown.1[0] - x).abs() < 1e-3;
        let [near, far] = [0.0, 3.0].map(|x| shown.iter().filter(is_at(x)).count());
        assert!(near > 10 && far > 10, "{near} frames here and {far} there");
        let between = shown
            .iter()
            .find(|shown| !is_at(0.0)(shown) && !is_at(3.0)(shown));
        assert!(between.is_none(), "it was shown on the way: {between:?}");
    }
    play.end([ann, ben])
}

#[test]
fn who_does_not_want_a_stream_is_not_sent_it_until_wanted_again() -> Outcome {
    let play = Play::begin("unwanted")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    bring(&mut ann, &mut ben, "hand")?;
    let received = "SyncedSession.get_stats().client.counters.live_received";
    ben.until(&format!("{received} > 0"))?;
    ben.run("hand().synced.receive_live = false; await seconds(2.5)")?;
    let before: (u64, Vector) =
        ben.get(&format!("[{received}, as_numbers([hand().position])[0]]"))?;
    ben.run("await seconds(2.5)")?;
    let after = ben.get(&format!("[{received}, as_numbers([hand().position])[0]]"))?;
    assert_eq!(before, after, "it still comes");
    ben.run("hand().synced.receive_live = true")?;
    ben.until(&format!("{received} > {}", before.0))?;
    let [x, y, z] = before.1;
    ben.until(&format!(
        "hand().position.distance_to(Vector3({x}, {y}, {z})) > 0.01"
    ))?;
    play.end([ann, ben])
}

/// One player spawns a hand, and both see it move.
fn bring(owner: &mut Player, other: &mut Player, scene: &str) -> Outcome {
    owner.run(&format!(
        "spawner().spawn(\"res://things/{scene}.tscn\", {{label = \"hand\"}})"
    ))?;
    for player in [owner, other] {
        player.until("labelled(\"hand\").size() == 1 and not hand().synced.sample_at(SyncedSession.get_session_time_usec()).is_empty()")?;
    }
    Ok(())
}

/// Records with all players at once for some time, of which the last half is for what is on its way.
fn record(players: &mut [&mut Player], msec: u32) -> Outcome {
    let [first, ..] = players else { return Ok(()) };
    let begin: i64 = first.get("SyncedSession.get_session_time_usec()")?;
    for player in &mut *players {
        player.run(&format!("Recorder.begin(player, hand(), {begin})"))?;
    }
    for player in players {
        player.until(&format!(
            "SyncedSession.get_session_time_usec() > {begin} + {msec}_000"
        ))?;
    }
    Ok(())
}

fn samples(player: &mut Player) -> Outcome<Vec<Sample>> {
    recorded(player, "samples")
}

fn recorded<T: DeserializeOwned>(player: &mut Player, what: &str) -> Outcome<T> {
    player.get(&format!("act(\"Recorder\").{what}"))
}

/// The curve has sine and cosine in each coordinate and its velocity: their squares add up to one.
fn check_derivatives(Sample(at, position, rotation, linear, angular): &Sample, noise_m: f64) {
    for axis in 0..3 {
        let sine = (position[axis] - CENTRE[axis]) / REACH[axis];
        let cosine = linear[axis] / (REACH[axis] * RATES[axis]);
        let off = (sine * sine + cosine * cosine - 1.0).abs();
        let most = 1e-3 + 2.0 * (noise_m + VELOCITY_M_S / RATES[axis]) / REACH[axis];
        assert!(off < most, "axis {axis} at {at}: {sine}, {cosine}");
    }
    let sine = (position[0] - CENTRE[0]) / REACH[0];
    let angle = 2.0 * rotation[1].atan2(rotation[3]);
    assert!(
        (angle - 0.5 * sine).abs() < 5e-3,
        "turned by {angle} at {at}, not {}",
        0.5 * sine
    );
    let rate = 0.5 * linear[0] / REACH[0];
    assert!(
        (angular[1] - rate).abs() < 0.05,
        "turns at {} at {at}, not {rate}",
        angular[1]
    );
}

/// Own samples a millisecond apart: between two of them the hand goes straight, to a micrometre.
struct Truth<'a>(&'a [Sample]);

impl Truth<'_> {
    fn at(&self, time: i64) -> Option<Vector> {
        const APART_USEC_MAX: i64 = 20_000;
        let after = self.0.partition_point(|sample| sample.0 <= time);
        let (a, b) = (self.0.get(after.checked_sub(1)?)?, self.0.get(after)?);
        let span = (b.0 - a.0 <= APART_USEC_MAX).then_some((b.0 - a.0) as f64)?;
        let t = (time - a.0) as f64 / span;
        Some(std::array::from_fn(|axis| {
            a.1[axis] + (b.1[axis] - a.1[axis]) * t
        }))
    }
}

fn distance(a: Vector, b: Vector) -> f64 {
    let squares = (0..3).map(|axis| (a[axis] - b[axis]).powi(2));
    squares.sum::<f64>().sqrt()
}
