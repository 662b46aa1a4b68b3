//! What the main thread of a real Godot pays for what other players write.
//!
//! Players without an engine write properties of things that a headless Godot has in its scene, so many at once that each load comes
//! whole in one of its frames. The addon's own counters tell what that frame took: all of its passes, those that look for what is
//! to be sent included.
//!
//! | part | does |
//! |---|---|
//! | [`Load`] | what is written, how often, in commits of what size |
//! | `writers` | the players who write it |
//! | [`rows`] | what the frames say |

pub mod rows;
mod writers;

use std::{thread, time::Duration};

use serde::Deserialize;
use synced_bench::shares;
use synced_protocol::{limits::MAX_TRANSACTION_STEPS, mutation::Lane};

use crate::{
    Failure, Outcome,
    peers::meter::{Surroundings, Watch},
    play::Play,
    player::Player,
};
use rows::{FrameTimes, Part, Rows};
use writers::Writers;

/// How long frames go on before they count, until every buffer has grown to its size.
const WARM_UP: Duration = Duration::from_secs(2);
/// How long a Godot may take until all of its things are known to everybody.
const GATHER_TIME_MAX: Duration = Duration::from_secs(60);
/// For how many frames' time a script sets every property.
const SPAN_BY_SCRIPT: Duration = Duration::from_secs(1);
/// A budget that no load uses up.
const NO_BUDGET: Duration = Duration::from_secs(1);
/// What a frame of a game takes.
const FRAMES_HZ: u32 = 90;
/// The most commits a second that are asked of the server beside everything else on the machine.
const COMMITS_HZ_MAX: u32 = 4_500;

/// What a Godot is given to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// By which lane.
    pub lane: Lane,
    /// How many properties get a new value at once, each of another node.
    pub updates: u32,
    /// How many of them are in one commit, at most [`MAX_TRANSACTION_STEPS`]. Of no matter for live values.
    pub per_commit: u32,
    /// Frames a second. A load that takes the server longer than a frame comes whole only to one who has longer frames.
    pub frames_hz: u32,
    /// In each so-manieth frame there is a load.
    pub every: u32,
    /// How long a frame may apply.
    pub budget: Duration,
}

/// What it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ApplyFigures {
    /// What was applied.
    pub load: Load,
    /// Of the frames that applied a whole load; within a small budget, of those that applied something of one.
    pub times: FrameTimes,
    /// In how many frames a load was applied, on average, and at most.
    pub frames_a_load: (f64, usize),
    /// In how many frames the budget was used up before everything was applied.
    pub frames_over_budget: u64,
    /// Heap allocations of the extension on the main thread, in each of all frames, on average.
    pub allocations_a_frame: f64,
    /// What a script takes to set as many of the same properties in each frame.
    pub by_script: FrameTimes,
    /// What the machine did besides.
    pub surroundings: Surroundings,
}

impl Load {
    /// So many confirmed properties at once, each in a commit of its own: the dearest way. Many come less often than
    /// every frame, else the server would be what is measured.
    #[must_use]
    pub const fn confirmed(updates: u32) -> Self {
        let loads_hz = COMMITS_HZ_MAX / updates;
        let frames_hz = if loads_hz < 30 { loads_hz } else { FRAMES_HZ };
        Self {
            lane: Lane::Confirmed,
            updates,
            per_commit: 1,
            frames_hz,
            every: frames_hz.div_ceil(loads_hz),
            budget: NO_BUDGET,
        }
    }

    /// So many confirmed properties in each frame, in commits as large as they may be.
    #[must_use]
    pub const fn transactions(updates: u32) -> Self {
        Self {
            lane: Lane::Confirmed,
            updates,
            per_commit: MAX_TRANSACTION_STEPS as u32,
            frames_hz: FRAMES_HZ,
            every: 1,
            budget: NO_BUDGET,
        }
    }

    /// So many live values in each frame.
    #[must_use]
    pub const fn live(updates: u32) -> Self {
        Self {
            lane: Lane::Live,
            ..Self::transactions(updates)
        }
    }

    /// The same now and then, in frames that may apply no longer than this.
    #[must_use]
    pub const fn within(self, budget: Duration) -> Self {
        Self {
            budget,
            every: FRAMES_HZ / 5,
            ..self
        }
    }

