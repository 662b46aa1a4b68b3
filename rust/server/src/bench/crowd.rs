//! The processes of the players.

use std::{
    env,
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command},
    thread,
    time::Duration,
};

use synced_bench::crowd::{Crowd, CrowdResult, Pace};
use synced_protocol::message::Game;

use super::scratch::Scratch;
use crate::{cli::Bench, exit::Failure, layer::wrong, serve::unforeseen};

/// For how long players write before it counts.
const WARM_UP: Duration = Duration::from_secs(2);
/// How often the processes are looked at.
const POLL: Duration = Duration::from_millis(100);

/// Plays with players in this process, beside others, and gives what they saw as JSON.
///
/// # Errors
/// As [`Crowd::run`].
pub(super) fn be_one(options: &Bench, expected: usize) -> Result<String, Failure> {
    let url = options.url.as_deref().unwrap_or_default();
    let server = url.parse();
    let server = server.map_err(|error| wrong(format_args!("--url {url}: {error}")))?;
    let players = options.players.first().map_or(0, |players| players.0);
    let crowd = Crowd {
        server,
        game: Game {
            name: options.game.0.clone(),
            version: options.game_version.0.clone(),
        },
        players: players as usize,
        expected,
        pace: Pace {
            confirmed_hz: options.confirmed_hz.0,
            live_hz: options.live_hz.0,
            bytes: options.bytes.0 as usize,
        },
        frames_hz: options.frames_hz.0.into(),
        warm_up: WARM_UP,
        span: Duration::from_secs(options.seconds.0.into()),
    };
    let result = crowd.run().map_err(unforeseen)?;
    serde_json::to_string(&result).map_err(unforeseen)
}

/// Plays with so many players in other processes; `look` is called now and then.
///
/// # Errors
/// When a process cannot be started, or its players fail.
pub(super) fn play(
    options: &Bench,
    url: &str,
    players: usize,
    scratch: &Scratch,
    mut look: impl FnMut(),
) -> Result<CrowdResult, Failure> {
    let mut parts = Vec::new();
    for (number, share) in shares(players, options.processes.0 as usize).enumerate() {
        let result = scratch.path.join(format!("crowd-{number}.json"));
        let file = File::create(&result).map_err(unforeseen)?;
        let process = command(options, url, share, players)?.stdout(file).spawn();
        let process = process.map_err(unforeseen)?;
        parts.push(Part { process, result });
    }
    while parts.iter_mut().any(Part::is_running) {
        look();
        thread::sleep(POLL);
    }
    let mut all = CrowdResult::default();
    for part in &mut parts {
        all.merge(&part.end()?);
    }
    Ok(all)
}

/// How many players each process has.
fn shares(players: usize, processes: usize) -> impl Iterator<Item = usize> {
    let processes = processes.min(players);
    (0..processes).map(move |part| players * (part + 1) / processes - players * part / processes)
}

fn command(
    options: &Bench,
    url: &str,
    players: usize,
    expected: usize,
) -> Result<Command, Failure> {
    let program = env::current_exe().map_err(unforeseen)?;
    let mut command = Command::new(program);
    command.arg("bench").args(["--url", url]);
    for (flag, value) in [
        ("--game", options.game.0.clone()),
        ("--game-version", options.game_version.0.clone()),
        ("--players", players.to_string()),
        ("--beside", expected.to_string()),
        ("--confirmed-hz", options.confirmed_hz.0.to_string()),
        ("--live-hz", options.live_hz.0.to_string()),
        ("--bytes", options.bytes.0.to_string()),
        ("--frames-hz", options.frames_hz.0.to_string()),
        ("--seconds", options.seconds.0.to_string()),
    ] {
        command.args([flag, &value]);
    }
    Ok(command)
}

/// One of the processes. It is ended when this is dropped.
struct Part {
    process: Child,
    result: PathBuf,
}

impl Part {
    fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    fn end(&mut self) -> Result<CrowdResult, Failure> {
        if !self.process.wait().map_err(unforeseen)?.success() {
            return Err(unforeseen(
                "players of one process failed, as it says above",
            ));
        }
        let text = fs::read(&self.result).map_err(unforeseen)?;
        serde_json::from_slice(&text).map_err(unforeseen)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_player_is_in_one_process() {
        for (players, processes) in [(100, 4), (7, 3), (2, 4), (1, 1)] {
            let shares: Vec<_> = shares(players, processes).collect();
            assert_eq!(shares.iter().sum::<usize>(), players);
            assert!(shares.iter().all(|share| *share > 0));
        }
    }
}
