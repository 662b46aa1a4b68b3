//! What was measured, for whoever looks at it.

use synced_bench::{Rates, Times, crowd::CrowdResult};
use synced_protocol::stage::Summary;

use super::{
    figures::{Figures, TrafficFigures},
    servers::ServerFigures,
    soak::{ProcessFigures, SoakFigures, megabytes},
};
use crate::table::Table;

/// A table of one crowd, and what it cost.
pub(super) fn of(figures: &Figures) -> String {
    let mut text = heading(figures) + "\n";
    if let Some(crowd) = &figures.crowd {
        text += &stages(crowd, figures.servers.as_ref()).to_string();
        text += &costs(crowd, figures.servers.as_ref());
        text += &joining(crowd);
    }
    text += &figures.traffic.as_ref().map_or_else(String::new, traffic);
    text += &memory(figures);
    text += &figures.soak.as_ref().map_or_else(String::new, soak);
    text + "\n"
}

fn heading(figures: &Figures) -> String {
    let (players, world) = (figures.players, figures.world);
    let mut text = format!("{players} players");
    if world.nodes > 0 {
        let (nodes, properties) = (world.nodes, world.properties);
        let plural = if properties == 1 {
            "property"
        } else {
            "properties"
        };
        text += &format!(" and {nodes} nodes at rest with {properties} {plural} each");
    }
    if let Some(crowd) = &figures.crowd {
        let rate = |made: u64| made as f64 / crowd.span_s;
        text += &format!(
            ", {:.0} s: {:.0} confirmed operations and {:.0} live ones a second, each seen by all",
            crowd.span_s,
            rate(crowd.confirmed_made),
            rate(crowd.live_made)
        );
    }
    text
}

/// What nothing came by has no row.
fn stages(crowd: &CrowdResult, servers: Option<&ServerFigures>) -> Table {
    let mut table = Table::with_left(&[5]);
    table.row(["ms", "mean", "p50", "p99", "count", "what"]);
    let confirmed = &crowd.confirmed;
    for (name, times, what) in [
        (
            "order",
            &confirmed.order,
            "from a frame until the leader has ordered what was written in it",
        ),
        (
            "commit",
            &confirmed.commit,
            "from there until its commit is with another player",
        ),
        (
            "apply",
            &confirmed.apply,
            "from there until a frame has applied it",
        ),
        (
            "confirmed",
            &confirmed.whole,
            "all three: written, until another sees it",
        ),
        (
            "own",
            &crowd.own,
            "written, until its writer sees it confirmed",
        ),
        ("live", &crowd.live, "a live value, until another sees it"),
        (
            "frame",
            &crowd.frame_late,
            "by how much the players' frames were late",
        ),
    ] {
        if times.count() > 0 {
            table.row(times_row(name, times, what));
        }
    }
    for (name, summary, what) in servers.into_iter().flat_map(server_stages) {
        if summary.count > 0 {
            table.row(summary_row(name, summary, what));
        }
    }
    table
}

fn server_stages(servers: &ServerFigures) -> [(&str, &Summary, &str); 3] {
    [
        (
            "propagation",
            &servers.propagation,
            "a live datagram, until it is with the leader",
        ),
        (
            "leader",
            &servers.leader,
            "the leader's own work on what arrives together",
        ),
        (
            "replication",
            &servers.replication,
            "ordered, until a quorum has it",
        ),
    ]
}

fn costs(crowd: &CrowdResult, servers: Option<&ServerFigures>) -> String {
    let seen = crowd.confirmed.whole.count() + crowd.live.count();
    let mut text = format!(
        "{:.0} a second were seen; the players' processes took {:.2} cores",
        seen as f64 / crowd.span_s,
        crowd.cpu_s / crowd.span_s
    );
    if let Some(servers) = servers
        && let Some(cores) = servers.cores
    {
        text += &format!(
            ", the {} servers {:.2}, the leader {:.2}",
            servers.servers, cores.all, cores.leader
        );
    }
    text + ".\n"
}

