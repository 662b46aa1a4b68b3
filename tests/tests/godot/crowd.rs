//! Real Godots in the crowd that `synced bench` plays with.

use std::{
    io::{self, Write},
    time::Duration,
};

use synced_bench::crowd::Broken;
use synced_tests::{
    Failure, Outcome,
    crowd_godot::{CrowdPlan, measure},
};

/// In each second everybody writes one confirmed operation and a live one.
const SPAN: Duration = Duration::from_secs(5);

#[test]
fn what_players_without_an_engine_write_is_seen_in_two_godots_and_what_these_write_too() -> Outcome
{
    let plan = CrowdPlan {
        headless: 4,
        processes: 2,
        servers: 3,
        ..CrowdPlan::seed(SPAN)
    };
    let figures = measure(&plan)?;
    let seen = &figures.godot;
    for (what, times, made_of) in [
        ("confirmed", &seen.confirmed, plan.headless),
        ("confirmed of Godots", &seen.confirmed_of_godots, 1),
        ("live", &seen.live, plan.headless),
        ("live of Godots", &seen.live_of_godots, 1),
    ] {
        let made = made_of as u64 * SPAN.as_secs() * plan.godots as u64;
        say(&format!(
            "{what}: {} of {made} seen, after {:.1} ms on average",
            times.count(),
            times.mean_ms()
        ))?;
        // Of two that come in one frame the later one is seen, and a lost datagram's operation is none.
        assert!(times.count() * 2 > made, "{what}: {}", times.count());
    }
    let headless = &figures.headless;
    // A Godot says of no operation that it is its last: nobody has seen all that it wrote. A machine that stands still for long
    // costs connections, which are made anew.
    let of_godots = Broken {
        unseen: (plan.headless * plan.godots) as u64,
        reconnects: headless.broken.reconnects,
        ..Broken::default()
    };
    assert_eq!(headless.broken, of_godots);
    assert!(headless.confirmed.whole.count() > 0);
    Ok(())
}

/// Past the test harness, which would keep what a test prints for itself.
fn say(text: &str) -> Outcome {
    writeln!(io::stderr(), "{text}").map_err(Failure::of("standard error"))
}
