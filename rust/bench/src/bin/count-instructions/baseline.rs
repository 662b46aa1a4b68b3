//! What was accepted, as the repository keeps it: a heading, then a line for each piece of work, sorted by name.

use std::{collections::BTreeMap, fmt, str::FromStr};

const HEADING: &str =
    "# What a round of each benchmark takes. scripts/count-instructions --accept writes this file.";
const MADE_WITH: &str = "# made with: ";
const COLUMNS: &str =
    "# name, instructions a round, allocations and their bytes in all counted rounds";

/// What one piece of work takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Of a round; `None` where they could not be counted.
    pub(crate) instructions: Option<u64>,
    /// Of all counted rounds together, since some allocate once in many rounds.
    pub(crate) allocations: u64,
    /// Likewise.
    pub(crate) allocated_bytes: u64,
}

/// What every piece of work takes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Baseline {
    /// What instructions depend on beside the code.
    pub(crate) made_with: String,
    pub(crate) counts: BTreeMap<String, Counts>,
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADING}\n{MADE_WITH}{}\n{COLUMNS}", self.made_with)?;
        for (name, counts) in &self.counts {
            let instructions = counts.instructions.unwrap_or_default();
            let (allocations, bytes) = (counts.allocations, counts.allocated_bytes);
            writeln!(f, "{name} {instructions} {allocations} {bytes}")?;
        }
        Ok(())
    }
}

impl FromStr for Baseline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut baseline = Self::default();
        for line in text.lines() {
            if let Some(made_with) = line.strip_prefix(MADE_WITH) {
                made_with.clone_into(&mut baseline.made_with);
            } else if !line.starts_with('#') {
                let (name, counts) =
                    parse_line(line).ok_or_else(|| format!("cannot read \"{line}\""))?;
                baseline.counts.insert(name, counts);
            }
        }
        Ok(baseline)
    }
}

fn parse_line(line: &str) -> Option<(String, Counts)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [name, instructions, allocations, bytes] = *words else {
        return None;
    };
    let counts = Counts {
        instructions: Some(instructions.parse().ok()?),
        allocations: allocations.parse().ok()?,
        allocated_bytes: bytes.parse().ok()?,
    };
    Some((name.to_owned(), counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_sorted_by_name() {
        let counts = |instructions| Counts {
            instructions: Some(instructions),
            allocations: 2,
            allocated_bytes: 300,
        };
        let baseline = Baseline {
            made_with: "rustc 1, here".to_owned(),
            counts: [
                ("b/2".to_owned(), counts(20)),
                ("a/1".to_owned(), counts(10)),
            ]
            .into(),
        };
        let text = baseline.to_string();
        assert!(text.ends_with("\na/1 10 2 300\nb/2 20 2 300\n"), "{text}");
        assert_eq!(text.parse(), Ok(baseline));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        for line in ["a/1 10 2", "a/1 10 2 x", ""] {
            let what = format!("# made with: x\n{line}\n").parse::<Baseline>();
            assert_eq!(what, Err(format!("cannot read \"{line}\"")));
        }
    }
}
