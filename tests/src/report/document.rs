//! The report as a page.

use std::fmt::Write as _;

use super::{
    findings::Remark,
    part::{Beside, Chapter},
    plot::Plot,
    run::Run,
    verdict::Verdict,
};

/// A chapter, and what was remarked while it was measured.
pub type Told = (Chapter, Vec<Remark>);

const READING: &str = "\
Each figure is the median of its repetitions, and in brackets what they lie between. Repetitions alternate: everything is measured once, \
then everything once more, each time beginning with another one, so that whatever the machine does in between falls on all alike. *Load* is \
the greatest number of threads that wanted to run at once (the last minute's average), *stall* the longest that an idle thread was kept waiting \
by the machine meanwhile: no latency can be told that is shorter. *p50* and *p99* are taken within a repetition. Comparisons are ratios \
within this run; figures of other machines or other days say little beside these. `raw.csv` has every value of every repetition.";

/// The whole report in Markdown; plots stand beside it.
#[must_use]
pub fn report(run: &Run, told: &[Told]) -> String {
    let mut text = format!(
        "# What SyncedNode costs, measured\n\n{}\n\nMade by `{}`.\n\n",
        run.machine,
        command(run)
    );
    let _ = write!(
        text,
        "## In short\n\n{}\n{}\n\n",
        summary(told),
        first_plot(told, "")
    );
    let _ = write!(text, "{}", stops(told));
    let _ = write!(text, "## Where SyncedNode loses\n\n{}\n", losses(told));
    let _ = write!(text, "## How to read the figures\n\n{READING}\n");
    for (chapter, remarks) in told {
        let _ = write!(text, "\n## {}\n\n{}\n", chapter.title, chapter.text.trim());
        for remark in remarks {
            let _ = write!(text, "\nRemark: {}\n", remark.text);
        }
        for plot in &chapter.plots {
            let _ = write!(text, "\n{}\n", embedded(plot, ""));
        }
    }
    text
}

/// What was aimed at and what came of it, and how others do: a line for each thing.
#[must_use]
pub fn summary(told: &[Told]) -> String {
    let chapters = || told.iter().map(|(chapter, _)| chapter);
    let mut text = "| | measured | aim | |\n|---|---|---|---|\n".to_owned();
    for chapter in chapters() {
        for one in chapter.verdicts.chunk_by(|a, b| a.what == b.what) {
            let column = |of: &dyn Fn(&Verdict) -> String| {
                side_by_side(one.iter().map(|verdict| (&*verdict.figure, of(verdict))))
            };
            let (value, target) = (column(&Verdict::value), column(&Verdict::target));
            let verdict = column(&Verdict::to_string);
            let _ = writeln!(text, "| {} | {value} | {target} | {verdict} |", one[0].what);
        }
    }
    for chapter in chapters() {
        for one in chapter.ratios.chunk_by(|a, b| a.what == b.what) {
            let figures = one
                .iter()
                .map(|Beside { figure, value, .. }| (&**figure, value.clone()));
            let _ = writeln!(text, "| {} | {} | | |", one[0].what, side_by_side(figures));
        }
    }
    text
}

/// What several figures of one thing are; just once what is the same for all.
fn side_by_side<'a>(figures: impl Iterator<Item = (&'a str, String)>) -> String {
    let figures: Vec<_> = figures.collect();
    let is_one = figures.windows(2).all(|pair| pair[0].1 == pair[1].1);
    match &figures[..] {
        [(_, value), _, ..] if is_one => value.clone(),
        figures => {
            let figures = figures.iter();
            let all = figures.map(|(figure, value)| format!("{figure} {value}").trim().to_owned());
            all.collect::<Vec<_>>().join(", ")
        }
    }
}

/// Why what is missed is missed.
fn stops(told: &[Told]) -> String {
    let verdicts = told.iter().flat_map(|(chapter, _)| &chapter.verdicts);
    let missed = verdicts.filter(|verdict| verdict.is_missed() && !verdict.stopped_by.is_empty());
    let lines: Vec<_> = missed
        .map(|verdict| {
            let which = format!("{} {}", verdict.what, verdict.figure);
            let which = which.trim_end_matches([' ', ':']);
            format!("- {which}: {}\n", verdict.stopped_by)
        })
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!(
        "## What stops the targets that are missed\n\n{}\n",
        lines.concat()
    )
}

/// What the README shows: the short table and the first plot, which lies in the folder `plots`.
#[must_use]
pub fn short(run: &Run, told: &[Told], plots: &str) -> String {
    format!(
        "{}\n{}\n\nMeasured by `{}` on {}. The [full report]({plots}report.md) has the rest, and what SyncedNode loses at.\n",
        summary(told),
        first_plot(told, plots),
        command(run),
        run.machine
    )
}

