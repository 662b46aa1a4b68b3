//! What the main thread of a Godot pays for what others write.

use std::time::Duration;

use crate::{
    Outcome,
    apply::{self, ApplyFigures, Load, rows::FrameTimes},
    report::{
        findings::Findings,
        part::{Bench, Chapter, Part, calm_rule},
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
that applied no whole load do not count. The system's own work and what else the machine does is in it. *By a script* is what a script in the \
same Godot takes in a frame to set the same properties of the same nodes, which it has in a list: nothing is read, looked for or smoothed.";

/// Of a frame that applies a thousand confirmed values.
const PROFILE: &str = "\
In a profile that perf once made on another occasion, two fifths are the engine's: finding each property by its name, setting it, reading back \
what a setter made of it, and looking whether anybody listens. Another third is waiting for memory: what belongs to a thousand nodes is not \
near the processor any more when the next frame comes.";

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
        for (number, (kind, updates, _)) in in_turn(loads, bench.repetitions(2, 1)) {
            bench.tell(&format!(
                "{updates} {} updates, repetition {number}",
                kind.name()
            ));
            let load = kind.load(*updates);
            let figures = bench.in_calm(
                |figures: &ApplyFigures| figures.surroundings,
                || apply::measure(&load, span),
            )?;
            bench.add(Repetition {
                at: at(*updates),
                number,
                values: kind.values(&figures),
                surroundings: figures.surroundings,
            });
        }
        Ok(())
    }

    fn chapter(&self, found: &Findings) -> Outcome<Chapter> {
        let verdicts = LOADS.into_iter().map(|(kind, updates, at_most)| Verdict {
            what: format!(
                "main thread in Godot, p99 of a frame that applies {} values",
                kind.name()
            ),
            figure: format!("{updates} updates:"),
            measured: found.spread(kind.name(), &at(updates), "p99"),
            unit: "ms",
            at_most,
            stopped_by: kind.stopped_by(found, updates),
        });
        Ok(Chapter {
            title: "The main thread in Godot".to_owned(),
            text: format!("{ABOUT} {}\n\n{}", calm_rule(), tables::by_settings(found)),
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

    const fn by_script(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed ones' by a script",
            Self::Live => "live ones' by a script",
        }
    }

    /// What of a frame is Godot's own.
    fn stopped_by(self, found: &Findings, updates: u32) -> String {
        let p50 = |subject| Some(found.spread(subject, &at(updates), "p50")?.median);
        let both = p50(self.name()).zip(p50(self.by_script()));
        both.map_or_else(String::new, |(ours, script)| {
            format!(
                "of {ours:.2} ms at p50, {script:.2} ms are what a script of Godot's own takes to set the same properties. {PROFILE}"
            )
        })
    }

    fn values(self, figures: &ApplyFigures) -> Vec<Value> {
        let once = |figure, value| Value::new(self.name(), figure, "", value);
        let mut values = of_times(self.name(), &figures.times);
        values.push(once("frames", figures.times.frames as f64));
        values.push(once("allocations a frame", figures.allocations_a_frame));
        values.extend(of_times(self.by_script(), &figures.by_script));
        values
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

fn of_times(subject: &str, times: &FrameTimes) -> Vec<Value> {
    let most = Value::of_ms(subject, [times.mean_ms, times.p50_ms, times.p99_ms]);
    let longest = Value::new(subject, "longest", "ms", times.max_ms);
    most.into_iter().chain([longest]).collect()
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
