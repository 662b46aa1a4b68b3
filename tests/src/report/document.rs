//! The report as a page.

use std::fmt::Write as _;

use super::{findings::Remark, part::Chapter, plot::Plot, run::Run};

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
    let command = format!("scripts/bench {}", run.options);
    let mut text = format!(
        "# What SyncedNode costs, measured\n\n{}\n\nMade by `{}`.\n\n",
        run.machine,
        command.trim_end()
    );
    let _ = write!(
        text,
        "## In short\n\n{}\n{}\n\n",
        summary(told),
        first_plot(told, "")
    );
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

/// What was aimed at and what came of it, and how others do.
#[must_use]
pub fn summary(told: &[Told]) -> String {
    let verdicts = told.iter().flat_map(|(chapter, _)| &chapter.verdicts);
    let mut text = "| | measured | aim | |\n|---|---|---|---|\n".to_owned();
    for verdict in verdicts {
        let (value, target) = (verdict.value(), verdict.target());
        let _ = writeln!(
            text,
            "| {} | {value} | {target} | {verdict} |",
            verdict.what
        );
    }
    for (what, ratio) in told.iter().flat_map(|(chapter, _)| &chapter.ratios) {
        let _ = writeln!(text, "| {what} | {ratio} | | |");
    }
    text
}

/// What the README shows: the short table and the first plot, which lies in the folder `plots`.
#[must_use]
pub fn short(run: &Run, told: &[Told], plots: &str) -> String {
    format!(
        "{}\n{}\n\nMeasured by `scripts/bench` on {}. The [full report]({plots}report.md) has the rest, and what SyncedNode loses at.\n",
        summary(told),
        first_plot(told, plots),
        run.machine
    )
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
                what: "live, p99".to_owned(),
                measured: Some(Spread::of([9.0])),
                unit: "ms",
                at_most: 8.0,
            }],
            ratios: vec![("bytes, ours by theirs".to_owned(), "0.46".to_owned())],
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
            "| live, p99 | 9.00 ms | at most 8 ms | missed by 1.00 ms (12 %) |",
            "| bytes, ours by theirs | 0.46 | | |",
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
    fn the_short_form_has_the_table_and_the_first_plot_where_it_lies() {
        let text = short(&run(), &told(&[]), "docs/bench/");
        assert!(text.contains("![By stage](docs/bench/crowd.svg)"), "{text}");
        assert!(text.contains("(docs/bench/report.md)"), "{text}");
        assert!(text.contains("missed by"), "{text}");
    }
}
