//! Settings in layers: flags over environment over file over defaults.

use std::{fmt, fs, path::Path};

use synced_protocol::limits::MAX_GAME_BYTES;

use crate::{
    exit::Failure,
    kinds::{
        ClusterName, Listen, LogFilter, LogFormat, Place, Reached, Safety, ServerList, Switch,
        Text, Whole,
    },
    layer::{layer, wrong},
};

/// The configuration file that says every default.
pub(crate) const DEFAULT_TOML: &str = include_str!("default.toml");

/// The longest span that a setting may have, an hour.
const SPAN_MS_MAX: u32 = 3_600_000;

layer! {
    /// One layer of settings; what it does not say, a lower one does. `default.toml` says what each is.
    Settings, "":
    game: Text<MAX_GAME_BYTES>,
    game_version: Text<MAX_GAME_BYTES>,
    listen: Listen,
    public_host: Text<255>,
    data_dir: Place,
    certificate_file: Place,
    key_file: Place,
    stats_file: Place,
    log: LogFilter,
    log_format: LogFormat,
    players_max: Whole<1, 10_000>,
    connections_max: Whole<1, 65_536>,
    resume_grace_ms: Whole<0, SPAN_MS_MAX>,
    handshake_timeout_ms: Whole<100, SPAN_MS_MAX>,
    global_data_update_interval_ms: Whole<10, SPAN_MS_MAX>,
    proposals_per_second_max: Whole<1, 1_000_000>,
    proposals_burst_max: Whole<1, 1_000_000>,
    datagrams_per_second_max: Whole<1, 1_000_000>,
    datagrams_burst_max: Whole<1, 1_000_000>,
    bytes_per_second_max: Whole<10_000, 1_000_000_000>,
    bytes_burst_max: Whole<100_000, 1_000_000_000>,
    input_speed_mps_max: Whole<1, 100_000>,
    input_angular_speed_radps_max: Whole<1, 100_000>,
    input_area_m_max: Whole<1, 1_000_000>,
    input_age_ms_max: Whole<100, 16_000>,
    input_samples_per_second_max: Whole<1, 1_000_000>,
    input_samples_burst_max: Whole<64, 1_000_000>,
    segmentation_offload: Switch;
    cluster: ClusterSettings,
}

layer! {
    /// The section about the cluster that a server is one of.
    ClusterSettings, "CLUSTER_":
    id: ClusterName,
    server: Whole<1, 65_535>,
    servers: ServerList,
    peer_address: Reached,
    players_address: Reached,
    peer_listen: Listen,
    identity_dir: Place,
    durability: Safety,
    tick_us: Whole<250, 100_000>,
    heartbeat_ticks: Whole<1, 100>,
    election_ticks: Whole<3, 10_000>,
    clock_offset_ms_max: Whole<1, SPAN_MS_MAX>;
}

impl Settings {
    /// The layer of `default.toml`.
    pub(crate) fn defaults() -> Result<Self, Failure> {
        Self::parse(DEFAULT_TOML, "the built-in default")
    }

    /// The layer of a configuration file.
    pub(crate) fn from_file(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path)
            .map_err(|error| wrong(format_args!("{}: cannot be read: {error}", path.display())))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self::parse(&text, path.display())?.led_from(folder))
    }

    pub(crate) fn parse(text: &str, origin: impl fmt::Display) -> Result<Self, Failure> {
        toml::from_str(text).map_err(|error| wrong(format_args!("{origin}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::unknown_variables;

    fn error(text: &str) -> String {
        Settings::parse(text, "synced.toml")
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn the_default_file_tells_of_every_key() {
        let (top, cluster) = DEFAULT_TOML.split_once("[cluster]").unwrap();
        for (section, keys) in [(top, Settings::KEYS), (cluster, ClusterSettings::KEYS)] {
            for key in keys {
                let told = section.lines().any(|line| {
                    line.trim_start_matches('#')
                        .starts_with(&format!("{key} ="))
                });
                assert!(told, "{key}");
            }
        }
    }

    #[test]
    fn the_examples_in_the_default_file_are_right() {
        let lines = DEFAULT_TOML.lines();
        let examples = lines.map(|line| match line.strip_prefix('#') {
            Some(example) if !example.starts_with(' ') => example,
            _ => line,
        });
        let all: Vec<_> = examples.collect();
        let settings = Settings::parse(&all.join("\n"), "x").unwrap();
        assert_eq!(settings.game, Some(Text("My Game".to_owned())));
        assert!(settings.stats_file.is_some() && settings.key_file.is_some());
        assert_eq!(settings.cluster.server, Some(Whole(1)));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_file_and_the_keys_there_are() {
        let error = error("lisen = \"127.0.0.1:1\"\n");
        for part in ["synced.toml", "lisen", "`listen`", "line 1"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_wrong_value_is_named_with_its_file_key_and_what_is_allowed() {
        let range = "a whole number from 1 to 10000";
        for (line, allowed) in [
            ("players_max = 0", range),
            ("players_max = 10001", range),
            ("players_max = \"many\"", "i64"),
            ("log_format = \"xml\"", "text or json"),
            ("listen = \"here\"", "an IP address and a port"),
            ("segmentation_offload = 1", "boolean"),
            (
                "cluster.durability = \"disk\"",
                "quorum-memory or quorum-disk",
            ),
            (
                "cluster.servers = [\"1 here\"]",
                "like \"3 10.0.0.3:4970 10.0.0.3:4870\"",
            ),
        ] {
            let error = error(line);
            for part in ["synced.toml", line, allowed] {
                assert!(error.contains(part), "{error}");
            }
        }
    }

    #[test]
    fn a_wrong_variable_is_named_with_what_is_allowed() {
        let read = |name: &str| (name == "SYNCED_PLAYERS_MAX").then(|| "0".to_owned());
        let error = Settings::from_environment(&read).unwrap_err().to_string();
        for part in ["SYNCED_PLAYERS_MAX", "\"0\"", "from 1 to 10000"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_variable_that_is_misspelt_is_found() {
        let names = [
            "SYNCED_LISTEN",
            "SYNCED_CLUSTER_SERVER",
            "SYNCED_LISTN",
            "PATH",
        ]
        .map(str::to_owned);
        let unknown: Vec<_> =
            unknown_variables(&Settings::variables(), names.into_iter()).collect();
        assert_eq!(unknown, ["SYNCED_LISTN"]);
    }

    #[test]
    fn a_variable_reaches_the_section_of_the_cluster() {
        let read = |name: &str| (name == "SYNCED_CLUSTER_SERVER").then(|| "3".to_owned());
        let settings = Settings::from_environment(&read).unwrap();
        assert_eq!(settings.cluster.server, Some(Whole(3)));
    }

    #[test]
    fn a_relative_path_in_a_file_leads_from_the_files_folder() {
        let settings = Settings::parse("data_dir = \"data\"\nstats_file = \"/tmp/s\"", "x");
        let settings = settings.unwrap().led_from(Path::new("/srv/one"));
        assert_eq!(settings.data_dir, Some(Place("/srv/one/data".into())));
        assert_eq!(settings.stats_file, Some(Place("/tmp/s".into())));
    }

    #[test]
    fn an_upper_layer_wins_and_a_lower_one_fills_the_gaps() {
        let layer = |text| Settings::parse(text, "x").unwrap();
        let upper = layer("players_max = 2");
        let lower = layer("players_max = 3\nconnections_max = 4");
        let both = upper.over(lower);
        assert_eq!(both.players_max, Some(Whole(2)));
        assert_eq!(both.connections_max, Some(Whole(4)));
    }
}
