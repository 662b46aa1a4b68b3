//! Compares SyncedNode with what a game would use instead: tables on standard output, and every figure in a file.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};
use synced_tests::{
    Failure, Outcome, failure, folder,
    peers::{self, Cell, Plan, ratios, report},
};

/// Measures SyncedNode beside MultiplayerSynchronizer in Godot.
#[derive(Debug, Parser)]
struct Arguments {
    /// Few cells, once or twice each: about a minute.
    #[arg(long)]
    quick: bool,
    /// Only one of the comparisons.
    #[arg(long)]
    only: Option<Comparison>,
    /// Only this piece of work, five times: so many objects and so many clients, as in 20x100.
    #[arg(long, value_name = "OBJECTSxCLIENTS", conflicts_with = "quick")]
    cell: Option<Cell>,
    /// What chance follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the figures go; target/peers.csv if not told.
    #[arg(long)]
    csv: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Comparison {
    /// Players in a real Godot.
    Godot,
    /// Libraries without an engine.
    Headless,
    /// The same, where each client moves an object.
    Crowd,
}

/// How many clients move an object each, where all do.
const CROWDS: [u32; 2] = [16, 100];

impl Arguments {
    fn plan(&self, quick: Plan, full: Plan) -> Plan {
        match self.cell {
            Some(cell) => full.of_one(cell),
            None if self.quick => quick,
            None => full,
        }
    }
}

fn main() -> ExitCode {
    failure::exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Outcome {
    let mut rows = Vec::new();
    let is_wanted = |comparison| arguments.only.is_none_or(|only| only == comparison);
    if is_wanted(Comparison::Godot) {
        let plan = arguments.plan(Plan::quick_in_godot(), Plan::full_in_godot());
        rows.extend(peers::in_godot(&plan, arguments.seed, tell)?);
    }
    if is_wanted(Comparison::Headless) {
        let plan = arguments.plan(Plan::quick_headless(), Plan::full_headless());
        rows.extend(peers::headless::compare(&plan, tell)?);
    }
    let is_short = arguments.quick || arguments.cell.is_some();
    if is_wanted(Comparison::Crowd) && !(is_short && arguments.only.is_none()) {
        let plan = Plan::full_headless();
        rows.extend(peers::headless::compare_crowds(&plan, &CROWDS, tell)?);
    }
    println!("{}\n{}", report::markdown(&rows), ratios::markdown(&rows));
    let path = match &arguments.csv {
        Some(path) => path.clone(),
        None => folder::target()?.join("peers.csv"),
    };
    fs::write(&path, report::csv(&rows))
        .map_err(Failure::of(format!("cannot write {}", path.display())))?;
    println!("The figures are in {}.", path.display());
    Ok(())
}

fn tell(what: &str) {
    eprintln!("{what}");
}
