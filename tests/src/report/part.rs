//! What the parts of the suite have in common.

use std::path::PathBuf;

use super::{findings::Findings, plot::Plot, sample::Repetition, turns::in_turn, verdict::Verdict};
use crate::{
    Outcome, folder,
    peers::meter::{Surroundings, Watch},
};

/// A part of the suite: it measures, and later tells what that means. What it tells follows from the findings alone, so that it can be
/// told again.
pub trait Part {
    /// In options, file names and raw data.
    fn name(&self) -> &'static str;

    /// Whether it takes so long that it is measured only where it is asked for.
    fn is_extra(&self) -> bool {
        false
    }

    /// Measures.
    ///
    /// # Errors
    /// When it cannot be measured, and what to do about it.
    fn measure(&self, bench: &mut Bench<'_>) -> Outcome;

    /// Tells what its own findings mean.
    ///
    /// # Errors
    /// When a plot cannot be drawn.
    fn chapter(&self, found: &Findings) -> Outcome<Chapter>;
}

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Everything, and all of it [`REPETITIONS_LONG`] times: half an hour.
    Long,
    /// Everything, what says most five times: ten to twelve minutes.
    Full,
    /// What says most, with few repetitions: some two minutes.
    Quick,
    /// That it works: seconds.
    Smallest,
}

/// How often a long run has everything at least.
pub const REPETITIONS_LONG: u32 = 5;

/// How often something is measured at most, where the machine does not leave it alone.
pub const TRIES_MAX: u32 = 3;
/// So long may an idle thread be kept waiting.
pub const STALL_MAX_MS: f64 = 30.0;

/// What [`Bench::in_calm`] does, for who reads the report.
pub fn calm_rule() -> String {
    format!(
        "A repetition in which the machine kept an idle thread waiting for more than {STALL_MAX_MS} ms is measured again, until there are \
         {TRIES_MAX}; the one with the shortest wait counts."
    )
}

/// What a part measures with.
pub struct Bench<'a> {
    /// How much is asked for.
    pub length: Length,
    /// What chance follows from.
    pub seed: u64,
    part: &'static str,
    findings: &'a mut Findings,
    tell: &'a mut dyn FnMut(&str),
}

/// A part's share of the report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chapter {
    /// Its heading.
    pub title: String,
    /// What the figures mean, then the figures, in Markdown.
    pub text: String,
    /// Its plots, which stand below the text.
    pub plots: Vec<Plot>,
    /// Whether it is what was aimed at.
    pub verdicts: Vec<Verdict>,
    /// What is shown in short beside the verdicts: how ours does, and beside whom.
    pub ratios: Vec<Beside>,
    /// How many figures were compared with those of others.
    pub compared: usize,
    /// What another does better, a sentence each.
    pub losses: Vec<String>,
}

/// How ours does beside another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// At what, and beside whom. Those of one thing stand side by side.
    pub what: String,
    /// Which figure.
    pub figure: String,
    /// How it lies.
    pub value: String,
}

impl<'a> Bench<'a> {
    /// For a part of this name. `tell` is told what is measured next.
    pub fn new(
        part: &'static str,
        (length, seed): (Length, u64),
        findings: &'a mut Findings,
        tell: &'a mut dyn FnMut(&str),
    ) -> Self {
        Self {
            length,
            seed,
            part,
            findings,
            tell,
        }
    }

    /// One of three, by the length that is asked for; a long run is a full one.
    pub fn by_length<T>(&self, full: T, quick: T, smallest: T) -> T {
        match self.length {
            Length::Long | Length::Full => full,
            Length::Quick => quick,
            Length::Smallest => smallest,
        }
    }

    /// How often something is measured, of which a full and a quick run have so many.
    pub fn repetitions(&self, full: u32, quick: u32) -> u32 {
        match self.length {
            Length::Long => full.max(REPETITIONS_LONG),
            Length::Full => full,
            Length::Quick => quick,
            Length::Smallest => 1,
        }
    }

    /// Says what is measured next.
    pub fn tell(&mut self, what: &str) {
        (self.tell)(&format!("{}: {what}", self.part));
    }

    /// Adds a repetition.
    pub fn add(&mut self, repetition: Repetition) {
        self.findings.add(self.part, repetition);
    }

    /// Adds a sentence to the chapter.
    pub fn remark(&mut self, text: impl Into<String>) {
        self.findings.remark(self.part, text);
    }

    /// An empty folder for the files of what is measured.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> Outcome<PathBuf> {
        folder::fresh(&format!("report-{}-{name}", self.part))
    }

    /// Measures up to [`TRIES_MAX`] times, until the machine keeps no idle thread waiting for longer than [`STALL_MAX_MS`] meanwhile;
    /// what is found while it keeps it waiting for the shortest time.
    ///
    /// # Errors
    /// The first of `measure`.
    pub fn in_calm<T>(
        &mut self,
        surroundings: impl Fn(&T) -> Surroundings,
        mut measure: impl FnMut() -> Outcome<T>,
    ) -> Outcome<T> {
        let stall_ms = |found: &T| surroundings(found).stall_ms_max;
        let mut calmest = measure()?;
        for _ in 1..TRIES_MAX {
            if stall_ms(&calmest) <= STALL_MAX_MS {
                break;
            }
            self.tell(&format!(
                "the machine stood still for {:.0} ms; once more",
                stall_ms(&calmest)
            ));
            let found = measure()?;
            if stall_ms(&found) < stall_ms(&calmest) {
                calmest = found;
            }
        }
        Ok(calmest)
    }

    /// Measures all things again and again, in turn: `measure` gives what a repetition of one found, and `tell` is told of it by `name`.
    ///
    /// # Errors
    /// The first of `measure`.
    pub fn repeat<T>(
        &mut self,
        things: &[T],
        repetitions: u32,
        name: impl Fn(&T) -> String,
        mut measure: impl FnMut(&Self, &T) -> Outcome<Measured>,
    ) -> Outcome {
        for (number, thing) in in_turn(things, repetitions) {
            self.tell(&format!("{}, {number} of {repetitions}", name(thing)));
            let watch = Watch::begin();
            let (at, values) = measure(self, thing)?;
            self.add(Repetition {
                at,
                number,
                values,
                surroundings: watch.end(),
            });
        }
        Ok(())
    }
}

/// What one repetition found, and at which settings.
pub type Measured = (super::sample::At, Vec<super::sample::Value>);

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found where tries stall for so long.
    fn calmest(stalls_ms: &[f64]) -> (f64, usize) {
        let (mut findings, mut tell) = (Findings::default(), |_: &str| {});
        let mut bench = Bench::new("part", (Length::Quick, 1), &mut findings, &mut tell);
        let mut tries = stalls_ms.iter();
        let surroundings = |stall_ms_max: &f64| Surroundings {
            load: 0.0,
            stall_ms_max: *stall_ms_max,
            clock_set_ms: 0.0,
        };
        let found = bench.in_calm(surroundings, || Ok(*tries.next().unwrap()));
        (found.unwrap(), stalls_ms.len() - tries.len())
    }

    #[test]
    fn what_is_found_while_the_machine_stands_still_is_measured_again_and_the_calmest_counts() {
        assert_eq!(calmest(&[STALL_MAX_MS, 0.0]), (STALL_MAX_MS, 1));
        assert_eq!(calmest(&[90.0, 10.0, 0.0]), (10.0, 2));
        assert_eq!(calmest(&[90.0, 70.0, 80.0, 0.0]), (70.0, 3));
    }
}
