//! Two Godots who play on five real servers, of which the leader is killed.
//!
//! How long a change of the leader takes is not asserted. Where the machine kept even a thread that only sleeps waiting for long, a
//! change may look like a loss, and what is shown like a leap: then the test says so, and does not judge these two.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use serde::{Deserialize, de::IgnoredAny};
use synced_client::playout::SMOOTHING;
use synced_tests::{
    Failure, Outcome,
    cluster::{ClusterOptions, SyncedCluster},
    folder,
    godot::Godot,
    play::{GAME_NAME, GAME_VERSION, agree, opened},
    player::Player,
    stalls::{self, Stalls},
};

/// How many of the five are killed while they lead: as many as may.
const KILLS: usize = 2;
/// How long the players play, and how long before, between and after the kills.
const PLAY_SEC: u32 = 12;
const PART: Duration = Duration::from_secs(3);
/// A busy machine makes frames longer, and so the play.
const PLAY_TIME_MAX: Duration = Duration::from_secs(90);
/// The most that the synthetic hand's coordinates change in a second.
const SPEED_M_S_MAX: f64 = 1.3;
/// How long it takes the other servers to notice that their leader is gone, and to choose another.
const ELECTION: Duration = Duration::from_millis(50);
/// After a longer stall of the machine it is not judged what became of a change of the leader in the eyes of players.
const STALL_JUDGED_MAX: Duration = Duration::from_millis(80);
/// Shorter ones are not looked at.
const STALL_MIN: Duration = Duration::from_millis(20);

/// What a `Recorder` saw of a frame: the shown time in microseconds, where the hand was; and what does not matter here.
#[derive(Debug, Deserialize)]
struct Shown(i64, [f64; 3], IgnoredAny);

#[test]
fn two_games_go_on_when_leaders_are_killed_and_nothing_is_lost_decided_twice_or_leaps() -> Outcome {
    let folder = folder::fresh("cluster-godot")?;
    let options = ClusterOptions::new(GAME_NAME, GAME_VERSION);
    let mut cluster = SyncedCluster::start(&folder, &options)?;
    let godot = Godot::find()?;
    let mut players = opened(&godot, &folder, &["ann", "ben"], "things")?;
    for player in &mut players {
        connect(player, &mut cluster)?;
    }
    bring_hand(&mut players)?;
    begin_play(&mut players)?;

    let watch = Stalls::watch(STALL_MIN);
    let begun = Instant::now();
    for _ in 0..KILLS {
        std::thread::sleep(PART);
        let leader = cluster.leader()?;
        cluster.kill(leader)?;
        let next = cluster.leader()?;
        assert_ne!(next, leader);
        for player in &mut players {
            player.until(&format!("SyncedSession.get_leader_id() == {next}"))?;
        }
    }
    for player in &mut players {
        player.until_within(PLAY_TIME_MAX, "act(\"Churn\").is_done")?;
    }
    let stall = stalls::longest_between(&watch.end(), begun, Instant::now());
    let is_judged = stall <= STALL_JUDGED_MAX;
    say(&format!(
        "the machine stood still for {} ms at most{}",
        stall.as_millis(),
        if is_judged {
            ""
        } else {
            ": not judged are losses and leaps"
        },
    ))?;

    let digest = agree(&mut players)?;
    for player in &mut players {
        let losses = told_losses(player)?;
        assert!(
            losses == 0 || !is_judged,
            "{losses} changes of the leader were told as losses"
        );
        assert_every_proposal_was_decided_once(player)?;
    }
    let mut without_leader = ELECTION + stall;
    for player in &mut players {
        without_leader += longest_failover(player)?;
    }
    let leap = leap(&mut players[1], without_leader)?;
    assert!(leap.is_none() || !is_judged, "{leap:?}");
    let mut late = opened(&godot, &folder, &["cat"], "things")?;
    connect(&mut late[0], &mut cluster)?;
    players.append(&mut late);
    assert_eq!(
        agree(&mut players)?,
        digest,
        "a late joiner sees another world"
    );
    players.into_iter().try_for_each(Player::quit)?;
    cluster.end()
}

fn connect(player: &mut Player, cluster: &mut SyncedCluster) -> Outcome {
    let term = cluster.until("one leads", |status| status["term"].as_u64())?;
    let url = cluster.url();
    player.run(&format!("SyncedSession.connect_to_server({url:?})"))?;
    player.until("SyncedSession.is_joined()")?;
    assert_eq!(player.get::<u32>("SyncedSession.get_servers().size()")?, 5);
    assert!(player.get::<u32>("SyncedSession.get_leader_id()")? > 0);
    // A machine that stands still now and then may well have replaced its leader meanwhile.
    let changes: Vec<(u16, u64)> = player.get("journal.all(\"leader_changed\")")?;
    assert!(
        changes.iter().all(|change| change.1 > term),
        "the first leader, of term {term}, is no change: {changes:?}"
    );
    Ok(())
}

