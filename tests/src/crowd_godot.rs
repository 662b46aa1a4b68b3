//! Real Godots among a crowd of players without an engine: how long after it was written an operation is in the tree of a game.
//!
//! Everybody writes operations of 1 KB, each of which tells when it was made. A Godot looks at the nodes of all others where the scripts
//! of a game run in a frame: after what came was applied. All clocks are that of this machine.

use std::{path::Path, process::Command, time::Duration};

use serde::Deserialize;
use synced_bench::{Times, crowd::CrowdResult, shares};
use synced_protocol::{stage::Summary, time::Micros};

use crate::{
    Failure, Outcome,
    cluster::{ClusterOptions, SyncedCluster},
    folder,
    godot::Godot,
    peers::meter::{Surroundings, Watch},
    play::{GAME_NAME, GAME_VERSION},
    player::Player,
    process::Process,
    server,
};

/// The bytes of an operation, as `crowd_player.gd` makes them too.
const OPERATION_BYTES: usize = 1_024;
/// Frames of every player's game, a second.
const FRAMES_HZ: u32 = 90;
/// How long all may take to see each other, and what was written last to arrive.
const AROUND_TIME_MAX: Duration = Duration::from_secs(150);
/// The numbers of a row of `crowd_player.gd`.
const NUMBERS_A_ROW: usize = 3;

/// Who plays, and what they write.
#[derive(Debug, Clone, PartialEq)]
pub struct CrowdPlan {
    /// Players without an engine.
    pub headless: usize,
    /// In how many processes these are.
    pub processes: usize,
    /// Players with one.
    pub godots: usize,
    /// How many servers there are.
    pub servers: u16,
    /// Confirmed operations of each player, a second.
    pub confirmed_hz: f64,
    /// Live operations of each player, a second.
    pub live_hz: f64,
    /// The most that a Godot shows live values in the past, so that what comes late is no jolt; the other players show them as soon
    /// as they have them.
    pub live_delay_max: Duration,
    /// For how long it counts.
    pub span: Duration,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct CrowdFigures {
    /// What the Godots saw in their trees, all together.
    pub godot: Seen,
    /// What the others saw.
    pub headless: CrowdResult,
    /// What the addon took of each Godot's main thread in a frame, from its join on.
    pub frames: Vec<Summary>,
    /// What the machine did besides.
    pub surroundings: Surroundings,
}

/// From when an operation is made until a Godot's scripts find it in the tree.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Confirmed ones of players without an engine.
    pub confirmed: Times,
    /// Confirmed ones of another Godot.
    pub confirmed_of_godots: Times,
    /// Live ones of players without an engine.
    pub live: Times,
    /// Live ones of another Godot.
    pub live_of_godots: Times,
}

impl CrowdPlan {
    /// The seed's experiment: a hundred players, two of them in Godot, and five servers. Live values are shown at once.
    #[must_use]
    pub const fn seed(span: Duration) -> Self {
        Self {
            headless: 98,
            processes: 4,
            godots: 2,
            servers: 5,
            confirmed_hz: 1.0,
            live_hz: 1.0,
            live_delay_max: Duration::ZERO,
            span,
        }
    }

    const fn players(&self) -> usize {
        self.headless + self.godots
    }
}

/// Measures beside servers of its own.
///
/// # Errors
/// When there is no Godot, something does not start, or a player fails.
pub fn measure(plan: &CrowdPlan) -> Outcome<CrowdFigures> {
    let folder = folder::fresh("crowd-godot")?;
    let options = ClusterOptions::new(GAME_NAME, GAME_VERSION).servers(plan.servers);
    let cluster = SyncedCluster::start(&folder, &options)?;
    let mut godots = godots(plan, &folder, cluster.url())?;
    let watch = Watch::begin();
    let headless = headless(plan, &folder, cluster.url())?;
    let (mut seen, mut frames) = (Seen::default(), Vec::new());
    for godot in &mut godots {
        frames.push(godot.get("SyncedSession.get_stats().frame.time")?);
        let numbers: Vec<f64> = godot.get("act(\"CrowdPlayer\").stop()")?;
        seen.add(&numbers, &headless)?;
    }
    let surroundings = watch.end();
    godots.into_iter().try_for_each(Player::quit)?;
    cluster.end()?;
    Ok(CrowdFigures {
        godot: seen,
        headless,
        frames,
        surroundings,
    })
}

