//! What `synced bench` prints.

use std::{path::Path, process::Command, time::Duration};

use serde::Deserialize;
use synced_bench::Times;
use synced_protocol::stage::Summary;

use crate::{
    Outcome,
    report::{child, sample::Value},
    server,
};

/// A crowd, and what its servers measured.
#[derive(Debug, Deserialize)]
pub(in crate::report) struct Line {
    crowd: Players,
    servers: Option<Servers>,
}

#[derive(Debug, Deserialize)]
struct Players {
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

#[derive(Debug, Clone, Copy, Deserialize)]
struct Servers {
    leader: Summary,
    replication: Summary,
    propagation: Summary,
    cores: Option<Cores>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Cores {
    all: f64,
    leader: f64,
}

/// Plays with a crowd in processes of their own; the files go to `folder`.
///
/// # Errors
/// When it does not come to its end in time, or a promise was broken.
pub(in crate::report) fn play(
    arguments: &[(&str, u32)],
    time_max: Duration,
    folder: &Path,
) -> Outcome<Line> {
    let mut command = Command::new(server::program()?);
    command.args(["bench", "--json"]).env("TMPDIR", folder);
    for (flag, number) in arguments {
        command.args([format!("--{flag}"), number.to_string()]);
    }
    child::json_of(
        "synced bench",
        &mut command,
        &folder.join("bench.log"),
        time_max,
    )
}

impl Line {
    /// Of each stage mean, p50 and p99, and what players and servers cost.
    pub(in crate::report) fn values(&self) -> Vec<Value> {
        let crowd = &self.crowd;
        let stages = &crowd.confirmed;
        let times = [
            ("order", &stages.order),
            ("commit", &stages.commit),
            ("apply", &stages.apply),
            ("confirmed", &stages.whole),
            ("own", &crowd.own),
            ("live", &crowd.live),
            ("frame late", &crowd.frame_late),
        ];
        let mut values: Vec<_> = times
            .into_iter()
            .flat_map(|(stage, times)| of_times(stage, times))
            .collect();
        values.extend(self.servers.iter().flat_map(Servers::values));
        let cores = crowd.cpu_s / crowd.span_s;
        values.push(Value::new("all players", "cores", "", cores));
        values
    }
}

impl Servers {
    fn values(&self) -> Vec<Value> {
        let stages = [
            ("propagation", self.propagation),
            ("leader", self.leader),
            ("replication", self.replication),
        ];
        let mut values: Vec<_> = stages
            .into_iter()
            .filter(|(_, summary)| summary.count > 0)
            .flat_map(|(stage, summary)| of_summary(stage, summary))
            .collect();
        if let Some(Cores { all, leader }) = self.cores {
            values.push(Value::new("all servers", "cores", "", all));
            values.push(Value::new("the leader", "cores", "", leader));
        }
        values
    }
}

/// None where nothing was seen.
fn of_times(stage: &str, times: &Times) -> Vec<Value> {
    if times.count() == 0 {
        return Vec::new();
    }
    vec![
        Value::new(stage, "mean", "ms", times.mean_ms()),
        Value::new(stage, "p50", "ms", times.quantile_ms(0.5)),
        Value::new(stage, "p99", "ms", times.quantile_ms(0.99)),
    ]
}

fn of_summary(stage: &str, summary: Summary) -> [Value; 3] {
    let ms = |us: u64| us as f64 / 1e3;
    [
        Value::new(stage, "mean", "ms", ms(summary.mean_us)),
        Value::new(stage, "p50", "ms", ms(summary.p50_us)),
        Value::new(stage, "p99", "ms", ms(summary.p99_us)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_each_stage_that_was_seen_in_milliseconds() {
        let text = r#"{"crowd": {"players": 2, "span_s": 4.0, "counted_from_us": 0,
            "confirmed_made": 1, "live_made": 0, "confirmed": {"order": [[1000, 3]], "commit": [[2000, 1]],
            "apply": [[500, 1]], "whole": [[3500, 1]]}, "own": [], "live": [], "frame_late": [],
            "rejected": 0, "cpu_s": 2.0},
            "servers": {"servers": 5, "leader": {"count": 9, "mean_us": 70, "p50_us": 60, "p99_us": 90, "max_us": 95},
            "replication": {"count": 0, "mean_us": 0, "p50_us": 0, "p99_us": 0, "max_us": 0},
            "propagation": {"count": 0, "mean_us": 0, "p50_us": 0, "p99_us": 0, "max_us": 0},
            "cores": {"all": 0.75, "leader": 0.25}, "term": 1}}"#;
        let line: Line = serde_json::from_str(text).unwrap();
        let values = line.values();
        let of = |subject: &str, figure: &str| {
            let found = values
                .iter()
                .find(|value| value.subject == subject && value.figure == figure);
            found.map(|value| (value.value * 1e3).round() / 1e3)
        };
        assert_eq!(of("order", "mean"), Some(1.0));
        assert_eq!(of("leader", "p99"), Some(0.09));
        assert_eq!(of("all players", "cores"), Some(0.5));
        assert_eq!(of("the leader", "cores"), Some(0.25));
        assert_eq!([of("live", "mean"), of("replication", "mean")], [None; 2]);
    }
}
