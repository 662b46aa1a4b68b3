//! What the parts cost in instructions, as it was accepted.

use std::{fmt::Write as _, fs};

use crate::{
    Failure, Outcome, folder,
    peers::meter::Surroundings,
    report::{
        findings::Findings,
        part::{Bench, Chapter, Part},
        sample::{At, Repetition, Value},
    },
};

/// The part.
pub(super) struct Counts;

/// Which `scripts/count-instructions` writes.
const FILE: &str = "rust/bench/instructions.txt";
const FIGURES: [&str; 3] = ["instructions", "allocations", "allocated bytes"];

const ABOUT: &str = "\
What one round of each piece of work takes on the processor, and what 32 rounds take from the allocator. The numbers are those of \
`rust/bench/instructions.txt`, which `scripts/count-instructions` makes and `scripts/test` compares: they are the same in every run. What \
allocates nothing is the steady path. The number at the end of a name is how many of it there are in a round.";

impl Part for Counts {
    fn name(&self) -> &'static str {
        "counts"
    }

    fn measure(&self, bench: &mut Bench<'_>) -> Outcome {
        let path = folder::repository().join(FILE);
        let text = fs::read_to_string(&path).map_err(Failure::of(format!("cannot read {FILE}")))?;
        let counts = read(&text)?;
        bench.tell(&format!("{} of {FILE}", counts.len() / FIGURES.len()));
        bench.add(Repetition {
            at: At::default(),
            number: 1,
            values: counts,
            surroundings: Surroundings {
                load: f64::NAN,
                stall_ms_max: 0.0,
                clock_set_ms: 0.0,
            },
        });
        Ok(())
    }

    fn chapter(&self, found: &Findings) -> Outcome<Chapter> {
        Ok(Chapter {
            title: "Instructions and allocations".to_owned(),
            text: format!("{ABOUT}\n\n{}", table(found)),
            ..Chapter::default()
        })
    }
}

/// The figures of every line that is no comment.
fn read(text: &str) -> Outcome<Vec<Value>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut values = Vec::new();
    for line in lines {
        let known = read_line(line);
        values.extend(known.ok_or_else(|| {
            Failure::new(format!(
                "{FILE}: cannot read \"{line}\": make it anew with scripts/count-instructions --accept"
            ))
        })?);
    }
    Ok(values)
}

fn read_line(line: &str) -> Option<Vec<Value>> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let numbers: Vec<f64> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    if numbers.len() != FIGURES.len() {
        return None;
    }
    let values = FIGURES.into_iter().zip(numbers);
    Some(
        values
            .map(|(figure, number)| Value::new(name, figure, "", number))
            .collect(),
    )
}

fn table(found: &Findings) -> String {
    let mut text =
        "| | instructions a round | allocations in 32 | bytes |\n|---|---|---|---|\n".to_owned();
    for line in found.samples.chunks(FIGURES.len()) {
        let cells: String = line
            .iter()
            .map(|sample| format!(" {} |", sample.value))
            .collect();
        let _ = writeln!(text, "| {} |{cells}", line[0].subject);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_accepted_becomes_a_table() {
        let values = read("# made with: x\na/1 10 2 300\nb/2 20 0 0\n").unwrap();
        let mut found = Findings::default();
        let surroundings = Surroundings {
            load: f64::NAN,
            stall_ms_max: 0.0,
            clock_set_ms: 0.0,
        };
        found.add(
            "counts",
            Repetition {
                at: At::default(),
                number: 1,
                values,
                surroundings,
            },
        );
        let text = table(&found);
        assert!(
            text.ends_with("\n| a/1 | 10 | 2 | 300 |\n| b/2 | 20 | 0 | 0 |\n"),
            "{text}"
        );
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_with_what_to_do() {
        for line in ["a/1 10 2", "a/1 10 2 x", ""] {
            let failure = read(&format!("{line}\n")).unwrap_err().to_string();
            assert!(failure.contains(&format!("\"{line}\"")), "{failure}");
            assert!(failure.contains("--accept"), "{failure}");
        }
    }
}
