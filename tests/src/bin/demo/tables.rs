//! What is shown of a session.

use crate::{
    band::Ended,
    report::{PlayerStats, Stage},
    session::Played,
    table::Table,
};

const NONE: &str = "-";

/// How long each stage took, on both lanes.
pub(crate) fn stages(played: &Played) -> String {
    let over = |stage: fn(&PlayerStats) -> Stage| Spread::over(played, stage);
    let server = |stage: Stage| Spread::of(&[stage]);
    let leader = server(played.server.leader);
    let mut table = Table::default();
    table.row([
        "stage, in ms",
        "live p50",
        "live p99",
        "confirmed p50",
        "confirmed p99",
        "",
    ]);
    for (stage, live, confirmed, meaning) in [
        (
            "capture",
            over(|stats| stats.client.capture),
            None,
            "a hand's sample, until it is sent",
        ),
        (
            "propagation",
            server(played.server.node.propagation),
            None,
            "from the player to the leader",
        ),
        ("leader", leader, leader, "the server's own work on it"),
        (
            "publish",
            over(|stats| stats.client.relay),
            over(|stats| stats.client.publish),
            "from the leader to each player",
        ),
        (
            "apply",
            None,
            over(|stats| stats.frame.apply),
            "until it is in the scene, in the next frame",
        ),
        (
            "whole",
            None,
            over(|stats| stats.client.confirm),
            "a proposal, until its confirmation is back",
        ),
    ] {
        let [live, confirmed] = [live, confirmed]
            .map(|spread| spread.map_or([NONE.to_owned(), NONE.to_owned()], Spread::cells));
        let cells = [vec![stage.to_owned()], live.into(), confirmed.into()].concat();
        table.row(cells.into_iter().chain([format!("{meaning:<44}")]));
    }
    let note = "Of those who played from the beginning: the middle one's p50, the slowest one's p99. Live values are shown late on purpose, by as much as the\n\
                way from their player needs, so that what comes late still counts; for them there is no stage of applying.";
    format!("How long each stage took\n\n{table}\n{note}\n")
}

/// What each player did, and what it cost.
pub(crate) fn players(played: &Played) -> String {
    let mut table = Table::default();
    table.row([
        "player",
        "kB/s up",
        "kB/s down",
        "datagrams",
        "lost",
        "healed",
        "packets lost",
        "frame p50 ms",
        "p99 ms",
        "grabs",
        "digest",
    ]);
    for player in played.all() {
        table.row(player_row(player));
    }
    let note = "A lost datagram is healed when the next one repeats what was in it. A frame's time is what the extension takes of the\n\
                main thread. Grabs: won, and lost to somebody who was first.";
    format!("What each player sent, received and did\n\n{table}\n{note}\n")
}

fn player_row(
    Ended {
        name,
        report,
        played,
    }: &Ended,
) -> Vec<String> {
    let stats = &report.stats;
    let rate = |bytes: u64| format!("{:.1}", bytes as f64 / 1e3 / played.as_secs_f64().max(0.1));
    let counters = &stats.client.counters;
    let [p50, p99] =
        Spread::of(&[stats.frame.time]).map_or([NONE.to_owned(), NONE.to_owned()], Spread::cells);
    vec![
        name.clone(),
        rate(stats.transport.bytes_sent),
        rate(stats.transport.bytes_received),
        counters.live_received.to_string(),
        counters.live_lost.to_string(),
        counters.live_healed.to_string(),
        stats.transport.packets_lost.to_string(),
        p50,
        p99,
        format!(
            "{} + {}",
            report.count("grabs_won"),
            report.count("grabs_lost")
        ),
        short_digest(&report.digest),
    ]
}

/// As hexadecimal digits, the way logs and statistics show it.
fn short_digest(digest: &str) -> String {
    digest
        .parse::<i64>()
        .map_or_else(|_| digest.to_owned(), |number| format!("{number:016x}"))
}

/// The middle one's p50 and the slowest one's p99.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spread {
    p50_us: u64,
    p99_us: u64,
}

impl Spread {
    /// The one who joins late may draw, which makes frames of a second where there is no graphics card.
    fn over(played: &Played, stage: fn(&PlayerStats) -> Stage) -> Option<Self> {
        let stages: Vec<_> = played
            .players
            .iter()
            .map(|player| stage(&player.report.stats))
            .collect();
        Self::of(&stages)
    }

    /// `None` when nobody measured anything.
    fn of(stages: &[Stage]) -> Option<Self> {
        let measured = stages.iter().filter(|stage| stage.count > 0);
        let mut middles: Vec<_> = measured.clone().map(|stage| stage.p50_us).collect();
        middles.sort_unstable();
        Some(Self {
            p50_us: *middles.get(middles.len() / 2)?,
            p99_us: measured.map(|stage| stage.p99_us).max()?,
        })
    }

    fn cells(self) -> [String; 2] {
        [self.p50_us, self.p99_us].map(|us| format!("{:.3}", us as f64 / 1e3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_players_the_middle_one_and_the_slowest_one_count() {
        let stage = |count, p50_us, p99_us| Stage {
            count,
            p50_us,
            p99_us,
        };
        let spread = Spread::of(&[
            stage(9, 30, 40),
            stage(9, 10, 90),
            stage(0, 0, 0),
            stage(9, 20, 50),
        ]);
        assert_eq!(
            spread,
            Some(Spread {
                p50_us: 20,
                p99_us: 90
            })
        );
        assert_eq!(Spread::of(&[stage(0, 0, 0)]), None);
    }

    #[test]
    fn a_digest_is_shown_as_it_is_elsewhere() {
        assert_eq!(short_digest("-1"), "ffffffffffffffff");
        assert_eq!(short_digest("255"), "00000000000000ff");
    }
}
