//! The simulator's program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use simulator::{
    plan::Plan,
    plant::Plant,
    quic,
    report::Report,
    run::Settings,
    runner::{Batch, run_batch, run_plan},
    trace::Trace,
};
use synced_protocol::time::Micros;

/// Every promise held.
const KEPT: u8 = 0;
/// A promise was broken.
const BROKEN: u8 = 1;
/// The command line, the plan or a file is wrong.
const WRONG: u8 = 2;

/// Runs clusters with their players in virtual time, with faults, and checks what they promise.
#[derive(Debug, Parser)]
struct Options {
    /// The first seed, from which everything follows
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The fault plan: a file, or the name of one in rust/simulator/plans
    #[arg(long, default_value = "all")]
    plan: PathBuf,
    /// How many ticks faults go on
    #[arg(long, default_value_t = 60_000)]
    ticks: u64,
    /// How many seeds, one after another
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Begin no run after so many seconds
    #[arg(long)]
    budget_s: Option<u64>,
    /// How many runs at once; as many as there are cores unless said otherwise
    #[arg(long)]
    threads: Option<usize>,
    /// Go on after a promise was broken
    #[arg(long)]
    keep_going: bool,
    /// Print what the code says meanwhile, as tracing's filters name it
    #[arg(long)]
    log: Option<String>,
    /// Make a mistake on purpose, by name
    #[arg(long)]
    plant: Option<Plant>,
    /// What carries the bytes
    #[arg(long, value_enum, default_value_t = Layer::Model)]
    layer: Layer,
    /// Write what the replicas of the one seed did to this file, a JSON line for each step; over QUIC, a line for each packet
    #[arg(long, conflicts_with_all = ["seeds", "budget_s"])]
    trace: Option<PathBuf>,
}

/// What carries the bytes between servers and players.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Layer {
    /// What the transport promises: connections that come up, carry frames and datagrams, and break
    Model,
    /// The transport itself, over QUIC on a network of packets; the plan is its own, and there is one run at a time
    Quinn,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(filter) = &options.log {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        let layer = tracing_subscriber::fmt().with_env_filter(filter);
        layer
            .with_ansi(false)
            .without_time()
            .with_writer(std::io::stderr)
            .init();
    }
    if options.layer == Layer::Quinn {
        return ExitCode::from(over_quic(&options));
    }
    let code = load(&options.plan).and_then(|plan| match &options.trace {
        Some(file) => trace(&options, plan, file),
        None => Ok(many(&options, &plan)),
    });
    ExitCode::from(code.unwrap_or_else(|error| {
        eprintln!("{error}");
        WRONG
    }))
}

fn load(path: &Path) -> Result<Plan, String> {
    let own = || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans");
        folder.join(path).with_extension("toml")
    };
    let path = if path.is_file() {
        path.to_owned()
    } else {
        own()
    };
    let named = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| named(&error))?;
    Plan::parse(&text).map_err(|error| named(&error))
}

fn trace(options: &Options, plan: Plan, file: &Path) -> Result<u8, String> {
    let named = |error| format!("{}: {error}", file.display());
    let trace = Trace::create(file).map_err(named)?;
    let time = Micros(options.ticks * plan.cluster.tick_us);
    let settings = Settings {
        seed: options.seed,
        plan,
        time,
        plant: options.plant,
    };
    let (report, trace) = run_plan(settings, Some(trace));
    if let Some(trace) = trace {
        trace.finish().map_err(named)?;
    }
    tell(options, &report);
    Ok(if report.violation.is_some() {
        BROKEN
    } else {
        KEPT
    })
}

/// Runs seeds over QUIC, one after another: the virtual time is the process's.
fn over_quic(options: &Options) -> u8 {
    let (time, began) = (Duration::from_millis(options.ticks), Instant::now());
    let budget = options.budget_s.map(Duration::from_secs);
    let (mut runs, mut passed) = (0, 0.0);
    for seed in options.seed..options.seed + options.seeds {
        if budget.is_some_and(|budget| began.elapsed() >= budget) {
            break;
        }
        let report = match quic::run(seed, time, options.plant) {
            Ok(report) => report,
            Err(error) => {
                eprintln!("{error}");
                return WRONG;
            }
        };
        runs += 1;
        passed += report.time.as_secs_f64();
        if options.seeds == 1 || report.violation.is_some() {
            println!("seed {seed}: {report}");
        }
        if let Some(file) = &options.trace
            && let Err(error) = report.write_packets(file)
        {
            eprintln!("{}: {error}", file.display());
            return WRONG;
        }
        if report.violation.is_some() {
            println!(
                "again: cargo run --release -p simulator -- --layer quinn --seed {seed} --ticks {}{}",
                options.ticks,
                planted(options)
            );
            return BROKEN;
        }
    }
    let took = began.elapsed().as_secs_f64();
    let speed = passed / took;
    println!(
        "{runs} runs over QUIC, {passed:.0} virtual seconds, 0 violations; {took:.1} s, {speed:.1} virtual seconds a second"
    );
    KEPT
}

fn many(options: &Options, plan: &Plan) -> u8 {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let batch = Batch {
        first: options.seed,
        count: options.seeds,
        budget: options.budget_s.map(Duration::from_secs),
        threads: options.threads.unwrap_or(cores),
        time: Micros(options.ticks * plan.cluster.tick_us),
        plant: options.plant,
        goes_on: options.keep_going,
    };
    let began = Instant::now();
    let done = AtomicU64::new(0);
    let summary = run_batch(plan, &batch, |report| {
        done.fetch_add(1, Ordering::Relaxed);
        tell(options, report);
    });
    let took = began.elapsed().as_secs_f64();
    println!("{summary}");
    println!(
        "{took:.1} s, {:.0} events a second, {:.1} virtual seconds a second",
        summary.events as f64 / took,
        summary.time.as_secs_f64() / took
    );
    if summary.violations.is_empty() {
        KEPT
    } else {
        BROKEN
    }
}

/// Says what broke, and how to have it again; of a single run also what hash it had.
fn tell(options: &Options, report: &Report) {
    if options.seeds == 1 {
        println!("seed {}: hash {:016x}", report.seed, report.hash);
    }
    let Some(violation) = &report.violation else {
        return;
    };
    println!("seed {}: {violation}", report.seed);
    println!(
        "again: cargo run --release -p simulator -- --seed {} --plan {} --ticks {}{}",
        report.seed,
        options.plan.display(),
        options.ticks,
        planted(options)
    );
}

/// The mistake that was made on purpose, as an option.
fn planted(options: &Options) -> String {
    let option = options.plant.map(|plant| format!(" --plant {plant}"));
    option.unwrap_or_default()
}
