//! What `synced bench` prints.

use std::{fmt::Display, path::Path, process::Command, time::Duration};

use serde::Deserialize;
use synced_bench::Times;
use synced_protocol::stage::Summary;

use crate::{
    Outcome,
    report::{
        child::{self, Said},
        sample::Value,
    },
    server,
};

/// A crowd, and what its servers measured.
#[derive(Debug, Deserialize)]
pub(in crate::report) struct Line {
    players: usize,
    crowd: Option<Seen>,
    servers: Option<Servers>,
    memory: Memory,
    traffic: Option<Traffic>,
    soak: Option<Soaked>,
    broken: Option<Broken>,
}

/// Where the memory of servers and players stands.
pub(in crate::report) const LEADER: &str = "the leader";
pub(in crate::report) const ALL_SERVERS: &str = "all servers";
pub(in crate::report) const ALL_PLAYERS: &str = "all players";

#[derive(Debug, Deserialize)]
struct Seen {
    span_s: f64,
    cpu_s: f64,
    confirmed: Confirmed,
    own: Times,
    live: Times,
    frame_late: Times,
}

#[derive(Debug, Deserialize)]
struct Confirmed {
    order: Times,
    commit: Times,
    apply: Times,
    whole: Times,
}

#[derive(Debug, Deserialize)]
struct Servers {
    leader: Summary,
    replication: Summary,
    propagation: Summary,
    cores: Option<Cores>,
}

#[derive(Debug, Deserialize)]
struct Cores {
    all: f64,
    leader: f64,
}

#[derive(Debug, Deserialize)]
struct Memory {
    before: Held,
    end: Held,
}

#[derive(Debug, Deserialize)]
struct Held {
    leader_bytes: Option<u64>,
    players_bytes: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Traffic {
    join_s: f64,
    leader: Option<Rates>,
    leader_peers: Option<Rates>,
    players: Rates,
}

#[derive(Debug, Deserialize)]
struct Rates {
    ip_bytes_sent_per_s: f64,
    ip_bytes_received_per_s: f64,
}

#[derive(Debug, Deserialize)]
struct Soaked {
    processes: Vec<Process>,
}

#[derive(Debug, Deserialize)]
struct Process {
    name: String,
    /// Seconds since the first, and bytes.
    samples: Vec<(f64, u64)>,
    trend: Option<Trend>,
}

#[derive(Debug, Deserialize)]
struct Trend {
    growth_bytes: f64,
}

#[derive(Debug, Deserialize)]
struct Broken {
    reason: String,
}

/// Plays with a crowd in processes of their own; the files go to `folder`.
///
/// # Errors
/// When it prints nothing that can be read.
pub(in crate::report) fn play(
    arguments: &[(&str, impl Display)],
    time_max: Duration,
    folder: &Path,
) -> Outcome<Said<Line>> {
    let mut command = Command::new(server::program()?);
    command.args(["bench", "--json"]).env("TMPDIR", folder);
    for (flag, value) in arguments {
        command.args([format!("--{flag}"), value.to_string()]);
    }
    let log = folder.join("bench.log");
    child::json_of("synced bench", &mut command, &log, time_max)
}

impl Line {
    /// Why it does not count as held, if it does not.
    pub(in crate::report) fn broken(&self) -> Option<&str> {
        self.broken.as_ref().map(|broken| broken.reason.as_str())
    }

    /// Of each stage mean, p50 and p99.
    pub(in crate::report) fn stages(&self) -> Vec<Value> {
        let seen = self.crowd.iter().flat_map(Seen::stages);
        seen.chain(self.servers.iter().flat_map(Servers::stages))
            .collect()
    }

    /// How many confirmed operations were seen, each as often as there were players to see it.
    pub(in crate::report) fn confirmed_seen(&self) -> u64 {
        let crowd = self.crowd.as_ref();
        crowd.map_or(0, |crowd| crowd.confirmed.whole.count())
    }