/// The first player spawns a hand, and the second remembers where each frame shows it.
fn bring_hand(players: &mut [Player]) -> Outcome {
    players[0].run("spawner().spawn(\"res://things/hand.tscn\", {label = \"hand\"})")?;
    let watching = &mut players[1];
    watching.until("labelled(\"hand\").size() == 1 and not hand().synced.sample_at(SyncedSession.get_session_time_usec()).is_empty()")?;
    watching.until("SyncedSession.get_stats().client.servers.watched == 2")?;
    watching.run("Recorder.begin(player, hand(), SyncedSession.get_session_time_usec())")
}

fn begin_play(players: &mut [Player]) -> Outcome {
    for (seed, player) in (1..).zip(players) {
        player.run(&format!("Churn.begin(player, world, {seed}, {PLAY_SEC})"))?;
    }
    Ok(())
}

/// How many changes of the leader the player was told of as losses; that it was told of all leaders, and has come back after every
/// loss, is asserted.
fn told_losses(player: &mut Player) -> Outcome<u32> {
    let changes: Vec<(u16, u64)> = player.get("journal.all(\"leader_changed\")")?;
    assert!(changes.len() >= KILLS, "{changes:?}");
    let terms_rise = changes.windows(2).all(|pair| pair[0].1 < pair[1].1);
    assert!(terms_rise, "{changes:?}");
    assert_eq!(player.get::<u32>("journal.count(\"session_failed\")")?, 0);
    assert_eq!(player.get::<u32>("journal.count(\"session_joined\")")?, 1);
    let [losses, returns] = ["session_lost", "session_resumed"]
        .map(|signal| player.get::<u32>(&format!("journal.count({signal:?})")));
    let (losses, returns) = (losses?, returns?);
    assert_eq!(losses, returns);
    let longest = longest_failover(player)?;
    say(&format!(
        "{} changes of the leader, the longest {} ms, and {losses} losses told",
        changes.len(),
        longest.as_millis(),
    ))?;
    Ok(losses)
}

/// A request to own a thing is confirmed or rejected, once, and none is of unknown outcome.
fn assert_every_proposal_was_decided_once(player: &mut Player) -> Outcome {
    let requests: Vec<u64> = player.get("act(\"Churn\").requests")?;
    let confirmed: Vec<(u64,)> = player.get("journal.all(\"mutation_confirmed\")")?;
    let rejected: Vec<(u64, String, String)> = player.get("journal.all(\"mutation_rejected\")")?;
    let unknown = rejected.iter().find(|(_, code, _)| code == "unknown");
    assert!(unknown.is_none(), "{unknown:?}");
    assert!(!requests.is_empty(), "nothing was ever grabbed");
    for request in requests {
        let yes = confirmed.iter().filter(|(seq,)| *seq == request).count();
        let no = rejected.iter().filter(|(seq, ..)| *seq == request).count();
        assert_eq!(
            yes + no,
            1,
            "request {request} was decided {} times",
            yes + no
        );
    }
    Ok(())
}

fn longest_failover(player: &mut Player) -> Outcome<Duration> {
    let monitor = "Performance.get_custom_monitor(\"synced_node/failover_time\")";
    player.get(monitor).map(Duration::from_secs_f64)
}

/// Where the hand was shown further away than it can have come from one frame to the next, and than is made good in a frame of what
/// it moved while nobody heard of it. That shown time goes on is asserted.
fn leap(player: &mut Player, unheard: Duration) -> Outcome<Option<String>> {
    let missed_m = SPEED_M_S_MAX * unheard.as_secs_f64();
    let shown: Vec<Shown> = player.get("act(\"Recorder\").shown")?;
    assert!(shown.len() > 100, "{} frames", shown.len());
    let goes_back = shown.windows(2).find(|pair| pair[1].0 < pair[0].0);
    assert!(
        goes_back.is_none(),
        "the shown time went back: {goes_back:?}"
    );
    let leap = shown.windows(2).find(|pair| {
        let seconds = (pair[1].0 - pair[0].0) as f64 * 1e-6;
        let made_good = 1.0 - (-seconds / SMOOTHING.as_secs_f64()).exp();
        distance(pair[0].1, pair[1].1) > SPEED_M_S_MAX * seconds + made_good * missed_m
    });
    Ok(leap.map(|pair| format!("it leapt: {pair:?}")))
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    let squares = (0..3).map(|axis| (a[axis] - b[axis]).powi(2));
    squares.sum::<f64>().sqrt()
}

/// Past the test harness, which would keep what a test prints for itself.
fn say(text: &str) -> Outcome {
    writeln!(io::stderr(), "{text}").map_err(Failure::of("standard error"))
}
