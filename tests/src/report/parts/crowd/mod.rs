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
        part::{Bench, Beside, Chapter, Part},
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
/// What is held against both lines: who writes what, of which the figures are, in words.
const WHOLE: [(Writes, &str, &str); 4] = [
    (
        Writes::Both,
        CONFIRMED,
        "confirmed operations, live ones beside them",
    ),
    (
        Writes::Both,
        LIVE,
        "live values, confirmed ones beside them",
    ),
    (Writes::Confirmed, CONFIRMED, "confirmed operations alone"),
    (Writes::Live, LIVE, "live values alone"),
];
const CONFIRMED: &str = "confirmed";
const LIVE: &str = "live";
/// What a confirmed operation goes through, in words.
const STAGES: [(&str, &str); 3] = [
    (
        "order",
        "until the leader has put it in its place, with the wait for the end of the writer's frame",
    ),
    ("commit", "for replication and publication"),
    ("apply", "until the reader's next frame"),
];
/// How many players write what, what says most first.
const STEPS: [(u32, Writes); 5] = [
    (PLAYERS, Writes::Both),
    (PLAYERS, Writes::Confirmed),
    (PLAYERS, Writes::Live),
    (20, Writes::Both),
    (50, Writes::Both),
];
/// How often crowds are measured that nothing is held against.
const REPETITIONS_OF_SMALL: u32 = 3;
/// How long one crowd may take. Past it there are too many players for this machine.
const TIME_MAX: Duration = Duration::from_secs(60);

/// What the players of a crowd write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    Both,
    Confirmed,
    Live,
}

