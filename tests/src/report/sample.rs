//! Values as they were measured, one for each repetition.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use synced_bench::Times;

use crate::peers::meter::Surroundings;

/// One figure of one repetition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The part of the suite that measured it.
    pub part: String,
    /// Who did the work, or which stage of it this is.
    pub subject: String,
    /// At which settings.
    pub at: At,
    /// What was measured.
    pub figure: String,
    /// Its unit.
    pub unit: String,
    /// In which repetition, from 1.
    pub repetition: u32,
    /// The value, in that unit.
    pub value: f64,
    /// How many threads wanted to run at once in the last minute, on average, where the system tells.
    pub load: Option<f64>,
    /// The longest that an idle thread was kept waiting meanwhile, in milliseconds.
    pub stall_ms: f64,
}

/// Settings, as `key=value` with semicolons between.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct At(String);

/// A figure before it is known where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// As [`Sample::subject`].
    pub subject: String,
    /// As [`Sample::figure`].
    pub figure: String,
    /// As [`Sample::unit`].
    pub unit: &'static str,
    /// As [`Sample::value`].
    pub value: f64,
}

/// One repetition of one piece of work.
#[derive(Debug, Clone, PartialEq)]
pub struct Repetition {
    /// At which settings.
    pub at: At,
    /// Which one, from 1.
    pub number: u32,
    /// What it gave. What is not a finite number was not measured, and is left out.
    pub values: Vec<Value>,
    /// What the machine did besides.
    pub surroundings: Surroundings,
}

/// The heading of [`csv`].
pub const CSV_HEADING: &str = "part,subject,at,figure,unit,repetition,value,load,stall_ms";

/// Every sample as comma-separated values, below the heading.
#[must_use]
pub fn csv(samples: &[Sample]) -> String {
    let mut text = format!("{CSV_HEADING}\n");
    for sample in samples {
        let load = sample.load.map(|load| format!("{load:.2}"));
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{},{:.2}",
            sample.part,
            sample.subject,
            sample.at,
            sample.figure,
            sample.unit,
            sample.repetition,
            sample.value,
            load.unwrap_or_default(),
            sample.stall_ms,
        );
    }
    text
}

impl At {
    /// These settings, in this order.
    #[must_use]
    pub fn new<V: fmt::Display>(settings: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        let settings = settings.into_iter();
        let texts: Vec<_> = settings
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        Self(texts.join(";"))
    }

    /// For people, with a space for each `=` and a comma for each semicolon.
    #[must_use]
    pub fn words(&self) -> String {
        self.0.replace('=', " ").replace(';', ", ")
    }

    /// What a setting is.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let settings = self.0.split(';').filter_map(|text| text.split_once('='));
        let mut found = settings.filter(|(known, _)| *known == key);
        found.next().map(|(_, value)| value)
    }

    /// What a setting is, where that is a number.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key)?.parse().ok()
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value {
    /// A figure of a subject.
    pub fn new(
        subject: impl Into<String>,
        figure: impl Into<String>,
        unit: &'static str,
        value: f64,
    ) -> Self {
        Self {
            subject: subject.into(),
            figure: figure.into(),
            unit,
            value,
        }
    }

    /// How long something took: its mean, its median, and what 99 of 100 took at most.
    #[must_use]
    pub fn of_times(subject: &str, times: &Times) -> [Self; 3] {
        let [p50, p99] = [0.5, 0.99].map(|part| times.quantile_ms(part));
        Self::of_ms(subject, [times.mean_ms(), p50, p99])
    }

    /// The same where these are known, in milliseconds.
    #[must_use]
    pub fn of_ms(subject: &str, [mean, p50, p99]: [f64; 3]) -> [Self; 3] {
        let figures = [("mean", mean), ("p50", p50), ("p99", p99)];
        figures.map(|(figure, ms)| Self::new(subject, figure, "ms", ms))
    }
}

impl Repetition {
    /// Its samples, for a part of the suite.
    pub(super) fn samples(self, part: &str) -> impl Iterator<Item = Sample> {
        let Surroundings {
            load, stall_ms_max, ..
        } = self.surroundings;
        let values = self.values.into_iter();
        let measured = values.filter(|value| value.value.is_finite());
        measured.map(move |value| Sample {
            part: part.to_owned(),
            subject: value.subject,
            at: self.at.clone(),
            figure: value.figure,
            unit: value.unit.to_owned(),
            repetition: self.number,
            value: value.value,
            load: load.is_finite().then_some(load),
            stall_ms: stall_ms_max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repetition() -> Repetition {
        Repetition {
            at: At::new([("players", 100), ("bytes", 1024)]),
            number: 2,
            values: vec![
                Value::new("confirmed", "mean", "ms", 5.25),
                Value::new("confirmed", "p99", "ms", f64::NAN),
            ],
            surroundings: Surroundings {
                load: 1.5,
                stall_ms_max: 3.0,
                clock_set_ms: 0.0,
            },
        }
    }

    #[test]
    fn settings_are_found_by_their_keys() {
        let at = repetition().at;
        assert_eq!(at.number("bytes"), Some(1024.0));
        assert_eq!((at.get("players"), at.get("play")), (Some("100"), None));
        assert_eq!(at.words(), "players 100, bytes 1024");
    }

    #[test]
    fn what_is_no_number_was_not_measured_and_the_rest_is_a_line_each() {
        let samples: Vec<_> = repetition().samples("crowd").collect();
        let text = csv(&samples);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                CSV_HEADING,
                "crowd,confirmed,players=100;bytes=1024,mean,ms,2,5.25,1.50,3.00"
            ]
        );
    }

    #[test]
    fn a_load_that_the_system_does_not_tell_is_left_open() {
        let mut unknown = repetition();
        unknown.surroundings.load = f64::NAN;
        let samples: Vec<_> = unknown.samples("crowd").collect();
        assert!(csv(&samples).contains(",5.25,,3.00"));
    }
}
