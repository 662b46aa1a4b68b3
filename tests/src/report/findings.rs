//! What was found, and how its repetitions lie.

use serde::{Deserialize, Serialize};

use super::sample::{At, Repetition, Sample};
use crate::peers::Spread;

/// Samples, and what else there is to say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// In the order in which they were measured.
    pub samples: Vec<Sample>,
    /// Such as why something could not be measured.
    pub remarks: Vec<Remark>,
}

/// Something that is no number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// The part of the suite that it is about.
    pub part: String,
    /// A sentence.
    pub text: String,
}

/// All repetitions of one figure of one subject at the same settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<'a> {
    /// The first of them, for its names.
    pub first: &'a Sample,
    /// How the values lie.
    pub spread: Spread,
    /// The greatest load among them, where the system tells.
    pub load_max: Option<f64>,
    /// The longest stall among them, in milliseconds.
    pub stall_ms_max: f64,
}

impl Findings {
    /// Adds a repetition of a part of the suite.
    pub fn add(&mut self, part: &str, repetition: Repetition) {
        self.samples.extend(repetition.samples(part));
    }

    /// Adds a sentence about a part.
    pub fn remark(&mut self, part: &str, text: impl Into<String>) {
        self.remarks.push(Remark {
            part: part.to_owned(),
            text: text.into(),
        });
    }

    /// Takes out what one part found.
    pub fn forget(&mut self, part: &str) {
        self.samples.retain(|sample| sample.part != part);
        self.remarks.retain(|remark| remark.part != part);
    }

    /// What one part found.
    #[must_use]
    pub fn of(&self, part: &str) -> Self {
        let samples = self.samples.iter().filter(|sample| sample.part == part);
        let remarks = self.remarks.iter().filter(|remark| remark.part == part);
        Self {
            samples: samples.cloned().collect(),
            remarks: remarks.cloned().collect(),
        }
    }

    /// The samples of which something is true, without remarks.
    #[must_use]
    pub fn only(&self, is: impl Fn(&Sample) -> bool) -> Self {
        let samples = self.samples.iter().filter(|sample| is(sample));
        Self {
            samples: samples.cloned().collect(),
            remarks: Vec::new(),
        }
    }

    /// All series, in the order in which their first samples came.
    #[must_use]
    pub fn series(&self) -> Vec<Series<'_>> {
        let mut groups: Vec<Vec<&Sample>> = Vec::new();
        for sample in &self.samples {
            match groups
                .iter_mut()
                .find(|group| is_same_series(group[0], sample))
            {
                Some(group) => group.push(sample),
                None => groups.push(vec![sample]),
            }
        }
        groups.iter().map(|group| series(group)).collect()
    }

    /// How a figure of a subject lies at these settings, where it was measured.
    #[must_use]
    pub fn spread(&self, subject: &str, at: &At, figure: &str) -> Option<Spread> {
        let found = self.samples.iter().filter(|sample| {
            sample.subject == subject && sample.at == *at && sample.figure == figure
        });
        let spread = Spread::of(found.map(|sample| sample.value));
        (spread.repetitions > 0).then_some(spread)
    }

    /// The settings at which something was measured, in the order in which they came.
    #[must_use]
    pub fn settings(&self) -> Vec<&At> {
        let mut settings: Vec<&At> = Vec::new();
        for sample in &self.samples {
            if !settings.contains(&&sample.at) {
                settings.push(&sample.at);
            }
        }
        settings
    }

    /// The settings at which a key is this number.
    #[must_use]
    pub fn where_is(&self, key: &str, number: f64) -> Vec<&At> {
        let mut settings = self.settings();
        settings.retain(|at| at.number(key) == Some(number));
        settings
    }
}

fn is_same_series(one: &Sample, other: &Sample) -> bool {
    names(one) == names(other)
}

fn names(sample: &Sample) -> (&str, &str, &At, &str) {
    let Sample {
        part,
        subject,
        at,
        figure,
        ..
    } = sample;
    (part, subject, at, figure)
}

fn series<'a>(samples: &[&'a Sample]) -> Series<'a> {
    let values = samples.iter().map(|sample| sample.value);
    let loads = samples.iter().filter_map(|sample| sample.load);
    let stalls = samples.iter().map(|sample| sample.stall_ms);
    Series {
        first: samples[0],
        spread: Spread::of(values),
        load_max: loads.reduce(f64::max),
        stall_ms_max: stalls.fold(0.0, f64::max),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{peers::meter::Surroundings, report::sample::Value};

    /// Repetitions of one value each, of a part called `part`.
    pub(in crate::report) fn measured(values: &[(&str, &At, &str, f64)]) -> Findings {
        let mut findings = Findings::default();
        for (subject, at, figure, value) in values {
            findings.add(
                "part",
                Repetition {
                    at: (*at).clone(),
                    number: 1,
                    values: vec![Value::new(*subject, *figure, "ms", *value)],
                    surroundings: Surroundings {
                        load: *value,
                        stall_ms_max: 2.0 * value,
                        clock_set_ms: 0.0,
                    },
                },
            );
        }
        findings
    }

    #[test]
    fn repetitions_lie_between_their_ends_and_other_settings_are_other_series() {
        let [few, many] = [20, 100].map(|players| At::new([("players", players)]));
        let findings = measured(&[
            ("live", &many, "mean", 5.0),
            ("live", &few, "mean", 1.0),
            ("live", &many, "mean", 9.0),
            ("live", &many, "mean", 6.0),
            ("live", &many, "p99", 50.0),
        ]);
        let all = findings.series();
        assert_eq!(all.len(), 3);
        let Series {
            spread,
            load_max,
            stall_ms_max,
            ..
        } = &all[0];
        assert_eq!(
            (spread.min, spread.median, spread.max, spread.repetitions),
            (5.0, 6.0, 9.0, 3)
        );
        assert_eq!((*load_max, *stall_ms_max), (Some(9.0), 18.0));
        assert_eq!(findings.spread("live", &many, "mean"), Some(*spread));
        assert_eq!(findings.spread("own", &many, "mean"), None);
        assert_eq!(findings.settings(), [&many, &few]);
        assert_eq!(findings.where_is("players", 20.0), [&few]);
    }

    #[test]
    fn a_part_sees_what_is_its_own() {
        let mut findings = measured(&[("live", &At::default(), "mean", 5.0)]);
        findings.remark("other", "Nothing was measured.");
        assert_eq!(findings.of("part").samples.len(), 1);
        assert_eq!(findings.of("part").remarks.len(), 0);
        let other = findings.of("other");
        assert_eq!((other.samples.len(), other.remarks.len()), (0, 1));
    }
}
