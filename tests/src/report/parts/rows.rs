//! Peers' figures as samples, and samples as rows again.

use crate::{
    Failure, Outcome,
    peers::{Collected, Figure, Part, Row, Spread, ratios, ratios::Ratio, report},
    report::{
        findings::{Findings, Series},
        part::{Bench, Chapter},
        sample::{At, Repetition, Value},
    },
};

/// What ratios mean in a chapter.
const RATIOS: &str = "Ratios of medians, ours by the other's: below 1 ours is less. For updates a second more is better, for all else less. The short table has the median of the ratios of each repetition instead, and what they lie between.";

/// Adds all repetitions of a comparison.
pub(super) fn add(bench: &mut Bench<'_>, collected: &Collected) {
    for (_, peer, cell, number, measured) in collected.repetitions() {
        let loss = f64::from(cell.loss_permille) / 10.0;
        let figures = measured.figures.iter();
        let values =
            figures.map(|(figure, value)| Value::new(peer, figure.name(), figure.unit(), *value));
        bench.add(Repetition {
            at: at(cell.objects, cell.clients, loss),
            number,
            values: values.collect(),
            surroundings: measured.surroundings,
        });
    }
}

/// The settings of a piece of work.
pub(super) fn at(objects: u32, clients: u32, loss_percent: f64) -> At {
    At::new([
        ("objects", f64::from(objects)),
        ("clients", f64::from(clients)),
        ("loss_percent", loss_percent),
    ])
}

/// The rows of a comparison.
///
/// # Errors
/// When a sample is none of a comparison.
pub(super) fn of(found: &Findings, part: Part) -> Outcome<Vec<Row>> {
    let series = found.series();
    let rows = series.iter().map(|series| {
        row(series, part).ok_or_else(|| {
            let first = series.first;
            Failure::new(format!("{} at {} is no comparison", first.figure, first.at))
        })
    });
    rows.collect()
}

fn row(series: &Series<'_>, part: Part) -> Option<Row> {
    let first = series.first;
    Some(Row {
        part,
        peer: first.subject.clone(),
        objects: first.at.number("objects")? as u32,
        clients: first.at.number("clients")? as u32,
        loss_percent: first.at.number("loss_percent")?,
        figure: Figure::named(&first.figure)?,
        spread: series.spread,
        load_max: series.load_max.unwrap_or(f64::NAN),
        stall_ms_max: series.stall_ms_max,
    })
}

/// What a chapter tells of a comparison: what it is about, the rows, and ours beside others.
pub(super) fn chapter(about: &str, rows: &[Row]) -> Chapter {
    let [table, beside] = [report::markdown(rows), ratios::markdown(rows)];
    Chapter {
        text: format!("{about}\n\n{table}\n{RATIOS}\n\n{beside}"),
        compared: ratios::all(rows).len(),
        losses: losses(rows),
        ..Chapter::default()
    }
}

/// What others do better: a sentence for each pair and figure, with every piece of work.
fn losses(rows: &[Row]) -> Vec<String> {
    let losses: Vec<_> = ratios::all(rows)
        .into_iter()
        .filter(Ratio::is_loss)
        .collect();
    let mut sentences: Vec<(String, Vec<String>)> = Vec::new();
    for loss in &losses {
        let (ours, theirs) = loss.peers;
        let head = format!("{ours} by {theirs}, {}", loss.figure.title());
        let at = where_and_how_much(loss);
        match sentences.iter_mut().find(|(known, _)| *known == head) {
            Some((_, places)) => places.push(at),
            None => sentences.push((head, vec![at])),
        }
    }
    let sentence = |(head, places): (String, Vec<String>)| format!("{head}: {}", places.join("; "));
    sentences.into_iter().map(sentence).collect()
}

fn where_and_how_much(loss: &Ratio) -> String {
    let Ratio {
        objects,
        clients,
        loss_percent,
        value,
        is_apart,
        ..
    } = loss;
    let lost = if *loss_percent > 0.0 {
        format!(", {loss_percent} % lost")
    } else {
        String::new()
    };
    let overlap = if *is_apart {
        ""
    } else {
        " (repetitions overlap)"
    };
    format!("{value:.2} at {objects} x {clients}{lost}{overlap}")
}

/// One figure of ours by another's, repetition by repetition.
pub(super) fn ratio(
    found: &Findings,
    [ours, theirs]: [&str; 2],
    at: &At,
    figure: Figure,
) -> Option<Spread> {
    let of = |peer: &str| {
        let samples = found.samples.iter();
        let samples = samples.filter(|sample| {
            sample.subject == peer && sample.at == *at && sample.figure == figure.name()
        });
        samples
            .map(|sample| (sample.repetition, sample.value))
            .collect::<Vec<_>>()
    };
    let theirs = of(theirs);
    let ratios = of(ours).into_iter().filter_map(|(number, our)| {
        let (_, their) = theirs.iter().find(|(other, _)| *other == number)?;
        Some(our / their)
    });
    let spread = Spread::of(ratios);
    (spread.repetitions > 0).then_some(spread)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::findings::tests::measured;

    /// One repetition of each peer's figures at 100 objects and some clients.
    pub(in crate::report) fn compared(clients: u32, values: &[(&str, Figure, f64)]) -> Findings {
        let at = at(100, clients, 0.0);
        let named: Vec<_> = values
            .iter()
            .map(|(peer, figure, value)| (*peer, &at, figure.name(), *value))
            .collect();
        measured(&named)
    }

    #[test]
    fn samples_become_the_rows_that_they_were() {
        let found = compared(4, &[("SyncedNode", Figure::BytesPerUpdate, 21.0)]);
        let rows = of(&found, Part::Godot).unwrap();
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(
            (row.objects, row.clients, row.figure),
            (100, 4, Figure::BytesPerUpdate)
        );
        assert_eq!(row.spread.median, 21.0);
        let other = measured(&[("SyncedNode", &At::default(), "latency", 1.0)]);
        assert!(of(&other, Part::Godot).is_err());
    }

    #[test]
    fn what_is_lost_is_said_once_for_each_figure_with_where_and_how_much() {
        let (ours, theirs) = ratios::PAIRS[0];
        let found = compared(
            4,
            &[
                (ours, Figure::UpdatesPerSecond, 60.0),
                (theirs, Figure::UpdatesPerSecond, 60.0),
                (ours, Figure::LatencyP50, 30.0),
                (theirs, Figure::LatencyP50, 25.0),
                (ours, Figure::BytesPerUpdate, 20.0),
                (theirs, Figure::BytesPerUpdate, 40.0),
            ],
        );
        let losses = losses(&of(&found, Part::Godot).unwrap());
        assert_eq!(
            losses,
            [format!(
                "{ours} by {theirs}, latency p50 ms: 1.20 at 100 x 4"
            )]
        );
    }

    #[test]
    fn a_ratio_is_taken_within_a_repetition() {
        let found = compared(
            4,
            &[
                ("ours", Figure::ServerCpu, 30.0),
                ("theirs", Figure::ServerCpu, 20.0),
            ],
        );
        let at = at(100, 4, 0.0);
        let spread = ratio(&found, ["ours", "theirs"], &at, Figure::ServerCpu);
        assert_eq!(spread.map(|spread| spread.median), Some(1.5));
        assert_eq!(
            ratio(&found, ["ours", "none"], &at, Figure::ServerCpu),
            None
        );
    }
}
