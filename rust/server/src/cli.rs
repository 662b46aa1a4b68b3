//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use synced_bench::crowd::OPERATION_BYTES_MIN;
use synced_protocol::limits::{MAX_GAME_BYTES, MAX_NODES, MAX_PROPERTIES};

use crate::{
    exit,
    kinds::{
        ClusterName, Hertz, Listen, LogFilter, LogFormat, Place, Reached, Safety, Span, Text, Whole,
    },
    settings::{ClusterSettings, Settings},
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
    /// Make a cluster of servers, run it on this machine, or change who is in it.
    #[command(subcommand, after_help = exit::HELP)]
    Cluster(ClusterCommand),
    /// Show how each server of a cluster stands: who leads, who lags, whose clock is off, where the players are.
    ///
    /// Asks every server that is known and prints a table, or with --json all that they answered. Exit code 0 if one leads and
    /// serves, else 8.
    #[command(after_help = exit::HELP)]
    Status(Status),
    /// Measure how long what players do takes until others see it, with a crowd of players who all write and all see each other.
    ///
    /// Starts five servers of its own on this machine, unless --url names others. Each player has the frames of a game; each operation
    /// tells when it was made, so the times are right among processes of one machine, and otherwise as right as its clocks.
    ///
    /// Where players are cut off, fail to join, or miss something, there were too many: it tells how far that came and why it ended,
    /// measures no more of them, and ends with exit code 11.
    #[command(after_help = exit::HELP)]
    Bench(Bench),
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Measure the servers of an invitation instead of five on this machine
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The game that is served there
    #[arg(long, value_name = "NAME", default_value = "synced bench")]
    pub(crate) game: Text<MAX_GAME_BYTES>,
    /// Its version
    #[arg(long, value_name = "VERSION", default_value = "")]
    pub(crate) game_version: Text<MAX_GAME_BYTES>,
    /// How many servers are started, where none are named
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    pub(crate) nodes: u16,
    /// How many players there are; several numbers are measured one after the other
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        default_value = "100"
    )]
    pub(crate) players: Vec<Whole<1, 10_000>>,
    /// In how many processes they are
    #[arg(long, value_name = "NUMBER", default_value = "4")]
    pub(crate) processes: Whole<1, 64>,
    /// How many nodes at rest are in the world before the players are
    #[arg(long, value_name = "NUMBER", default_value = "0")]
    pub(crate) world_nodes: Whole<0, { MAX_NODES as u32 }>,
    /// How many confirmed properties each of them has
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    pub(crate) world_properties: Whole<0, { MAX_PROPERTIES as u32 }>,
    /// Confirmed operations of each player, a second; 0 on both lanes shows what players cost who do nothing
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    pub(crate) confirmed_hz: Hertz,
    /// Live operations of each player, a second
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    pub(crate) live_hz: Hertz,
    /// The bytes of an operation
    #[arg(long, value_name = "NUMBER", default_value = "1024")]
    pub(crate) bytes: Whole<{ OPERATION_BYTES_MIN as u32 }, 16_000>,
    /// Frames of each player's game, a second
    #[arg(long, value_name = "NUMBER", default_value = "90")]
    pub(crate) frames_hz: Whole<1, 1_000>,
    /// For how many seconds it counts
    #[arg(long, value_name = "NUMBER", default_value = "10")]
    pub(crate) seconds: Whole<1, 86_400>,
    /// Count for so long, like 30m or 1h30m, and watch the memory of all processes: it fails when one still grows in the second half.
    /// Operations of some 60 MB should be written in the first, so that logs and caches are full
    #[arg(long, value_name = "TIME", conflicts_with = "seconds")]
    pub(crate) soak: Option<Span>,
    /// Print all that was measured as JSON, a line for each number of players
    #[arg(long)]
    pub(crate) json: bool,
    /// Be one of the processes, beside others with so many players all together
    #[arg(long, hide = true)]
    pub(crate) beside: Option<Whole<1, 640_000>>,
}

