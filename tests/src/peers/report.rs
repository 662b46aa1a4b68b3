//! Results as rows, for programs and for people.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

use super::{
    figure::{Figure, Spread},
    plan::Cell,
};

/// One figure of one peer at one piece of work, over all repetitions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// In which table it stands.
    pub part: Part,
    /// Who did the work, with which settings.
    pub peer: String,
    /// How many objects moved.
    pub objects: u32,
    /// How many looked on.
    pub clients: u32,
    /// Of a hundred packets to the client that was looked at, how many were lost.
    pub loss_percent: f64,
    /// What was measured.
    pub figure: Figure,
    /// Repetitions, and what they lie between.
    #[serde(flatten)]
    pub spread: Spread,
    /// The most threads that wanted to run at once, by the last minute's average, among the repetitions.
    pub load_max: f64,
    /// The longest that an idle thread was kept waiting in any repetition, in milliseconds.
    pub stall_ms_max: f64,
}

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Players in a real Godot.
    Godot,
    /// Libraries without an engine.
    Headless,
    /// The same, where every client moves an object of its own.
    Crowd,
}

impl Part {
    /// Its name in CSV.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Godot => "godot",
            Self::Headless => "headless",
            Self::Crowd => "crowd",
        }
    }
}

/// The heading of [`csv`].
pub const CSV_HEADING: &str = "part,peer,objects,clients,loss_percent,figure,unit,median,min,max,repetitions,load_max,stall_ms_max";

/// Every row as comma-separated values, below the heading.
#[must_use]
pub fn csv(rows: &[Row]) -> String {
    let mut text = format!("{CSV_HEADING}\n");
    for row in rows {
        let Spread {
            median,
            min,
            max,
            repetitions,
        } = row.spread;
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{median:.4},{min:.4},{max:.4},{repetitions},{:.2},{:.2}",
            row.part.name(),
            row.peer,
            row.objects,
            row.clients,
            row.loss_percent,
            row.figure.name(),
            row.figure.unit(),
            row.load_max,
            row.stall_ms_max,
        );
    }
    text
}

/// Tables in Markdown: one for each part and each loss, a line for each peer at each piece of work, a column for each figure.
#[must_use]
pub fn markdown(rows: &[Row]) -> String {
    let mut tables: BTreeMap<(Part, u64), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let permille = (10.0 * row.loss_percent).round() as u64;
        tables.entry((row.part, permille)).or_default().push(row);
    }
    let tables = tables.iter().map(|((part, permille), rows)| {
        let loss = *permille as f64 / 10.0;
        format!("**{}, {loss} % lost**\n\n{}", title(*part), table(rows))
    });
    tables.collect::<Vec<_>>().join("\n")
}

const fn title(part: Part) -> &'static str {
    match part {
        Part::Godot => "In Godot",
        Part::Headless => "Without an engine",
        Part::Crowd => "Without an engine, each client moves an object",
    }
}

fn table(rows: &[&Row]) -> String {
    let mut figures: Vec<Figure> = rows.iter().map(|row| row.figure).collect();
    figures.sort_unstable();
    figures.dedup();
    let names: String = figures
        .iter()
        .map(|figure| format!(" {} |", figure.title()))
        .collect();
    let rule = "---|".repeat(figures.len());
    let mut text = format!(
        "| objects | clients | peer |{names} runs | load | stall ms |\n|---|---|---|{rule}---|---|---|\n"
    );
    for line in lines(rows) {
        let Some(first) = line.first() else { continue };
        let cells: String = figures.iter().map(|figure| cell(&line, *figure)).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} |{cells} {} | {:.1} | {:.0} |",
            first.objects,
            first.clients,
            first.peer,
            first.spread.repetitions,
            first.load_max,
            first.stall_ms_max,
        );
    }
    text
}

/// The rows of each peer at each piece of work, in the order in which they came.
fn lines<'a>(rows: &[&'a Row]) -> Vec<Vec<&'a Row>> {
    let mut lines: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        let same = |line: &&mut Vec<&Row>| {
            line.first().is_some_and(|first| {
                (first.objects, first.clients, &first.peer) == (row.objects, row.clients, &row.peer)
            })
        };
        match lines.iter_mut().find(same) {
            Some(line) => line.push(row),
            None => lines.push(vec![row]),
        }
    }
    lines
}

fn cell(line: &[&Row], figure: Figure) -> String {
    let found = line.iter().find(|row| row.figure == figure);
    found.map_or(" |".to_owned(), |row| format!(" {} |", row.spread))
}

