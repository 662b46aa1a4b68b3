//! SyncedNode beside what a game would use instead, on the same work: objects that move sixty times a second, and clients who
//! look on.
//!
//! In Godot the peer is `MultiplayerSynchronizer` over ENet. There one player hosts and moves everything, in both ways: the
//! changes take one hop, from the process that moves them to a client, and a server's work is in that process. Both
//! share `position` and `rotation` of each object, as the inspector of each offers them, and one object in the middle has a
//! property more, the time at which its mover moved it. ENet's packets are in the clear, SyncedNode's are TLS 1.3.
//!
//! What the names in the tables mean:
//!
//! | name | settings |
//! |---|---|
//! | SyncedNode | its defaults |
//! | SyncedNode tuned | `batch_interval_msec` 1, `playout_delay_min_msec` 0 |
//! | MultiplayerSynchronizer | its defaults: `position` and `rotation` always, ENet without compression |
//! | MultiplayerSynchronizer tuned | ENet's range coder; sent at the end of the frame; ENet drops nothing by itself |
//! | SyncedNode headless | our client and transport; `synced serve` with its defaults |
//! | SyncedNode headless tuned | batches of 1 ms, 8 MB/s a client, a server that lets that through |
//! | ENet | the C library carried over to Rust, in the clear; unreliable and in order; driven sixty times a second, as Godot does |
//! | ENet tuned | the server driven a thousand times a second; ENet drops nothing by itself |
//! | renet | renet and renet_netcode, encrypted, driven sixty times a second as its documentation does |
//! | renet tuned | the server driven a thousand times a second |
//! | UDP alone | sockets, as many messages as fit in a packet, nothing else |
//!
//! All times are of one machine and one clock, and [`meter`] tells when that was set meanwhile.
//!
//! | part | does |
//! |---|---|
//! | [`plan`] | which cells are measured, how often, for how long |
//! | [`motion`] | where each object is at any time |
//! | [`way`] | the ways to share in Godot, and what players are told for each |
//! | [`stage`] | the players, and one cell measured |
//! | [`shown`] | what frames say about latency, gaps and errors |
//! | [`headless`] | the same messages by libraries without an engine |
//! | [`meter`] | processor time, load, stalls |
//! | [`figure`], [`report`] | results as rows, CSV and Markdown |
//! | [`ratios`] | one peer by another, within one run |

pub mod figure;
pub mod headless;
pub mod meter;
pub mod motion;
pub mod plan;
pub mod ratios;
pub mod report;
pub mod shown;
pub mod stage;
pub mod way;

pub use figure::{Figure, Spread};
pub use plan::{Cell, Plan, Step, grid};
pub use report::{Collected, Measured, Part, Row};

use stage::Stage;

use crate::{Failure, Outcome};

/// By how much the clock may run otherwise while something is measured, in milliseconds: a clock that follows another one is
/// not set, but runs faster or slower by a little.
const CLOCK_SET_MS_MAX: f64 = 2.0;
/// How often something is measured anew when it did more.
const TRIES_MAX: u32 = 4;

/// Measures every way to share in Godot. `progress` is told what is measured next.
///
/// # Errors
/// When something does not start, or a player does not do what it is told.
pub fn in_godot(plan: &Plan, seed: u64, progress: impl FnMut(&str)) -> Outcome<Vec<Row>> {
    repetitions_in_godot(plan, seed, progress).map(|collected| collected.rows())
}

/// As [`in_godot`], with every repetition by itself.
///
/// # Errors
/// As there.
pub fn repetitions_in_godot(
    plan: &Plan,
    seed: u64,
    mut progress: impl FnMut(&str),
) -> Outcome<Collected> {
    let ways = way::all();
    let mut stage = Stage::begin("measure-peers", plan.clients_max(), seed)?;
    let mut collected = Collected::default();
    for (step, turn) in plan.in_turn() {
        for place in 0..ways.len() {
            let way = &*ways[(place + turn) % ways.len()];
            if way.is_tuned() && !step.tuned {
                continue;
            }
            progress(&format!("{}: {}", step.cell, way.name()));
            let measured = undisturbed(|| stage.measure(way, step.cell, plan), &mut progress)?;
            collected.add(Part::Godot, way.name(), step.cell, measured);
        }
    }
    stage.end()?;
    Ok(collected)
}

/// What is stamped by a clock that was set meanwhile is measured anew.
fn undisturbed(
    mut measure: impl FnMut() -> Outcome<Measured>,
    progress: &mut impl FnMut(&str),
) -> Outcome<Measured> {
    for _ in 0..TRIES_MAX {
        let measured = measure()?;
        let set_ms = measured.surroundings.clock_set_ms;
        if set_ms <= CLOCK_SET_MS_MAX {
            return Ok(measured);
        }
        progress(&format!(
            "once more: the clock was set by {set_ms:.1} ms meanwhile"
        ));
    }
    Err(Failure::new("this machine's clock is set again and again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use meter::Surroundings;

    fn measured(clock_set_ms: f64) -> Measured {
        Measured {
            figures: Vec::new(),
            surroundings: Surroundings {
                load: 0.0,
                stall_ms_max: 0.0,
                clock_set_ms,
            },
        }
    }

    #[test]
    fn what_the_clock_was_set_in_is_measured_anew_but_not_for_ever() {
        let mut clocks = [90.0, 0.1].into_iter();
        let mut told = 0;
        let mut next = || Ok(measured(clocks.next().unwrap_or(90.0)));
        let got = undisturbed(&mut next, &mut |_: &str| told += 1);
        assert_eq!(got, Ok(measured(0.1)));
        assert_eq!(told, 1);
        assert!(undisturbed(&mut next, &mut |_: &str| ()).is_err());
    }
}
