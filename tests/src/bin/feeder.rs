//! Moves the head and hands of a Monado, for whoever wants to look at something by hand:
//! `scripts/with-xr sh -c 'target/debug/feeder & exec "$GODOT4_BIN" --xr-mode on ...'`.

use std::{process::ExitCode, thread, time::Duration};

use clap::{Parser, ValueEnum};
use synced_tests::{
    Outcome, failure,
    feeder::{Feeder, Motions, RATE_HZ},
};

const LOOK: Duration = Duration::from_millis(200);

/// Moves the head and hands of a Monado whose remote driver listens, until the motion or Monado ends.
#[derive(Debug, Parser)]
struct Arguments {
    /// The TCP port at which the remote driver listens.
    #[arg(long, env = "SYNCED_NODE_XR_PORT")]
    port: u16,
    /// How the hands move.
    #[arg(long, value_enum, default_value = "programme")]
    motion: Kind,
    /// For how long.
    #[arg(long, default_value_t = 3_600.0)]
    seconds: f64,
    /// Poses a second.
    #[arg(long, default_value_t = RATE_HZ)]
    rate_hz: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Circles, throws, drumming and rest in turn.
    Programme,
    /// Round and round.
    Circles,
}

fn main() -> ExitCode {
    failure::exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Outcome {
    let motions = match arguments.motion {
        Kind::Programme => Motions::programme(arguments.seconds),
        Kind::Circles => Motions::circles(arguments.seconds),
    };
    let length = motions.right.length();
    let feeder = Feeder::start(arguments.port, motions, arguments.rate_hz)?;
    while feeder.is_connected() && feeder.seconds_at(synced_tests::clock::now()) < length {
        thread::sleep(LOOK);
    }
    Ok(())
}
