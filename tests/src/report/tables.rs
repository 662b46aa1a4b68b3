//! Figures for people, in Markdown.

use std::fmt::Write as _;

use super::findings::{Findings, Series};

/// A table for each setting: a line for each subject, a column for each figure, beside what the machine did besides.
#[must_use]
pub fn by_settings(found: &Findings) -> String {
    let series = found.series();
    let tables = found.settings().into_iter().map(|at| {
        let here = series.iter().filter(|series| series.first.at == *at);
        format!("**{}**\n\n{}", at.words(), table(&here.collect::<Vec<_>>()))
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// One table: a line for each setting, a column for each figure of each subject.
#[must_use]
pub fn across(found: &Findings) -> String {
    let series = found.series();
    let column = |one: &Series<'_>| format!("{}: {}", one.first.subject, title(one));
    let columns = each_once(series.iter().map(column));
    let names: String = columns.iter().map(|name| format!(" {name} |")).collect();
    let rule = "---|".repeat(columns.len() + 3);
    let mut text = format!("| |{names} runs | load | stall ms |\n|---|{rule}\n");
    for at in found.settings() {
        let line: Vec<_> = series.iter().filter(|one| one.first.at == *at).collect();
        let cells: String = columns
            .iter()
            .map(|name| cell(&line, |one| column(one) == *name))
            .collect();
        let _ = writeln!(text, "| {} |{cells}{}", at.words(), surroundings(&line));
    }
    text
}

fn table(series: &[&Series<'_>]) -> String {
    let figures = each_once(series.iter().map(|one| title(one)));
    let subjects = each_once(series.iter().map(|one| one.first.subject.clone()));
    let names: String = figures.iter().map(|name| format!(" {name} |")).collect();
    let rule = "---|".repeat(figures.len() + 3);
    let mut text = format!("| |{names} runs | load | stall ms |\n|---|{rule}\n");
    for subject in subjects {
        let line = series.iter().filter(|one| one.first.subject == subject);
        let line: Vec<_> = line.copied().collect();
        let cells: String = figures
            .iter()
            .map(|figure| cell(&line, |one| title(one) == *figure))
            .collect();
        let _ = writeln!(text, "| {subject} |{cells}{}", surroundings(&line));
    }
    text
}

fn cell(line: &[&Series<'_>], is: impl Fn(&Series<'_>) -> bool) -> String {
    let found = line.iter().find(|one| is(one));
    found.map_or(" |".to_owned(), |one| format!(" {} |", one.spread))
}

fn title(series: &Series<'_>) -> String {
    let (figure, unit) = (&series.first.figure, &series.first.unit);
    format!("{figure} {unit}").trim_end().to_owned()
}

/// The most repetitions, the greatest load and the longest stall of a line.
fn surroundings(line: &[&Series<'_>]) -> String {
    let runs = line.iter().map(|one| one.spread.repetitions).max();
    let load = line.iter().filter_map(|one| one.load_max).reduce(f64::max);
    let load = load.map_or("-".to_owned(), |load| format!("{load:.1}"));
    let stall = line.iter().map(|one| one.stall_ms_max).fold(0.0, f64::max);
    format!(" {} | {load} | {stall:.0} |", runs.unwrap_or_default())
}

fn each_once(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{findings::tests::measured, sample::At};

    #[test]
    fn each_setting_has_a_table_with_a_line_for_each_subject() {
        let [few, many] = [20, 100].map(|players| At::new([("players", players)]));
        let found = measured(&[
            ("live", &many, "mean", 5.0),
            ("live", &many, "p99", 9.0),
            ("own", &many, "p99", 7.0),
            ("live", &many, "mean", 6.0),
            ("live", &few, "mean", 1.0),
        ]);
        let text = by_settings(&found);
        for line in [
            "**players 100**",
            "| | mean ms | p99 ms | runs | load | stall ms |",
            "| live | 5.00 (5.00 to 6.00) | 9.00 | 2 | 9.0 | 18 |",
            "| own | | 7.00 | 1 | 7.0 | 14 |",
            "**players 20**",
            "| live | 1.00 | 1 | 1.0 | 2 |",
        ] {
            assert!(
                text.lines().any(|known| known == line),
                "no {line} in\n{text}"
            );
        }
    }

    #[test]
    fn across_settings_each_figure_of_each_subject_has_a_column() {
        let [few, many] = [20, 100].map(|players| At::new([("players", players)]));
        let found = measured(&[
            ("leader", &few, "cores", 0.5),
            ("players", &few, "cores", 1.0),
            ("leader", &many, "cores", 2.0),
        ]);
        let text = across(&found);
        for line in [
            "| | leader: cores ms | players: cores ms | runs | load | stall ms |",
            "| players 20 | 0.50 | 1.00 | 1 | 1.0 | 2 |",
            "| players 100 | 2.00 | | 1 | 2.0 | 4 |",
        ] {
            assert!(
                text.lines().any(|known| known == line),
                "no {line} in\n{text}"
            );
        }
    }
}
