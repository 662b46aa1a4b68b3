//! How sampling ends: by the game, by the XR interface, by the runtime's death.

use synced_tests::{Failure, Outcome, feeder::Motions, player::Player};

use crate::{
    stage::{IS_CAPTURING, Stage},
    threads::{CAPTURE, Thread},
};

/// Godot goes on asking a runtime that is gone.
pub(crate) const FAULTS_OF_A_LOST_SESSION: [&str; 2] = [
    "OpenXR: Failed to poll events!",
    "OpenXR: failed to sync active action sets!",
];

/// What is left of sampling once it is over.
pub(crate) const IS_OVER: &str = "SyncedSession.get_stats().capture.source == \"frame\"";

#[test]
fn sampling_begins_with_the_first_hand_that_is_held_and_ends_with_the_last() -> Outcome {
    let Some(stage) = Stage::begin("xr-ownership", Motions::circles(600.0))? else {
        return Ok(());
    };
    let mut ann = stage.host("ann")?;
    assert_eq!(capture_threads(&ann)?, 1, "one for all of them");
    for _ in 0..3 {
        ann.run("for node in synced_nodes(): node.release_ownership()")?;
        ann.until(IS_OVER)?;
        until_no_thread(&mut ann)?;
        ann.run("for node in synced_nodes(): node.request_ownership()")?;
        ann.until(IS_CAPTURING)?;
    }
    ann.quit()
}

#[test]
fn when_the_interface_is_uninitialized_sampling_ends_with_a_signal_and_the_session_goes_on()
-> Outcome {
    let Some(stage) = Stage::begin("xr-uninitialize", Motions::circles(600.0))? else {
        return Ok(());
    };
    let mut ann = stage.host("ann")?;
    ann.until("journal.count(&\"capture_started\") == 1")?;
    ann.run("XRServer.find_interface(\"OpenXR\").uninitialize()")?;
    assert_eq!(
        capture_threads(&ann)?,
        0,
        "the thread outlives what it samples"
    );
    ann.until("journal.count(&\"capture_lost\") == 1")?;
    goes_on(&mut ann)?;
    ann.quit()
}

#[test]
fn when_the_runtime_dies_sampling_ends_with_a_signal_and_the_session_goes_on() -> Outcome {
    let Some(mut stage) = Stage::begin("xr-runtime-dies", Motions::circles(600.0))? else {
        return Ok(());
    };
    let mut ann = stage.host("ann")?;
    stage.monado.kill()?;
    ann.until("journal.count(&\"capture_lost\") == 1")?;
    until_no_thread(&mut ann)?;
    goes_on(&mut ann)?;
    // It does not begin again by itself with what is left of the old session.
    stage.monado.restart()?;
    goes_on(&mut ann)?;
    assert_eq!(ann.get::<u32>("journal.count(&\"capture_started\")")?, 1);
    ann.quit_expecting(&FAULTS_OF_A_LOST_SESSION)
}

#[test]
fn a_game_that_ends_while_it_samples_ends_well() -> Outcome {
    let Some(stage) = Stage::begin("xr-quit", Motions::circles(600.0))? else {
        return Ok(());
    };
    let mut ann = stage.host("ann")?;
    ann.until("SyncedSession.get_stats().capture.ticks > 1000")?;
    ann.quit()
}

/// As the editor does that with its stop button.
#[test]
fn a_game_that_is_killed_while_it_samples_leaves_the_runtime_to_the_next() -> Outcome {
    let Some(stage) = Stage::begin("xr-killed", Motions::circles(600.0))? else {
        return Ok(());
    };
    stage.host("ann")?.kill()?;
    stage.host("ben")?.quit()
}

/// Frames go on, and what is written is confirmed.
fn goes_on(player: &mut Player) -> Outcome {
    let confirmed: u32 = player.get("journal.count(&\"mutation_confirmed\")")?;
    player.run("synced_nodes()[0].release_ownership(); synced_nodes()[0].request_ownership()")?;
    player.until(&format!(
        "journal.count(&\"mutation_confirmed\") >= {}",
        confirmed + 2
    ))
}

pub(crate) fn capture_threads(player: &Player) -> Outcome<usize> {
    Thread::named(CAPTURE, player.process_id()).map(|threads| threads.len())
}

/// A thread that nobody waits for ends a moment after it was told to.
pub(crate) fn until_no_thread(player: &mut Player) -> Outcome {
    const LOOKS_MAX: u32 = 200;
    for _ in 0..LOOKS_MAX {
        if capture_threads(player)? == 0 {
            return Ok(());
        }
        player.run("await seconds(0.05)")?;
    }
    Err(Failure::new("the capture thread does not end"))
}
