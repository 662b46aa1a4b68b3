//! A crowd of players on five servers, stage by stage: the line to beat, and where it breaks.

mod drawn;
pub(super) mod line;

use std::time::Duration;

use crate::{
    Outcome,
    peers::{Spread, meter::Watch},
    report::{
        child::Said,
        findings::Findings,
        part::{Bench, Chapter, Part},
        sample::{At, Repetition, Sample},
        tables,
        turns::in_turn,
        verdict::Verdict,
    },
};

use line::{ALL_PLAYERS, ALL_SERVERS};

/// The part.
pub(super) struct Crowd;

/// How many players the line to beat has.
const PLAYERS: u32 = 100;
/// The line to beat without its 10 ms of rendering, in milliseconds: mean and p99.
const BEAT_MS: [f64; 2] = [16.5, 22.0];
/// What is aimed at, likewise.
const AIM_MS: [f64; 2] = [8.0, 16.0];
const FIGURES: [&str; 2] = ["mean", "p99"];
/// What is held against both lines.
const WHOLE: [(&str, &str); 2] = [
    (
        "live",
        "a live value of 1 KB, written until another sees it",
    ),
    (
        "confirmed",
        "a confirmed operation of 1 KB, written until another sees it",
    ),
];
/// How often crowds are measured that nothing is held against.
const REPETITIONS_OF_SMALL: u32 = 3;
/// How long one crowd may take. Past it there are too many players for this machine.
const TIME_MAX: Duration = Duration::from_secs(60);

impl Part for Crowd {
    fn name(&self) -> &'static str {
        "crowd"
    }

    fn measure(&self, bench: &mut Bench<'_>) -> Outcome {
        let steps: &[u32] = bench.by_length(&[PLAYERS, 20, 50], &[PLAYERS], &[3]);
        for (number, players) in in_turn(steps, bench.by_length(5, 2, 1)) {
            if *players >= PLAYERS || number <= REPETITIONS_OF_SMALL {
                play(bench, *players, number)?;
            }
        }
        let more: &[u32] = bench.by_length(&[200, 400, 800], &[], &[]);
        for players in more {
            if !play(bench, *players, 1)? {
                bench.remark("Nothing beyond that was tried.");
                break;
            }
        }
        Ok(())
    }

    fn chapter(&self, found: &Findings) -> Outcome<Chapter> {
        Ok(Chapter {
            title: "A crowd on five servers".to_owned(),
            text: format!(
                "{ABOUT}\n\n{}\n{}\n{}",
                tables::by_settings(&found.only(is_time)),
                strain(found),
                tables::across(&found.only(|sample| !is_time(sample)))
            ),
            plots: drawn::plots(found)?,
            verdicts: verdicts(found),
            ratios: ratios(found),
            compared: FIGURES.len() * beside_line(found).len(),
            losses: losses(found),
        })
    }
}

const ABOUT: &str = "\
Five servers agree, and every player writes one confirmed and one live operation of 1 KB a second, which all others see; their games have \
90 frames a second and draw nothing. Players are this project's client and transport without an engine, in four processes; everything shares \
this machine. A confirmed operation is *ordered* when the leader has put it in its place (the wait for the end of the writer's frame is in it), \
*committed* when its commit has arrived at another player (replication and publication), *applied* when a frame of that player has read it; \
*confirmed* is all three. *own* is the way back to the writer, *live* that of a live value to another player's frame. *propagation*, *leader* and \
*replication* are the servers' own words, since their start: a live datagram until it is with the leader, one turn of the leader's work, an \
entry until a quorum has it. *frame late* is by how much the players' frames came late: where that is milliseconds, the machine is too small \
for the crowd, and every latency has it in it twice. Memory is what is resident, before the first player and at the end.

The line to beat is 26.5 ms in the mean and 32 ms at p99, with 10 ms of rendering in it: 16.5 and 22 ms without.";

fn is_time(sample: &Sample) -> bool {
    sample.unit == "ms"
}

fn at(players: u32) -> At {
    At::new([("players", players), ("servers", 5), ("bytes", 1024)])
}

/// Plays once with so many. That they are too many is a result too: gives false, and remarks why.
fn play(bench: &mut Bench<'_>, players: u32, number: u32) -> Outcome<bool> {
    bench.tell(&format!("{players} players, repetition {number}"));
    let folder = bench.folder(&players.to_string())?;
    let arguments = [("players", players), ("seconds", bench.by_length(3, 3, 1))];
    let watch = Watch::begin();
    let said = line::play(&arguments, TIME_MAX, &folder)?;
    let surroundings = watch.end();
    let broken = match &said {
        Said::Figures(line) => line.broken().map(str::to_owned),
        Said::NotInTime => Some(format!("not done within {} s", TIME_MAX.as_secs())),
    };
    if let Said::Figures(line) = said {
        bench.add(Repetition {
            at: at(players),
            number,
            values: [line.stages(), line.costs()].concat(),
            surroundings,
        });
    }
    if let Some(why) = &broken {
        bench.tell(&format!("it does not hold: {why}"));
        bench.remark(format!(
            "{players} players, repetition {number}, were too many for this machine: {why}."
        ));
    }
    Ok(broken.is_none())
}

