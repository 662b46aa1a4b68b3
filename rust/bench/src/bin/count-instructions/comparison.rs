//! What has changed since the baseline, and what of it must not pass unseen.

use std::collections::BTreeSet;

use crate::baseline::{Baseline, Counts};

/// By how much instructions may grow, in percent.
pub(crate) const GROWTH_PERCENT_MAX: u64 = 5;

/// What can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Everything.
    All,
    /// Allocations alone: the instructions are another compiler's, or were not counted.
    AllocationsAlone,
}

impl Trust {
    pub(crate) fn between(before: &Baseline, now: &Baseline) -> Self {
        let counted = now
            .counts
            .values()
            .all(|counts| counts.instructions.is_some());
        if counted && before.made_with == now.made_with {
            Self::All
        } else {
            Self::AllocationsAlone
        }
    }
}

/// One piece of work before and now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) before: Option<Counts>,
    pub(crate) now: Option<Counts>,
    pub(crate) change: Change,
}

/// What to think of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// About as before.
    Same,
    /// It takes so much less that whoever made it so should have it accepted.
    Less,
    /// It allocates more.
    Allocates,
    /// It takes more instructions than it may.
    Grew,
    /// It is not in the baseline.
    New,
    /// It is only in the baseline.
    Gone,
}

impl Row {
    pub(crate) const fn is_failure(&self) -> bool {
        !matches!(self.change, Change::Same | Change::Less)
    }

    /// By how many hundredths of a percent the instructions have changed.
    pub(crate) fn growth(&self) -> Option<i64> {
        let before = i64::try_from(self.before?.instructions?).ok()?;
        let now = i64::try_from(self.now?.instructions?).ok()?;
        Some((now - before) * 10_000 / before.max(1))
    }
}

/// Every piece of work of either, by name.
pub(crate) fn compare(before: &Baseline, now: &Baseline, trust: Trust) -> Vec<Row> {
    let names: BTreeSet<&String> = before.counts.keys().chain(now.counts.keys()).collect();
    let row = |name: &String| {
        let (before, now) = (before.counts.get(name), now.counts.get(name));
        Row {
            name: name.clone(),
            before: before.copied(),
            now: now.copied(),
            change: change(before, now, trust),
        }
    };
    names.into_iter().map(row).collect()
}

fn change(before: Option<&Counts>, now: Option<&Counts>, trust: Trust) -> Change {
    let (before, now) = match (before, now) {
        (None, _) => return Change::New,
        (_, None) => return Change::Gone,
        (Some(before), Some(now)) => (before, now),
    };
    if now.allocations > before.allocations || now.allocated_bytes > before.allocated_bytes {
        return Change::Allocates;
    }
    let is_less = now.allocations < before.allocations;
    let instructions = (trust == Trust::All)
        .then(|| before.instructions.zip(now.instructions))
        .flatten();
    match instructions {
        Some((before, now)) if exceeds(now, before) => Change::Grew,
        Some((before, now)) if is_less || exceeds(before, now) => Change::Less,
        None if is_less => Change::Less,
        _ => Change::Same,
    }
}

/// Whether one is greater than the other by more than may be.
const fn exceeds(greater: u64, less: u64) -> bool {
    greater as u128 * 100 > less as u128 * (100 + GROWTH_PERCENT_MAX) as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Counts = Counts {
        instructions: Some(1_000),
        allocations: 3,
        allocated_bytes: 100,
    };

    fn baseline(made_with: &str, counts: &[(&str, Counts)]) -> Baseline {
        Baseline {
            made_with: made_with.to_owned(),
            counts: counts
                .iter()
                .map(|(name, counts)| ((*name).to_owned(), *counts))
                .collect(),
        }
    }

    fn change_to(now: Counts, trust: Trust) -> Change {
        change(Some(&BEFORE), Some(&now), trust)
    }

    fn instructions(instructions: u64) -> Counts {
        Counts {
            instructions: Some(instructions),
            ..BEFORE
        }
    }

    #[test]
    fn instructions_may_grow_up_to_the_limit_and_not_beyond() {
        for (now, expected) in [
            (1_000, Change::Same),
            (1_050, Change::Same),
            (1_051, Change::Grew),
            (960, Change::Same),
            (900, Change::Less),
        ] {
            assert_eq!(change_to(instructions(now), Trust::All), expected, "{now}");
        }
    }

    #[test]
    fn a_single_allocation_more_is_too_much_whatever_the_compiler() {
        let more = Counts {
            allocations: 4,
            ..BEFORE
        };
        let larger = Counts {
            allocated_bytes: 101,
            ..BEFORE
        };
        let fewer = Counts {
            allocations: 2,
            ..BEFORE
        };
        for trust in [Trust::All, Trust::AllocationsAlone] {
            assert_eq!(change_to(more, trust), Change::Allocates);
            assert_eq!(change_to(larger, trust), Change::Allocates);
            assert_eq!(change_to(fewer, trust), Change::Less);
        }
    }

    #[test]
    fn instructions_of_another_compiler_or_none_are_not_judged() {
        let before = baseline("rustc 1", &[("a", BEFORE)]);
        let other = baseline("rustc 2", &[("a", instructions(9_000))]);
        let uncounted = Counts {
            instructions: None,
            ..BEFORE
        };
        let uncounted = baseline("rustc 1", &[("a", uncounted)]);
        for now in [other, uncounted] {
            let trust = Trust::between(&before, &now);
            assert_eq!(trust, Trust::AllocationsAlone);
            assert!(!compare(&before, &now, trust)[0].is_failure());
        }
        let same = baseline("rustc 1", &[("a", instructions(9_000))]);
        let trust = Trust::between(&before, &same);
        assert!(compare(&before, &same, trust)[0].is_failure());
    }

    #[test]
    fn work_that_comes_or_goes_must_be_accepted() {
        let before = baseline("x", &[("gone", BEFORE), ("same", BEFORE)]);
        let now = baseline("x", &[("same", BEFORE), ("new", BEFORE)]);
        let rows = compare(&before, &now, Trust::All);
        let changes: Vec<_> = rows
            .iter()
            .map(|row| (row.name.as_str(), row.change))
            .collect();
        let expected = [
            ("gone", Change::Gone),
            ("new", Change::New),
            ("same", Change::Same),
        ];
        assert_eq!(changes, expected);
        assert_eq!(rows.iter().filter(|row| row.is_failure()).count(), 2);
    }
}
