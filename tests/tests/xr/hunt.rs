//! Over and over: whatever begins to sample and whatever ends it, in every order, without a crash and without a leak.
//!
//! A few rounds each time; `SYNCED_NODE_XR_ROUNDS=200` for a hunt.

use std::{env, fs};

use synced_bench::resident_bytes_of;
use synced_tests::{Failure, Outcome, feeder::Motions, player::Player};

use crate::{
    endings::{FAULTS_OF_A_LOST_SESSION, IS_OVER, capture_threads, until_no_thread},
    stage::{IS_CAPTURING, Stage, say},
};

const ROUNDS_VARIABLE: &str = "SYNCED_NODE_XR_ROUNDS";
/// Once each ending.
const ROUNDS: usize = 4;
/// Starts and stops in one process for each round.
const RESTARTS: usize = 4;
/// What a process may grow by, whatever it does: its heap is not the same every time.
const GROWTH_KB_MAX: u64 = 2 * 1024;
/// What it may grow by with each restart: the session's log and the test's own journal do, by some 7 kB together.
const GROWTH_KB_A_RESTART_MAX: u64 = 32;

/// How a player's sampling ends in a round.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Quit,
    Uninitialize,
    RuntimeDies,
    SceneClosed,
}

const ENDINGS: [Ending; ROUNDS] = [
    Ending::Quit,
    Ending::Uninitialize,
    Ending::RuntimeDies,
    Ending::SceneClosed,
];

#[test]
fn however_sampling_begins_and_ends_nothing_crashes_and_nothing_is_left() -> Outcome {
    let rounds = rounds()?;
    for (round, ending) in ENDINGS.into_iter().cycle().take(rounds).enumerate() {
        let Some(mut stage) = Stage::begin("xr-hunt", Motions::circles(600.0))? else {
            return Ok(());
        };
        let mut ann = stage.host("ann")?;
        restart(&mut ann)?;
        end(&mut stage, ann, ending)
            .map_err(|failure| Failure::new(format!("round {round}, {ending:?}: {failure}")))?;
    }
    say(&format!("hunt: {rounds} rounds"))
}

#[test]
fn starting_and_stopping_leaves_no_thread_no_file_and_no_memory_behind() -> Outcome {
    let restarts = RESTARTS * rounds()?;
    let Some(stage) = Stage::begin("xr-restarts", Motions::circles(600.0))? else {
        return Ok(());
    };
    let mut ann = stage.host("ann")?;
    // What is allocated once is there after the first.
    restart(&mut ann)?;
    let growth_kb_max = GROWTH_KB_MAX + GROWTH_KB_A_RESTART_MAX * restarts as u64;
    let before = Held::by(ann.process_id())?;
    (0..restarts).try_for_each(|_| restart(&mut ann))?;
    let after = Held::by(ann.process_id())?;
    say(&format!(
        "{restarts} restarts: {before:?} before, {after:?} after"
    ))?;
    assert!(
        after.threads <= before.threads && after.files <= before.files,
        "{before:?} {after:?}"
    );
    assert!(
        after.memory_kb <= before.memory_kb + growth_kb_max,
        "{before:?} {after:?}"
    );
    ann.quit()
}

/// What a process holds of the system.
#[derive(Debug)]
struct Held {
    threads: usize,
    files: usize,
    memory_kb: u64,
}

impl Held {
    fn by(process: u32) -> Outcome<Self> {
        let count = |what: &str| {
            let listed = fs::read_dir(format!("/proc/{process}/{what}"));
            listed
                .map(Iterator::count)
                .map_err(Failure::of(format!("/proc/{process}/{what}")))
        };
        let memory = resident_bytes_of(process);
        let memory = memory.ok_or_else(|| Failure::new("the system tells of no memory"))?;
        Ok(Self {
            threads: count("task")?,
            files: count("fd")?,
            memory_kb: memory / 1_024,
        })
    }
}

fn restart(player: &mut Player) -> Outcome {
    player.run("for node in synced_nodes(): node.release_ownership()")?;
    player.until(IS_OVER)?;
    until_no_thread(player)?;
    player.run("for node in synced_nodes(): node.request_ownership()")?;
    player.until(IS_CAPTURING)
}

fn end(stage: &mut Stage, mut player: Player, ending: Ending) -> Outcome {
    match ending {
        Ending::Quit => return player.quit(),
        Ending::Uninitialize => player.run("XRServer.find_interface(\"OpenXR\").uninitialize()")?,
        Ending::RuntimeDies => stage.monado.kill()?,
        Ending::SceneClosed => player.run("world.free()")?,
    }
    until_no_thread(&mut player)?;
    player.run("await seconds(0.3)")?;
    assert_eq!(capture_threads(&player)?, 0, "sampling began again");
    match ending {
        Ending::RuntimeDies => player.quit_expecting(&FAULTS_OF_A_LOST_SESSION),
        _ => player.quit(),
    }
}

fn rounds() -> Outcome<usize> {
    let Some(rounds) = env::var_os(ROUNDS_VARIABLE) else {
        return Ok(ROUNDS);
    };
    let rounds = rounds.to_string_lossy().parse();
    rounds.map_err(|error| Failure::new(format!("{ROUNDS_VARIABLE}: {error}")))
}
