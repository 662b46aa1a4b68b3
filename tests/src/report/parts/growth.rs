//! How cost grows with players, nodes and properties.

use std::{fmt::Write as _, time::Duration};

use super::crowd::line::{self, ALL_PLAYERS, LEADER};
use crate::{
    Outcome,
    peers::meter::Watch,
    report::{
        child::Said,
        findings::Findings,
        part::{Bench, Chapter, Part},
        plot::{Axes, Line, Plot, Point, lines},
        sample::{At, Repetition},
        slope, tables,
        turns::in_turn,
    },
};

/// The part.
pub(super) struct Growth;

/// What there is of each: players, nodes at rest, properties of each of these.
type Size = [u32; 3];

/// By what there is more of it.
const KEYS: [&str; 3] = ["players", "world-nodes", "world-properties"];
/// What the others are while one grows.
const BASE: Size = [10, 1_000, 1];
/// What may grow: whose, which, and its unit.
const COSTS: [(&str, &str, &str); 6] = [
    (LEADER, "cores", "cores"),
    (ALL_PLAYERS, "cores", "cores"),
    (LEADER, "sent", "IP kB/s"),
    (LEADER, "memory", "MB"),
    (ALL_PLAYERS, "memory", "MB"),
    (ALL_PLAYERS, "join", "s"),
];
/// How long one run may take.
const TIME_MAX: Duration = Duration::from_secs(90);

const ABOUT: &str = "\
A crowd as above, on five servers, in a world of nodes at rest. One of the numbers of players, nodes and properties of a node grows at a time; \
the others stay at 10 players, 1,000 nodes and one property. The exponent *s* is that of the power law cost = c * size^s that lies closest to the medians \
(least squares of the logarithms): 0 is a cost that does not grow, 1 one that grows in step, 2 one with the square. Every player writes to \
every other, so that what all of them see grows with the square of their number. Memory is resident memory; what is said of one player or node is \
the difference between the largest and the smallest run, by the difference in number, without what processes hold before the first player.";

impl Part for Growth {
    fn name(&self) -> &'static str {
        "growth"
    }

    fn measure(&self, bench: &mut Bench<'_>) -> Outcome {
        let all = [
            [1, 1_000, 1],
            BASE,
            [100, 1_000, 1],
            [10, 100, 1],
            [10, 10_000, 1],
            [10, 1_000, 10],
            [10, 1_000, 60],
        ];
        let sizes: &[Size] = bench.by_length(&all, &all[1..3], &[[2, 10, 1]]);
        let seconds = bench.by_length(3, 3, 1);
        for (number, size) in in_turn(sizes, bench.repetitions(1, 1)) {
            grow(bench, *size, number, seconds)?;
        }
        Ok(())
    }

    fn chapter(&self, found: &Findings) -> Outcome<Chapter> {
        Ok(Chapter {
            title: "How cost grows".to_owned(),
            text: format!(
                "{ABOUT}\n\n{}\n{}\n{}",
                exponents(found),
                each(found),
                tables::across(found)
            ),
            plots: KEYS
                .into_iter()
                .filter_map(|key| plot(found, key).transpose())
                .collect::<Outcome<_>>()?,
            ..Chapter::default()
        })
    }
}

/// Plays once with so much; that it is too much is a result too.
fn grow(bench: &mut Bench<'_>, size: Size, number: u32, seconds: u32) -> Outcome {
    bench.tell(&format!("{}, repetition {number}", at(size)));
    let arguments = [("seconds", seconds)].into_iter().chain(settings(size));
    let arguments: Vec<_> = arguments.collect();
    let folder = bench.folder("crowd")?;
    let watch = Watch::begin();
    let said = line::play(&arguments, TIME_MAX, &folder)?;
    let surroundings = watch.end();
    let Said::Figures(line) = said else {
        let seconds = TIME_MAX.as_secs();
        bench.remark(format!("{} was not done within {seconds} s.", at(size)));
        return Ok(());
    };
    if let Some(why) = line.broken() {
        bench.remark(format!(
            "{} was too much for this machine: {why}.",
            at(size)
        ));
    }
    bench.add(Repetition {
        at: at(size),
        number,
        values: line.costs(),
        surroundings,
    });
    Ok(())
}

fn settings(size: Size) -> impl Iterator<Item = (&'static str, u32)> {
    KEYS.into_iter().zip(size)
}

fn at(size: Size) -> At {
    At::new(settings(size))
}

/// Where one of the numbers grows and the others are as at the base, in its order.
fn at_base<'a>(found: &'a Findings, key: &str) -> Vec<(f64, &'a At)> {
    let is_base = |at: &&At| {
        settings(BASE)
            .filter(|(other, _)| *other != key)
            .all(|(other, number)| at.number(other) == Some(number.into()))
    };
    let settings = found.settings().into_iter().filter(is_base);
    let mut all: Vec<_> = settings
        .filter_map(|at| Some((at.number(key)?, at)))
        .collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    all
}

/// How a cost lies where one of the numbers grows.
fn grown(found: &Findings, key: &str, (subject, figure): (&str, &str)) -> Vec<Point> {
    let points = at_base(found, key).into_iter().filter_map(|(x, at)| {
        let y = found.spread(subject, at, figure)?;
        Some(Point { x, y })
    });
    points.collect()
}

