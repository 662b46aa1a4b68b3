//! A run of the suite.

use std::path::Path;

use super::{
    document::{self, Told},
    findings::Findings,
    machine::Machine,
    part::{Bench, Length, Part},
    parts, readme,
    run::{Run, write},
    sample,
};
use crate::{Failure, Outcome, folder};

/// What is to be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// How much.
    pub length: Length,
    /// What chance follows from.
    pub seed: u64,
    /// The parts by name; all of them but the extra ones if there is none.
    pub only: Vec<String>,
    /// Whether what these parts found in the run that the folder holds is to be replaced, and all else there kept.
    pub anew: bool,
    /// Whether the extra ones are measured, too.
    pub extra: bool,
    /// As it was typed, for whoever wants the same again.
    pub options: String,
}

/// The report in its folder.
pub const REPORT: &str = "report.md";
/// The values in its folder.
pub const RAW: &str = "raw.csv";

impl Suite {
    /// Measures part by part, and writes everything anew after each, so that nothing is lost with a later one. A part that cannot be
    /// measured does not keep the others from it.
    ///
    /// # Errors
    /// When a part is not known, nothing can be written, or, at the end, parts could not be measured: why.
    pub fn run(&self, out: &Path, tell: &mut dyn FnMut(&str)) -> Outcome<Run> {
        let parts = self.parts()?;
        folder::make(out)?;
        let here = Machine::here()?;
        tell(&here.to_string());
        let mut run = if self.anew {
            replacing(Run::load(out)?, &parts, &here)?
        } else {
            Run {
                machine: here,
                options: self.options.clone(),
                findings: Findings::default(),
            }
        };
        let mut failures = Vec::new();
        for part in &parts {
            let asked = (self.length, self.seed);
            let measured =
                part.measure(&mut Bench::new(part.name(), asked, &mut run.findings, tell));
            if let Err(failure) = measured {
                let text = failure.to_string();
                let why = text.lines().next().unwrap_or_default();
                tell(&format!("{}: {why}", part.name()));
                // Where this repository lies is of no interest to who reads the report elsewhere.
                let here = format!("{}/", folder::repository().display());
                let remark = format!(
                    "It could not be measured to its end: {}",
                    why.replace(&here, "")
                );
                run.findings.remark(part.name(), remark);
                failures.push(format!("{}: {failure}", part.name()));
            }
            run.save(out)?;
            publish(&run, out)?;
        }
        if failures.is_empty() {
            return Ok(run);
        }
        let text = format!("{} parts could not be measured", failures.len());
        Err(Failure::new(text).with("why", &failures.join("\n")))
    }

    fn parts(&self) -> Outcome<Vec<Box<dyn Part>>> {
        let mut parts = parts::all();
        let names: Vec<_> = parts.iter().map(|part| part.name()).collect();
        if let Some(unknown) = self
            .only
            .iter()
            .find(|name| !names.contains(&name.as_str()))
        {
            return Err(Failure::new(format!(
                "there is no part {unknown}: there are {}",
                names.join(", ")
            )));
        }
        parts.retain(|part| {
            let is_named = self.only.iter().any(|name| name == part.name());
            let by_itself = if part.is_extra() {
                self.extra
            } else {
                self.only.is_empty()
            };
            is_named || by_itself
        });
        Ok(parts)
    }
}

/// A run without what these parts found in it, which will have been measured later, on the same machine.
fn replacing(mut run: Run, parts: &[Box<dyn Part>], here: &Machine) -> Outcome<Run> {
    if !run.machine.is_same(here) {
        let there = &run.machine;
        return Err(Failure::new(format!(
            "figures of two machines are no one report: this is {here}; the run is of {there}"
        )));
    }
    for part in parts {
        run.findings.forget(part.name());
        let remark = format!("This was measured by itself, at another time than the rest: {here}.");
        run.findings.remark(part.name(), remark);
    }
    Ok(run)
}

/// Writes report, plots and values of a run into a folder.
///
/// # Errors
/// When the system refuses, or a plot cannot be drawn.
pub fn publish(run: &Run, folder: &Path) -> Outcome {
    folder::make(folder)?;
    let told = told(run)?;
    write(&folder.join(REPORT), &document::report(run, &told))?;
    write(&folder.join(RAW), &sample::csv(&run.findings.samples))?;
    let mut plots = told.iter().flat_map(|(chapter, _)| &chapter.plots);
    plots.try_for_each(|plot| write(&folder.join(&plot.file), &plot.svg))
}