    /// What each process of a soak held at this second: its name, and bytes.
    pub(in crate::report) fn held_at(&self, second: f64) -> impl Iterator<Item = (&str, u64)> {
        self.soaked().filter_map(move |process| {
            let mut samples = process.samples.iter().rev();
            let (_, bytes) = samples.find(|(at_s, _)| *at_s <= second)?;
            Some((process.name.as_str(), *bytes))
        })
    }

    /// By how many bytes each process of a soak grew in its second half.
    pub(in crate::report) fn growth(&self) -> impl Iterator<Item = (&str, f64)> {
        self.soaked().filter_map(|process| {
            let trend = process.trend.as_ref()?;
            Some((process.name.as_str(), trend.growth_bytes))
        })
    }

    fn soaked(&self) -> impl Iterator<Item = &Process> {
        self.soak.iter().flat_map(|soak| &soak.processes)
    }

    /// What players and servers take of the machine.
    pub(in crate::report) fn costs(&self) -> Vec<Value> {
        let crowd = self.crowd.iter();
        let cores = crowd.map(|crowd| ("cores", ALL_PLAYERS, crowd.cpu_s / crowd.span_s));
        let servers = self
            .servers
            .iter()
            .filter_map(|servers| servers.cores.as_ref());
        let servers = servers.flat_map(|Cores { all, leader }| {
            [("cores", ALL_SERVERS, *all), ("cores", LEADER, *leader)]
        });
        let cores = cores.chain(servers);
        let mut values: Vec<_> = cores
            .map(|(figure, subject, value)| Value::new(subject, figure, "", value))
            .collect();
        values.extend(self.memory.values());
        values.extend(
            self.traffic
                .iter()
                .flat_map(|traffic| traffic.values(self.players)),
        );
        values
    }
}

impl Seen {
    fn stages(&self) -> Vec<Value> {
        let confirmed = &self.confirmed;
        let times = [
            ("order", &confirmed.order),
            ("commit", &confirmed.commit),
            ("apply", &confirmed.apply),
            ("confirmed", &confirmed.whole),
            ("own", &self.own),
            ("live", &self.live),
            ("frame late", &self.frame_late),
        ];
        let seen = times.into_iter().filter(|(_, times)| times.count() > 0);
        seen.flat_map(|(stage, times)| Value::of_times(stage, times))
            .collect()
    }
}

impl Servers {
    fn stages(&self) -> Vec<Value> {
        let stages = [
            ("propagation", self.propagation),
            ("leader", self.leader),
            ("replication", self.replication),
        ];
        let measured = stages.into_iter().filter(|(_, summary)| summary.count > 0);
        let values = measured.flat_map(|(stage, summary)| {
            let us = [summary.mean_us, summary.p50_us, summary.p99_us];
            Value::of_ms(stage, us.map(|us| us as f64 / 1e3))
        });
        values.collect()
    }
}

impl Memory {
    /// With the world before the first player, and at the end.
    fn values(&self) -> Vec<Value> {
        let held = [("memory before", &self.before), ("memory", &self.end)];
        let values = held.into_iter().flat_map(|(figure, held)| {
            let of = [
                (LEADER, held.leader_bytes),
                (ALL_PLAYERS, held.players_bytes),
            ];
            let known = of
                .into_iter()
                .filter_map(|(subject, bytes)| Some((subject, bytes?)));
            known.map(move |(subject, bytes)| Value::new(subject, figure, "MB", bytes as f64 / 1e6))
        });
        values.collect()
    }
}

impl Traffic {
    fn values(&self, players: usize) -> Vec<Value> {
        let kilobytes = |subject: &str, figure: &str, bytes: f64| {
            Value::new(subject, figure, "IP kB/s", bytes / 1e3)
        };
        let players = players as f64;
        let mut values = vec![
            Value::new(ALL_PLAYERS, "join", "s", self.join_s),
            kilobytes(
                "a player",
                "sent",
                self.players.ip_bytes_sent_per_s / players,
            ),
            kilobytes(
                "a player",
                "received",
                self.players.ip_bytes_received_per_s / players,
            ),
        ];
        if let Some(leader) = &self.leader {
            values.push(kilobytes(LEADER, "sent", leader.ip_bytes_sent_per_s));
            values.push(kilobytes(
                LEADER,
                "received",
                leader.ip_bytes_received_per_s,
            ));
        }
        if let Some(peers) = &self.leader_peers {
            values.push(kilobytes(
                LEADER,
                "sent to servers",
                peers.ip_bytes_sent_per_s,
            ));
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"players": 2, "world": {"nodes": 0, "properties": 1},
        "crowd": {"span_s": 4.0, "confirmed": {"order": [[1000, 3]], "commit": [[2000, 1]], "apply": [[500, 1]],
        "whole": [[3500, 1]]}, "own": [], "live": [], "frame_late": [], "rejected": 0, "cpu_s": 2.0},
        "servers": {"servers": 5, "leader": {"count": 9, "mean_us": 70, "p50_us": 60, "p99_us": 90, "max_us": 95},
        "replication": {"count": 0, "mean_us": 0, "p50_us": 0, "p99_us": 0, "max_us": 0},
        "propagation": {"count": 0, "mean_us": 0, "p50_us": 0, "p99_us": 0, "max_us": 0},
        "cores": {"all": 0.75, "leader": 0.25}, "term": 1},
        "memory": {"before": {"leader_bytes": 5000000, "follower_bytes": null, "players_bytes": null},
        "end": {"leader_bytes": 9000000, "follower_bytes": 1, "players_bytes": 20000000}},
        "traffic": {"join_s": 0.5, "leader": null, "leader_peers": null, "players": {"bytes_sent_per_s": 1.0,
        "ip_bytes_sent_per_s": 3000.0, "ip_bytes_received_per_s": 8000.0}},
        "soak": null, "broken": null}"#;

    fn of(values: &[Value], subject: &str, figure: &str) -> Option<f64> {
        let found = values
            .iter()
            .find(|value| value.subject == subject && value.figure == figure);
        found.map(|value| (value.value * 1e3).round() / 1e3)
    }

    #[test]
    fn a_line_gives_each_stage_that_was_seen_in_milliseconds() {
        let line: Line = serde_json::from_str(TEXT).unwrap();
        let stages = line.stages();
        assert_eq!(of(&stages, "order", "mean"), Some(1.0));
        assert_eq!(of(&stages, "leader", "p99"), Some(0.09));
        assert_eq!(
            [
                of(&stages, "live", "mean"),
                of(&stages, "replication", "mean")
            ],
            [None; 2]
        );
        assert_eq!(line.broken(), None);
    }

    #[test]
    fn a_line_gives_what_players_and_servers_take() {
        let line: Line = serde_json::from_str(TEXT).unwrap();
        let costs = line.costs();
        assert_eq!(of(&costs, ALL_PLAYERS, "cores"), Some(0.5));
        assert_eq!(of(&costs, LEADER, "cores"), Some(0.25));
        assert_eq!(of(&costs, LEADER, "memory before"), Some(5.0));
        assert_eq!(of(&costs, ALL_PLAYERS, "memory"), Some(20.0));
        assert_eq!(of(&costs, ALL_PLAYERS, "memory before"), None);
        assert_eq!(of(&costs, "a player", "received"), Some(4.0));
        assert_eq!(of(&costs, LEADER, "sent"), None);
    }

    #[test]
    fn a_crowd_that_broke_says_why_without_having_seen_anything() {
        let text = r#"{"players": 800, "crowd": null, "servers": null, "memory": {"before": {}, "end": {}}, "traffic": null,
            "broken": {"reason": "one player sees 3 of 800", "reached": {"joined": 3}}}"#;
        let line: Line = serde_json::from_str(text).unwrap();
        assert_eq!(line.broken(), Some("one player sees 3 of 800"));
        assert_eq!((line.stages().len(), line.costs().len()), (0, 0));
    }
}