impl Part for Crowd {
    fn name(&self) -> &'static str {
        "crowd"
    }

    fn measure(&self, bench: &mut Bench<'_>) -> Outcome {
        let steps = bench.by_length(&STEPS[..], &STEPS[..2], &[(3, Writes::Both)]);
        let of_small = bench.repetitions(REPETITIONS_OF_SMALL, 2);
        for (number, (players, writes)) in in_turn(steps, bench.repetitions(5, 2)) {
            if *players >= PLAYERS || number <= of_small {
                play(bench, *players, *writes, number)?;
            }
        }
        let more: &[u32] = bench.by_length(&[200, 400, 800], &[], &[]);
        for players in more {
            if !play(bench, *players, Writes::Both, 1)? {
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
Five servers agree, and every player writes one confirmed and one live operation of 1 KB a second in the same frame, or one of them alone, which all \
others see; their games have 90 frames a second and draw nothing. Players are this project's client and transport without an engine, in four processes; everything shares \
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

fn at(players: u32, writes: Writes) -> At {
    let all = [("players", players), ("servers", 5), ("bytes", 1024)];
    let all = all.map(|(key, number)| (key, number.to_string()));
    let alone = writes.alone().map(|lane| ("alone", lane.to_owned()));
    At::new(all.into_iter().chain(alone))
}

impl Writes {
    const fn alone(self) -> Option<&'static str> {
        match self {
            Self::Both => None,
            Self::Confirmed => Some(CONFIRMED),
            Self::Live => Some(LIVE),
        }
    }

    /// What `synced bench` is told for it.
    const fn argument(self) -> Option<(&'static str, u32)> {
        match self {
            Self::Both => None,
            Self::Confirmed => Some(("live-hz", 0)),
            Self::Live => Some(("confirmed-hz", 0)),
        }
    }
}

/// Plays once with so many. That they are too many is a result too: gives false, and remarks why.
fn play(bench: &mut Bench<'_>, players: u32, writes: Writes, number: u32) -> Outcome<bool> {
    let at = at(players, writes);
    bench.tell(&format!("{}, repetition {number}", at.words()));
    let folder = bench.folder(&players.to_string())?;
    let arguments = [("players", players), ("seconds", bench.by_length(3, 3, 1))];
    let arguments: Vec<_> = arguments.into_iter().chain(writes.argument()).collect();
    let watch = Watch::begin();
    let said = line::play(&arguments, TIME_MAX, &folder)?;
    let surroundings = watch.end();
    let broken = match &said {
        Said::Figures(line) => line.broken().map(str::to_owned),
        Said::NotInTime => Some(format!("not done within {} s", TIME_MAX.as_secs())),
    };
    if let Said::Figures(line) = said {
        bench.add(Repetition {
            at,
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

/// How a figure of a stage lies with a hundred players.
fn spread(found: &Findings, writes: Writes, stage: &str, figure: &str) -> Option<Spread> {
    found.spread(stage, &at(PLAYERS, writes), figure)
}

fn verdicts(found: &Findings) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (writes, stage, words) in WHOLE {
        for (figure, at_most) in FIGURES.into_iter().zip(AIM_MS) {
            verdicts.push(Verdict {
                what: format!("{PLAYERS} players, {words}: 1 KB, written until another sees it"),
                figure: figure.to_owned(),
                measured: spread(found, writes, stage, figure),
                unit: "ms",
                at_most,
                stopped_by: stopped_by(found, writes, stage, figure),
            });
        }
    }
    verdicts
}

fn stopped_by(found: &Findings, writes: Writes, lane: &str, figure: &str) -> String {
    let mut text =
        "it waits for the reader's next frame, 5.6 ms in the mean and up to 11.1 ms.".to_owned();
    if lane == CONFIRMED {
        text += &stages(found, writes, figure);
    } else if writes == Writes::Both {
        text +=
            " In a frame that proposes too it waits 4 ms, so that what is confirmed goes first.";
    }
    text
}

/// Where a confirmed operation was.
fn stages(found: &Findings, writes: Writes, figure: &str) -> String {
    let told = STAGES.into_iter().filter_map(|(stage, words)| {
        let spread = spread(found, writes, stage, figure)?;
        Some(format!("{:.2} ms {words}", spread.median))
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        return String::new();
    }
    format!(
        " It takes {}; each stage has its own {figure}.",
        told.join(", ")
    )
}

/// What was measured, by the line to beat.
fn beside_line(found: &Findings) -> Vec<(&'static str, [f64; 2])> {
    let told = WHOLE.into_iter().filter_map(|(writes, stage, words)| {
        let median = |figure| Some(spread(found, writes, stage, figure)?.median);
        let [mean, p99] = FIGURES.map(median);
        let [mean_line, p99_line] = BEAT_MS;
        Some((words, [mean? / mean_line, p99? / p99_line]))
    });
    told.collect()
}

fn ratios(found: &Findings) -> Vec<Beside> {
    let told = beside_line(found)
        .into_iter()
        .map(|(words, [mean, p99])| Beside {
            what: format!(
                "{PLAYERS} players, by the line to beat (16.5 ms in the mean, 22 at p99)"
            ),
            figure: format!("{words}:"),
            value: format!("{mean:.2} and {p99:.2}"),
        });
    told.collect()
}

fn losses(found: &Findings) -> Vec<String> {
    let mut losses = Vec::new();
    for (words, ratios) in beside_line(found) {
        for (figure, ratio) in FIGURES.into_iter().zip(ratios) {
            if ratio > 1.0 {
                losses.push(format!(
                    "{PLAYERS} players, {words}, {figure}: {ratio:.2} times the line to beat"
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
            "- {} players{}: they took {players:.2} cores and the servers {servers:.2}; at p99 their frames were {late:.1} ms late.\n",
            at.get("players")?,
            at.get("alone").map_or_else(String::new, |lane| format!(", {lane} alone")),
        ))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::tests::measured;

    fn found() -> Findings {
        let [at, alone] = [Writes::Both, Writes::Confirmed].map(|writes| at(PLAYERS, writes));
        measured(&[
            ("live", &at, "mean", 4.0),
            ("live", &at, "p99", 17.0),
            ("confirmed", &at, "mean", 33.0),
            ("confirmed", &at, "p99", 11.0),
            ("confirmed", &alone, "mean", 7.0),
            (ALL_PLAYERS, &at, "cores", 1.25),
            (ALL_SERVERS, &at, "cores", 0.5),
            ("frame late", &at, "p99", 7.0),
        ])
    }

    #[test]
    fn each_lane_is_held_against_what_is_aimed_at_beside_the_other_and_alone() {
        let verdicts = verdicts(&found());
        let told: Vec<_> = verdicts.iter().map(Verdict::to_string).collect();
        let [missed, met, not] = ["missed by 25.00 ms (312 %)", "met", "not measured"];
        let live = "missed by 1.00 ms (6 %)";
        assert_eq!(told, [missed, met, met, live, met, not, not, not]);
        assert!(verdicts[0].stopped_by.contains("11.1 ms"));
    }

    #[test]
    fn both_lanes_are_compared_with_the_line_to_beat() {
        let ratios = ratios(&found());
        assert_eq!(ratios[0].value, "2.00 and 0.50");
        assert_eq!(ratios[1].value, "0.24 and 0.77");
        let [loss] = &losses(&found())[..] else {
            panic!("{:?}", losses(&found()));
        };
        assert!(
            loss.starts_with("100 players, confirmed operations"),
            "{loss}"
        );
        assert!(
            loss.ends_with("mean: 2.00 times the line to beat"),
            "{loss}"
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