    fn part(&self) -> Part {
        match self.lane {
            _ if self.budget < NO_BUDGET => Part::Some,
            Lane::Confirmed => Part::All,
            Lane::Live => Part::About,
        }
    }

    /// What a load has for the addon: each commit has an end, too.
    fn told(&self, writers: u32) -> u64 {
        let commits = |updates: u32| match self.lane {
            Lane::Confirmed => updates.div_ceil(self.per_commit),
            Lane::Live => 0,
        };
        let shares = shares(self.updates as usize, writers as usize);
        let updates = shares.map(|share| share.len() as u32);
        updates
            .map(|updates| u64::from(updates + commits(updates)))
            .sum()
    }
}

#[derive(Debug, Deserialize)]
struct Counters {
    allocations: u64,
    frames: u64,
    frames_over_budget: u64,
}

/// Measures one load for so long, beside a server of its own.
///
/// # Errors
/// When there is no Godot, something does not start, a write is rejected, or no load came whole.
pub fn measure(load: &Load, span: Duration) -> Outcome<ApplyFigures> {
    let play = Play::begin(&format!("apply-{:?}-{}", load.lane, load.updates))?;
    let mut godot = onlooker(&play, load)?;
    let writers = Writers::join(&play.server().url(), load)?;
    let told = load.told(writers.count());
    godot.until_within(
        GATHER_TIME_MAX,
        "synced_nodes().all(func(node): return node.get_owner_id() != 0)",
    )?;
    let writers = writers.begin();
    thread::sleep(WARM_UP);
    let watch = Watch::begin();
    let before = counters(&mut godot)?;
    godot.run("Gauge.begin(player)")?;
    thread::sleep(span);
    let numbers: Vec<f64> = godot.get("act(\"Gauge\").stop()")?;
    let after = counters(&mut godot)?;
    let surroundings = watch.end();
    writers.end()?;
    let by_script = by_script(&mut godot, load)?;
    play.end([godot])?;

    let rows = Rows::new(&numbers, told, load.part())?;
    Ok(ApplyFigures {
        load: *load,
        times: rows.times()?,
        frames_a_load: rows.frames_a_load(),
        frames_over_budget: after.frames_over_budget - before.frames_over_budget,
        allocations_a_frame: (after.allocations - before.allocations) as f64
            / (after.frames - before.frames).max(1) as f64,
        by_script,
        surroundings,
    })
}

/// Measured out of the session, which has its own ideas of what the properties are.
fn by_script(godot: &mut Player, load: &Load) -> Outcome<FrameTimes> {
    let (property, values) = match load.lane {
        Lane::Confirmed => ("color", "[Color.RED, Color.BLUE]"),
        Lane::Live => ("position", "[Vector3.LEFT, Vector3.UP]"),
    };
    godot.run("SyncedSession.leave()")?;
    godot.until("SyncedSession.get_players().is_empty()")?;
    godot.run(&format!(
        "Setter.begin(player, things(), &\"{property}\", {values})"
    ))?;
    thread::sleep(SPAN_BY_SCRIPT);
    let took_us: Vec<u64> = godot.get("act(\"Setter\").stop()")?;
    FrameTimes::of(took_us).ok_or_else(|| Failure::new("a script set nothing"))
}

/// A Godot with as many things as a load writes, known to the server. Its scripts listen to nothing: what they would take is theirs.
fn onlooker(play: &Play, load: &Load) -> Outcome<Player> {
    let mut godot = Player::start(play.godot(), "onlooker", play.folder())?.ready()?;
    godot.run(&format!(
        "journal.leave_out_nodes(); Crowd.count = {}; Engine.max_fps = {}; SyncedSession.apply_budget_usec = {}",
        load.updates,
        load.frames_hz,
        load.budget.as_micros()
    ))?;
    godot.run("open(\"crowd\")")?;
    play.connect(&mut godot)?;
    godot.until_within(GATHER_TIME_MAX, "is_settled()")?;
    Ok(godot)
}

fn counters(player: &mut Player) -> Outcome<Counters> {
    player.get("SyncedSession.get_stats().frame")
}