fn command(run: &Run) -> String {
    let command = format!("scripts/bench {}", run.options);
    command.trim_end().to_owned()
}

fn losses(told: &[Told]) -> String {
    let chapters = || told.iter().map(|(chapter, _)| chapter);
    let compared: usize = chapters().map(|chapter| chapter.compared).sum();
    let losses: Vec<_> = chapters()
        .flat_map(|chapter| &chapter.losses)
        .map(|loss| format!("- {loss}\n"))
        .collect();
    let heading = match (compared, losses.len()) {
        (0, _) => "Nothing was compared in this run.\n".to_owned(),
        (compared, 0) => format!("At none of {compared} figures that were compared.\n"),
        (compared, _) => {
            format!("Of {compared} figures that were compared, another does better at these:\n\n")
        }
    };
    heading + &losses.concat()
}

fn first_plot(told: &[Told], folder: &str) -> String {
    let mut plots = told.iter().flat_map(|(chapter, _)| &chapter.plots);
    let plot = plots.next().map(|plot| embedded(plot, folder));
    plot.unwrap_or_default()
}

fn embedded(plot: &Plot, folder: &str) -> String {
    format!("![{}]({folder}{})", plot.title, plot.file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        peers::Spread,
        report::{findings::Findings, machine::Machine, verdict::Verdict},
    };

    fn run() -> Run {
        Run {
            machine: Machine::unknown(),
            options: String::new(),
            findings: Findings::default(),
        }
    }

    fn told(losses: &[&str]) -> Vec<Told> {
        let chapter = Chapter {
            title: "A crowd".to_owned(),
            text: "Many players.".to_owned(),
            plots: vec![Plot {
                file: "crowd.svg".to_owned(),
                title: "By stage".to_owned(),
                svg: String::new(),
            }],
            verdicts: vec![Verdict {
                what: "live".to_owned(),
                figure: "p99".to_owned(),
                measured: Some(Spread::of([9.0])),
                unit: "ms",
                at_most: 8.0,
                stopped_by: "the frames.".to_owned(),
            }],
            ratios: vec![Beside {
                what: "ours by theirs".to_owned(),
                figure: "bytes".to_owned(),
                value: "0.46".to_owned(),
            }],
            compared: 7,
            losses: losses.iter().map(|&loss| loss.to_owned()).collect(),
        };
        let remark = Remark {
            part: "crowd".to_owned(),
            text: "800 players: too many.".to_owned(),
        };
        vec![(chapter, vec![remark])]
    }

    #[test]
    fn the_report_says_what_was_aimed_at_what_is_lost_and_what_was_remarked() {
        let text = report(&run(), &told(&["Bytes: 1.20 times those of theirs."]));
        for line in [
            "| live | p99 9.00 ms | p99 at most 8 ms | p99 missed by 1.00 ms (12 %) |",
            "| ours by theirs | bytes 0.46 | | |",
            "- live p99: the frames.",
            "- Bytes: 1.20 times those of theirs.",
            "Remark: 800 players: too many.",
            "![By stage](crowd.svg)",
            "Made by `scripts/bench`.",
        ] {
            assert!(
                text.lines().any(|known| known == line),
                "no {line} in\n{text}"
            );
        }
        assert_eq!(text.matches("(crowd.svg)").count(), 2);
        assert!(report(&run(), &told(&[])).contains("At none of 7 figures"));
        assert!(report(&run(), &[]).contains("Nothing was compared"));
    }

    #[test]
    fn figures_of_one_thing_share_a_line_and_what_is_the_same_is_said_once() {
        let mut told = told(&[]);
        let chapter = &mut told[0].0;
        chapter.verdicts[0].measured = Some(Spread::of([7.0]));
        let mut mean = chapter.verdicts[0].clone();
        mean.figure = "mean".to_owned();
        mean.at_most = 7.5;
        chapter.verdicts.insert(0, mean);
        let line = "| live | 7.00 ms | mean at most 7.5 ms, p99 at most 8 ms | met |";
        assert!(summary(&told).contains(line), "{}", summary(&told));
        assert!(!report(&run(), &told).contains("What stops"));
    }

    #[test]
    fn the_short_form_has_the_table_and_the_first_plot_where_it_lies() {
        let text = short(&run(), &told(&[]), "docs/bench/");
        assert!(text.contains("![By stage](docs/bench/crowd.svg)"), "{text}");
        assert!(text.contains("(docs/bench/report.md)"), "{text}");
        assert!(text.contains("missed by"), "{text}");
    }
}