impl Bench {
    /// For how long it counts.
    pub(crate) fn span(&self) -> Duration {
        let seconds = Duration::from_secs(self.seconds.0.into());
        self.soak.map_or(seconds, |soak| soak.0)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Make the folder of a cluster: an authority, a certificate, a configuration and an empty log for each server.
    ///
    /// Run each server where it belongs with `synced serve --config FOLDER/server-N/server.toml`; only that server's own folder is
    /// needed there, and all of the rest is its operator's.
    #[command(after_help = exit::HELP)]
    Init(Init),
    /// Run all servers of a cluster on this machine until SIGTERM or SIGINT, and make the cluster first if there is none.
    ///
    /// Once one leads it prints one line, "invite URL"; players connect to the URL. Each server logs to FOLDER/server-N/log.
    #[command(after_help = exit::HELP)]
    Up(Up),
    /// Let more servers take part.
    ///
    /// Makes their folders if there are none. A server must run before it can take part: the command says how to start it.
    #[command(after_help = exit::HELP)]
    Add(Add),
    /// Let servers take part no more. They can be stopped then.
    #[command(after_help = exit::HELP)]
    Remove(Remove),
    /// Let another server lead.
    #[command(after_help = exit::HELP)]
    Transfer(Transfer),
    /// Begin anew with what the servers' folders still hold, after more than half of the servers have lost their memory at once.
    ///
    /// With quorum-memory a server whose machine went down without warning may not go on as if nothing had happened. If that befell
    /// more than half of them together, none can lead any more. Stop all servers, then run this where their folders are: it founds every
    /// server anew with the most advanced log that is left. What was confirmed in the last moments may be lost. The former data is kept.
    #[command(after_help = exit::HELP)]
    Recover(Recover),
}

/// Which cluster.
#[derive(Debug, Args)]
pub(crate) struct Directory {
    /// The folder of the cluster
    #[arg(long, value_name = "FOLDER", default_value = "synced-cluster")]
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) founding: Founding,
}

/// What a new cluster begins with.
#[derive(Debug, Args)]
pub(crate) struct Founding {
    /// How many servers decide: an odd number; 5 if not given
    #[arg(long, value_name = "NUMBER")]
    pub(crate) nodes: Option<u16>,
    /// The game that is played, as its clients name it
    #[arg(long, value_name = "NAME")]
    pub(crate) game: Option<Text<MAX_GAME_BYTES>>,
    /// Its version, as its clients name it
    #[arg(long, value_name = "VERSION")]
    pub(crate) game_version: Option<Text<MAX_GAME_BYTES>>,
    /// The hosts on which the servers are reached, a server on each, and from the first again where there are more servers
    #[arg(
        long,
        value_name = "HOSTS",
        value_delimiter = ',',
        default_value = "127.0.0.1"
    )]
    pub(crate) hosts: Vec<String>,
    /// The UDP port for players of a host's first server, the next for its second; other servers are heard 100 above. 0 takes free
    /// ports of this machine
    #[arg(long, value_name = "PORT", default_value_t = synced_transport::DEFAULT_PORT)]
    pub(crate) base_port: u16,
    /// What the cluster is called in its certificates; random if not given
    #[arg(long, value_name = "NAME")]
    pub(crate) id: Option<ClusterName>,
    /// When a commit is safe: quorum-memory or quorum-disk
    #[arg(long, value_name = "WHEN", default_value = "quorum-memory")]
    pub(crate) durability: Safety,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) directory: Directory,
    #[command(flatten)]
    pub(crate) founding: Founding,
    /// Start a server again that ended by itself
    #[arg(long)]
    pub(crate) restart: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// Their numbers; the next two if not given, since an odd number must decide
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    pub(crate) server: Vec<Whole<1, 65_535>>,
    /// Where the other servers reach each of them; the next ports beside server 1 if not given
    #[arg(
        long,
        value_name = "ADDRESSES",
        value_delimiter = ',',
        requires = "players"
    )]
    pub(crate) peer: Vec<Reached>,
    /// Where players reach each of them
    #[arg(
        long,
        value_name = "ADDRESSES",
        value_delimiter = ',',
        requires = "peer"
    )]
    pub(crate) players: Vec<Reached>,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// Their numbers
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', required = true)]
    pub(crate) server: Vec<Whole<1, 65_535>>,
}

#[derive(Debug, Args)]
pub(crate) struct Transfer {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// Who is to lead; the one that is furthest if not given
    #[arg(long, value_name = "NUMBER")]
    pub(crate) to: Option<Whole<1, 65_535>>,
}

#[derive(Debug, Args)]
pub(crate) struct Recover {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// Even if enough servers could lead as they are; they must never run with their former data again
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// Print all that the servers answered, as JSON
    #[arg(long)]
    pub(crate) json: bool,
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
    /// In a cluster, the UDP address on which the other servers are heard
    #[arg(long, value_name = "ADDRESS")]
    peer_listen: Option<Listen>,
    /// Stop when the standard input ends, as by a signal
    #[arg(long, hide = true)]
    pub(crate) until_input_ends: bool,
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
            cluster: ClusterSettings {
                peer_listen: flags.peer_listen,
                ..ClusterSettings::default()
            },
            ..Settings::default()
        }
    }
}
