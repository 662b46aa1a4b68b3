//! Two real Godots among the crowd.

use std::time::Duration;

use synced_bench::Times;

use crate::{
    Outcome,
    crowd_godot::{self, CrowdPlan},
    report::{
        findings::Findings,
        part::{Bench, Beside, Chapter, Part},
        sample::{At, Repetition, Value},
        tables,
    },
};

/// The part.
pub(super) struct Godots;

const ABOUT: &str = "\
The crowd of a hundred again, two of which are real Godots, headless, at 90 frames a second. What they see is in the tree when their scripts run \
in a frame, after what came was applied. Live values are shown at once here: the delay with which a game plays out what others stream, to smooth it, is set to \
nothing. *Of the crowd* is what players without an engine wrote, *of the other Godot* what the other one did.";

impl Part for Godots {
    fn name(&self) -> &'static str {
        "godots"
    }

    fn measure(&self, bench: &mut Bench<'_>) -> Outcome {
        let span = Duration::from_secs(bench.by_length(5, 3, 1));
        let plan = bench.by_length(CrowdPlan::seed(span), CrowdPlan::seed(span), small(span));
        for number in 1..=bench.repetitions(2, 1) {
            bench.tell(&format!(
                "two Godots among {} players, repetition {number}",
                plan.headless
            ));
            let figures = crowd_godot::measure(&plan)?;
            let seen = &figures.godot;
            let values = [
                ("confirmed of the crowd", &seen.confirmed),
                ("confirmed of the other Godot", &seen.confirmed_of_godots),
                ("live of the crowd", &seen.live),
                ("live of the other Godot", &seen.live_of_godots),
                (
                    "confirmed without an engine",
                    &figures.headless.confirmed.whole,
                ),
                ("live without an engine", &figures.headless.live),
            ];
            bench.add(Repetition {
                at: at(&plan),
                number,
                values: values
                    .into_iter()
                    .flat_map(|(subject, times)| of(subject, times))
                    .collect(),
                surroundings: figures.surroundings,
            });
        }
        Ok(())
    }

    fn chapter(&self, found: &Findings) -> Outcome<Chapter> {
        Ok(Chapter {
            title: "Real Godots in the crowd".to_owned(),
            text: format!("{ABOUT}\n\n{}", tables::by_settings(found)),
            ratios: short(found),
            ..Chapter::default()
        })
    }
}

const fn small(span: Duration) -> CrowdPlan {
    CrowdPlan {
        headless: 3,
        processes: 1,
        ..CrowdPlan::seed(span)
    }
}

fn at(plan: &CrowdPlan) -> At {
    At::new([
        ("players", plan.headless + plan.godots),
        ("godots", plan.godots),
        ("servers", usize::from(plan.servers)),
    ])
}

/// None where nothing was seen.
fn of(subject: &str, times: &Times) -> Vec<Value> {
    if times.count() == 0 {
        return Vec::new();
    }
    let operations = Value::new(subject, "operations", "", times.count() as f64);
    let values = Value::of_times(subject, times).into_iter();
    values.chain([operations]).collect()
}

/// What is seen of the crowd.
fn short(found: &Findings) -> Vec<Beside> {
    let told = found.settings().into_iter().flat_map(|at| {
        ["confirmed of the crowd", "live of the crowd"]
            .into_iter()
            .filter_map(move |subject| {
                let [mean, p99] = ["mean", "p99"].map(|figure| found.spread(subject, at, figure));
                Some(Beside {
                    what: format!(
                        "{} players, two of them real Godots: 1 KB, written until in a Godot's tree",
                        at.get("players")?
                    ),
                    figure: subject.to_owned(),
                    value: format!("mean {} ms, p99 {} ms", mean?, p99?),
                })
            })
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::tests::measured;
    use synced_protocol::time::Micros;

    #[test]
    fn what_a_godot_sees_of_the_crowd_is_told_in_short() {
        let at = at(&CrowdPlan::seed(Duration::from_secs(1)));
        let found = measured(&[
            ("confirmed of the crowd", &at, "mean", 9.0),
            ("confirmed of the crowd", &at, "p99", 20.0),
            ("live of the crowd", &at, "mean", 30.0),
        ]);
        let told = short(&found);
        let [Beside { what, value, .. }] = &told[..] else {
            panic!("{told:?}")
        };
        assert!(what.starts_with("100 players"), "{what}");
        assert_eq!(value, "mean 9.00 ms, p99 20.0 ms");
    }

    #[test]
    fn what_was_not_seen_has_no_figures() {
        let mut times = Times::default();
        assert!(of("live", &times).is_empty());
        times.add(Micros(4_000));
        assert_eq!(of("live", &times).len(), 4);
    }
}