fn traffic(traffic: &TrafficFigures) -> String {
    let mut text = format!(
        "IP kB and packets a second: the players sent {}",
        sent_and_received(&traffic.players)
    );
    if let Some(leader) = &traffic.leader {
        text += &format!("; the leader sent them {}", sent_and_received(leader));
    }
    if let Some(peers) = &traffic.leader_peers {
        text += &format!(", and the other servers {}", sent_and_received(peers));
    }
    text + ".\n"
}

fn joining(crowd: &CrowdResult) -> String {
    let mut text = format!("The players were together after {:.1} s", crowd.join_s());
    if crowd.rejoins > 0 {
        text += &format!(", {} joins were cut short and tried again", crowd.rejoins);
    }
    if crowd.leader_changes > 0 {
        let changes = crowd.leader_changes;
        text += &format!(", {changes} times a player was told of another leader");
    }
    text + ".\n"
}

fn sent_and_received(rates: &Rates) -> String {
    format!(
        "{:.0} in {:.0} and received {:.0} in {:.0}",
        rates.ip_bytes_sent_per_s / 1e3,
        rates.datagrams_sent_per_s,
        rates.ip_bytes_received_per_s / 1e3,
        rates.datagrams_received_per_s
    )
}

/// Nothing where nothing is known.
fn memory(figures: &Figures) -> String {
    let (before, end) = (figures.memory.before, figures.memory.end);
    let parts = [
        ("the leader", before.leader_bytes.zip(end.leader_bytes)),
        ("a follower", before.follower_bytes.zip(end.follower_bytes)),
        (
            "the players' processes",
            before.players_bytes.zip(end.players_bytes),
        ),
    ];
    let known = parts.into_iter().filter_map(|(who, held)| {
        let (before, end) = held?;
        let (before, end) = (megabytes(before as f64), megabytes(end as f64));
        Some(format!("{who} {before:.1} and {end:.1}"))
    });
    let known: Vec<_> = known.collect();
    if known.is_empty() {
        return String::new();
    }
    let known = known.join(", ");
    format!("MB before the first player and at the end: {known}.\n")
}

fn soak(soak: &SoakFigures) -> String {
    let mut table = Table::default();
    table.row([
        "MB",
        "first",
        "middle",
        "last",
        "a minute in the second half",
    ]);
    for process in &soak.processes {
        table.row(soak_row(process));
    }
    table.to_string()
}

fn soak_row(process: &ProcessFigures) -> [String; 5] {
    let samples = &process.curve.samples;
    let at = |place: usize| {
        let bytes = samples.get(place).map_or(0, |sample| sample.1);
        format!("{:.1}", megabytes(bytes as f64))
    };
    let trend = process.trend.map(|trend| {
        let a_minute = megabytes(60.0 * trend.bytes_per_s);
        format!("{a_minute:+.3}")
    });
    [
        process.curve.name.clone(),
        at(0),
        at(samples.len() / 2),
        at(samples.len().saturating_sub(1)),
        trend.unwrap_or_default(),
    ]
}

fn times_row(name: &str, times: &Times, what: &str) -> [String; 6] {
    let ms = |value: f64| format!("{value:.2}");
    [
        name.to_owned(),
        ms(times.mean_ms()),
        ms(times.quantile_ms(0.5)),
        ms(times.quantile_ms(0.99)),
        times.count().to_string(),
        what.to_owned(),
    ]
}

fn summary_row(name: &str, summary: &Summary, what: &str) -> [String; 6] {
    let ms = |us: u64| format!("{:.2}", us as f64 / 1e3);
    [
        name.to_owned(),
        ms(summary.mean_us),
        ms(summary.p50_us),
        ms(summary.p99_us),
        summary.count.to_string(),
        what.to_owned(),
    ]
}
