//! What the server runs with, once all layers of settings are one.

use std::{env, net::SocketAddr, path::PathBuf};

use synced_node::{InputLimits, Limits, NodeConfig, Rate};
use synced_protocol::{limits::MAX_GAME_BYTES, message::Game, time::Micros};
use synced_transport::clock;

use crate::{
    cli::Serve,
    cluster_config::ClusterConfig,
    exit::Failure,
    kinds::{LogFilter, LogFormat, Place, Text, Whole},
    layer::{variable_of, wrong},
    settings::Settings,
};

/// Everything that the server needs to know.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) public_host: Option<String>,
    pub(crate) certificate: Certificate,
    pub(crate) stats_file: Option<PathBuf>,
    pub(crate) log: LogFilter,
    pub(crate) log_format: LogFormat,
    pub(crate) connections_max: usize,
    pub(crate) segmentation_offload: bool,
    pub(crate) node: NodeConfig,
    /// What makes the server one of a cluster.
    pub(crate) cluster: Option<ClusterConfig>,
}

/// Where the server's identity is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// Kept in a folder, made at the first start.
    Kept(PathBuf),
    /// Given as certificate chain and key.
    Given(PathBuf, PathBuf),
}

impl Config {
    /// Flags over environment over file over defaults.
    pub(crate) fn load(flags: &Serve) -> Result<Self, Failure> {
        let file = flags
            .config
            .as_deref()
            .map(Settings::from_file)
            .transpose()?;
        let environment = Settings::from_environment(&|name: &str| {
            env::var_os(name).map(|text| text.to_string_lossy().into_owned())
        })?;
        let layers = flags.settings().over(environment);
        Self::resolve(layers.over(file.unwrap_or_default()))
    }

    fn resolve(settings: Settings) -> Result<Self, Failure> {
        let settings = settings.over(Settings::defaults()?);
        let node = node_config(&settings)?;
        let listen = required(settings.listen, "listen")?.0;
        let data_dir = required(settings.data_dir, "data_dir")?;
        Ok(Self {
            listen,
            public_host: settings.public_host.map(|host| host.0),
            cluster: ClusterConfig::resolve(settings.cluster, listen, &data_dir.0)?,
            certificate: certificate(data_dir, settings.certificate_file, settings.key_file)?,
            stats_file: settings.stats_file.map(|place| place.0),
            log: required(settings.log, "log")?,
            log_format: required(settings.log_format, "log_format")?,
            connections_max: required(settings.connections_max, "connections_max")?.0 as usize,
            segmentation_offload: required(settings.segmentation_offload, "segmentation_offload")?
                .0,
            node,
        })
    }
}

fn node_config(settings: &Settings) -> Result<NodeConfig, Failure> {
    let s = settings;
    let game = Game {
        name: game_name(s.game.clone())?,
        version: required(s.game_version.clone(), "game_version")?.0,
    };
    Ok(NodeConfig {
        players_max: required(s.players_max, "players_max")?.0,
        epoch_offset: clock::unix_now() - clock::now(),
        resume_grace: span(s.resume_grace_ms, "resume_grace_ms")?,
        handshake_timeout: span(s.handshake_timeout_ms, "handshake_timeout_ms")?,
        global_data_update_interval: span(
            s.global_data_update_interval_ms,
            "global_data_update_interval_ms",
        )?,
        limits: limits(s)?,
        ..NodeConfig::new(game)
    })
}

fn limits(s: &Settings) -> Result<Limits, Failure> {
    Ok(Limits {
        proposals: rate(
            required(s.proposals_per_second_max, "proposals_per_second_max")?,
            required(s.proposals_burst_max, "proposals_burst_max")?,
        ),
        datagrams: rate(
            required(s.datagrams_per_second_max, "datagrams_per_second_max")?,
            required(s.datagrams_burst_max, "datagrams_burst_max")?,
        ),
        bytes: rate(
            required(s.bytes_per_second_max, "bytes_per_second_max")?,
            required(s.bytes_burst_max, "bytes_burst_max")?,
        ),
        input: input_limits(s)?,
        ..Limits::DEFAULT
    })
}

