//! A long time on five servers: whether any process holds ever more memory.

use std::time::Duration;

use super::crowd::line::{self, Line as Played};
use crate::{
    Outcome,
    peers::meter::Watch,
    report::{
        child::Said,
        findings::Findings,
        part::{Bench, Chapter, Length, Part},
        plot::{Axes, Line, Plot, Point, lines},
        sample::{At, Repetition, Value},
        tables,
        verdict::Verdict,
    },
};

/// The part.
pub(super) struct Soak;

const PLAYERS: u32 = 20;
/// As many of each player as fill, in the first half, what servers keep of the past on purpose.
const CONFIRMED_HZ: u32 = 6;
const SECONDS: u32 = 30 * 60;
const SECONDS_SMALLEST: u32 = 4;
/// How much longer than that it may take to begin and to end.
const AROUND: Duration = Duration::from_secs(120);
/// After which thirtieths of the time memory is told.
const LOOKS: [u32; 7] = [1, 2, 4, 8, 15, 22, LOOKS_SPAN];
const LOOKS_SPAN: u32 = 30;
const MEMORY: &str = "memory";
const GROWTH: &str = "growth in the second half";
/// By how much a process may grow in the second half, which is what an allocator keeps for later.
const GROWTH_MB_MAX: f64 = 4.0;

const ABOUT: &str = "\
Twenty players on five servers, each with six confirmed operations of 1 KB and a live one a second, everything seen by everybody and \
checked: one that is lost, or seen out of order, would be told here. Memory is resident memory. Servers keep of the past what fits their \
limits (log, newest frames, the cache of the database), which is full in the first half; *growth in the second half* is by how much the \
line rises there that lies closest to a sample a second (least squares). Measured only with `--soak`, since it takes half an hour.";

impl Part for Soak {
    fn name(&self) -> &'static str {
        "soak"
    }

    fn is_extra(&self) -> bool {
        true
    }

    fn measure(&self, bench: &mut Bench<'_>) -> Outcome {
        let seconds = if bench.length == Length::Smallest {
            SECONDS_SMALLEST
        } else {
            SECONDS
        };
        bench.tell(&format!("{seconds} s"));
        let arguments = [
            ("soak", format!("{seconds}s")),
            ("players", PLAYERS.to_string()),
            ("confirmed-hz", CONFIRMED_HZ.to_string()),
        ];
        let folder = bench.folder("crowd")?;
        let watch = Watch::begin();
        let time_max = Duration::from_secs(seconds.into()) + AROUND;
        let said = line::play(&arguments, time_max, &folder)?;
        let surroundings = watch.end();
        let Said::Figures(played) = said else {
            bench.remark(format!("It was not done {} s later.", AROUND.as_secs()));
            return Ok(());
        };
        if let Some(why) = played.broken() {
            bench.remark(format!("It did not hold: {why}."));
        }
        let mut looks: Vec<_> = LOOKS.map(|look| look * seconds / LOOKS_SPAN).into();
        looks.retain(|&second| second > 0);
        looks.dedup();
        let held = looks
            .into_iter()
            .map(|second| (at(second), held_at(&played, second)));
        let all = held.chain([(at_all(seconds), values(&played, seconds))]);
        for (at, values) in all {
            bench.add(Repetition {
                at,
                number: 1,
                values,
                surroundings,
            });
        }
        Ok(())
    }

    fn chapter(&self, found: &Findings) -> Outcome<Chapter> {
        let of_all = found.only(|sample| sample.at.get("seconds").is_some());
        let over_time = found.only(|sample| sample.at.get("second").is_some());
        Ok(Chapter {
            title: "Half an hour".to_owned(),
            text: format!(
                "{ABOUT}\n\n{}\n{}",
                tables::by_settings(&of_all),
                tables::across(&over_time)
            ),
            plots: plot(&over_time)?.into_iter().collect(),
            verdicts: verdict(&of_all).into_iter().collect(),
            ..Chapter::default()
        })
    }
}

fn at(second: u32) -> At {
    At::new([("second", second)])
}

fn at_all(seconds: u32) -> At {
    At::new([("players", PLAYERS), ("servers", 5), ("seconds", seconds)])
}

fn held_at(played: &Played, second: u32) -> Vec<Value> {
    let held = played.held_at(second.into());
    held.map(|(process, bytes)| Value::new(process, MEMORY, "MB", bytes as f64 / 1e6))
        .collect()
}

