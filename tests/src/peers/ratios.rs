//! How one peer does beside another, at the same work in the same run.

use std::fmt::Write as _;

use super::{
    figure::{Figure, Spread},
    report::Row,
};

/// Peers whose ratios tell most: ours, then the other.
pub const PAIRS: [(&str, &str); 7] = [
    ("SyncedNode", "MultiplayerSynchronizer"),
    ("SyncedNode tuned", "MultiplayerSynchronizer tuned"),
    ("SyncedNode headless", "ENet"),
    ("SyncedNode headless tuned", "ENet tuned"),
    ("SyncedNode headless", "renet"),
    ("SyncedNode headless tuned", "renet tuned"),
    ("SyncedNode headless", "UDP alone"),
];

/// What is compared; the rest is better looked at as it is.
const FIGURES: [Figure; 8] = [
    Figure::BytesPerUpdate,
    Figure::UpdatesPerSecond,
    Figure::ServerCpu,
    Figure::ClientCpu,
    Figure::AllClientsCpu,
    Figure::LatencyP50,
    Figure::LatencyP99,
    Figure::ErrorP99,
];

/// A figure of one of ours by the same of another, at the same work.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratio {
    /// Ours, then the other.
    pub peers: (&'static str, &'static str),
    /// How many objects moved.
    pub objects: u32,
    /// How many clients looked on.
    pub clients: u32,
    /// Of a hundred packets, how many were lost.
    pub loss_percent: f64,
    /// What was compared.
    pub figure: Figure,
    /// The median of ours by that of the other.
    pub value: f64,
    /// Whether all repetitions of one lie on the same side of all of the other's.
    pub is_apart: bool,
}

impl Ratio {
    /// Whether the other does better, by a hundredth at least.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        let hundredths = (100.0 * self.value).round();
        match self.figure {
            Figure::UpdatesPerSecond => hundredths < 100.0,
            _ => hundredths > 100.0,
        }
    }
}

/// Every ratio of each pair.
#[must_use]
pub fn all(rows: &[Row]) -> Vec<Ratio> {
    let mut all = Vec::new();
    for (ours, theirs) in PAIRS {
        for one in work(rows, ours, theirs) {
            let of_figure = |figure| {
                let [our, their] = spreads(rows, one, figure, [ours, theirs])?;
                Some(Ratio {
                    peers: (ours, theirs),
                    objects: one.objects,
                    clients: one.clients,
                    loss_percent: one.loss_percent,
                    figure,
                    value: our.median / their.median,
                    is_apart: our.min > their.max || our.max < their.min,
                })
            };
            all.extend(FIGURES.into_iter().filter_map(of_figure));
        }
    }
    all
}

/// A table in Markdown for each of the pairs that did the same: of each figure, the first one's median by the other's.
#[must_use]
pub fn markdown(rows: &[Row]) -> String {
    let tables = PAIRS
        .iter()
        .filter_map(|(ours, theirs)| table(rows, ours, theirs));
    tables.collect::<Vec<_>>().join("\n")
}

fn table(rows: &[Row], ours: &str, theirs: &str) -> Option<String> {
    let work = work(rows, ours, theirs);
    let ratio_of = |one: &Row, figure| ratio(rows, one, figure, [ours, theirs]);
    let figures = FIGURES.into_iter();
    let figures: Vec<_> = figures
        .filter(|figure| work.iter().any(|one| ratio_of(one, *figure).is_some()))
        .collect();
    if figures.is_empty() {
        return None;
    }
    let names: String = figures
        .iter()
        .map(|figure| format!(" {} |", figure.name()))
        .collect();
    let rule = "---|".repeat(figures.len());
    let mut text = format!(
        "**{ours} by {theirs}**\n\n| objects | clients | lost % |{names}\n|---|---|---|{rule}\n"
    );
    for one in work {
        let cell = |figure: &Figure| {
            ratio_of(one, *figure).map_or(" |".to_owned(), |ratio| format!(" {ratio:.2} |"))
        };
        let cells: String = figures.iter().map(cell).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} |{cells}",
            one.objects, one.clients, one.loss_percent
        );
    }
    Some(text)
}

