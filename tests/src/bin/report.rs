//! Runs the suite of benchmarks and writes the report.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use clap::Parser;
use synced_tests::{
    Outcome, failure, folder,
    report::{
        Length, Run,
        suite::{self, REPORT, Suite},
    },
};

/// Measures SyncedNode part by part, beside what a game would use instead, and writes a report with plots and raw data.
#[derive(Debug, Parser)]
struct Arguments {
    /// Everything at least five times, and the whole grid beside MultiplayerSynchronizer: about half an hour.
    #[arg(long, group = "length")]
    long: bool,
    /// What says most, with few repetitions: about two minutes.
    #[arg(long, group = "length")]
    quick: bool,
    /// Just enough to see that it works.
    #[arg(long, group = "length", hide = true)]
    smallest: bool,
    /// Only these parts.
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<String>,
    /// Also half an hour of play on five servers, to see whether memory stays flat.
    #[arg(long)]
    soak: bool,
    /// What chance follows from.
    #[arg(long, default_value_t = SEED)]
    seed: u64,
    /// Where everything goes; target/bench if not told.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Measure those parts anew, for the run in the folder, of which all others stay.
    #[arg(long, requires = "only")]
    anew: bool,
    /// Measure nothing: write the report of the run in the folder anew.
    #[arg(long, conflicts_with = "anew")]
    again: bool,
    /// Measure nothing: put the short form of the run in the folder between the markers of a page, such as README.md.
    #[arg(long, value_name = "FILE")]
    readme: Option<PathBuf>,
    /// Where the page finds report and plots, which are copied there.
    #[arg(long, value_name = "FOLDER", requires = "readme")]
    docs: Option<PathBuf>,
}

/// Unless told.
const SEED: u64 = 1;
/// Where they are kept in the repository.
const DOCS: &str = "rust/bench/report";

fn main() -> ExitCode {
    failure::exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Outcome {
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => folder::target()?.join("bench"),
    };
    if let Some(page) = &arguments.readme {
        let docs = arguments.docs.clone();
        let docs = docs.unwrap_or_else(|| folder::repository().join(DOCS));
        suite::publish_beside(&Run::load(&out)?, page, &docs)?;
        println!("{} and {} are up to date.", page.display(), docs.display());
        return Ok(());
    }
    let outcome = if arguments.again {
        suite::publish(&Run::load(&out)?, &out)
    } else {
        let began = Instant::now();
        let mut tell = |what: &str| eprintln!("{:4} s  {what}", began.elapsed().as_secs());
        suite_of(arguments).run(&out, &mut tell).map(drop)
    };
    println!("The report is {}.", out.join(REPORT).display());
    outcome
}

fn suite_of(arguments: &Arguments) -> Suite {
    Suite {
        length: match arguments {
            Arguments { long: true, .. } => Length::Long,
            Arguments { quick: true, .. } => Length::Quick,
            Arguments { smallest: true, .. } => Length::Smallest,
            _ => Length::Full,
        },
        seed: arguments.seed,
        only: arguments.only.clone(),
        anew: arguments.anew,
        extra: arguments.soak,
        options: options(arguments),
    }
}

/// Those that say what was measured, as they are typed.
fn options(arguments: &Arguments) -> String {
    let mut options = Vec::new();
    if arguments.long {
        options.push("--long".to_owned());
    }
    if arguments.quick {
        options.push("--quick".to_owned());
    }
    if !arguments.only.is_empty() {
        options.push(format!("--only {}", arguments.only.join(",")));
    }
    if arguments.soak {
        options.push("--soak".to_owned());
    }
    if arguments.seed != SEED {
        options.push(format!("--seed {}", arguments.seed));
    }
    options.join(" ")
}
