//! What was measured, for whoever looks at it.

use synced_bench::Times;
use synced_protocol::stage::Summary;

use super::figures::Figures;
use crate::table::Table;

/// A table for each crowd.
pub(super) fn of(all: &[Figures]) -> String {
    let tables: Vec<_> = all.iter().map(one).collect();
    tables.join("\n")
}

fn one(figures: &Figures) -> String {
    let crowd = &figures.crowd;
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
        table.row(times_row(name, times, what));
    }
    if let Some(servers) = &figures.servers {
        for (name, summary, what) in [
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
        ] {
            table.row(summary_row(name, summary, what));
        }
    }
    format!("{}\n{table}{}", heading(figures), costs(figures))
}

fn heading(figures: &Figures) -> String {
    let crowd = &figures.crowd;
    let rate = |made: u64| made as f64 / crowd.span_s;
    format!(
        "{} players, {:.0} s: {:.0} confirmed operations and {:.0} live ones a second, each seen by all",
        crowd.players,
        crowd.span_s,
        rate(crowd.confirmed_made),
        rate(crowd.live_made)
    )
}

fn costs(figures: &Figures) -> String {
    let crowd = &figures.crowd;
    let seen = crowd.confirmed.whole.count() + crowd.live.count();
    let mut text = format!(
        "{:.0} a second were seen; the players' processes took {:.2} cores",
        seen as f64 / crowd.span_s,
        crowd.cpu_s / crowd.span_s
    );
    if let Some(servers) = &figures.servers
        && let Some(cores) = servers.cores
    {
        text += &format!(
            ", the {} servers {:.2}, the leader {:.2}",
            servers.servers, cores.all, cores.leader
        );
    }
    text + ".\n"
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