fn values(played: &Played, seconds: u32) -> Vec<Value> {
    let growth = played.growth();
    let growth = growth.map(|(process, bytes)| Value::new(process, GROWTH, "MB", bytes / 1e6));
    let seen = played.confirmed_seen() as f64 / f64::from(seconds);
    let seen = Value::new(line::ALL_PLAYERS, "confirmed operations seen", "1/s", seen);
    growth.chain([seen]).chain(played.stages()).collect()
}

/// Of the process that grows most.
fn verdict(of_all: &Findings) -> Option<Verdict> {
    let series = of_all.series();
    let grown = series.iter().filter(|one| one.first.figure == GROWTH);
    let most = grown.max_by(|a, b| a.spread.median.total_cmp(&b.spread.median))?;
    let minutes = most.first.at.number("seconds")? / 60.0;
    Some(Verdict {
        what: format!(
            "{PLAYERS} players for {minutes:.0} minutes: memory of the process that grows most, {}",
            most.first.subject
        ),
        figure: GROWTH.to_owned(),
        measured: Some(most.spread),
        unit: "MB",
        at_most: GROWTH_MB_MAX,
        stopped_by: String::new(),
    })
}

fn plot(over_time: &Findings) -> Outcome<Option<Plot>> {
    let mut all: Vec<Line> = Vec::new();
    for one in over_time.series() {
        let Some(second) = one.first.at.number("second") else {
            continue;
        };
        let point = Point {
            x: second / 60.0,
            y: one.spread,
        };
        match all.iter_mut().find(|line| line.name == one.first.subject) {
            Some(line) => line.points.push(point),
            None => all.push(Line {
                name: one.first.subject.clone(),
                points: vec![point],
            }),
        }
    }
    if all.is_empty() {
        return Ok(None);
    }
    let title = "Memory of each process over half an hour";
    let axes = Axes {
        title,
        x: "minutes",
        y: "MB",
        log_y: false,
    };
    Ok(Some(Plot {
        svg: lines(axes, &all)?,
        file: "memory-over-time.svg".to_owned(),
        title: title.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::tests::measured;

    const PLAYED: &str = r#"{"players": 20, "crowd": null, "servers": null, "memory": {"before": {}, "end": {}}, "traffic": null,
        "soak": {"span_s": 4.0, "processes": [
            {"name": "server 1", "samples": [[0.0, 1000000], [1.0, 3000000], [3.0, 9000000]],
             "trend": {"bytes_per_s": 2.0, "growth_bytes": 5000000.0, "mean_bytes": 1.0}, "growth_bytes_max": 4000000.0},
            {"name": "players 1", "samples": [[0.0, 7000000]], "trend": null, "growth_bytes_max": 4000000.0}]},
        "broken": null}"#;

    #[test]
    fn each_process_is_told_by_the_last_sample_until_then() {
        let played: Played = serde_json::from_str(PLAYED).unwrap();
        let told = |second| {
            let values = held_at(&played, second).into_iter();
            values
                .map(|value| (value.subject, value.value))
                .collect::<Vec<_>>()
        };
        let [server, players] = ["server 1", "players 1"].map(str::to_owned);
        assert_eq!(told(2), [(server.clone(), 3.0), (players.clone(), 7.0)]);
        assert_eq!(told(4), [(server, 9.0), (players, 7.0)]);
        let values = values(&played, 4);
        let growth: Vec<_> = values
            .iter()
            .filter(|value| value.figure == GROWTH)
            .collect();
        assert_eq!(growth.len(), 1, "{growth:?}");
        assert_eq!(growth[0].value, 5.0);
    }

    #[test]
    fn the_process_that_grows_most_is_judged_and_every_one_is_drawn() {
        let (all, early, late) = (at_all(1_800), at(60), at(1_800));
        let found = measured(&[
            ("server 1", &early, MEMORY, 20.0),
            ("server 2", &early, MEMORY, 21.0),
            ("server 1", &late, MEMORY, 90.0),
            ("server 2", &late, MEMORY, 95.5),
            ("server 1", &all, GROWTH, 0.5),
            ("server 2", &all, GROWTH, 4.5),
        ]);
        let chapter = Soak.chapter(&found).unwrap();
        let [verdict] = &chapter.verdicts[..] else {
            panic!("{:?}", chapter.verdicts);
        };
        assert!(
            verdict.is_missed()
                && verdict
                    .what
                    .contains("30 minutes: memory of the process that grows most, server 2")
        );
        for text in ["server 1", "server 2", "95.5", "minutes"] {
            assert!(chapter.plots[0].svg.contains(text), "no {text}");
        }
    }
}