/// A row for each piece of work that both did.
fn work<'a>(rows: &'a [Row], ours: &str, theirs: &str) -> Vec<&'a Row> {
    let of = |peer: &str| {
        let peer = peer.to_owned();
        rows.iter()
            .filter(move |row| row.peer == peer && row.figure == Figure::UpdatesPerSecond)
    };
    of(ours)
        .filter(|row| of(theirs).any(|other| is_same_work(row, other)))
        .collect()
}

fn ratio(rows: &[Row], work: &Row, figure: Figure, peers: [&str; 2]) -> Option<f64> {
    let [ours, theirs] = spreads(rows, work, figure, peers)?;
    Some(ours.median / theirs.median)
}

/// Of both peers, where both have it.
fn spreads(rows: &[Row], work: &Row, figure: Figure, peers: [&str; 2]) -> Option<[Spread; 2]> {
    let [ours, theirs] = peers.map(|peer| {
        let found = rows
            .iter()
            .find(|row| row.peer == peer && row.figure == figure && is_same_work(row, work));
        found.map(|row| row.spread)
    });
    Some([ours?, theirs?])
}

fn is_same_work(one: &Row, other: &Row) -> bool {
    let work = |row: &Row| {
        (
            row.part,
            row.objects,
            row.clients,
            row.loss_percent.to_bits(),
        )
    };
    work(one) == work(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::Part;

    fn row(peer: &str, objects: u32, figure: Figure, value: f64) -> Row {
        Row {
            part: Part::Godot,
            peer: peer.to_owned(),
            objects,
            clients: 4,
            loss_percent: 0.0,
            figure,
            spread: Spread::of([value]),
            load_max: 1.0,
            stall_ms_max: 0.0,
        }
    }

    #[test]
    fn a_ratio_is_of_the_same_work_and_there_is_none_of_what_one_did_alone() {
        let (ours, theirs) = PAIRS[0];
        let rows = [
            row(ours, 20, Figure::UpdatesPerSecond, 60.0),
            row(ours, 20, Figure::BytesPerUpdate, 20.0),
            row(theirs, 20, Figure::UpdatesPerSecond, 60.0),
            row(theirs, 20, Figure::BytesPerUpdate, 40.0),
            row(ours, 500, Figure::UpdatesPerSecond, 60.0),
        ];
        let text = markdown(&rows);
        assert!(text.contains("| 20 | 4 | 0 | 0.50 | 1.00 |"), "{text}");
        assert!(!text.contains("500"), "{text}");
        assert_eq!(text.matches("**").count(), 2);
    }

    #[test]
    fn what_the_other_does_better_is_a_loss_and_fewer_updates_are_worse() {
        let (ours, theirs) = PAIRS[0];
        let mut rows = Vec::new();
        for (figure, our, their) in [
            (Figure::UpdatesPerSecond, [58.0, 59.0], [60.0, 61.0]),
            (Figure::BytesPerUpdate, [20.0, 21.0], [40.0, 41.0]),
            (Figure::LatencyP50, [30.0, 34.0], [25.0, 32.0]),
            (Figure::ServerCpu, [10.0, 10.0], [9.99, 10.0]),
        ] {
            for (peer, values) in [(ours, our), (theirs, their)] {
                let mut row = row(peer, 20, figure, 0.0);
                row.spread = Spread::of(values);
                rows.push(row);
            }
        }
        let losses: Vec<_> = all(&rows)
            .into_iter()
            .filter(Ratio::is_loss)
            .map(|ratio| (ratio.figure, ratio.is_apart))
            .collect();
        assert_eq!(
            losses,
            [
                (Figure::UpdatesPerSecond, true),
                (Figure::LatencyP50, false)
            ]
        );
    }
}
