//! The crowd's plots.

use super::{AIM_MS, BEAT_MS, CONFIRMED, FIGURES, LIVE, PLAYERS, STAGES, Writes, spread};
use crate::{
    Outcome,
    peers::Spread,
    report::{
        findings::Findings,
        plot::{Axes, Bar, Line, Plot, Point, lines, stacked},
    },
};

/// The stages of the line to beat, in milliseconds, without rendering.
const BEAT_STAGES_MS: [(&str, f64); 5] = [
    ("capture", 2.0),
    ("propagation", 0.5),
    ("leader", 4.0),
    ("replication", 2.0),
    ("apply", 8.0),
];

/// Those of what was measured.
pub(super) fn plots(found: &Findings) -> Outcome<Vec<Plot>> {
    let (stages, growth) = (by_stage(found)?, by_players(found)?);
    Ok(stages.into_iter().chain(growth).collect())
}

fn by_stage(found: &Findings) -> Outcome<Option<Plot>> {
    let confirmed = STAGES.map(|(stage, _)| Some((stage, median(found, stage, "mean")?)));
    let confirmed: Option<Vec<_>> = confirmed.into_iter().collect();
    let live = median(found, LIVE, "mean").map(|mean| vec![(LIVE, mean)]);
    let (Some(confirmed), Some(live)) = (confirmed, live) else {
        return Ok(None);
    };
    let bars = [
        bar("the line to beat", &BEAT_STAGES_MS, Some(BEAT_MS[1])),
        bar(CONFIRMED, &confirmed, median(found, CONFIRMED, "p99")),
        bar(LIVE, &live, median(found, LIVE, "p99")),
    ];
    let title = format!("{PLAYERS} players on five servers: latency by stage, without rendering");
    Ok(Some(Plot {
        svg: stacked(&title, "milliseconds, mean; the mark is p99", &bars)?,
        file: "latency-by-stage.svg".to_owned(),
        title,
    }))
}

fn by_players(found: &Findings) -> Outcome<Option<Plot>> {
    let mut all: Vec<_> = [CONFIRMED, LIVE]
        .into_iter()
        .flat_map(|stage| FIGURES.map(|figure| line(found, stage, figure)))
        .filter(|line| !line.points.is_empty())
        .collect();
    let Some(first) = all.first() else {
        return Ok(None);
    };
    let aim = first.points.iter().map(|point| Point {
        x: point.x,
        y: Spread::of([AIM_MS[1]]),
    });
    let aim = Line {
        name: "aimed at: p99".to_owned(),
        points: aim.collect(),
    };
    all.push(aim);
    let title = "Latency by the number of players".to_owned();
    let axes = Axes {
        title: &title,
        x: "players",
        y: "milliseconds",
        log_y: true,
    };
    Ok(Some(Plot {
        svg: lines(axes, &all)?,
        file: "latency-by-players.svg".to_owned(),
        title,
    }))
}

fn line(found: &Findings, stage: &str, figure: &str) -> Line {
    let point = |at: &crate::report::sample::At| {
        Some(Point {
            x: at.number("players")?,
            y: found.spread(stage, at, figure)?,
        })
    };
    let settings = found.settings().into_iter();
    let both = settings.filter(|at| at.get("alone").is_none());
    let mut points: Vec<_> = both.filter_map(point).collect();
    points.sort_by(|one, other| one.x.total_cmp(&other.x));
    Line {
        name: format!("{stage}, {figure}"),
        points,
    }
}

fn median(found: &Findings, stage: &str, figure: &str) -> Option<f64> {
    Some(spread(found, Writes::Both, stage, figure)?.median)
}

fn bar(name: &str, parts: &[(&str, f64)], p99: Option<f64>) -> Bar {
    let parts = parts.iter().map(|(name, ms)| ((*name).to_owned(), *ms));
    Bar {
        name: name.to_owned(),
        parts: parts.collect(),
        mark: p99.map(|p99| ("p99".to_owned(), p99)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::tests::measured;

    #[test]
    fn stages_stand_beside_the_line_to_beat_and_growth_has_every_step() {
        let [few, many] = [20, PLAYERS].map(|players| super::super::at(players, Writes::Both));
        let found = measured(&[
            ("order", &many, "mean", 2.5),
            ("commit", &many, "mean", 1.5),
            ("apply", &many, "mean", 3.0),
            ("confirmed", &many, "p99", 12.0),
            ("live", &many, "mean", 6.5),
            ("live", &many, "p99", 13.0),
            ("live", &few, "p99", 4.5),
        ]);
        let plots = plots(&found).unwrap();
        let [stages, growth] = &plots[..] else {
            panic!("{plots:?}");
        };
        for text in [
            "capture 2 + propagation 0.5 + leader 4 + replication 2 + apply 8 = 16.5, p99 22",
            "order 2.5 + commit 1.5 + apply 3 = 7, p99 12",
            "live 6.5, p99 13",
        ] {
            assert!(stages.svg.contains(text), "no {text} in {}", stages.svg);
        }
        for text in ["live, p99", "4.5", "13", "aimed at: p99", "16"] {
            assert!(growth.svg.contains(text), "no {text} in {}", growth.svg);
        }
    }

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        assert!(plots(&Findings::default()).unwrap().is_empty());
    }
}