/// How a figure of a stage lies with so many players.
fn spread(found: &Findings, players: u32, stage: &str, figure: &str) -> Option<Spread> {
    let at = found.where_is("players", players.into());
    found.spread(stage, at.first()?, figure)
}

fn verdicts(found: &Findings) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (stage, what) in WHOLE {
        for (figure, at_most) in FIGURES.into_iter().zip(AIM_MS) {
            verdicts.push(Verdict {
                what: format!("{PLAYERS} players, {what}: {figure}"),
                measured: spread(found, PLAYERS, stage, figure),
                unit: "ms",
                at_most,
            });
        }
    }
    verdicts
}

/// Of each lane its figures by the line to beat.
fn beside_line(found: &Findings) -> Vec<(&'static str, [f64; 2])> {
    let told = WHOLE.into_iter().filter_map(|(stage, _)| {
        let median = |figure| Some(spread(found, PLAYERS, stage, figure)?.median);
        let [mean, p99] = FIGURES.map(median);
        let [mean_line, p99_line] = BEAT_MS;
        Some((stage, [mean? / mean_line, p99? / p99_line]))
    });
    told.collect()
}

fn ratios(found: &Findings) -> Vec<(String, String)> {
    let told = beside_line(found).into_iter().map(|(stage, [mean, p99])| {
        let what = format!("{PLAYERS} players, {stage}, by the line to beat (16.5 and 22 ms)");
        (what, format!("mean {mean:.2}, p99 {p99:.2}"))
    });
    told.collect()
}

fn losses(found: &Findings) -> Vec<String> {
    let mut losses = Vec::new();
    for (stage, ratios) in beside_line(found) {
        for (figure, ratio) in FIGURES.into_iter().zip(ratios) {
            if ratio > 1.0 {
                losses.push(format!(
                    "{PLAYERS} players, {stage}, {figure}: {ratio:.2} times the line to beat"
                ));
            }
        }
    }
    losses
}

/// What each crowd asks of the machine: where that is all of it, the rest is waiting.
fn strain(found: &Findings) -> String {
    let told = found.settings().into_iter().filter_map(|at| {
        let of = |subject, figure| Some(found.spread(subject, at, figure)?.median);
        let (players, servers) = (of(ALL_PLAYERS, "cores")?, of(ALL_SERVERS, "cores")?);
        let late = of("frame late", "p99")?;
        Some(format!(
            "- {} players: they took {players:.2} cores and the servers {servers:.2}; at p99 their frames were {late:.1} ms late.\n",
            at.get("players")?
        ))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::tests::measured;

    fn found() -> Findings {
        let at = at(PLAYERS);
        measured(&[
            ("live", &at, "mean", 4.0),
            ("live", &at, "p99", 17.0),
            ("confirmed", &at, "mean", 33.0),
            ("confirmed", &at, "p99", 11.0),
            (ALL_PLAYERS, &at, "cores", 1.25),
            (ALL_SERVERS, &at, "cores", 0.5),
            ("frame late", &at, "p99", 7.0),
        ])
    }

    #[test]
    fn both_lanes_are_held_against_what_is_aimed_at() {
        let verdicts: Vec<_> = verdicts(&found()).iter().map(Verdict::to_string).collect();
        assert_eq!(
            verdicts,
            [
                "met",
                "missed by 1.00 ms (6 %)",
                "missed by 25.00 ms (312 %)",
                "met"
            ]
        );
    }

    #[test]
    fn both_lanes_are_compared_with_the_line_to_beat() {
        let ratios = ratios(&found());
        assert_eq!(ratios[0].1, "mean 0.24, p99 0.77");
        assert_eq!(ratios[1].1, "mean 2.00, p99 0.50");
        assert_eq!(
            losses(&found()),
            ["100 players, confirmed, mean: 2.00 times the line to beat"]
        );
        assert!(super::ratios(&Findings::default()).is_empty());
    }

    #[test]
    fn what_a_crowd_asks_of_the_machine_is_told() {
        let text = strain(&found());
        assert!(
            text.contains("100 players: they took 1.25 cores and the servers 0.50"),
            "{text}"
        );
    }
}
