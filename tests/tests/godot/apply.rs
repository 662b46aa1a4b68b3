//! What the main thread pays for what others write, measured; and that it keeps to its budget.

use std::{
    io::{self, Write},
    time::Duration,
};

use synced_tests::{
    Failure, Outcome,
    apply::{Load, measure},
};

const SPAN: Duration = Duration::from_secs(4);

#[test]
fn frames_that_apply_a_hundred_commits_are_measured() -> Outcome {
    // Frames so long that a load comes whole in some, however little time the machine has.
    let load = Load {
        frames_hz: 15,
        every: 5,
        ..Load::confirmed(100)
    };
    let figures = measure(&load, SPAN)?;
    say(&format!("{figures:?}"))?;
    assert_eq!(figures.frames_over_budget, 0, "{figures:?}");
    Ok(())
}

#[test]
fn frames_that_apply_a_hundred_live_values_are_measured() -> Outcome {
    let figures = measure(&Load::live(100), SPAN)?;
    say(&format!("{figures:?}"))
}

#[test]
fn a_thousand_updates_at_once_are_spread_over_frames_that_keep_to_their_budget() -> Outcome {
    let load = Load::transactions(1_000).within(Duration::from_micros(100));
    let figures = measure(&load, SPAN)?;
    say(&format!("{figures:?}"))?;
    let (mean, _) = figures.frames_a_load;
    assert!(mean > 1.5, "{figures:?}");
    assert!(figures.frames_over_budget > 0, "{figures:?}");
    Ok(())
}

/// Past the test harness, which would keep what a test prints for itself.
fn say(text: &str) -> Outcome {
    writeln!(io::stderr(), "{text}").map_err(Failure::of("standard error"))
}
