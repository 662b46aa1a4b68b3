//! The `synced` program.

mod bench;
mod checks;
mod cli;
mod cluster;
mod cluster_config;
mod clustered;
mod config;
mod disk;
mod exit;
mod kinds;
mod layer;
mod leaderless;
mod logging;
mod memory;
mod names;
mod output;
mod running;
mod serve;
mod servers;
mod settings;
mod signals;
mod stats_file;
mod stops;
mod table;
mod watch;

use std::{env, process::ExitCode};

use clap::Parser as _;

use crate::{
    cli::{Cli, Command, Serve},
    config::Config,
    exit::Failure,
    settings::Settings,
};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(flags) => run(&flags),
        Command::Cluster(command) => cluster::run(command),
        Command::Status(options) => cluster::status(&options),
        Command::Bench(options) => bench::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("synced: {failure}");
            failure.exit.into()
        }
    }
}

fn run(flags: &Serve) -> Result<(), Failure> {
    if flags.print_default {
        return output::say(settings::DEFAULT_TOML);
    }
    let config = Config::load(flags)?;
    logging::start(&config.log, config.log_format);
    warn_of_unknown_variables();
    serve::serve(config, flags.until_input_ends)
}

/// Other programs may have variables that begin alike, so this is no error.
fn warn_of_unknown_variables() {
    let names = env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    for name in layer::unknown_variables(&Settings::variables(), names) {
        tracing::warn!("environment variable {name}: there is no such setting");
    }
}