/// Puts repetitions of the same measurement together.
#[derive(Debug, Default)]
pub struct Collected(Vec<(Key, Vec<Measured>)>);

type Key = (Part, String, Cell);

/// What one repetition gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Its figures.
    pub figures: Vec<(Figure, f64)>,
    /// What the machine did besides.
    pub surroundings: super::meter::Surroundings,
}

impl Collected {
    /// Adds a repetition.
    pub fn add(&mut self, part: Part, peer: &str, cell: Cell, measured: Measured) {
        let key = (part, peer.to_owned(), cell);
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, all)) => all.push(measured),
            None => self.0.push((key, vec![measured])),
        }
    }

    /// Every repetition: in which part, by whom, at which work, which one (from 1), and what it gave.
    pub fn repetitions(&self) -> impl Iterator<Item = (Part, &str, Cell, u32, &Measured)> {
        self.0.iter().flat_map(|((part, peer, cell), all)| {
            let numbered = (1..).zip(all);
            numbered.map(move |(number, one)| (*part, peer.as_str(), *cell, number, one))
        })
    }

    /// All rows, in the order in which the first repetitions came.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.0
            .iter()
            .flat_map(|(key, all)| rows(key, all))
            .collect()
    }
}

fn rows((part, peer, cell): &Key, all: &[Measured]) -> Vec<Row> {
    let most = |of: fn(&Measured) -> f64| all.iter().map(of).fold(0.0, f64::max);
    let load_max = most(|one| one.surroundings.load);
    let stall_ms_max = most(|one| one.surroundings.stall_ms_max);
    let figures = all.first().map(|one| &one.figures[..]).unwrap_or_default();
    let row = |figure: Figure| {
        let values = all.iter().flat_map(|one| &one.figures);
        let values = values
            .filter(|(other, _)| *other == figure)
            .map(|(_, value)| *value);
        Row {
            part: *part,
            peer: peer.clone(),
            objects: cell.objects,
            clients: cell.clients,
            loss_percent: f64::from(cell.loss_permille) / 10.0,
            figure,
            spread: Spread::of(values),
            load_max,
            stall_ms_max,
        }
    };
    figures.iter().map(|(figure, _)| row(*figure)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::meter::Surroundings;

    fn collected() -> Collected {
        let mut collected = Collected::default();
        for (peer, value, load) in [
            ("ours", 20.0, 1.0),
            ("theirs", 46.0, 0.5),
            ("ours", 22.0, 2.0),
        ] {
            for loss_permille in [0, 50] {
                let cell = Cell {
                    objects: 20,
                    clients: 4,
                    loss_permille,
                };
                let measured = Measured {
                    figures: vec![(Figure::BytesPerUpdate, value), (Figure::ServerCpu, 5.0)],
                    surroundings: Surroundings {
                        load,
                        stall_ms_max: 3.0,
                        clock_set_ms: 0.0,
                    },
                };
                collected.add(Part::Godot, peer, cell, measured);
            }
        }
        collected
    }

    #[test]
    fn repetitions_of_the_same_work_become_one_row_with_the_busiest_surroundings() {
        let rows = collected().rows();
        assert_eq!(rows.len(), 8);
        let ours = &rows[0];
        assert_eq!(
            (ours.peer.as_str(), ours.figure),
            ("ours", Figure::BytesPerUpdate)
        );
        assert_eq!(
            (ours.spread.min, ours.spread.max, ours.spread.repetitions),
            (20.0, 22.0, 2)
        );
        assert_eq!((ours.load_max, ours.loss_percent), (2.0, 0.0));
    }

    #[test]
    fn repetitions_of_the_same_work_are_numbered() {
        let collected = collected();
        let ours = collected
            .repetitions()
            .filter(|(_, peer, cell, ..)| *peer == "ours" && cell.loss_permille == 50);
        let values: Vec<_> = ours
            .map(|(.., number, one)| (number, one.figures[0].1))
            .collect();
        assert_eq!(values, [(1, 20.0), (2, 22.0)]);
    }

    #[test]
    fn a_line_of_csv_has_as_many_values_as_the_heading_has_names() {
        let text = csv(&collected().rows());
        let counts: Vec<_> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(counts, [13; 9]);
        assert!(
            text.contains("godot,ours,20,4,5,ip_bytes_per_update,B,"),
            "{text}"
        );
    }

    #[test]
    fn each_loss_has_a_table_with_a_line_for_each_peer() {
        let text = markdown(&collected().rows());
        let cells: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.matches('|').count())
            .collect();
        assert_eq!(cells, [9; 8]);
        assert!(text.contains("**In Godot, 5 % lost**"), "{text}");
    }
}
