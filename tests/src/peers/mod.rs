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

pub mod figure;
pub mod headless;
pub mod meter;
pub mod motion;
pub mod plan;
pub mod report;
pub mod shown;
pub mod stage;
pub mod way;

pub use figure::{Figure, Spread};
pub use plan::{Cell, Plan, Step};
pub use report::{Collected, Part, Row};

use crate::Outcome;
use stage::Stage;

/// Measures every way to share in Godot. `progress` is told what is measured next.
///
/// # Errors
/// When something does not start, or a player does not do what it is told.
pub fn in_godot(plan: &Plan, seed: u64, mut progress: impl FnMut(&str)) -> Outcome<Vec<Row>> {
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
            let measured = stage.measure(way, step.cell, plan)?;
            collected.add(Part::Godot, way.name(), step.cell, measured);
        }
    }
    stage.end()?;
    Ok(collected.rows())
}
