//! The comparison in words.

use std::fmt::Write;

use crate::{
    baseline::{Baseline, Counts},
    comparison::{Change, GROWTH_PERCENT_MAX, Row, Trust},
};

/// A line for each piece of work.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = format!(
        "{:<28} {:>12} {:>12} {:>9}  {:>17}\n",
        "benchmark", "accepted", "now", "change", "allocations"
    );
    for row in rows {
        let _ = writeln!(
            table,
            "{:<28} {:>12} {:>12} {:>9}  {:>17}{}",
            row.name,
            instructions(row.before),
            instructions(row.now),
            growth(row),
            allocations(row),
            remark(row.change),
        );
    }
    table
}

/// What follows from it.
pub(crate) fn verdict(rows: &[Row], trust: Trust, before: &Baseline, now: &Baseline) -> String {
    let mut verdict = String::new();
    if trust == Trust::AllocationsAlone {
        verdict += &unchecked(before, now);
    }
    let failed = rows.iter().filter(|row| row.is_failure()).count();
    if failed > 0 {
        let _ = writeln!(
            verdict,
            "error: {failed} of {} are not as accepted: instructions may grow by {GROWTH_PERCENT_MAX} %, allocations not at all\n       \
             make it cheaper; or say in the commit why it costs more, and run scripts/count-instructions --accept",
            rows.len()
        );
    }
    if rows.iter().any(|row| row.change == Change::Less) {
        verdict += "some take less than was accepted: scripts/count-instructions --accept holds on to that\n";
    }
    verdict
}

fn unchecked(before: &Baseline, now: &Baseline) -> String {
    if before.made_with == now.made_with {
        "NOT CHECKED: instructions, since there is no valgrind\n".to_owned()
    } else {
        format!(
            "NOT CHECKED: instructions, since they were accepted with {}\n             and this is {}\n",
            before.made_with, now.made_with
        )
    }
}

fn instructions(counts: Option<Counts>) -> String {
    let instructions = counts.and_then(|counts| counts.instructions);
    instructions.map_or_else(|| "-".to_owned(), |count| count.to_string())
}

fn growth(row: &Row) -> String {
    row.growth().map_or_else(String::new, |growth| {
        format!("{:+.2} %", growth as f64 / 100.0)
    })
}

fn allocations(row: &Row) -> String {
    let count = |counts: Option<Counts>| {
        counts.map_or_else(|| "-".to_owned(), |counts| counts.allocations.to_string())
    };
    let (before, now) = (count(row.before), count(row.now));
    if before == now {
        now
    } else {
        format!("{before} -> {now}")
    }
}

const fn remark(change: Change) -> &'static str {
    match change {
        Change::Same => "",
        Change::Less => "  less",
        Change::Allocates => "  ALLOCATES MORE",
        Change::Grew => "  GREW",
        Change::New => "  NEW",
        Change::Gone => "  GONE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::compare;

    fn baseline(made_with: &str, instructions: u64) -> Baseline {
        let counts = Counts {
            instructions: Some(instructions),
            allocations: 0,
            allocated_bytes: 0,
        };
        Baseline {
            made_with: made_with.to_owned(),
            counts: [("a/1".to_owned(), counts)].into(),
        }
    }

    fn verdict_on(before: &Baseline, now: &Baseline) -> String {
        let trust = Trust::between(before, now);
        verdict(&compare(before, now, trust), trust, before, now)
    }

    #[test]
    fn growth_is_shown_and_told_with_what_to_do() {
        let (before, now) = (baseline("x", 1_000), baseline("x", 1_111));
        let table = table(&compare(&before, &now, Trust::All));
        assert!(table.contains("+11.10 %"), "{table}");
        assert!(table.ends_with("  GREW\n"), "{table}");
        assert!(verdict_on(&before, &now).contains("--accept"));
        assert_eq!(verdict_on(&before, &before), "");
    }

    #[test]
    fn what_was_not_checked_is_said_aloud_with_both_compilers() {
        let (before, now) = (baseline("rustc 1", 1_000), baseline("rustc 2", 9_000));
        let verdict = verdict_on(&before, &now);
        assert!(verdict.starts_with("NOT CHECKED"), "{verdict}");
        assert!(
            verdict.contains("rustc 1") && verdict.contains("rustc 2"),
            "{verdict}"
        );
    }
}