/// Writes the same into a folder that is to be kept, and its short form between the markers of a page.
///
/// # Errors
/// As [`publish`], and as [`readme::put`].
pub fn publish_beside(run: &Run, page: &Path, folder: &Path) -> Outcome {
    publish(run, folder)?;
    let way = readme::way(page, folder)?;
    readme::put(page, &document::short(run, &told(run)?, &way))
}

/// A chapter of each part that found something or could not.
fn told(run: &Run) -> Outcome<Vec<Told>> {
    let mut told = Vec::new();
    for part in parts::all() {
        let found = run.findings.of(part.name());
        if found.samples.is_empty() && found.remarks.is_empty() {
            continue;
        }
        let chapter = part.chapter(&found)?;
        told.push((chapter, found.remarks));
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{findings::tests::measured, sample::At};
    use std::fs;

    fn suite(only: &[&str]) -> Suite {
        Suite {
            length: Length::Smallest,
            seed: 1,
            only: only.iter().map(|&name| name.to_owned()).collect(),
            anew: false,
            extra: false,
            options: String::new(),
        }
    }

    #[test]
    fn an_unknown_part_is_told_the_names_of_those_that_there_are() {
        let Err(failure) = suite(&["crowd", "clown"]).parts() else {
            panic!("clown is known");
        };
        let text = failure.to_string();
        assert!(
            text.contains("no part clown") && text.contains("crowd"),
            "{text}"
        );
        assert_eq!(suite(&["crowd"]).parts().unwrap().len(), 1);
    }

    #[test]
    fn what_takes_very_long_is_measured_only_where_it_is_asked_for() {
        let has_soak = |suite: &Suite| {
            let parts = suite.parts().unwrap();
            parts.iter().any(|part| part.name() == "soak")
        };
        assert!(!has_soak(&suite(&[])));
        assert!(has_soak(&suite(&["soak"])));
        for only in [&[][..], &["crowd"]] {
            let extra = Suite {
                extra: true,
                ..suite(only)
            };
            assert!(has_soak(&extra));
        }
    }

    #[test]
    fn a_part_that_is_measured_anew_takes_its_own_place_alone_and_on_the_same_machine() {
        let mut findings = measured(&[("live", &At::new([("players", 3)]), "mean", 1.0)]);
        findings.samples[0].part = "apply".to_owned();
        let kept = measured(&[("live", &At::new([("players", 3)]), "mean", 2.0)]);
        findings.samples.extend(kept.samples.clone());
        findings.remark("apply", "It was too noisy.");
        let run = Run {
            machine: Machine::unknown(),
            options: String::new(),
            findings,
        };
        let parts = suite(&["apply"]).parts().unwrap();
        let later = Machine {
            commit: "later".to_owned(),
            ..Machine::unknown()
        };
        let replaced = replacing(run.clone(), &parts, &later).unwrap();
        assert_eq!(replaced.findings.samples, kept.samples);
        let [remark] = &replaced.findings.remarks[..] else {
            panic!("{:?}", replaced.findings.remarks);
        };
        assert!(remark.part == "apply" && remark.text.contains("commit later"));
        let other = Machine {
            cores: 64,
            ..Machine::unknown()
        };
        let refused = replacing(run, &parts, &other).unwrap_err().to_string();
        assert!(refused.contains("two machines"), "{refused}");
    }

    #[test]
    fn a_part_that_found_nothing_says_why() {
        let mut run = Run {
            machine: Machine::unknown(),
            options: String::new(),
            findings: Findings::default(),
        };
        run.findings.remark("crowd", "There is no server.");
        let folder = folder::fresh("report-suite").unwrap();
        publish(&run, &folder).unwrap();
        let text = fs::read_to_string(folder.join(REPORT)).unwrap();
        for line in ["Remark: There is no server.", "## A crowd on five servers"] {
            assert!(text.contains(line), "no {line} in {text}");
        }
        assert!(text.contains("| not measured |"), "{text}");
    }
}
