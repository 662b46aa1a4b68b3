//! What the main thread of a Godot pays for what others write.

use std::time::Duration;

use crate::{
    Outcome,
    apply::{self, ApplyFigures, Load},
    report::{
        findings::Findings,
        part::{Bench, Chapter, Part},
        sample::{At, Repetition, Value},
        tables,
        turns::in_turn,
        verdict::Verdict,
    },
};

/// The part.
pub(super) struct Apply;

/// Which load, how many updates there are in it, and what a frame is to take for it at p99 at most, in milliseconds.
const LOADS: [(Kind, u32, f64); 4] = [
    (Kind::Confirmed, 100, 0.3),
    (Kind::Confirmed, 1_000, 2.0),
    (Kind::Live, 100, 0.3),
    (Kind::Live, 1_000, 2.0),
];

const ABOUT: &str = "\
Players without an engine write properties of nodes that a headless Godot has in its scene, so many that each load comes whole in one frame. What \
the addon takes of that frame on the main thread is measured by the addon itself: reading what came, setting the properties, emitting the \
signals, and looking for what is to be sent. *Confirmed* updates come in a commit each, the dearest way; *live* ones in datagrams. Frames \
that applied no whole load do not count. The system's own work and what else the machine does is in it.";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Confirmed,
    Live,
}

impl Part for Apply {
    fn name(&self) -> &'static str {
        "apply"
    }

    fn measure(&self, bench: &mut Bench<'_>) -> Outcome {
        let loads = bench.by_length(&LOADS[..], &LOADS[..2], &LOADS[..1]);
        let span = Duration::from_secs(bench.by_length(4, 3, 1));
        for (number, (kind, updates, _)) in in_turn(loads, bench.by_length(2, 1, 1)) {
            bench.tell(&format!(
                "{updates} {} updates, repetition {number}",
                kind.name()
            ));
            let figures = apply::measure(&kind.load(*updates), span)?;
            bench.add(Repetition {
                at: at(*updates),
                number,
                values: values(kind.name(), &figures),
                surroundings: figures.surroundings,
            });
        }
        Ok(())
    }

    fn chapter(&self, found: &Findings) -> Outcome<Chapter> {
        let verdicts = LOADS.into_iter().map(|(kind, updates, at_most)| Verdict {
            what: format!(
                "main thread in Godot, a frame that applies {updates} {} updates: p99",
                kind.name()
            ),
            measured: found.spread(kind.name(), &at(updates), "p99"),
            unit: "ms",
            at_most,
        });
        Ok(Chapter {
            title: "The main thread in Godot".to_owned(),
            text: format!("{ABOUT}\n\n{}", tables::by_settings(found)),
            verdicts: verdicts.collect(),
            ..Chapter::default()
        })
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Live => "live",
        }
    }

    const fn load(self, updates: u32) -> Load {
        match self {
            Self::Confirmed => Load::confirmed(updates),
            Self::Live => Load::live(updates),
        }
    }
}

fn at(updates: u32) -> At {
    At::new([("updates", updates)])
}

fn values(subject: &str, figures: &ApplyFigures) -> Vec<Value> {
    let times = &figures.times;
    let ms = |figure: &str, value| Value::new(subject, figure, "ms", value);
    vec![
        ms("mean", times.mean_ms),
        ms("p50", times.p50_ms),
        ms("p99", times.p99_ms),
        ms("longest", times.max_ms),
        Value::new(subject, "frames", "", times.frames as f64),
        Value::new(
            subject,
            "allocations a frame",
            "",
            figures.allocations_a_frame,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::tests::measured;

    #[test]
    fn each_load_has_its_own_aim() {
        let [few, many] = [100, 1_000].map(at);
        let found = measured(&[
            ("confirmed", &few, "p99", 0.4),
            ("confirmed", &many, "p99", 1.5),
            ("live", &many, "p99", 3.0),
        ]);
        let chapter = Apply.chapter(&found).unwrap();
        let verdicts: Vec<_> = chapter.verdicts.iter().map(Verdict::to_string).collect();
        assert_eq!(
            verdicts,
            [
                "missed by 0.10 ms (33 %)",
                "met",
                "not measured",
                "missed by 1.00 ms (50 %)"
            ]
        );
    }
}
