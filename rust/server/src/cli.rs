//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use synced_protocol::limits::MAX_GAME_BYTES;

use crate::{
    exit,
    kinds::{Listen, LogFilter, LogFormat, Place, Text, Whole},
    settings::Settings,
};

/// Shared worlds for Godot VR: the server.
#[derive(Debug, Parser)]
#[command(name = "synced", version, after_help = exit::HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server until SIGTERM or SIGINT.
    ///
    /// Once it listens it prints two lines, "listening on ADDRESS fingerprint sha256=DIGITS" and "invite URL"; players connect
    /// to the URL.
    ///
    /// A flag goes before an environment variable, that before the configuration file, and this before the default. Every
    /// setting of the file has a variable: SYNCED_ and its key in capitals, like SYNCED_PLAYERS_MAX.
    #[command(after_help = exit::HELP, args_override_self = true)]
    Serve(Box<Serve>),
}

/// The settings that are often given by hand.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Read settings from a TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print a configuration file with every default, and end
    #[arg(long)]
    pub(crate) print_default: bool,
    /// The game that is played, as its clients name it
    #[arg(long, value_name = "NAME")]
    game: Option<Text<MAX_GAME_BYTES>>,
    /// Its version, as its clients name it
    #[arg(long, value_name = "VERSION")]
    game_version: Option<Text<MAX_GAME_BYTES>>,
    /// The UDP address to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Listen>,
    /// The host by which players reach this server, for the invitation
    #[arg(long, value_name = "HOST")]
    public_host: Option<Text<255>>,
    /// The folder that keeps the server's certificate and key
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<Place>,
    /// Write statistics here as JSON, each second and at the end
    #[arg(long, value_name = "FILE")]
    stats_file: Option<Place>,
    /// The most players
    #[arg(long, value_name = "NUMBER")]
    players_max: Option<Whole<1, 10_000>>,
    /// What is logged: error, warn, info, debug, trace, or a list like info,synced_node=debug
    #[arg(long, value_name = "FILTER")]
    log: Option<LogFilter>,
    /// How the log looks: text or json
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

impl Serve {
    /// The layer of settings that the flags are.
    pub(crate) fn settings(&self) -> Settings {
        let flags = self;
        Settings {
            game: flags.game.clone(),
            game_version: flags.game_version.clone(),
            listen: flags.listen,
            public_host: flags.public_host.clone(),
            data_dir: flags.data_dir.clone(),
            stats_file: flags.stats_file.clone(),
            players_max: flags.players_max,
            log: flags.log.clone(),
            log_format: flags.log_format,
            ..Settings::default()
        }
    }
}
