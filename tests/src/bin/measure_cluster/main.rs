//! Measures a cluster of five on this machine: latency and throughput beside etcd's, what players notice of kills and of cuts,
//! and how often a leader is replaced that nobody killed.

mod calm;
mod kills;
mod log_time;
mod median;
mod partitions;
mod standing;
mod versus;

use std::process::ExitCode;

use clap::Parser;
use synced_tests::{cluster::ClusterOptions, failure};

/// The game that the servers serve.
const GAME: (&str, &str) = ("Measurements", "1");

/// Measures a cluster of five servers on this machine.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Writes values through the leader, and through that of five etcds, in turns
    Versus(versus::Versus),
    /// Kills the leader again and again, and measures how long nothing is confirmed
    Kills(kills::Kills),
    /// Cuts servers off from each other again and again, and measures how long it takes to go on
    Partitions(partitions::Partitions),
    /// Kills nobody, and counts elections and delays
    Calm(calm::Calm),
}

fn main() -> ExitCode {
    failure::exit_code(match Arguments::parse().command {
        Command::Versus(versus) => versus.run(),
        Command::Kills(kills) => kills.run(),
        Command::Partitions(partitions) => partitions.run(),
        Command::Calm(calm) => calm.run(),
    })
}

fn options() -> ClusterOptions {
    ClusterOptions::new(GAME.0, GAME.1)
}