fn input_limits(s: &Settings) -> Result<InputLimits, Failure> {
    Ok(InputLimits {
        speed_mps_max: required(s.input_speed_mps_max, "input_speed_mps_max")?.0,
        angular_speed_radps_max: required(
            s.input_angular_speed_radps_max,
            "input_angular_speed_radps_max",
        )?
        .0,
        area_m_max: required(s.input_area_m_max, "input_area_m_max")?.0,
        age_max: span(s.input_age_ms_max, "input_age_ms_max")?,
        samples: rate(
            required(
                s.input_samples_per_second_max,
                "input_samples_per_second_max",
            )?,
            required(s.input_samples_burst_max, "input_samples_burst_max")?,
        ),
    })
}

const fn rate<const A: u32, const B: u32, const C: u32, const D: u32>(
    per_second: Whole<A, B>,
    burst: Whole<C, D>,
) -> Rate {
    Rate::new(per_second.0, burst.0)
}

fn span<const MIN: u32, const MAX: u32>(
    span: Option<Whole<MIN, MAX>>,
    key: &str,
) -> Result<Micros, Failure> {
    Ok(Micros::from_millis(required(span, key)?.0.into()))
}

fn certificate(
    data_dir: Place,
    chain: Option<Place>,
    key: Option<Place>,
) -> Result<Certificate, Failure> {
    match (chain, key) {
        (None, None) => Ok(Certificate::Kept(data_dir.0)),
        (Some(chain), Some(key)) => Ok(Certificate::Given(chain.0, key.0)),
        (Some(_), None) => Err(missing("key_file", "it belongs to certificate_file")),
        (None, Some(_)) => Err(missing("certificate_file", "it belongs to key_file")),
    }
}

fn game_name(game: Option<Text<MAX_GAME_BYTES>>) -> Result<String, Failure> {
    match game {
        Some(Text(name)) if !name.is_empty() => Ok(name),
        _ => Err(missing(
            "game",
            "clients of another game are refused, so the server must know it",
        )),
    }
}

fn required<T>(value: Option<T>, key: &str) -> Result<T, Failure> {
    value.ok_or_else(|| missing(key, "it has no default"))
}

fn missing(key: &str, why: &str) -> Failure {
    let (flag, variable) = (key.replace('_', "-"), variable_of("", key));
    wrong(format_args!(
        "{key} is not given, and {why}; set \"{key}\" in the configuration file, {variable}, or --{flag} where there is such a flag"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn resolve(text: &str) -> Result<Config, Failure> {
        Config::resolve(Settings::parse(text, "x").unwrap())
    }

    #[test]
    fn the_default_file_says_the_defaults_of_the_code() {
        let config = resolve("game = \"g\"").unwrap();
        let (node, code) = (&config.node, NodeConfig::new(config.node.game.clone()));
        assert_eq!(node.limits, code.limits);
        assert_eq!(node.players_max, code.players_max);
        assert_eq!(node.resume_grace, code.resume_grace);
        assert_eq!(node.handshake_timeout, code.handshake_timeout);
        let intervals = [node, &code].map(|config| config.global_data_update_interval);
        assert_eq!(intervals[0], intervals[1]);
        assert_eq!(
            config.connections_max,
            synced_transport::limits::CONNECTIONS_MAX
        );
        assert_eq!(config.listen.port(), synced_transport::DEFAULT_PORT);
    }

    #[test]
    fn a_game_must_be_named() {
        for text in ["", "game = \"\""] {
            let failure = resolve(text).unwrap_err();
            assert_eq!(failure.exit, Exit::Configuration);
            assert!(failure.to_string().contains("--game"), "{failure}");
        }
    }

    #[test]
    fn a_certificate_and_its_key_are_given_together() {
        let with = |text: &str| resolve(&format!("game = \"g\"\n{text}"));
        let both = with("certificate_file = \"c\"\nkey_file = \"k\"").unwrap();
        assert_eq!(both.certificate, Certificate::Given("c".into(), "k".into()));
        let one = with("certificate_file = \"c\"").unwrap_err().to_string();
        assert!(one.contains("key_file"), "{one}");
        let other = with("key_file = \"k\"").unwrap_err().to_string();
        assert!(other.contains("certificate_file"), "{other}");
    }
}
