//! Compares two ways to share hands over many networks: a table on standard output, and values in a file.

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use synced_tests::{
    Failure, Outcome, failure, folder,
    hands::{Measurement, Stage, Tuning, report, round},
    relay::Network,
};

/// How long players get used to a network before they are looked at.
const SETTLING: Duration = Duration::from_secs(4);
/// What a run takes beside what it measures, in seconds.
const OVERHEAD_SECONDS: f64 = 30.0;

/// Measures how far from the truth shared hands are shown, by SyncedNode and by Godot's own MultiplayerSynchronizer.
#[derive(Debug, Parser)]
struct Arguments {
    /// Of a hundred packets, how many are lost.
    #[arg(long, value_delimiter = ',', default_value = "0,1,5,10")]
    loss: Vec<f64>,
    /// Up to how many milliseconds a packet takes longer than another.
    #[arg(long, value_delimiter = ',', default_value = "0,20")]
    jitter: Vec<u64>,
    /// How often the hands go through all their motions over each network.
    #[arg(long, default_value_t = 2)]
    rounds: u32,
    /// What chance follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Look at SyncedNode with this alone: batch_interval_msec, tracker_redundancy, tracker_precision and
    /// playout_delay_min_msec
    #[arg(long, value_name = "MSEC,NUMBER,NUMBER,MSEC", value_delimiter = ',')]
    tuning: Vec<u32>,
    /// Where the values go.
    #[arg(long)]
    csv: Option<PathBuf>,
}

fn main() -> ExitCode {
    failure::exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Outcome {
    let mut lines = vec![report::CSV_HEADING.to_owned()];
    for tuning in tunings(arguments)? {
        let measurements = measure(arguments, &tuning)?;
        println!("{}", report::markdown(&tuning, &measurements));
        lines.extend(measurements.iter().map(|one| report::csv(&tuning, one)));
    }
    let path = match &arguments.csv {
        Some(path) => path.clone(),
        None => folder::target()?.join("hands.csv"),
    };
    fs::write(&path, lines.join("\n") + "\n")
        .map_err(Failure::of(format!("cannot write {}", path.display())))?;
    println!("The values are in {}.", path.display());
    Ok(())
}

fn tunings(arguments: &Arguments) -> Outcome<Vec<Tuning>> {
    match arguments.tuning[..] {
        [] => Ok(vec![Tuning::DEFAULT, Tuning::THRIFTY]),
        [
            batch_interval_msec,
            redundancy,
            precision,
            playout_delay_min_msec,
        ] => Ok(vec![Tuning {
            name: "given settings",
            batch_interval_msec,
            redundancy,
            precision,
            playout_delay_min_msec,
        }]),
        _ => Err(Failure::new("a tuning is four numbers")),
    }
}

fn measure(arguments: &Arguments, tuning: &Tuning) -> Outcome<Vec<Measurement>> {
    let networks = networks(arguments);
    let span = SETTLING + round().mul_f64(arguments.rounds.into());
    let seconds = span.as_secs_f64() * networks.len() as f64 + OVERHEAD_SECONDS;
    let name = format!("measure-hands-{}", tuning.name);
    let mut stage = Stage::begin(&name, tuning, seconds, arguments.seed)?;
    let measured = networks
        .into_iter()
        .map(|network| stage.measure(network, SETTLING, arguments.rounds));
    let measurements = measured.collect::<Outcome<_>>()?;
    stage.end()?;
    Ok(measurements)
}

fn networks(arguments: &Arguments) -> Vec<Network> {
    let with = |jitter: &u64| {
        let jitter = Duration::from_millis(*jitter);
        let losing = |percent: &f64| Network::losing((percent * 10.0) as u16).with_jitter(jitter);
        arguments.loss.iter().map(losing).collect::<Vec<_>>()
    };
    arguments.jitter.iter().flat_map(with).collect()
}
