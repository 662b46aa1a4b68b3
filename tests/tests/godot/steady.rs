//! The steady path: what a frame costs while a hundred nodes move.

use std::{
    fmt,
    io::{self, Write},
};

use serde::Deserialize;
use synced_tests::{Failure, Outcome, play::Play, player::Player};

const NODES: u32 = 100;
/// Some of the frames come before every buffer has grown to its size.
const WARM_UP_SEC: u32 = 3;
const STEADY_SEC: u32 = 5;
/// How often that is looked at: a machine that stood still has more to hand over at once than ever before, and buffers grow once more.
const LOOKS: u32 = 4;

#[derive(Debug, Deserialize)]
struct Frames {
    allocations: u64,
    frames: u64,
    time: Time,
}

/// The extension's own time in a frame, since the player joined.
#[derive(Debug, Deserialize)]
struct Time {
    p50_us: u64,
    p99_us: u64,
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99] = [self.p50_us, self.p99_us].map(|us| us as f64 / 1e3);
        write!(f, "p50 {p50:.3} ms, p99 {p99:.3} ms")
    }
}

#[test]
fn a_hundred_nodes_that_move_cost_the_receiving_frame_no_allocation() -> Outcome {
    let play = Play::begin("steady")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "crowd")?;
    for player in [&mut ann, &mut ben] {
        player.run("Engine.max_fps = 90")?;
        player.until(&format!("synced_nodes().size() == {NODES}"))?;
    }
    ann.run("for node in synced_nodes(): node.request_ownership()")?;
    ann.until("synced_nodes().all(func(node): return node.is_owner())")?;
    ann.run(&format!(
        "Mover.begin(player, things(), {})",
        2 * (WARM_UP_SEC + LOOKS * STEADY_SEC)
    ))?;
    ben.until("things().all(func(thing): return thing.position.x > 0.0)")?;

    ben.run(&format!("await seconds({WARM_UP_SEC})"))?;
    let mut allocations = Vec::new();
    for _ in 0..LOOKS {
        allocations.push(allocations_a_frame(&mut ben, &mut ann)?);
        if allocations.ends_with(&[0.0]) {
            break;
        }
    }
    let moved: bool = ben.get("things().all(func(thing): return thing.position.x > 1.0)")?;
    assert!(moved, "some nodes stood still");
    assert!(
        allocations.ends_with(&[0.0]),
        "{allocations:?} allocations in a frame"
    );
    play.end([ann, ben])
}

/// Where a hundred live values are received, for some seconds.
fn allocations_a_frame(receiver: &mut Player, sender: &mut Player) -> Outcome<f64> {
    let (before, sent) = (frames(receiver)?, frames(sender)?);
    receiver.run(&format!("await seconds({STEADY_SEC})"))?;
    let (after, sent_after) = (frames(receiver)?, frames(sender)?);
    let received =
        (after.allocations - before.allocations) as f64 / (after.frames - before.frames) as f64;
    let sending = (sent_after.allocations - sent.allocations) as f64
        / (sent_after.frames - sent.frames) as f64;
    say(&format!(
        "steady path, {NODES} live nodes, {} frames in {STEADY_SEC} s: {} and {received:.2} allocations a frame where they are \
         received, {} and {sending:.2} where they are sent",
        after.frames - before.frames,
        after.time,
        sent_after.time,
    ))?;
    Ok(received)
}

fn frames(player: &mut Player) -> Outcome<Frames> {
    player.get("SyncedSession.get_stats().frame")
}

/// Past the test harness, which would keep what a test prints for itself.
fn say(text: &str) -> Outcome {
    writeln!(io::stderr(), "{text}").map_err(Failure::of("standard error"))
}