/// A line for each cost, a column for each number that grows.
fn exponents(found: &Findings) -> String {
    let mut text = format!(
        "| exponent *s* by | {} |\n|---|---|---|---|\n",
        KEYS.join(" | ")
    );
    for (subject, figure, _) in COSTS {
        let cell = |key| {
            let points = grown(found, key, (subject, figure));
            let medians: Vec<_> = points
                .iter()
                .map(|point| (point.x, point.y.median))
                .collect();
            slope::exponent(&medians).map_or("-".to_owned(), two_digits)
        };
        let _ = writeln!(
            text,
            "| {subject}, {figure} | {} |",
            KEYS.map(cell).join(" | ")
        );
    }
    text
}

/// None of them a negative zero.
fn two_digits(exponent: f64) -> String {
    format!("{:.2}", (100.0 * exponent).round() / 100.0 + 0.0)
}

/// What one more of each takes of memory. Processes are not players: what they held before them is taken away.
fn each(found: &Findings) -> String {
    let memory = |subject: &'static str, figure: &'static str| {
        move |at: &At| Some(found.spread(subject, at, figure)?.median)
    };
    let gained = |subject| {
        let [before, end] = ["memory before", "memory"].map(|figure| memory(subject, figure));
        move |at: &At| Some(end(at)? - before(at)?)
    };
    let ten = f64::from(BASE[0]);
    let told = [
        (
            "A player takes",
            "on the leader",
            one_more(found, "players", &gained(LEADER)),
        ),
        (
            "A player takes",
            "on its own side",
            one_more(found, "players", &gained(ALL_PLAYERS)),
        ),
        (
            "A node with one property takes",
            "on the leader",
            one_more(found, "world-nodes", &memory(LEADER, "memory before")),
        ),
        (
            "A node with one property takes",
            "with each player",
            one_more(found, "world-nodes", &gained(ALL_PLAYERS)).map(|megabytes| megabytes / ten),
        ),
    ];
    let told = told.into_iter().filter_map(|(what, place, megabytes)| {
        Some(format!("- {what} {:.1} kB {place}.\n", 1e3 * megabytes?))
    });
    told.collect()
}

/// The difference between the largest and the smallest, by the difference in number.
fn one_more(found: &Findings, key: &str, of: &dyn Fn(&At) -> Option<f64>) -> Option<f64> {
    let points = at_base(found, key);
    let [(first, at_first), .., (last, at_last)] = points[..] else {
        return None;
    };
    Some((of(at_last)? - of(at_first)?) / (last - first))
}

fn plot(found: &Findings, key: &str) -> Outcome<Option<Plot>> {
    let all = COSTS.into_iter().map(|(subject, figure, unit)| Line {
        name: format!("{subject}, {figure}, {unit}").replace("cores, cores", "cores"),
        points: grown(found, key, (subject, figure)),
    });
    let all: Vec<_> = all.filter(|line| line.points.len() > 1).collect();
    if all.is_empty() {
        return Ok(None);
    }
    let words = key
        .replace("world-", "")
        .replace("properties", "properties of a node");
    let title = format!("Cost by the number of {words}");
    let axes = Axes {
        title: &title,
        x: &words,
        y: "each in its own unit",
        log_y: true,
    };
    Ok(Some(Plot {
        svg: lines(axes, &all)?,
        file: format!("growth-by-{}.svg", key.replace("world-", "")),
        title,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::tests::measured;

    fn found() -> Findings {
        let sizes = [[1, 1_000, 1], BASE, [100, 1_000, 1], [10, 10_000, 1]].map(at);
        let [one, ten, hundred, large] = &sizes;
        measured(&[
            (LEADER, one, "sent", 0.5),
            (LEADER, ten, "sent", 50.0),
            (LEADER, hundred, "sent", 5_000.0),
            (LEADER, large, "sent", 50.0),
            (LEADER, one, "memory before", 10.0),
            (LEADER, one, "memory", 10.5),
            (LEADER, hundred, "memory before", 10.0),
            (LEADER, hundred, "memory", 20.4),
            (LEADER, ten, "memory before", 11.0),
            (LEADER, ten, "memory", 19.9),
            (LEADER, large, "memory before", 20.0),
        ])
    }

    #[test]
    fn the_exponent_is_of_what_grows_while_the_rest_stays() {
        let text = exponents(&found());
        assert!(
            text.contains("| the leader, sent | 2.00 | 0.00 | - |"),
            "{text}"
        );
    }

    #[test]
    fn what_one_more_takes_is_the_difference_by_the_difference() {
        let text = each(&found());
        assert!(
            text.contains("A player takes 100.0 kB on the leader."),
            "{text}"
        );
        assert!(
            text.contains("A node with one property takes 1.0 kB on the leader."),
            "{text}"
        );
        assert!(!text.contains("own side"), "{text}");
    }

    #[test]
    fn what_grows_is_drawn_with_every_step() {
        let plot = plot(&found(), "players").unwrap().unwrap();
        for text in [
            "the leader, sent, IP kB/s",
            "0.5",
            "5000",
            "19.9",
            "players",
        ] {
            assert!(plot.svg.contains(text), "no {text} in {}", plot.svg);
        }
        assert!(super::plot(&found(), "world-properties").unwrap().is_none());
    }
}