/// The Godots, who have joined and begun to write.
fn godots(plan: &CrowdPlan, folder: &Path, url: &str) -> Outcome<Vec<Player>> {
    let godot = Godot::find()?;
    let starting: Vec<_> = (1..=plan.godots)
        .map(|number| Player::start(&godot, &format!("godot{number}"), folder))
        .collect::<Outcome<_>>()?;
    let mut players = Vec::new();
    for (number, starting) in starting.into_iter().enumerate() {
        let mut player = starting.ready()?;
        let share = number as f64 / plan.godots as f64;
        player.run(&format!(
            "journal.leave_out_nodes(); Engine.max_fps = {FRAMES_HZ}; CrowdPlayer.begin(player, {:?}, {:?}, {share:?})",
            plan.confirmed_hz, plan.live_hz
        ))?;
        let delay_ms = plan.live_delay_max.as_secs_f64() * 1e3;
        player.run(&format!(
            "SyncedSession.playout_delay_max_msec = {delay_ms:?}; SyncedSession.playout_delay_min_msec = minf({delay_ms:?}, 10.0)"
        ))?;
        player.run(&format!("SyncedSession.connect_to_server({url:?})"))?;
        player.until("SyncedSession.is_joined()")?;
        player.run("act(\"CrowdPlayer\").join()")?;
        players.push(player);
    }
    Ok(players)
}

/// Plays with all the others, from their join until they have left.
fn headless(plan: &CrowdPlan, folder: &Path, url: &str) -> Outcome<CrowdResult> {
    let shares = shares(plan.headless, plan.processes).enumerate();
    let parts = shares.map(|(part, players)| {
        let log = folder.join(format!("crowd-{part}.log"));
        Process::spawn(
            &format!("crowd {part}"),
            &mut crowd(plan, url, players.len())?,
            &log,
        )
    });
    let mut parts: Vec<_> = parts.collect::<Outcome<_>>()?;
    let mut all = CrowdResult::default();
    for part in &mut parts {
        let status = part.wait(AROUND_TIME_MAX + plan.span)?;
        if !status.success() {
            return Err(part.failure(&format!("ended with {status}")));
        }
        all.merge(&result_in(&part.output()).map_err(|error| part.failure(&error))?);
    }
    Ok(all)
}

/// The result is the last line that a crowd writes.
fn result_in(output: &str) -> Result<CrowdResult, String> {
    #[derive(Deserialize)]
    struct Last {
        result: CrowdResult,
    }
    let line = output.lines().next_back().unwrap_or_default();
    let last: Last = serde_json::from_str(line).map_err(|error| format!("no result: {error}"))?;
    Ok(last.result)
}

fn crowd(plan: &CrowdPlan, url: &str, players: usize) -> Outcome<Command> {
    let mut command = Command::new(server::program()?);
    command.args(["bench", "--url", url]);
    command.args(["--game", GAME_NAME, "--game-version", GAME_VERSION]);
    for (flag, value) in [
        ("--players", players.to_string()),
        ("--beside", plan.players().to_string()),
        ("--confirmed-hz", plan.confirmed_hz.to_string()),
        ("--live-hz", plan.live_hz.to_string()),
        ("--bytes", OPERATION_BYTES.to_string()),
        ("--frames-hz", FRAMES_HZ.to_string()),
        ("--seconds", plan.span.as_secs().max(1).to_string()),
    ] {
        command.args([flag, &value]);
    }
    Ok(command)
}

impl Seen {
    /// Adds what one Godot noted of operations that were made while it counted.
    fn add(&mut self, numbers: &[f64], crowd: &CrowdResult) -> Outcome {
        let (rows, rest) = numbers.as_chunks::<NUMBERS_A_ROW>();
        if !rest.is_empty() {
            return Err(Failure::new("the last operation is not whole"));
        }
        let from = crowd.counted_from_us as f64;
        let counted = from..from + crowd.span_s * 1e6;
        for [kind, made_us, later_us] in rows {
            if !counted.contains(made_us) {
                continue;
            }
            let times = match *kind as u32 {
                0 => &mut self.confirmed,
                1 => &mut self.live,
                2 => &mut self.confirmed_of_godots,
                _ => &mut self.live_of_godots,
            };
            times.add(Micros(later_us.max(0.0) as u64));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_while_it_counted_is_sorted_by_who_made_it_and_how() {
        let crowd = CrowdResult {
            counted_from_us: 1_000_000,
            span_s: 1.0,
            ..CrowdResult::default()
        };
        let rows = [
            [0.0, 999_999.0, 7_000.0],
            [0.0, 1_000_000.0, 8_000.0],
            [1.0, 1_500_000.0, 20_000.0],
            [2.0, 1_600_000.0, 9_000.0],
            [3.0, 1_700_000.0, 30_000.0],
            [0.0, 2_000_000.0, 7_000.0],
        ];
        let mut seen = Seen::default();
        seen.add(rows.as_flattened(), &crowd).unwrap();
        let all = [
            &seen.confirmed,
            &seen.live,
            &seen.confirmed_of_godots,
            &seen.live_of_godots,
        ];
        assert_eq!(all.map(Times::count), [1; 4]);
        assert_eq!(seen.confirmed.quantile_ms(1.0).round(), 8.0);
        assert!(seen.add(&[0.0], &crowd).is_err());
    }
}
