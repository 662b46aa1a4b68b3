//! Whether what was measured is what was aimed at.

use std::fmt;

use crate::peers::Spread;

/// A figure that is to be at most so much, and what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Of what. Those of one thing stand side by side.
    pub what: String,
    /// Which of its figures; empty where there is but one.
    pub figure: String,
    /// What it was, where it was measured.
    pub measured: Option<Spread>,
    /// The unit of both; empty for a ratio.
    pub unit: &'static str,
    /// What it is to be at most.
    pub at_most: f64,
    /// What keeps it from what was aimed at, where it is.
    pub stopped_by: String,
}

impl Verdict {
    /// What was measured, for a table.
    #[must_use]
    pub fn value(&self) -> String {
        let with_unit = |spread: Spread| format!("{spread} {}", self.unit);
        let text = self.measured.map_or("-".to_owned(), with_unit);
        text.trim_end().to_owned()
    }

    /// Whether it was measured, and is more than was aimed at.
    #[must_use]
    pub fn is_missed(&self) -> bool {
        self.measured
            .is_some_and(|spread| spread.median > self.at_most)
    }

    /// What was aimed at, for a table.
    #[must_use]
    pub fn target(&self) -> String {
        format!("at most {} {}", self.at_most, self.unit)
            .trim_end()
            .to_owned()
    }
}

/// Met, or missed and by how much: the median counts.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Spread {
            median, min, max, ..
        }) = self.measured
        else {
            return f.write_str("not measured");
        };
        let over = median - self.at_most;
        let percent = 100.0 * over / self.at_most;
        if over > 0.0 {
            let also = if min <= self.at_most {
                ", but met in the best repetition"
            } else {
                ""
            };
            let unit = if self.unit.is_empty() {
                String::new()
            } else {
                format!(" {}", self.unit)
            };
            write!(f, "missed by {over:.2}{unit} ({percent:.0} %){also}")
        } else if max > self.at_most {
            f.write_str("met, but not in the worst repetition")
        } else {
            f.write_str("met")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(values: &[f64]) -> String {
        let verdict = Verdict {
            what: "live".to_owned(),
            figure: "p99".to_owned(),
            measured: (!values.is_empty()).then(|| Spread::of(values.iter().copied())),
            unit: "ms",
            at_most: 8.0,
            stopped_by: String::new(),
        };
        assert_eq!(verdict.is_missed(), verdict.to_string().contains("missed"));
        verdict.to_string()
    }

    #[test]
    fn the_median_decides_and_the_ends_are_told() {
        assert_eq!(text(&[5.0, 6.0, 8.0]), "met");
        assert_eq!(
            text(&[5.0, 6.0, 9.0]),
            "met, but not in the worst repetition"
        );
        assert_eq!(text(&[9.0, 10.0, 12.0]), "missed by 2.00 ms (25 %)");
        assert_eq!(
            text(&[7.0, 10.0, 12.0]),
            "missed by 2.00 ms (25 %), but met in the best repetition"
        );
        assert_eq!(text(&[]), "not measured");
    }
}
